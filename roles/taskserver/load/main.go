// Command load measures a task server over loopback: signed requests at fixed
// times, whatever the answers do (an open loop), from many hotkeys, while other
// connections stay half open. A latency counts from the time the request was
// meant to start, so a server that falls behind cannot hide it.
//
// It starts the server as a child process, over a new SQLite file or an empty
// PostgreSQL database, and a development chain in its own process that the
// server follows; nothing leaves the machine. Each hotkey leases the tasks of
// its slots and submits them once their claim may have a block.
//
// It shares the processors with the server, so it must take little itself: it
// writes requests to plain connections and reads of the answers what the next
// request needs. The report says how much processor time each of the two took.
package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"time"
)

// serveArg makes the program the server of a run instead of the run.
const serveArg = "serve"

// Exit codes, as those of finest.
const (
	exitDone = iota
	exitFailed
	exitUsage
)

func main() {
	if len(os.Args) == 2 && os.Args[1] == serveArg {
		os.Exit(exitCode(os.Stderr, serve(context.Background(), os.Stdin, os.Stdout)))
	}
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(400) // what the collector takes, the server lacks
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	code := command(ctx, os.Args[1:], os.Stdout, os.Stderr)
	stop()
	os.Exit(code)
}

// command is main with everything handed in.
func command(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	o, asJSON, err := parse(args, stderr)
	if errors.Is(err, flag.ErrHelp) {
		return exitDone
	}
	if err != nil {
		return exitUsage // the flag set said why
	}
	r, err := measure(ctx, o, stderr)
	if err != nil {
		return exitCode(stderr, err)
	}
	if asJSON {
		err = json.NewEncoder(stdout).Encode(r)
	} else {
		err = r.print(stdout)
	}
	return exitCode(stderr, cmp.Or(err, r.missed(o)))
}

func exitCode(stderr io.Writer, err error) int {
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "load:", err)
	return exitFailed
}

// options of a run.
type options struct {
	// rate is of all requests together, per second.
	rate     float64
	duration time.Duration
	hotkeys  int
	tasks    int
	halfOpen int
	// db is the URL of an empty PostgreSQL database; "" for a new SQLite file in a
	// new folder in dir, "" for that of temporary files.
	db, dir string
	// maxConnections is the server's limit; 0 for its default.
	maxConnections int
	// blockTime is that of the chain.
	blockTime time.Duration
	// p99 and growth are bars: the highest p99, and how many times the memory of
	// its start the server may hold at its end; 0 for none.
	p99    time.Duration
	growth float64
}

func parse(args []string, stderr io.Writer) (o options, asJSON bool, err error) {
	f := flag.NewFlagSet("load", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.Float64Var(&o.rate, "rate", 1500, "`REQUESTS` per second, of all hotkeys together")
	f.DurationVar(&o.duration, "duration", time.Minute, "`TIME` to send them for")
	f.IntVar(&o.hotkeys, "hotkeys", 200, "`NUMBER` of hotkeys that send them in turn")
	f.IntVar(&o.tasks, "tasks", 100_000, "`NUMBER` of tasks to import before")
	f.IntVar(&o.halfOpen, "half-open", 0, "`NUMBER` of connections from 127.0.0.2 that never finish a request")
	f.StringVar(&o.db, "db", "", "`URL` of an empty PostgreSQL database (default: a new SQLite file)")
	f.StringVar(&o.dir, "dir", "", "`FOLDER` for the SQLite file (default: that of temporary files)")
	f.IntVar(&o.maxConnections, "max-connections", 0, "`NUMBER` of connections that the server holds (default: the server's)")
	f.DurationVar(&o.blockTime, "block-time", 250*time.Millisecond, "`TIME` between two blocks of the chain")
	f.DurationVar(&o.p99, "p99", 0, "fail if the p99 is above this `TIME`")
	f.Float64Var(&o.growth, "growth", 0, "fail if the server's memory grows by more than this `FACTOR`")
	f.BoolVar(&asJSON, "json", false, "print one JSON object")
	if err := f.Parse(args); err != nil {
		return o, false, err
	}
	if err := o.validate(f.Args()); err != nil {
		fmt.Fprintln(stderr, "load:", err)
		return o, false, err
	}
	return o, asJSON, nil
}

// Limits of options: what one machine can do.
const (
	maxRate     = 100_000
	maxRequests = 50_000_000
	maxHotkeys  = 256 // uids of a subnet
	maxTasks    = 1_000_000
	maxHalfOpen = 15_000
)

func (o options) validate(rest []string) error {
	switch {
	case len(rest) > 0:
		return fmt.Errorf("argument %q", rest[0])
	case !(o.rate > 0 && o.rate <= maxRate):
		return fmt.Errorf("-rate %g is not above 0 and at most %d", o.rate, maxRate)
	case o.duration < time.Millisecond || o.requests() < 1 || o.requests() > maxRequests:
		return fmt.Errorf("-duration %s makes %d requests, not 1 to %d", o.duration, o.requests(), maxRequests)
	case o.hotkeys < 1 || o.hotkeys > maxHotkeys:
		return fmt.Errorf("-hotkeys %d is not 1 to %d", o.hotkeys, maxHotkeys)
	case o.tasks < 1 || o.tasks > maxTasks:
		return fmt.Errorf("-tasks %d is not 1 to %d", o.tasks, maxTasks)
	case o.halfOpen < 0 || o.halfOpen > maxHalfOpen:
		return fmt.Errorf("-half-open %d is not 0 to %d", o.halfOpen, maxHalfOpen)
	case o.maxConnections < 0:
		return fmt.Errorf("-max-connections %d", o.maxConnections)
	case o.blockTime < 10*time.Millisecond || o.blockTime > time.Minute:
		return fmt.Errorf("-block-time %s is not 10ms to 1m", o.blockTime)
	case o.p99 < 0 || o.growth < 0:
		return errors.New("a bar is negative")
	}
	return nil
}

func (o options) requests() int { return int(o.rate * o.duration.Seconds()) }
