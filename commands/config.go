package commands

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/pelletier/go-toml/v2"
	"github.com/pelletier/go-toml/v2/unstable"
	"github.com/urfave/cli/v2"
)

// defaultConfig is read where it exists; --config names another file.
const defaultConfig = "config.toml"

// setting is one key of a configuration file.
type setting struct {
	key    string
	line   int
	values []string
}

// applyConfig gives every flag that neither the command line nor the
// environment set the value of the configuration file. The file may hold the
// settings of all commands; a key that no command knows is an error.
func applyConfig(c *cli.Context, all []*cli.Command) error {
	path, explicit := c.String("config"), true
	if path == "" {
		path, explicit = defaultConfig, false
	}
	raw, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) && !explicit {
		return nil
	}
	if err != nil {
		return usageError("read configuration: %w", err)
	}
	settings, err := parseConfig(path, raw)
	if err != nil {
		return err
	}
	everywhere, here := make(map[string]flagEntry), flagTable(c.Command.Flags)
	for _, cmd := range flatten(all) {
		for key, entry := range flagTable(cmd.Flags) {
			if entry.isSetting() {
				everywhere[key] = entry
			}
		}
	}
	// A network that was named by flag or environment is not that of the nodes
	// which the file names.
	elsewhere := c.IsSet("subtensor.network")
	// The Hub's variables for a token come before the file, as all of them do.
	hasToken := slices.ContainsFunc(tokenVariables, func(name string) bool { return os.Getenv(name) != "" })
	for _, s := range settings {
		key := canonicalFlag(s.key)
		if _, ok := everywhere[key]; !ok {
			return unknownKey(path, s, everywhere)
		}
		flag, ok := here[key]
		if !ok || !flag.isSetting() || c.IsSet(flag.name) ||
			elsewhere && slices.Contains(nodeFlags, flag.name) || hasToken && flag.name == tokenFlag {
			continue
		}
		for _, v := range s.values {
			err := flag.check(v)
			if err == nil {
				err = c.Set(flag.name, v)
			}
			if err != nil {
				return usageError("%s:%d: %s: %w", path, s.line, s.key, err)
			}
		}
	}
	return nil
}

func unknownKey(path string, s setting, known map[string]flagEntry) error {
	err := usageError("%s:%d: unknown key %q", path, s.line, s.key)
	var names []string
	for _, f := range known {
		names = append(names, f.name)
	}
	if near := nearest(s.key, names); near != "" {
		return withHint(err, "did you mean %s?", near)
	}
	return withHint(err, "config.example.toml lists all keys")
}

func flatten(commands []*cli.Command) []*cli.Command {
	var out []*cli.Command
	for _, c := range commands {
		out = append(append(out, c), flatten(c.Subcommands)...)
	}
	return out
}

// parseConfig returns the settings in the order of the file; tables become
// prefixes, as in wallet.name.
func parseConfig(path string, raw []byte) ([]setting, error) {
	var values map[string]any
	if err := toml.Unmarshal(raw, &values); err != nil {
		var at *toml.DecodeError
		if errors.As(err, &at) {
			row, _ := at.Position()
			return nil, usageError("%s:%d: %w", path, row, err)
		}
		return nil, usageError("%s: %w", path, err)
	}
	flat := make(map[string][]string)
	if err := flattenTable("", values, flat); err != nil {
		return nil, usageError("%s: %w", path, err)
	}
	lines := keyLines(raw)
	var out []setting
	for key, v := range flat {
		out = append(out, setting{key, lines[key], v})
	}
	slices.SortFunc(out, func(a, b setting) int {
		if a.line != b.line {
			return a.line - b.line
		}
		return strings.Compare(a.key, b.key)
	})
	return out, nil
}

func flattenTable(prefix string, table map[string]any, out map[string][]string) error {
	for key, value := range table {
		name := prefix + key
		switch v := value.(type) {
		case map[string]any:
			if err := flattenTable(name+".", v, out); err != nil {
				return err
			}
		case []any:
			out[name] = []string{}
			for _, item := range v {
				out[name] = append(out[name], fmt.Sprint(item))
			}
		case string, bool, int64, float64:
			out[name] = []string{fmt.Sprint(v)}
		default:
			return fmt.Errorf("key %q: a %T cannot be a setting", name, value)
		}
	}
	return nil
}

// keyLines returns the line each key stands on. The text was parsed before, so
// it is well formed.
func keyLines(raw []byte) map[string]int {
	lines := make(map[string]int)
	var parser unstable.Parser
	parser.Reset(raw)
	prefix := ""
	for parser.NextExpression() {
		node := parser.Expression()
		name, line := "", 0
		for key := node.Key(); key.Next(); {
			part := key.Node()
			if name != "" {
				name += "."
			}
			name += string(part.Data)
			line = parser.Shape(part.Raw).Start.Line
		}
		switch node.Kind {
		case unstable.Table, unstable.ArrayTable:
			prefix = name + "."
		case unstable.KeyValue:
			lines[prefix+name] = line
		}
	}
	return lines
}
