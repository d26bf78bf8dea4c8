package commands

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/urfave/cli/v2"
)

const exampleFile = "../config.example.toml"

// Settings of the example are commented out without a space, prose with one.
var commentedOut = regexp.MustCompile(`(?m)^#([a-z])`)

// example returns the example, and the same with every setting in force.
func example(t *testing.T) (asIs, uncommented []byte) {
	t.Helper()
	asIs, err := os.ReadFile(exampleFile)
	if err != nil {
		t.Fatal(err)
	}
	return asIs, commentedOut.ReplaceAll(asIs, []byte("$1"))
}

// leaves returns the commands that do something, by path.
func leaves(path string, commands []*cli.Command) map[string]*cli.Command {
	out := make(map[string]*cli.Command)
	for _, c := range commands {
		name := strings.TrimSpace(path + " " + c.Name)
		if c.Action != nil {
			out[name] = c
		}
		for sub, command := range leaves(name, c.Subcommands) {
			out[sub] = command
		}
	}
	return out
}

func exampleApp() *cli.App {
	return newApp(Streams{Out: io.Discard, Err: io.Discard}, func(*printer) {})
}

// The example sets nothing as it is, and names every flag of every command.
func TestExampleNamesEveryFlag(t *testing.T) {
	asIs, uncommented := example(t)
	if settings, err := parseConfig(exampleFile, asIs); err != nil || len(settings) > 0 {
		t.Errorf("as it is the example sets %v, error %v", settings, err)
	}
	settings, err := parseConfig(exampleFile, uncommented)
	if err != nil {
		t.Fatal(err)
	}
	named := make(map[string]bool)
	for _, s := range settings {
		named[canonicalFlag(s.key)] = true
	}
	for path, c := range leaves("", exampleApp().Commands) {
		for _, f := range c.Flags {
			// A file cannot name the file to read.
			name := f.Names()[0]
			setting := flagTable([]cli.Flag{f})[canonicalFlag(name)].isSetting()
			if setting && name != "config" && !named[canonicalFlag(name)] {
				t.Errorf("finest %s: the example does not name --%s", path, name)
			}
		}
	}
}

// Every command takes the uncommented example, and what is announced as a
// default is the default of a command that has the flag.
func TestExampleLoads(t *testing.T) {
	_, uncommented := example(t)
	file := filepath.Join(t.TempDir(), "config.toml")
	if err := os.WriteFile(file, uncommented, 0o600); err != nil {
		t.Fatal(err)
	}
	settings, err := parseConfig(file, uncommented)
	if err != nil {
		t.Fatal(err)
	}
	isDefault := make(map[string]bool)
	for path := range leaves("", exampleApp().Commands) {
		app := exampleApp()
		command := leaves("", app.Commands)[path]
		command.Action = func(c *cli.Context) error {
			before := valuesOf(c)
			if err := applyConfig(c, app.Commands); err != nil {
				return err
			}
			for name, value := range valuesOf(c) {
				key := canonicalFlag(name)
				isDefault[key] = isDefault[key] || value == before[name]
			}
			return nil
		}
		args := append(append([]string{"finest"}, strings.Fields(path)...), "--config="+file)
		if err := app.RunContext(context.Background(), args); err != nil {
			t.Errorf("finest %s: %v", path, err)
		}
	}
	examples := []string{"assets", "workers", "runs", "netuid", "server-key"}
	for _, s := range settings {
		if key := canonicalFlag(s.key); !isDefault[key] && !slices.Contains(examples, key) {
			t.Errorf("%s = %s is the default of no command", s.key, s.values)
		}
	}
}

// valuesOf returns the values of a command's flags.
func valuesOf(c *cli.Context) map[string]string {
	values := make(map[string]string)
	for _, f := range c.Command.Flags {
		name := f.Names()[0]
		values[name] = fmt.Sprint(c.Value(name))
		if _, isList := f.(*cli.StringSliceFlag); isList {
			values[name] = strings.Join(c.StringSlice(name), " ")
		}
	}
	return values
}
