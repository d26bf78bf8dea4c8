package sqlstore

import (
	"fmt"
	"slices"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// Bounds of what is remembered: twice maxRemembered rows of each table, none of a
// task with more files than maxRememberedFiles. That makes some 20 MB at most.
const (
	maxRemembered      = 2048
	maxRememberedFiles = 16
)

// memory is what the writer has read and written of some tables, so that it reads
// no row twice and writes only what differs. Nobody else writes during a batch;
// after it a memory is good as long as the database's revision is the same. It is
// forgotten as a whole when something that was written is taken back.
type memory struct {
	revision int64
	tasks    recent[string, engine.Task]
	leases   recent[leaseKey, engine.Lease]
	// slots have the live lease of a slot; the zero leaseKey if there is none.
	slots   recent[slotKey, leaseKey]
	records recent[engine.Holder, engine.Record]
}

type leaseKey struct {
	task       string
	generation int64
}

func keyOf(l engine.Lease) leaseKey { return leaseKey{l.Receipt.Task, l.Receipt.Generation} }

type slotKey struct {
	hotkey string
	slot   int
}

func slotOf(l engine.Lease) slotKey { return slotKey{l.Receipt.Hotkey, l.Slot} }

func (m *memory) forget() { *m = memory{} }

// recent is a map of rows that were used lately.
type recent[K comparable, V any] struct{ young, old map[K]V }

func (r *recent[K, V]) get(k K) (V, bool) {
	v, ok := r.young[k]
	if !ok {
		if v, ok = r.old[k]; ok {
			r.put(k, v)
		}
	}
	return v, ok
}

func (r *recent[K, V]) put(k K, v V) {
	if r.young == nil || len(r.young) >= maxRemembered {
		r.old, r.young = r.young, make(map[K]V)
	}
	r.young[k] = v
}

func (r *recent[K, V]) drop(k K) {
	delete(r.young, k)
	delete(r.old, k)
}

func (m *memory) task(k engine.Task) {
	if len(k.Files) > maxRememberedFiles {
		m.tasks.drop(k.ID)
		return
	}
	m.tasks.put(k.ID, ownFiles(k))
}

func (m *memory) lease(l engine.Lease) {
	if len(l.Receipt.Files) > maxRememberedFiles {
		m.leases.drop(keyOf(l))
		return
	}
	m.leases.put(keyOf(l), ownReceipt(l))
}

// wrote remembers a lease that was written, and whose slot that makes it.
func (m *memory) wrote(l engine.Lease) {
	m.lease(l)
	if l.State == contract.LeaseLive {
		m.slots.put(slotOf(l), keyOf(l))
	} else if k, ok := m.slots.get(slotOf(l)); ok && k == keyOf(l) {
		m.slots.put(slotOf(l), leaseKey{})
	}
}

// ownFiles and ownReceipt part a value from whoever holds it: it may change the
// elements of slices.
func ownFiles(k engine.Task) engine.Task {
	k.Files = slices.Clone(k.Files)
	return k
}

func ownReceipt(l engine.Lease) engine.Lease {
	l.Receipt.Files = slices.Clone(l.Receipt.Files)
	return l
}

// Task returns one task.
func (t *tx) Task(id string) (engine.Task, error) {
	if t.s == nil {
		return engine.Task{}, errOver
	}
	if k, ok := t.s.memory.tasks.get(id); ok {
		return ownFiles(k), nil
	}
	k, err := t.view.Task(id)
	if err == nil {
		t.s.memory.task(k)
	}
	return k, err
}

// Draw returns the first task that can be leased from point on, round the ring.
func (t *tx) Draw(point int64) (engine.Task, error) {
	k, err := t.view.Draw(point)
	if err == nil {
		t.s.memory.task(k)
	}
	return k, err
}

// Tasks returns a page of tasks in id order.
func (t *tx) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	tasks, err := t.view.Tasks(crawl, state, after, limit)
	for _, k := range tasks {
		t.s.memory.task(k)
	}
	return tasks, err
}

// Lease returns one lease.
func (t *tx) Lease(task string, generation int64) (engine.Lease, error) {
	if t.s == nil {
		return engine.Lease{}, errOver
	}
	if l, ok := t.s.memory.leases.get(leaseKey{task, generation}); ok {
		return ownReceipt(l), nil
	}
	l, err := t.view.Lease(task, generation)
	if err == nil {
		t.s.memory.lease(l)
	}
	return l, err
}

// SlotLease returns the live lease of a slot.
func (t *tx) SlotLease(hotkey string, slot int) (engine.Lease, error) {
	if t.s == nil {
		return engine.Lease{}, errOver
	}
	if k, ok := t.s.memory.slots.get(slotKey{hotkey, slot}); ok {
		if k == (leaseKey{}) {
			return engine.Lease{}, fmt.Errorf("lease of the slot: %w", engine.ErrNotFound)
		}
		l, err := t.Lease(k.task, k.generation)
		if err != nil || l.State == contract.LeaseLive && slotOf(l) == (slotKey{hotkey, slot}) {
			return l, err
		}
	}
	l, err := t.view.SlotLease(hotkey, slot)
	if err == nil {
		t.s.memory.lease(l)
	}
	return l, err
}

// Record returns that of a holder.
func (t *tx) Record(h engine.Holder) (engine.Record, error) {
	if t.s == nil {
		return engine.Record{}, errOver
	}
	if r, ok := t.s.memory.records.get(h); ok {
		return r, nil
	}
	r, err := t.view.Record(h)
	if err == nil {
		t.s.memory.records.put(h, r)
	}
	return r, err
}
