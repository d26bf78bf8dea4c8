package sqlstore

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"sync"
	"time"

	"finest/roles/taskserver/engine"
)

// maxBatch is the most changes that become durable together. What waits longer
// than one batch waits for the next.
const maxBatch = 64

var errClosed = fmt.Errorf("task store is closed: %w", engine.ErrUnavailable)

// writer makes changes one after another. Those that wait while a batch becomes
// durable are the next batch.
type writer struct {
	db      dialect
	options Options
	session *session // nil when not connected
	// careful is how many more batches use savepoints.
	careful int
	late    lateUUIDs

	mu      sync.Mutex
	arrived sync.Cond
	waiting []*change
	closed  bool
	ended   chan error
}

// change is one change on its way. The writer runs it in its own goroutine: to
// wake its caller for it would cost as much as a change does.
type change struct {
	caller context.Context
	f      func(engine.Tx) error
	done   chan error
	// gone says that the function ended the goroutine it ran in.
	gone bool
}

func newWriter(db dialect, o Options) *writer {
	w := &writer{db: db, options: o, ended: make(chan error, 1)}
	w.arrived.L = &w.mu
	go w.work(nil)
	return w
}

// work makes batches, this one first, until the store is closed.
func (w *writer) work(batch []*change) {
	defer func() {
		if !slices.ContainsFunc(batch, func(c *change) bool { return c.gone }) {
			return
		}
		// A change ended this goroutine. Another makes the batch, without it.
		w.session.discard()
		w.session = nil
		go w.work(batch)
	}()
	if batch == nil {
		batch = w.next()
	}
	for ; batch != nil; batch = w.next() {
		w.answer(batch)
	}
	var err error
	if w.session != nil {
		err = w.session.close()
	}
	w.ended <- err
}

func (w *writer) close() error {
	w.mu.Lock()
	w.closed = true
	w.arrived.Signal()
	w.mu.Unlock()
	return <-w.ended
}

func (w *writer) change(ctx context.Context, f func(engine.Tx) error) error {
	c := &change{caller: ctx, f: f, done: make(chan error, 1)}
	if err := w.enqueue(c); err != nil {
		return err
	}
	select {
	case err := <-c.done:
		return err
	case <-ctx.Done():
		if w.withdraw(c) {
			return ctx.Err()
		}
		return <-c.done // a batch has it, and will say what became of it
	}
}

func (w *writer) enqueue(c *change) error {
	if err := c.caller.Err(); err != nil {
		return err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed {
		return errClosed
	}
	w.waiting = append(w.waiting, c)
	w.arrived.Signal()
	return nil
}

// withdraw takes a change back unless a batch has it already.
func (w *writer) withdraw(c *change) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	i := slices.Index(w.waiting, c)
	if i < 0 {
		return false
	}
	w.waiting = slices.Delete(w.waiting, i, i+1)
	return true
}

// next waits for changes; it returns nil when the store is closed and none
// waits.
func (w *writer) next() []*change {
	w.mu.Lock()
	defer w.mu.Unlock()
	for len(w.waiting) == 0 && !w.closed {
		w.arrived.Wait()
	}
	n := min(len(w.waiting), maxBatch)
	if n == 0 {
		return nil
	}
	batch := slices.Clone(w.waiting[:n])
	w.waiting = slices.Delete(w.waiting, 0, n)
	return batch
}

// run calls the function, which may panic or end its goroutine.
func (c *change) run(t *tx) (err error) {
	c.gone = true
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("the change panicked: %v\n%s", p, debug.Stack())
			c.gone = false
		}
	}()
	err = c.f(t)
	c.gone = false
	return err
}

var errGone = errors.New("the change ended its goroutine")

// answer makes a batch durable and tells every caller what became of its
// change. A refusal, too, is told only then: it may rest on what another change
// of the batch wrote.
func (w *writer) answer(batch []*change) {
	start := time.Now()
	outcomes, err := w.attempt(batch)
	if w.options.Observe != nil {
		w.options.Observe(len(batch), time.Since(start))
	}
	for i, c := range batch {
		if err != nil {
			c.done <- err
		} else {
			c.done <- outcomes[i]
		}
	}
}

// cautious is how many batches use savepoints after one with a change that
// failed. Few fail, and a savepoint costs as much as a change; but who makes
// changes fail on purpose shall not have the others made twice each time.
const cautious = 64

// attempt runs a batch in one transaction. An error is one of all its changes.
func (w *writer) attempt(batch []*change) (outcomes []error, err error) {
	ctx, beat, cancel := w.db.batchContext()
	defer cancel()
	if w.session, err = begun(ctx, w.db, w.session, forWriting); err != nil {
		w.session = nil
		return nil, err
	}
	w.session.step, w.session.beat = w.options.step, beat
	b := &batchState{ctx: ctx, s: w.session, savepoints: w.careful > 0 && len(batch) > 1, late: &w.late}
	w.careful = max(0, w.careful-1)
	if outcomes, err = b.run(batch); errors.Is(err, errAlone) {
		w.careful = cautious
		b = &batchState{ctx: ctx, s: w.session, savepoints: true, late: &w.late}
		if err = w.db.begin(ctx, w.session, forWriting); err != nil {
			err = b.because("begin in", err)
		} else {
			outcomes, err = b.run(batch)
		}
	}
	if err != nil {
		w.session.discard()
		w.session = nil
	}
	return outcomes, err
}
