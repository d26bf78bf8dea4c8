package commands

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"

	"finest/chain/subtensor"
)

// TestChainEndpoints: a network is a name or a URL, nodes come before it, and
// what is typed comes before what the file says.
func TestChainEndpoints(t *testing.T) {
	finney, archive := subtensor.Networks["finney"], subtensor.Networks["archive"]
	const file = "[subtensor]\nchain_endpoint = [\"ws://file\"]\narchive_endpoint = [\"ws://old\"]\n"
	for name, tt := range map[string]struct {
		args, file         string
		endpoints, archive string
	}{
		"network":                      {"--subtensor.network finney", "", finney, archive},
		"network that is an archive":   {"--subtensor.network archive", "", archive, ""},
		"network by its URL":           {"--subtensor.network ws://node:9944/x?key=1", "", "ws://node:9944/x?key=1", ""},
		"node":                         {"--subtensor.chain_endpoint wss://node", "", "wss://node", ""},
		"nodes":                        {"--subtensor.chain_endpoint wss://a,ws://b --subtensor.chain-endpoint ws://c", "", "wss://a ws://b ws://c", ""},
		"nodes before a network":       {"--subtensor.network finney --subtensor.chain_endpoint ws://node", "", "ws://node", ""},
		"archive":                      {"--subtensor.network finney --subtensor.archive_endpoint ws://old", "", finney, "ws://old"},
		"file":                         {"", file, "ws://file", "ws://old"},
		"node before the file":         {"--subtensor.chain_endpoint ws://node", file, "ws://node", "ws://old"},
		"network before the file":      {"--subtensor.network finney", file, finney, archive},
		"network of the file's":        {"", "[subtensor]\nnetwork = \"test\"\n", subtensor.Networks["test"], ""},
		"network of the file, network": {"--subtensor.network local", "[subtensor]\nnetwork = \"test\"\n", subtensor.Networks["local"], ""},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "config.toml")
			if err := os.WriteFile(path, []byte(tt.file), 0o600); err != nil {
				t.Fatal(err)
			}
			app := exampleApp()
			command := leaves("", app.Commands)["validate"]
			var endpoints, old []string
			command.Action = func(c *cli.Context) (err error) {
				if err := applyConfig(c, app.Commands); err != nil {
					return err
				}
				endpoints, old, err = chainEndpoints(&invocation{Context: c})
				return err
			}
			args, err := arrange(app, append([]string{"finest", "validate", "--config", path}, strings.Fields(tt.args)...))
			if err != nil {
				t.Fatal(err)
			}
			if err := app.RunContext(context.Background(), args); err != nil {
				t.Fatal(err)
			}
			if !slices.Equal(endpoints, strings.Fields(tt.endpoints)) || !slices.Equal(old, strings.Fields(tt.archive)) {
				t.Errorf("nodes %q, archive %q, want %q, %q", endpoints, old, tt.endpoints, tt.archive)
			}
		})
	}
}
