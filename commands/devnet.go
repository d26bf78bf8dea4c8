package commands

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math"
	"os"
	"time"

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
one scored round. Its folder stays, so that finest inspect-commit can explain
each claim afterwards.

With --prepare it only makes the folder, for running the roles one by one.`,
		example: "finest devnet --once",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags: []cliFlag{
			boolFlag("once", "end after one scored round"),
			boolFlag("prepare", "make the folder with chain, hub, keys and tasks, and exit"),
			stringFlag("warc", sampleDir, "`FILE|DIR` to cut into tasks: a WARC file or a folder of them"),
			stringFlag("data-dir", "", "`FOLDER` of the devnet, empty or missing (default: a temporary one)"),
			intFlag("every-blocks", 4, "least `NUMBER` of blocks between two settings of weights"),
			durationFlag("block-time", devnet.DefaultBlockTime, "`TIME` of a block"),
			workersFlag(),
		},
		logLevel: "warn",
		run:      runDevnet,
	}
}

func runDevnet(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	if c.Duration("block-time") < 10*time.Millisecond {
		return usageError("--block-time %s: at least 10ms are needed", c.Duration("block-time"))
	}
	every, err := number(c.Context, "every-blocks", 1, math.MaxInt32)
	if err != nil {
		return err
	}
	workers, err := number(c.Context, "workers", 1, math.MaxInt32)
	if err != nil {
		return err
	}
	dir := c.String("data-dir")
	if dir == "" {
		if dir, err = os.MkdirTemp("", "finest-devnet-"); err != nil {
			return err
		}
	}
	layout, err := devnet.Prepare(c.Context.Context, dir, []string{c.String("warc")}, c.Duration("block-time"))
	if errors.Is(err, fs.ErrNotExist) && !c.IsSet("warc") {
		return withHint(err, "make sample packs pages to start with")
	}
	if err != nil {
		return err
	}
	if c.Bool("prepare") {
		return c.out.result(prepareResult{layout.Dir, layout.Config()}, func(w io.Writer) { printPrepared(w, layout) })
	}
	c.out.note("devnet in %s", layout.Dir)
	start := time.Now()
	err = devnet.Run(c.Context.Context, layout, devnet.Options{
		EveryBlocks: uint64(every), BlockTime: c.Duration("block-time"), Workers: workers, Once: c.Bool("once"), Log: c.log,
		OnEvent: func(line string) { c.out.note("%6.1f s  %s", time.Since(start).Seconds(), line) },
		OnRound: func(r devnet.Round) {
			c.out.note("%6.1f s  weights set in block %d", time.Since(start).Seconds(), r.Block)
			if !c.Bool("once") || r.Settled {
				_ = printRoundLines(c.out, r)
			}
		},
	})
	if err != nil {
		return err
	}
	c.out.note("\nfinest inspect-commit --config %s UID tells the story of a claim", layout.Config())
	return nil
}

type prepareResult struct {
	Dir    string `json:"dir"`
	Config string `json:"config"`
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

func printPrepared(w io.Writer, l devnet.Layout) {
	fmt.Fprintf(w, `devnet prepared in %[1]s; run the roles one by one:

  finest task-server serve --config %[2]s --wallet.hotkey owner
  finest mine --once       --config %[2]s --wallet.hotkey honest --repo honest/finest
  finest validate --once   --config %[2]s --wallet.hotkey validator
`, l.Dir, l.Config())
}
