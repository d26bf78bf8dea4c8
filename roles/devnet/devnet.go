// Package devnet runs a whole network on loopback in one process: chain, hub,
// WARC server, task server, two validators, and miners of which most cheat.
package devnet

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rs/zerolog"

	"finest/chain/wallet"
	"finest/pipeline/shard/guard"
	"finest/roles/validator"
)

// Options describe a run.
type Options struct {
	// EveryBlocks is the least number of blocks between two settings of weights.
	EveryBlocks uint64
	// ChainAddr and HubAddr are the addresses on loopback, HOST:PORT, that chain
	// and hub listen on; "" takes a free port.
	ChainAddr, HubAddr string
	// Guard reads what actors publish in a process of its own first; nil spares
	// that, for programs that cannot be its child.
	Guard *guard.Guard
	// Workers is the number of pages each role works on at once.
	Workers int
	// Once ends the run after the round in which every claim is settled and
	// weighed.
	Once bool
	Log  zerolog.Logger
	// OnRound is called when weights were set after a claim was settled.
	OnRound func(Round)
	// OnEvent tells in a line what happened.
	OnEvent func(string)
}

// onceLimit bounds a run with Once: a lease, its audit and the time a verdict
// may stay undecided take a minute and a half.
const onceLimit = 5 * time.Minute

// Round is one scored round.
type Round struct {
	Block uint64
	// Lines are the leaderboard, best first. Settled says that all verdicts are
	// final and weighed.
	Lines   []Line
	Settled bool
}

// Line is one actor on the leaderboard.
type Line struct {
	Actor      string  `json:"actor"`
	UID        int     `json:"uid"`
	Hotkey     string  `json:"hotkey"`
	Task       string  `json:"task"`
	Verdict    string  `json:"verdict"`
	Elapsed    uint64  `json:"elapsed"`
	Work       int64   `json:"work"`
	Timeliness float64 `json:"timeliness"`
	Score      float64 `json:"score"`
	Weight     uint16  `json:"weight"`
	Reason     string  `json:"reason"`
}

// ErrUnsettled says that the time for one round was over before every claim was
// settled.
var ErrUnsettled = errors.New("the round did not end in time")

// Run plays a prepared devnet.
func Run(ctx context.Context, l Layout, o Options) error {
	w, err := newWorld(l, o.Workers, o.Log)
	if err != nil {
		return err
	}
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	if o.Once {
		limit := time.AfterFunc(onceLimit, func() { stop(ErrUnsettled) })
		defer limit.Stop()
	}
	if err := w.begin(ctx, o); err != nil {
		return err
	}
	played := w.play(ctx, func(a actor, err error) {
		switch {
		case ctx.Err() != nil:
		case err != nil:
			w.fail(a.name, err)
			o.OnEvent(fmt.Sprintf("%s failed: %v", a.name, err))
		default:
			o.OnEvent(fmt.Sprintf("%s claimed task %s (it %s)", a.name, w.taskOf(a.name), a.about))
		}
	})
	err = w.judge(ctx, o, stop)
	played()
	serveErr := w.wait()
	if errors.Is(err, errDone) {
		err = nil
	}
	return errors.Join(err, serveErr)
}

var errDone = errors.New("the round is done")

// judge runs the validators until ctx ends, and stops it when the round is done
// or one of them fails.
func (w *world) judge(ctx context.Context, o Options, stop func(error)) error {
	var group sync.WaitGroup
	errs := make([]error, len(validators))
	var others atomic.Int32 // that have settled every claim and shared what they found
	others.Store(int32(len(validators) - 1))
	for i, name := range validators {
		v, err := w.validator(name, o)
		if err != nil {
			stop(err)
			errs[i] = err
			break
		}
		each := w.watch(o, &others, stop)
		if i > 0 {
			each = w.count(&others)
		}
		group.Go(func() {
			errs[i] = v.Run(ctx, each)
			stop(errs[i])
			_ = v.Close()
		})
	}
	group.Wait()
	return errors.Join(errs...)
}

// count returns a callback that takes one from waiting when every claim is
// settled.
func (w *world) count(waiting *atomic.Int32) func(validator.Round) {
	settled := sync.OnceFunc(func() { waiting.Add(-1) })
	return func(r validator.Round) {
		if r.Pending == 0 && w.allIn(len(r.Submissions)) {
			settled()
		}
	}
}

// watch returns the callback of the validator whose weights are shown.
func (w *world) watch(o Options, waiting *atomic.Int32, stop func(error)) func(validator.Round) {
	shown := -1
	shared := false // the others were done before the round began
	return func(r validator.Round) {
		settled := shared && r.WeightsSet && r.Pending == 0 && w.allIn(len(r.Submissions))
		shared = waiting.Load() == 0
		if n := len(r.Submissions) - r.Pending; settled || r.WeightsSet && n != shown {
			shown = n
			o.OnRound(Round{Block: r.WeightsBlock, Lines: w.leaderboard(r), Settled: settled})
		}
		if o.Once && settled {
			stop(errDone)
		}
	}
}

// allIn reports whether every actor has failed or has a submission among n.
func (w *world) allIn(n int) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := 0
	for _, o := range w.outcomes {
		if o.err != nil {
			failed++
		}
	}
	return n+failed >= len(actors)
}

func (w *world) fail(name string, err error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.outcomes[name] = outcome{err: err}
	close(w.claimed[name])
}

func (w *world) leaderboard(r validator.Round) []Line {
	byHotkey := make(map[string]validator.Standing)
	for _, s := range r.Submissions {
		byHotkey[s.Hotkey] = s
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	var lines []Line
	for i, a := range actors {
		address := wallet.Address(w.keys[a.name].PublicKey())
		line := Line{Actor: a.name, UID: 1 + len(validators) + i, Hotkey: address, Verdict: "none", Reason: "no claim yet"}
		if s, ok := byHotkey[address]; ok {
			line = Line{
				Actor: a.name, UID: s.UID, Hotkey: address, Task: s.Task, Verdict: string(s.Outcome), Elapsed: s.Elapsed, Work: s.Work,
				Timeliness: s.Timeliness, Score: s.Score, Weight: s.Weight, Reason: s.Reason,
			}
		} else if err := w.outcomes[a.name].err; err != nil {
			line.Verdict, line.Reason = "failed", err.Error()
		}
		lines = append(lines, line)
	}
	slices.SortStableFunc(lines, func(a, b Line) int {
		return cmp.Or(cmp.Compare(b.Weight, a.Weight), cmp.Compare(b.Score, a.Score))
	})
	return lines
}

func cutClaim(claim string) (repo, commit string, ok bool) { return strings.Cut(claim, "@") }
