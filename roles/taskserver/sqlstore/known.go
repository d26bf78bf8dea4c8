package sqlstore

import (
	"slices"

	"finest/roles/taskserver/engine"
)

// What a change reads and writes of tasks and leases is remembered until it ends,
// so that nothing is read twice, and only what differs is written.

type leaseKey struct {
	task       string
	generation int64
}

// maxKnown bounds what is remembered; the rest is read again.
const maxKnown = 1000

func (t *tx) know(k engine.Task) {
	if t.known == nil || len(t.known) >= maxKnown {
		t.known = make(map[string]engine.Task)
	}
	t.known[k.ID] = ownFiles(k)
}

func (t *tx) knowLease(l engine.Lease) {
	if t.knownLeases == nil || len(t.knownLeases) >= maxKnown {
		t.knownLeases = make(map[leaseKey]engine.Lease)
	}
	t.knownLeases[leaseKey{l.Receipt.Task, l.Receipt.Generation}] = ownReceipt(l)
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
	if k, ok := t.known[id]; ok {
		return ownFiles(k), nil
	}
	k, err := t.view.Task(id)
	if err == nil {
		t.know(k)
	}
	return k, err
}

// Draw returns the first task that can be leased from point on, round the ring.
func (t *tx) Draw(point int64) (engine.Task, error) {
	k, err := t.view.Draw(point)
	if err == nil {
		t.know(k)
	}
	return k, err
}

// Tasks returns a page of tasks in id order.
func (t *tx) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	tasks, err := t.view.Tasks(crawl, state, after, limit)
	for _, k := range tasks {
		t.know(k)
	}
	return tasks, err
}

// Due returns tasks whose state ends by itself before block.
func (t *tx) Due(block uint64, limit int) ([]engine.Task, error) {
	tasks, err := t.view.Due(block, limit)
	for _, k := range tasks {
		t.know(k)
	}
	return tasks, err
}

// Lease returns one lease.
func (t *tx) Lease(task string, generation int64) (engine.Lease, error) {
	if l, ok := t.knownLeases[leaseKey{task, generation}]; ok {
		return ownReceipt(l), nil
	}
	l, err := t.view.Lease(task, generation)
	if err == nil {
		t.knowLease(l)
	}
	return l, err
}

// SlotLease returns the live lease of a slot.
func (t *tx) SlotLease(hotkey string, slot int) (engine.Lease, error) {
	l, err := t.view.SlotLease(hotkey, slot)
	if err == nil {
		t.knowLease(l)
	}
	return l, err
}
