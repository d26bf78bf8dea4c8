package commands_test

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"finest/commands"
)

// inProcess runs a command line in this process.
func inProcess(args ...string) (code int, stdout, stderr string) {
	var out, errs bytes.Buffer
	err := commands.Run(context.Background(), append([]string{"finest"}, args...), commands.Streams{Out: &out, Err: &errs})
	return commands.ExitCode(err), out.String(), errs.String()
}

// TestHelp asks every command for help: what it is for, an example that begins
// with its name, and the exit codes it promises.
func TestHelp(t *testing.T) {
	tests := []struct {
		command string
		codes   []string
	}{
		{"refine", []string{"0", "1", "2", "10", "130"}},
		{"verify", []string{"0", "1", "2", "4", "130"}},
		{"eval", []string{"0", "1", "2", "4", "10", "130"}},
		{"eval calibrate", []string{"0", "1", "2", "130"}},
		{"mine", []string{"0", "1", "2", "3", "10", "130"}},
		{"validate", []string{"0", "1", "2", "10", "130"}},
		{"task-server serve", []string{"0", "1", "2", "10", "130"}},
		{"task-server import", []string{"0", "1", "2", "130"}},
		{"task-server check", []string{"0", "1", "2", "4", "130"}},
		{"task-server backup", []string{"0", "1", "2", "130"}},
		{"task-server admin requeue", []string{"0", "1", "2", "130"}},
		{"task-server admin ban", []string{"0", "1", "2", "130"}},
		{"task-server admin clear", []string{"0", "1", "2", "130"}},
		{"task-server admin retire", []string{"0", "1", "2", "130"}},
		{"inspect-commit", []string{"0", "1", "2", "130"}},
		{"hub pull", []string{"0", "1", "2", "4", "130"}},
		{"hub serve", []string{"0", "1", "2", "130"}},
		{"assets list", []string{"0", "1", "2", "130"}},
		{"assets check", []string{"0", "1", "2", "4", "130"}},
		{"assets pull", []string{"0", "1", "2", "4", "10", "130"}},
		{"devnet", []string{"0", "1", "2", "130"}},
		{"wallet new", []string{"0", "1", "2", "130"}},
		{"wallet list", []string{"0", "1", "2", "130"}},
		{"wallet show", []string{"0", "1", "2", "130"}},
		{"wallet sign", []string{"0", "1", "2", "130"}},
		{"wallet verify", []string{"0", "1", "2", "4", "130"}},
		{"wallet regen", []string{"0", "1", "2", "130"}},
		{"selftest", []string{"0", "1", "2", "4", "130"}},
	}
	for _, tt := range tests {
		t.Run(tt.command, func(t *testing.T) {
			code, help, stderr := inProcess(append(strings.Fields(tt.command), "--help")...)
			if code != commands.ExitOK || stderr != "" {
				t.Fatalf("exit code %d, stderr %q", code, stderr)
			}
			for _, asked := range [][]string{append([]string{"help"}, strings.Fields(tt.command)...), append(strings.Fields(tt.command), "-h")} {
				if _, same, _ := inProcess(asked...); same != help {
					t.Errorf("%q prints another help", asked)
				}
			}
			if !strings.Contains(help, "EXAMPLE\n      finest "+tt.command+" ") {
				t.Errorf("no example of %s in\n%s", tt.command, help)
			}
			if got := exitCodes(help); !slices.Equal(got, tt.codes) {
				t.Errorf("exit codes %q, want %q", got, tt.codes)
			}
			prose, _, _ := strings.Cut(help, "\n   EXAMPLE")
			for line := range strings.Lines(prose) {
				if utf8.RuneCountInString(line) > 90 {
					t.Errorf("a line too long to read: %s", line)
				}
			}
			for _, flag := range []string{"--config", "--json", "--quiet", "--log-level"} {
				if !strings.Contains(help, "\n   "+flag+" ") {
					t.Errorf("no flag %s", flag)
				}
			}
		})
	}
}

// exitCodes returns the first words of the EXIT STATUS block.
func exitCodes(help string) []string {
	_, block, _ := strings.Cut(help, "EXIT STATUS\n")
	block, _, _ = strings.Cut(block, "\n\n")
	var codes []string
	for line := range strings.Lines(block) {
		codes = append(codes, strings.Fields(line)[0])
	}
	return codes
}

func TestHelpNamesAllCommands(t *testing.T) {
	for _, args := range [][]string{nil, {"--help"}, {"-h"}, {"help"}} {
		code, help, _ := inProcess(args...)
		if code != commands.ExitOK {
			t.Errorf("finest %q: exit code %d", args, code)
		}
		for _, name := range []string{"refine", "verify", "eval", "mine", "validate", "task-server", "inspect-commit", "hub", "devnet", "wallet", "selftest"} {
			if !strings.Contains(help, "\n   "+name+" ") {
				t.Errorf("finest %q does not name %s", args, name)
			}
		}
	}
	for _, args := range [][]string{{"task-server"}, {"help", "task-server"}} {
		code, help, _ := inProcess(args...)
		if code != commands.ExitOK || !strings.Contains(help, "\n   serve ") || !strings.Contains(help, "\n   import ") {
			t.Errorf("finest %q: exit code %d and\n%s", args, code, help)
		}
	}
}

func TestVersion(t *testing.T) {
	want := fmt.Sprintf("finest %s\n", commands.Version())
	for _, word := range []string{"version", "--version", "-version"} {
		if code, out, _ := inProcess(word); code != commands.ExitOK || out != want {
			t.Errorf("finest %s: exit code %d, %q", word, code, out)
		}
	}
}
