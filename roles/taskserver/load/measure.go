package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"finest/roles/taskserver/client"
)

// earlyAt is when the server's memory is looked at first, in a run that lasts
// twice as long.
const earlyAt = 10 * time.Second

// maxUnderWay is what this process has memory for: a goroutine a request.
const maxUnderWay = 20_000

// measure does a whole run.
func measure(ctx context.Context, o options, stderr io.Writer) (_ *report, err error) {
	dir, err := os.MkdirTemp(o.dir, "finest-load-")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	w, err := newWorld(ctx, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, w.node.Close()) }()
	fmt.Fprintf(stderr, "load: importing %d tasks\n", o.tasks)
	server, err := start(ctx, setup{
		DB: cmp.Or(o.db, filepath.Join(dir, "tasks.db")), Tasks: o.tasks, Chain: w.endpoint, BlockTime: o.blockTime,
		Rate: o.rate / float64(o.hotkeys), MaxConnections: o.maxConnections,
	}, stderr)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, server.stop()) }()
	r := &report{Store: "sqlite", Tasks: o.tasks, Hotkeys: o.hotkeys, Rate: o.rate, HalfOpen: halfOpenReport{Wanted: o.halfOpen}}
	if o.db != "" {
		r.Store = "postgresql"
	}
	return r, r.fill(ctx, o, w, server, stderr)
}

// fill sends the requests and notes what happens.
func (r *report) fill(ctx context.Context, o options, w *world, server *child, stderr io.Writer) error {
	connections := newPool(server.addr, 2*o.hotkeys)
	defer connections.close()
	l, err := newLoop(ctx, o, w, connections)
	if err != nil {
		return err
	}
	slowCtx, release := context.WithCancel(ctx)
	slow := &halfOpen{addr: server.addr, n: o.halfOpen}
	defer slow.group.Wait()
	defer release()
	slow.start(slowCtx)
	if o.halfOpen > 0 && !pause(ctx, 2*reopenAfter) { // until they are open
		return ctx.Err()
	}
	fmt.Fprintf(stderr, "load: sending %d requests\n", l.requests)
	before, err := processorTime(server.pid())
	own, err2 := processorTime(os.Getpid())
	if err := errors.Join(err, err2); err != nil {
		return err
	}
	early := watch(server.pid(), min(earlyAt, o.duration/2))
	begin := time.Now()
	samples := l.run(ctx)
	r.Seconds = time.Since(begin).Seconds()
	if ctx.Err() != nil {
		return ctx.Err()
	}
	r.HalfOpen.Held, r.HalfOpen.Opened = slow.open.Load(), slow.opened.Load()
	r.count(samples)
	spent, err := processorTime(os.Getpid())
	r.Generator.CPUSeconds = (spent - own).Seconds()
	r.Server, err2 = (<-early).finish(server.pid(), before)
	return errors.Join(err, err2)
}

// newLoop returns a loop of all hotkeys in turn.
func newLoop(ctx context.Context, o options, w *world, connections *pool) (*loop, error) {
	through := &http.Client{Timeout: client.DefaultTimeout, Transport: &http.Transport{DisableKeepAlives: true}}
	info, err := client.New("http://"+connections.addr, nil, through, nil).Info(ctx)
	if err != nil {
		return nil, err
	}
	leases, err := newLeaseBodies()
	if err != nil {
		return nil, err
	}
	holders := make([]*holder, len(w.hotkeys))
	for i, key := range w.hotkeys {
		holders[i] = &holder{sender: newSender(connections, key, info.Server), leases: leases, final: w.final}
	}
	return &loop{rate: o.rate, requests: o.requests(), maxUnderWay: maxUnderWay, send: func(ctx context.Context, i int) (string, error) {
		return holders[i%len(holders)].send(ctx)
	}}, nil
}

// early is what the server held early in a run.
type early struct {
	after time.Duration
	memory
	err error
}

// watch looks at the memory of a process once, later.
func watch(pid int, after time.Duration) <-chan early {
	c := make(chan early, 1)
	time.AfterFunc(after, func() {
		m, err := memoryOf(pid)
		c <- early{after, m, err}
	})
	return c
}

// finish looks at the process again at the end of the run; before is its
// processor time at the start.
func (e early) finish(pid int, before time.Duration) (serverReport, error) {
	m, err := memoryOf(pid)
	spent, err2 := processorTime(pid)
	return serverReport{
		EarlySeconds: e.after.Seconds(), EarlyBytes: e.now, EndBytes: m.now, PeakBytes: m.peak, CPUSeconds: (spent - before).Seconds(),
	}, errors.Join(e.err, err, err2)
}
