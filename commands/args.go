package commands

import (
	"fmt"
	"maps"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

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
	out, rest := []string{args[0]}, commandWords(args[1:])
	commands, flags, path, runs := app.Commands, app.Flags, "", false
	for len(rest) > 0 {
		next := findCommand(commands, rest[0])
		if next == nil {
			break
		}
		out, rest = append(out, rest[0]), rest[1:]
		commands, flags, path, runs = next.Subcommands, next.Flags, strings.TrimSpace(path+" "+next.Name), next.Action != nil
	}
	known := flagTable(flags)
	if err := readEnv(known); err != nil {
		return nil, err
	}
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
				return nil, usageError("%s--%s needs a value", scope(path), flag.name)
			}
			value, hasValue, rest = rest[0], true, rest[1:]
		}
		if hasValue {
			if err := flag.check(value); err != nil {
				return nil, usageError("%s--%s: %w", scope(path), flag.name, err)
			}
			out = append(out, "--"+flag.name+"="+value)
		} else {
			out = append(out, "--"+flag.name)
		}
	}
	if len(positional) > 0 {
		if len(commands) > 0 && !runs {
			return nil, unknownCommand(path, positional[0], commands)
		}
		out = append(append(out, "--"), positional...)
	}
	return out, nil
}

// commandWords spells what people try first as flags: finest help COMMAND and
// finest version.
func commandWords(words []string) []string {
	switch {
	case len(words) > 0 && words[0] == "help":
		return append(slices.Clone(words[1:]), "--help")
	case len(words) == 1 && words[0] == "version":
		return []string{"--version"}
	}
	return words
}

type flagEntry struct {
	name   string
	isBool bool
	env    []string
	// check says what is wrong with a value.
	check func(value string) error
}

// isSetting reports whether environment and configuration may set the flag, too:
// what makes sense for one call alone has no variable.
func (f flagEntry) isSetting() bool { return len(f.env) > 0 }

func flagTable(flags []cli.Flag) map[string]flagEntry {
	help := flagEntry{name: "help", isBool: true, check: checkBool}
	table := map[string]flagEntry{"help": help, "h": help}
	for _, f := range flags {
		entry := flagEntry{name: f.Names()[0], check: func(string) error { return nil }}
		switch f := f.(type) {
		case *cli.StringFlag:
			entry.env = f.EnvVars
		case *cli.StringSliceFlag:
			entry.env = f.EnvVars
		case *cli.BoolFlag:
			entry.isBool, entry.env, entry.check = true, f.EnvVars, checkBool
		case *cli.IntFlag:
			entry.env, entry.check = f.EnvVars, checkInt
		case *cli.DurationFlag:
			entry.env, entry.check = f.EnvVars, checkDuration
		}
		for _, name := range f.Names() {
			table[canonicalFlag(name)] = entry
		}
	}
	return table
}

// readEnv looks at the environment before the library does, to say what is wrong
// as for flags, and to forget what is empty: the library would take it for a
// value.
func readEnv(known map[string]flagEntry) error {
	for _, key := range slices.Sorted(maps.Keys(known)) {
		for _, name := range known[key].env {
			value, ok := os.LookupEnv(name)
			if !ok {
				continue
			}
			if value == "" {
				if err := os.Unsetenv(name); err != nil {
					return err
				}
				continue
			}
			if err := known[key].check(value); err != nil {
				return usageError("environment variable %s: %w", name, err)
			}
			break // the library takes the first that is set
		}
	}
	return nil
}

func checkBool(value string) error {
	if _, err := strconv.ParseBool(value); err != nil {
		return fmt.Errorf("%q is neither true nor false", value)
	}
	return nil
}

func checkInt(value string) error {
	if _, err := strconv.ParseInt(value, 0, strconv.IntSize); err != nil {
		return fmt.Errorf("%q is not a whole number", value)
	}
	return nil
}

func checkDuration(value string) error {
	if _, err := time.ParseDuration(value); err != nil {
		return fmt.Errorf("%q is not a time such as 250ms or 2s", value)
	}
	return nil
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
	err := usageError("%sunknown flag --%s", scope(path), name)
	var names []string
	for _, f := range known {
		names = append(names, f.name)
	}
	if near := nearest(name, names); near != "" {
		return withHint(err, "did you mean --%s?", near)
	}
	if path == "" {
		return withHint(err, "the flags of a command stand behind its name")
	}
	return withHint(err, "%s --help lists the flags", program(path))
}

func unknownCommand(path, name string, commands []*cli.Command) error {
	err := usageError("%sunknown command %q", scope(path), name)
	var names []string
	for _, c := range commands {
		names = append(names, c.Name)
	}
	if near := nearest(name, names); near != "" {
		return withHint(err, "did you mean %s %s?", program(path), near)
	}
	return withHint(err, "%s --help lists the commands", program(path))
}

// scope begins a message about the command at path, program a line to type.
func scope(path string) string {
	if path == "" {
		return ""
	}
	return path + ": "
}

func program(path string) string { return strings.TrimSpace("finest " + path) }

func commandPath(c *cli.Context) string { return strings.TrimPrefix(c.Command.HelpName, "finest ") }

// nearest returns the name that is closest to word: at most two edits away, and
// one in three letters; else "".
func nearest(word string, names []string) string {
	slices.Sort(names)
	best, bestDistance := "", 1+min(2, len(word)/3)
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
		return "", usageError("%s: %s is missing", commandPath(c), what)
	}
	return "", usageError("%s: one %s expected, %d given", commandPath(c), what, c.NArg())
}

// noArguments refuses arguments.
func noArguments(c *cli.Context) error {
	if c.NArg() > 0 {
		return usageError("%s: unexpected argument %q", commandPath(c), c.Args().First())
	}
	return nil
}

// required returns a flag's value or names the flag, its environment variable
// and its key in the configuration.
func required(c *cli.Context, name string) (string, error) {
	if v := c.String(name); v != "" {
		return v, nil
	}
	return "", usageError("%s: --%s is missing", commandPath(c), name)
}

// number returns a flag's value, which must not be less than least or more than
// most.
func number(c *cli.Context, name string, least, most int) (int, error) {
	switch n := c.Int(name); {
	case n < least:
		return 0, usageError("--%s %d: at least %d is needed", name, n, least)
	case n > most:
		return 0, usageError("--%s %d: at most %d is allowed", name, n, most)
	default:
		return n, nil
	}
}

// serverURL returns the address of the task server, "" without one.
func serverURL(c *cli.Context) (string, error) {
	text := c.String("task-server")
	if text == "" {
		return "", nil
	}
	u, err := url.Parse(text)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" {
		return "", usageError("--task-server %q is no http or https URL", text)
	}
	return text, nil
}
