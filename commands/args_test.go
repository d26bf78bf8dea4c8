package commands

import (
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

func testApp() *cli.App {
	return &cli.App{Name: "finest", Commands: []*cli.Command{
		{Name: "mine", Flags: []cli.Flag{
			&cli.StringFlag{Name: "wallet.name"}, &cli.StringFlag{Name: "subtensor.chain_endpoint"},
			&cli.IntFlag{Name: "workers", Aliases: []string{"j"}}, &cli.BoolFlag{Name: "once"},
		}},
		{Name: "server", Subcommands: []*cli.Command{{Name: "serve", Flags: []cli.Flag{&cli.StringFlag{Name: "addr"}}}}},
	}}
}

func TestArrange(t *testing.T) {
	tests := []struct{ name, args, want string }{
		{"nothing", "finest", "finest"},
		{"flags after arguments", "finest mine a --once b", "finest mine --once -- a b"},
		{"value in the next word", "finest mine --wallet.name x", "finest mine --wallet.name=x"},
		{"underscores for dots", "finest mine --wallet_name x", "finest mine --wallet.name=x"},
		{"dashes for underscores", "finest mine --subtensor.chain-endpoint ws://d", "finest mine --subtensor.chain_endpoint=ws://d"},
		{"short flag", "finest mine -j 2 a", "finest mine --workers=2 -- a"},
		{"short flag with its value", "finest mine -j2 a", "finest mine --workers=2 -- a"},
		{"bool with a value", "finest mine --once=false", "finest mine --once=false"},
		{"everything after two dashes", "finest mine -- --once", "finest mine -- --once"},
		{"a value that looks like a flag", "finest mine --wallet.name --x", "finest mine --wallet.name=--x"},
		{"a lone dash is an argument", "finest mine -", "finest mine -- -"},
		{"subcommand", "finest server serve --addr :1", "finest server serve --addr=:1"},
		{"help", "finest mine -h", "finest mine --help"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got, err := arrange(testApp(), strings.Fields(tt.args))
			if err != nil {
				t.Fatal(err)
			}
			if want := strings.Fields(tt.want); !slices.Equal(got, want) {
				t.Errorf("arrange(%s) = %q, want %q", tt.args, got, want)
			}
		})
	}
}

func TestArrangeRefuses(t *testing.T) {
	tests := []struct{ name, args, want, hint string }{
		{"unknown flag", "finest mine --onse", "mine: unknown flag --onse", "did you mean --once?"},
		{"nothing near", "finest mine --frobnicate", "unknown flag --frobnicate", "finest mine --help lists the flags"},
		{"missing value", "finest mine --wallet.name", "mine: --wallet.name needs a value", ""},
		{"unknown command", "finest mime", `unknown command "mime"`, "did you mean finest mine?"},
		{"unknown subcommand", "finest server start", `server: unknown command "start"`, "--help lists the commands"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			_, err := arrange(testApp(), strings.Fields(tt.args))
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Fatalf("error %v, want it to contain %q", err, tt.want)
			}
			if ExitCode(err) != ExitUsage {
				t.Errorf("exit code %d, want %d", ExitCode(err), ExitUsage)
			}
			if got := hintOf(err); !strings.Contains(got, tt.hint) {
				t.Errorf("hint %q, want it to contain %q", got, tt.hint)
			}
		})
	}
}

func TestParseConfig(t *testing.T) {
	const text = `netuid = 63 # the subnet
hub = "file:hub"

[wallet]
name = "miner"

[subtensor]
chain_endpoint = "ws://chain"
`
	got, err := parseConfig("config.toml", []byte(text))
	if err != nil {
		t.Fatal(err)
	}
	want := []setting{
		{"netuid", 1, []string{"63"}}, {"hub", 2, []string{"file:hub"}},
		{"wallet.name", 5, []string{"miner"}}, {"subtensor.chain_endpoint", 8, []string{"ws://chain"}},
	}
	if !slices.EqualFunc(got, want, func(a, b setting) bool {
		return a.key == b.key && a.line == b.line && slices.Equal(a.values, b.values)
	}) {
		t.Errorf("parseConfig = %v, want %v", got, want)
	}
	for _, bad := range []string{"netuid = ", "netuid = 1\nnetuid = 2\n", "[wallet\n", "x = 2026-01-01\n"} {
		if _, err := parseConfig("config.toml", []byte(bad)); ExitCode(err) != ExitUsage || !strings.Contains(err.Error(), "config.toml") {
			t.Errorf("parseConfig(%q): error %v, want a usage error that names the file", bad, err)
		}
	}
}

func FuzzParseConfig(f *testing.F) {
	f.Add([]byte("a = 1\n[b]\nc = [1, 2]\n"))
	f.Add([]byte("[[a]]\nb.c = true\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		settings, err := parseConfig("config.toml", raw)
		if err != nil && ExitCode(err) != ExitUsage {
			t.Errorf("error %v is no usage error", err)
		}
		for _, s := range settings {
			if s.key == "" && len(s.values) == 0 {
				t.Errorf("empty setting from %q", raw)
			}
		}
	})
}
