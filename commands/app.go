// Package commands is the command line: one file per command, each turning
// flags, environment and configuration into the options of a role, calling it
// once and printing what it returns.
package commands

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"runtime/debug"
	"slices"
	"strings"

	"github.com/rs/zerolog"
	"github.com/urfave/cli/v2"

	"finest/chain"
	"finest/hub"
	"finest/hub/huggingface"
	"finest/pipeline/shard/guard"
	"finest/roles/evaluator/dataset"
)

// invocation is one run of a command: its flags and where it writes.
type invocation struct {
	*cli.Context
	out *printer
	log zerolog.Logger
}

// spec describes a command; its help text is made of it.
type spec struct {
	parent              string // the words before name, each followed by a space
	name, args, summary string
	about               string
	example             string
	exits               []int
	flags               []cli.Flag
	logLevel            string // default of --log-level, "" for info
	subspecs            []spec
	run                 func(*invocation) error
}

// command makes the command of root that s describes; started is told what it
// prints with.
func (s spec) command(root *cli.App, streams Streams, started func(*printer)) *cli.Command {
	c := &cli.Command{
		Name: s.name, Usage: s.summary, ArgsUsage: s.args,
		HideHelpCommand: true,
	}
	for _, sub := range s.subspecs {
		sub.parent = s.parent + s.name + " "
		c.Subcommands = append(c.Subcommands, sub.command(root, streams, started))
	}
	if s.run == nil {
		c.UsageText = "finest " + s.parent + s.name + " COMMAND [options] [arguments]"
		c.Description = strings.TrimSpace(s.about)
		return c
	}
	c.Description = strings.TrimSpace(s.about) + "\n\nEXAMPLE\n   " + strings.TrimSpace(s.example) + "\n\n" +
		exitStatus(append([]int{ExitOK}, s.exits...)...)
	c.Flags = append(s.flags, commonFlags(cmp.Or(s.logLevel, "info"))...)
	c.Action = func(ctx *cli.Context) error {
		if err := applyConfig(ctx, root.Commands); err != nil {
			return err
		}
		out := newPrinter(streams, ctx.Bool("json"), ctx.Bool("quiet"))
		started(out)
		log, err := out.logger(ctx.String("log-level"))
		if err != nil {
			return err
		}
		return s.run(&invocation{ctx, out, log})
	}
	return c
}

// Run runs the command line args, whose first element is the program's name.
// An error was shown to the user when Run returns it; ExitCode gives the code
// to end with.
func Run(ctx context.Context, args []string, streams Streams) error {
	if len(args) > 1 && args[1] == guard.Arg {
		return guarded(args[2:])
	}
	setMemoryPolicy()
	out := newPrinter(streams, slices.Contains(args, "--json"), false)
	err := run(ctx, args, streams, func(started *printer) { out = started })
	if ctx.Err() != nil && errors.Is(err, context.Canceled) {
		err = &codedError{code: ExitSignal, err: errors.New("stopped by a signal"), hint: hintOf(err)}
	}
	if err != nil {
		out.failure(err)
	}
	return err
}

// guarded is this program as the child of a role that has it read a stranger's
// file. What is wrong it tells its parent.
func guarded(args []string) error {
	if code := guard.Main(args, dataset.Guarded); code != ExitOK {
		return withCode(code, errors.New("the file was not read"))
	}
	return nil
}

func run(ctx context.Context, args []string, streams Streams, started func(*printer)) error {
	app := newApp(streams, started)
	arranged, err := arrange(app, args)
	if err != nil {
		return err
	}
	err = app.RunContext(ctx, arranged)
	if hint := hintFor(err); hint != "" && hintOf(err) == "" {
		err = withHint(err, "%s", hint)
	}
	return err
}

// hintFor returns what may help against errors that any command can meet, "" if
// nothing is known.
func hintFor(err error) string {
	var refused *huggingface.Error
	switch {
	case errors.Is(err, chain.ErrUnavailable):
		return "is the node up? the chain of a devnet is there while finest devnet runs"
	case errors.Is(err, huggingface.ErrOffline):
		return ""
	case errors.As(err, &refused) && refused.Status == http.StatusNotFound && refused.Code == "":
		return "is this the URL of a hub? a hub says in a header what it did not find"
	case errors.Is(err, hub.ErrNotFound) && refused != nil && (refused.Status == http.StatusUnauthorized || refused.Code == "RepoNotFound"):
		return "a private repository is found only with a token that may read it"
	case errors.Is(err, hub.ErrUnavailable):
		return "is the hub up? that of a devnet is there while finest devnet runs"
	}
	return ""
}

func newApp(streams Streams, started func(*printer)) *cli.App {
	app := cli.NewApp()
	app.Name = "finest"
	app.Usage = "turn raw Common Crawl into pretraining data that anyone can check"
	app.UsageText = "finest COMMAND [options] [arguments]"
	app.Version = Version()
	app.HideHelpCommand = true
	app.Writer, app.ErrWriter = streams.Out, streams.Err
	// Errors are shown and coded in one place, not by the library.
	app.ExitErrHandler = func(*cli.Context, error) {}
	app.OnUsageError = func(_ *cli.Context, err error, _ bool) error { return usageError("%w", err) }
	app.Flags = []cli.Flag{&cli.BoolFlag{Name: "version", Usage: "print the version and exit", DisableDefaultText: true}}
	app.HideVersion = true
	app.Action = func(c *cli.Context) error {
		if c.Bool("version") {
			_, err := fmt.Fprintln(streams.Out, "finest", app.Version)
			return err
		}
		return cli.ShowAppHelp(c)
	}
	for _, s := range []spec{
		refineSpec(), verifySpec(), evalSpec(), mineSpec(), validateSpec(), taskServerSpec(), inspectSpec(), hubSpec(), assetsSpec(), devnetSpec(), walletSpec(), selftestSpec(),
	} {
		app.Commands = append(app.Commands, s.command(app, streams, started))
	}
	for _, c := range flatten(app.Commands) {
		c.OnUsageError = app.OnUsageError
	}
	return app
}

// Version returns the version the binary was built as: the module's version or
// the commit it was built from.
func Version() string {
	info, ok := debug.ReadBuildInfo()
	if !ok {
		return "unknown"
	}
	if v := info.Main.Version; v != "" && v != "(devel)" {
		return v
	}
	for _, s := range info.Settings {
		if s.Key == "vcs.revision" {
			return "devel-" + s.Value[:min(12, len(s.Value))]
		}
	}
	return "devel"
}
