package engine_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// damage changes the row of a task behind the log's back, and returns what
// repairs it.
func (d *desk) damage(id string, how func(*engine.Task)) (repair func()) {
	d.Helper()
	whole := d.task(id)
	broken := whole
	how(&broken)
	put := func(t engine.Task) {
		d.must(d.store.Change(d.Context(), func(tx engine.Tx) error { return tx.PutTask(t) }))
	}
	put(broken)
	return func() { put(whole) }
}

// TestDamagedTaskHoldsNoOtherUp: of many tasks that are due a few cannot be
// moved. All others are, and those are named, each time.
func TestDamagedTaskHoldsNoOtherUp(t *testing.T) {
	withoutLease := func(k *engine.Task) { k.Generation = 99 }
	accepted := func(k *engine.Task) { k.State = contract.TaskAccepted }
	first := func(k *engine.Task) { k.Generation, k.DueBlock = 99, 1 }
	const tasks = 600 // more than one change moves
	for name, damage := range map[string]map[int]func(*engine.Task){
		"none":                    {},
		"first, without a lease":  {0: first},
		"one in the middle":       {300: withoutLease},
		"in a state that is over": {300: accepted},
		"the last":                {599: withoutLease},
		"several, some in a row":  {0: first, 255: withoutLease, 256: accepted, 257: withoutLease, 580: withoutLease},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, tasks)
			for i := range tasks {
				d.lease(fmt.Sprint("miner ", i), 1)
			}
			ids := make(map[string]bool)
			for number, how := range damage {
				id := contract.TaskID(crawl, number)
				ids[id] = true
				defer d.damage(id, how)()
			}
			d.head += deadline + 1
			for round, want := range []int{tasks - len(damage), 0} {
				ended, err := d.Advance(d.Context(), d.head)
				same(t, fmt.Sprint("tasks moved in round ", round), ended, want)
				if len(damage) == 0 {
					d.must(err)
					continue
				}
				var damaged *engine.DamagedError
				if !errors.As(err, &damaged) || damaged.GaveUp {
					t.Fatalf("round %d: got error %v", round, err)
				}
				same(t, "damaged tasks", len(damaged.Tasks), len(damage))
				for id := range ids {
					if n := named(damaged, id); n != 1 {
						t.Errorf("task %s is named %d times in %v", id, n, damaged.Tasks)
					}
				}
			}
			d.view(func(v engine.View) error {
				left, err := v.Tasks("", contract.TaskLeased, "", tasks)
				for _, k := range left {
					if !ids[k.ID] {
						t.Errorf("task %s is still leased", k.ID)
					}
				}
				return err
			})
		})
	}
}

func named(e *engine.DamagedError, id string) (n int) {
	for _, err := range e.Tasks {
		var text string
		if _, scanErr := fmt.Sscanf(err.Error(), "task %s is due:", &text); scanErr == nil && text == id {
			n++
		}
	}
	return n
}

// TestRoundOfDamagedTasksEnds: however many are damaged, a round is finite, and
// says that it left others behind.
func TestRoundOfDamagedTasksEnds(t *testing.T) {
	const tasks = 300
	d := newDesk(t, tasks)
	for i := range tasks {
		d.lease(fmt.Sprint("miner ", i), 1)
	}
	for i := range tasks {
		defer d.damage(contract.TaskID(crawl, i), func(k *engine.Task) { k.Generation = 99 })()
	}
	d.head += deadline + 1
	changes := &counted{Store: d.store}
	e, err := engine.New(changes, rules(), enginetest.Sign)
	d.must(err)
	ended, err := e.Advance(d.Context(), d.head)
	var damaged *engine.DamagedError
	if ended != 0 || !errors.As(err, &damaged) || !damaged.GaveUp || len(damaged.Tasks) >= tasks {
		t.Errorf("moved %d, error %v", ended, err)
	}
	if changes.n > 2*tasks {
		t.Errorf("a round made %d changes", changes.n)
	}
}

// TestVeryManyDamagedTasks: the rounds go on where the last one gave up, so that
// damaged tasks, however many, hold nothing up for good.
func TestVeryManyDamagedTasks(t *testing.T) {
	const tasks, broken = 603, 600
	d := newDesk(t, tasks)
	for i := range tasks {
		d.lease(fmt.Sprint("miner ", i), 1)
	}
	for i := range broken {
		defer d.damage(contract.TaskID(crawl, i), func(k *engine.Task) { k.Generation, k.DueBlock = 99, 1 })()
	}
	d.head += deadline + 1
	for pass, whole := range []int{tasks - broken, 0} {
		ended, named := 0, 0
		for more := true; more; {
			n, err := d.Advance(d.Context(), d.head)
			var damaged *engine.DamagedError
			if !errors.As(err, &damaged) || len(damaged.Tasks) == 0 {
				t.Fatalf("pass %d: error %v", pass, err)
			}
			ended, named, more = ended+n, named+len(damaged.Tasks), damaged.GaveUp && named <= broken
		}
		same(t, fmt.Sprint("moved and damaged in pass ", pass), [2]int{ended, named}, [2]int{whole, broken})
	}
}

// TestUnreadableTaskHoldsNoOtherUp: a task whose row cannot be read is a damaged
// one like any other.
func TestUnreadableTaskHoldsNoOtherUp(t *testing.T) {
	const tasks = 5
	for bad := range tasks {
		d := newDesk(t, tasks)
		for i := range tasks {
			d.lease(fmt.Sprint("miner ", i), 1)
		}
		id := contract.TaskID(crawl, bad)
		e, err := engine.New(unreadable{d.store, id}, rules(), enginetest.Sign)
		d.must(err)
		for round, want := range []int{tasks - 1, 0} {
			ended, err := e.Advance(d.Context(), d.head+deadline+1)
			var damaged *engine.DamagedError
			if !errors.As(err, &damaged) || len(damaged.Tasks) != 1 || named(damaged, id) != 1 || damaged.GaveUp {
				t.Fatalf("task %d, round %d: error %v", bad, round, err)
			}
			same(t, "tasks moved", ended, want)
		}
	}
}

// unreadable is a store that cannot read one task.
type unreadable struct {
	engine.Store
	id string
}

func (s unreadable) Change(ctx context.Context, f func(engine.Tx) error) error {
	return s.Store.Change(ctx, func(tx engine.Tx) error { return f(unreadableTx{tx, s.id}) })
}

type unreadableTx struct {
	engine.Tx
	id string
}

func (t unreadableTx) Task(id string) (engine.Task, error) {
	if id == t.id {
		return engine.Task{}, errors.New("files are no JSON")
	}
	return t.Tx.Task(id)
}

// counted counts changes.
type counted struct {
	engine.Store
	n int
}

func (s *counted) Change(ctx context.Context, f func(engine.Tx) error) error {
	s.n++
	return s.Store.Change(ctx, f)
}

// TestStoreThatFailsIsNoDamage: an error that every task would meet ends the
// round, and blames no task.
func TestStoreThatFailsIsNoDamage(t *testing.T) {
	for name, want := range map[string]error{
		"away":     engine.ErrUnavailable,
		"canceled": context.Canceled,
		"too slow": context.DeadlineExceeded,
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 3)
			for i := range 3 {
				d.lease(fmt.Sprint("miner ", i), 1)
			}
			e, err := engine.New(failing{d.store, fmt.Errorf("read a lease: %w", want)}, rules(), enginetest.Sign)
			d.must(err)
			ended, err := e.Advance(d.Context(), d.head+deadline+1)
			var damaged *engine.DamagedError
			if ended != 0 || !errors.Is(err, want) || errors.As(err, &damaged) {
				t.Errorf("moved %d, error %v", ended, err)
			}
		})
	}
}

// failing is a store that reads no leases.
type failing struct {
	engine.Store
	err error
}

func (s failing) Change(ctx context.Context, f func(engine.Tx) error) error {
	return s.Store.Change(ctx, func(tx engine.Tx) error { return f(failingTx{tx, s.err}) })
}

type failingTx struct {
	engine.Tx
	err error
}

func (t failingTx) Lease(string, int64) (engine.Lease, error) { return engine.Lease{}, t.err }
