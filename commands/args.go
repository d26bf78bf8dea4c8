package commands

import (
	"slices"
	"strings"

	"github.com/urfave/cli/v2"
)

// canonicalFlag folds the spellings of a flag: Bittensor's tools write
// wallet.name in one place and wallet_name in another.
func canonicalFlag(name string) string {
	return strings.NewReplacer(".", "-", "_", "-").Replace(strings.ToLower(name))
}

// arrange rewrites a command line so that flags may stand anywhere and in any
// accepted spelling: the command's path, its flags as declared, "--", then the
// arguments. An unknown flag is an error that names it.
func arrange(app *cli.App, args []string) ([]string, error) {
	if len(args) == 0 {
		return args, nil
	}
	out, rest := []string{args[0]}, args[1:]
	commands, flags, path := app.Commands, app.Flags, app.Name
	for len(rest) > 0 {
		next := findCommand(commands, rest[0])
		if next == nil {
			break
		}
		out, rest = append(out, rest[0]), rest[1:]
		commands, flags, path = next.Subcommands, next.Flags, path+" "+next.Name
	}
	known := flagTable(flags)
	var positional []string
	for len(rest) > 0 {
		token := rest[0]
		rest = rest[1:]
		if token == "--" {
			positional = append(positional, rest...)
			break
		}
		if len(token) < 2 || token[0] != '-' {
			positional = append(positional, token)
			continue
		}
		name, value, hasValue := strings.Cut(strings.TrimLeft(token, "-"), "=")
		flag, ok := known[canonicalFlag(name)]
		if !ok && token[1] != '-' && len(name) > 1 && !hasValue {
			// -j4 is -j 4.
			if f, short := known[name[:1]]; short && !f.isBool {
				flag, ok, name, value, hasValue = f, true, name[:1], name[1:], true
			}
		}
		if !ok {
			return nil, unknownFlag(path, name, known)
		}
		if !hasValue && !flag.isBool {
			if len(rest) == 0 {
				return nil, usageError("%s: flag --%s needs a value", path, flag.name)
			}
			value, hasValue, rest = rest[0], true, rest[1:]
		}
		if hasValue {
			out = append(out, "--"+flag.name+"="+value)
		} else {
			out = append(out, "--"+flag.name)
		}
	}
	if len(positional) > 0 {
		if len(commands) > 0 {
			return nil, unknownCommand(path, positional[0], commands)
		}
		out = append(append(out, "--"), positional...)
	}
	return out, nil
}

type flagEntry struct {
	name   string
	isBool bool
}

func flagTable(flags []cli.Flag) map[string]flagEntry {
	table := map[string]flagEntry{"help": {"help", true}, "h": {"help", true}}
	for _, f := range flags {
		_, isBool := f.(*cli.BoolFlag)
		for _, name := range f.Names() {
			table[canonicalFlag(name)] = flagEntry{f.Names()[0], isBool}
		}
	}
	return table
}

func findCommand(commands []*cli.Command, name string) *cli.Command {
	for _, c := range commands {
		if c.HasName(name) {
			return c
		}
	}
	return nil
}

func unknownFlag(path, name string, known map[string]flagEntry) error {
	err := usageError("%s: unknown flag --%s", path, name)
	var names []string
	for _, f := range known {
		names = append(names, f.name)
	}
	if near := nearest(name, names); near != "" {
		return withHint(err, "did you mean --%s?", near)
	}
	return withHint(err, "%s --help lists the flags", path)
}

func unknownCommand(path, name string, commands []*cli.Command) error {
	err := usageError("%s: unknown command %q", path, name)
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	if near := nearest(name, names); near != "" {
		return withHint(err, "did you mean %s %s?", path, near)
	}
	return withHint(err, "%s --help lists the commands", path)
}

// nearest returns the name at most two edits away from word, or "".
func nearest(word string, names []string) string {
	slices.Sort(names)
	best, bestDistance := "", 3
	for _, name := range slices.Compact(names) {
		if d := editDistance(canonicalFlag(word), canonicalFlag(name)); d < bestDistance {
			best, bestDistance = name, d
		}
	}
	return best
}

// editDistance is Levenshtein's.
func editDistance(a, b string) int {
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := 1; i <= len(a); i++ {
		diagonal := row[0]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := diagonal
			if a[i-1] != b[j-1] {
				cost = 1 + min(diagonal, row[j], row[j-1])
			}
			diagonal, row[j] = row[j], cost
		}
	}
	return row[len(b)]
}

// oneArgument returns the only argument of a command.
func oneArgument(c *cli.Context, what string) (string, error) {
	switch c.NArg() {
	case 1:
		return c.Args().First(), nil
	case 0:
		return "", usageError("%s: %s is missing", c.Command.HelpName, what)
	}
	return "", usageError("%s: one %s expected, %d given", c.Command.HelpName, what, c.NArg())
}

// noArguments refuses arguments.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageError("%s: unexpected argument %q", c.Command.HelpName, c.Args().First())
	}
	return nil
}

// required returns a flag's value or names the flag, its environment variable
// and its key in the configuration.
func required(c *cli.Context, name string) (string, error) {
	if v := c.String(name); v != "" {
		return v, nil
	}
	return "", usageError("%s: --%s is missing", c.Command.HelpName, name)
}
