package commands

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"

	"finest/pipeline/shard/guard"
	"finest/roles/devnet"
)

// sampleDir is where make sample puts its pages.
const sampleDir = "sample"

func devnetSpec() spec {
	return spec{
		name: "devnet", summary: "run a whole network on loopback, with honest and cheating miners",
		about: `
Runs chain, hub, WARC server, task server, two validators and six miners in one
process, with no account and no network. The input is cut into one WARC file per
miner; two are honest, four cheat in different ways. With --once it ends after
one scored round. The chain speaks the wire of Bittensor, the hub that of the
Hugging Face Hub: with --chain-addr and --hub-addr other programs find them at
addresses of your choice.

With --no-actors it runs chain, hub, WARC server and task server alone, in a new
folder or in that of an earlier devnet, and prints the commands to run the roles
one by one, or to have finest inspect-commit explain what was claimed.`,
		example: "finest devnet --once",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: []cliFlag{
			boolFlag("once", "end after one scored round"),
			boolFlag("no-actors", "run the services alone, for roles that are run by hand"),
			stringFlag("chain-addr", "", "`HOST:PORT` on loopback that the chain listens on (default: a free port)"),
			stringFlag("hub-addr", "", "`HOST:PORT` on loopback that the hub listens on (default: a free port)"),
			stringFlag("warc", sampleDir, "`FILE|DIR` to cut into tasks: a WARC file or a folder of them"),
			stringFlag("data-dir", "", "`FOLDER` of the devnet, empty or missing, or with --no-actors an earlier one (default: a temporary one)"),
			intFlag("every-blocks", 4, "least `NUMBER` of blocks between two settings of weights"),
			durationFlag("block-time", devnet.DefaultBlockTime, "`TIME` of a block, in whole milliseconds"),
			workersFlag(),
		},
		logLevel: "warn",
		run:      runDevnet,
	}
}

func runDevnet(c *invocation) error {
	options, err := devnetOptions(c)
	if err != nil {
		return err
	}
	layout, err := devnetFolder(c)
	if err != nil {
		return err
	}
	if c.Bool("no-actors") {
		return serveDevnet(c, layout, options)
	}
	c.out.note("devnet in %s", layout.Dir)
	start := time.Now()
	options.OnEvent = func(line string) { c.out.note("%6.1f s  %s", time.Since(start).Seconds(), line) }
	options.OnRound = func(r devnet.Round) {
		c.out.note("%6.1f s  weights set in block %d", time.Since(start).Seconds(), r.Block)
		if !c.Bool("once") || r.Settled {
			_ = printRoundLines(c.out, r)
		}
	}
	if err := devnet.Run(c.Context.Context, layout, options); err != nil {
		return err
	}
	c.out.note("\nits chain and hub run on with finest devnet --no-actors --data-dir %s; then\nfinest inspect-commit --config %s UID tells the story of a claim", layout.Dir, layout.Config())
	return nil
}

func devnetOptions(c *invocation) (o devnet.Options, err error) {
	if err := noArguments(c.Context); err != nil {
		return o, err
	}
	for _, service := range []struct{ flag, why string }{
		{"chain-addr", "everybody who reaches the chain may change it"}, {"hub-addr", everyTokenMayWrite},
	} {
		if addr := c.String(service.flag); addr != "" {
			if err := onLoopback(service.flag, addr, service.why); err != nil {
				return o, err
			}
		}
	}
	if c.Bool("once") && c.Bool("no-actors") {
		return o, usageError("devnet: without actors there is no round to end after: --once or --no-actors")
	}
	every, err := number(c.Context, "every-blocks", 1, math.MaxInt32)
	if err != nil {
		return o, err
	}
	workers, err := number(c.Context, "workers", 1, math.MaxInt32)
	if err != nil {
		return o, err
	}
	return devnet.Options{
		ChainAddr: c.String("chain-addr"), HubAddr: c.String("hub-addr"), Guard: &guard.Guard{},
		EveryBlocks: uint64(every), Workers: workers, Once: c.Bool("once"), Log: c.log,
	}, nil
}

// devnetFolder makes the folder of a devnet, or without actors finds it.
func devnetFolder(c *invocation) (devnet.Layout, error) {
	blockTime := c.Duration("block-time")
	if blockTime < 10*time.Millisecond {
		return devnet.Layout{}, usageError("--block-time %s: at least 10ms are needed", blockTime)
	}
	dir := c.String("data-dir")
	if dir == "" {
		var err error
		if dir, err = os.MkdirTemp("", "finest-devnet-"); err != nil {
			return devnet.Layout{}, err
		}
	} else if c.Bool("no-actors") {
		layout, err := devnet.Open(dir)
		if err == nil && c.IsSet("block-time") && layout.BlockTime != blockTime {
			err = usageError("--block-time %s: the devnet in %s has blocks of %s", blockTime, layout.Dir, layout.BlockTime)
		}
		if !errors.Is(err, fs.ErrNotExist) {
			return layout, err
		}
	}
	layout, err := devnet.Prepare(c.Context.Context, devnet.Layout{Dir: dir, BlockTime: blockTime.Truncate(time.Millisecond)}, []string{c.String("warc")})
	switch {
	case errors.Is(err, fs.ErrNotExist) && !c.IsSet("warc"):
		return layout, withHint(err, "make sample packs pages to start with")
	case errors.Is(err, devnet.ErrNotEmpty) && !c.Bool("no-actors"):
		return layout, withHint(err, "--no-actors goes on with an earlier devnet")
	}
	return layout, err
}

// servicesResult is what devnet --no-actors --json prints: one object.
type servicesResult struct {
	Dir        string `json:"dir"`
	Config     string `json:"config"`
	Chain      string `json:"chain"`
	Hub        string `json:"hub"`
	Files      string `json:"files"`
	TaskServer string `json:"task_server"`
}

func serveDevnet(c *invocation, l devnet.Layout, o devnet.Options) error {
	err := devnet.Serve(c.Context.Context, l, o, func(s devnet.Services) error {
		return c.out.result(servicesResult{l.Dir, l.Config(), s.Chain, s.Hub, s.Files, s.Tasks}, func(w io.Writer) { printServices(w, l, s) })
	})
	return errors.Join(err, c.Context.Err())
}

func printRoundLines(out *printer, r devnet.Round) error {
	if out.json {
		for _, line := range r.Lines {
			if err := out.result(line, nil); err != nil {
				return err
			}
		}
		return nil
	}
	return out.result(nil, func(w io.Writer) {
		rows := [][]string{{"actor", "uid", "verdict", "elapsed", "work", "timeliness", "score", "weight"}}
		for _, l := range r.Lines {
			rows = append(rows, []string{
				l.Actor, fmt.Sprint(l.UID), l.Verdict, fmt.Sprint(l.Elapsed), byteCount(l.Work), fmt.Sprintf("%.2f", l.Timeliness),
				fmt.Sprintf("%.0f", l.Score), fmt.Sprint(l.Weight),
			})
		}
		fmt.Fprintln(w)
		printTable(w, []bool{false, true, false, true, true, true, true, true}, rows)
		for _, l := range r.Lines {
			fmt.Fprintf(w, "\n%s, %s:\n  %s\n", l.Actor, l.Verdict, l.Reason)
		}
	})
}

func printServices(w io.Writer, l devnet.Layout, s devnet.Services) {
	fmt.Fprintf(w, `devnet in %[1]s, until it is interrupted: chain %[3]s, hub %[4]s, WARC files %[5]s, task server %[6]s
run the roles one by one:

  finest mine --once       --config %[2]s --wallet.hotkey honest --repo honest/finest
  finest validate --once   --config %[2]s --wallet.hotkey validator
  finest inspect-commit    --config %[2]s %[7]d
  finest hub pull          --config %[2]s honest/finest --out copy
`, l.Dir, l.Config(), s.Chain, s.Hub, s.Files, s.Tasks, devnet.UID("honest"))
}
