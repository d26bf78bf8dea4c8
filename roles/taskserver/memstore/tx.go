package memstore

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// tx writes the tables and remembers how to take it back.
type tx struct {
	view
	undo []func()
}

func (t *tx) rollback() {
	for _, undo := range slices.Backward(t.undo) {
		undo()
	}
}

// put sets a row of a table.
func put[K comparable, V any](t *tx, table map[K]V, k K, row V) {
	old, there := table[k]
	t.undo = append(t.undo, func() {
		if there {
			table[k] = old
		} else {
			delete(table, k)
		}
	})
	table[k] = row
}

// push appends a row to a table.
func push[T any](t *tx, table *[]T, row T) {
	n := len(*table)
	t.undo = append(t.undo, func() { *table = (*table)[:n] })
	*table = append(*table, row)
}

func (t *tx) PutCrawl(c engine.Crawl) error {
	put(t, t.crawls, c.Name, c)
	return nil
}

func (t *tx) AddTasks(tasks []engine.Task) error {
	for _, task := range tasks {
		if _, there := t.tasks[task.ID]; there {
			return fmt.Errorf("add task %s: %w", task.ID, engine.ErrConflict)
		}
		if _, there := t.crawls[task.Crawl]; !there {
			return fmt.Errorf("add task %s: crawl %s: %w", task.ID, task.Crawl, engine.ErrNotFound)
		}
		put(t, t.tasks, task.ID, ownTask(task))
	}
	t.undo = append(t.undo, func() { t.dropTasks(tasks) })
	t.indexTasks(tasks)
	return nil
}

// indexTasks takes up new tasks at once: one by one a large crawl would take
// long.
func (t *tx) indexTasks(tasks []engine.Task) {
	var ids []taskID
	ready := make(map[string][]place)
	var unready, due []place
	for _, task := range tasks {
		ids = append(ids, taskID(task.ID))
		if task.State == contract.TaskAvailable && task.Ready {
			ready[task.Crawl] = append(ready[task.Crawl], pointOf(task))
		}
		if task.State == contract.TaskAvailable && !task.Ready {
			unready = append(unready, pointOf(task))
		}
		if task.DueBlock > 0 {
			due = append(due, dueOf(task))
		}
		t.counts[countOf(task)]++
	}
	t.byID.addAll(ids)
	for crawl, places := range ready {
		t.readyOf(crawl).addAll(places)
	}
	t.unready.addAll(unready)
	t.due.addAll(due)
	for _, id := range ids {
		crawl := t.tasks[string(id)].Crawl
		if t.byCrawl[crawl] == nil {
			t.byCrawl[crawl] = &index[taskID]{}
		}
		t.byCrawl[crawl].add(id) // in order, as a rule
	}
}

func (t *tx) dropTasks(tasks []engine.Task) {
	for _, task := range tasks {
		t.place(task, false)
		t.byID.remove(taskID(task.ID))
		t.byCrawl[task.Crawl].remove(taskID(task.ID))
	}
}

func (t *tx) PutTask(task engine.Task) error {
	old, there := t.tasks[task.ID]
	if !there {
		return fmt.Errorf("put task %s: %w", task.ID, engine.ErrNotFound)
	}
	task = ownTask(task)
	task.Crawl, task.Point = old.Crawl, old.Point
	t.swap(old, task)
	t.undo = append(t.undo, func() { t.swap(task, old) })
	return nil
}

func (t *tx) swap(old, task engine.Task) {
	t.place(old, false)
	t.tasks[task.ID] = task
	t.place(task, true)
}

// place takes a task into the orders it belongs to, or out of them.
func (t *tx) place(task engine.Task, in bool) {
	if task.State == contract.TaskAvailable {
		if task.Ready {
			t.readyOf(task.Crawl).set(pointOf(task), in)
		} else {
			t.unready.set(pointOf(task), in)
		}
	}
	if task.DueBlock > 0 {
		t.due.set(dueOf(task), in)
	}
	by := int64(1)
	if !in {
		by = -1
	}
	count(t.counts, countOf(task), by)
}

// readyOf returns the tasks of a crawl that can be leased.
func (t *tx) readyOf(crawl string) *index[place] {
	if t.ready[crawl] == nil {
		t.ready[crawl] = &index[place]{}
	}
	return t.ready[crawl]
}

func count[K comparable, N int | int64](counts map[K]N, k K, by N) {
	if counts[k] += by; counts[k] == 0 {
		delete(counts, k)
	}
}

func (t *tx) PutLease(l engine.Lease) error {
	id, generation := l.Receipt.Task, l.Receipt.Generation
	if _, there := t.tasks[id]; !there {
		return fmt.Errorf("put lease %d of task %s: %w", generation, id, engine.ErrNotFound)
	}
	slot := slotKey{l.Receipt.Hotkey, l.Slot}
	if k, there := t.slots[slot]; there && l.State == contract.LeaseLive && k != (leaseKey{id, generation}) {
		return fmt.Errorf("put lease %d of task %s: slot %d: %w", generation, id, l.Slot, engine.ErrConflict)
	}
	before := t.leases[id]
	if l.State == contract.LeaseLive && slices.ContainsFunc(before, func(o engine.Lease) bool {
		return o.State == contract.LeaseLive && o.Receipt.Generation != generation
	}) {
		return fmt.Errorf("put lease %d of task %s: another is live: %w", generation, id, engine.ErrConflict)
	}
	after := slices.Clone(before)
	at, there := findLease(after, generation)
	if there {
		t.liveLease(before[at], false)
		after[at] = cloneLease(l)
	} else {
		after = slices.Insert(after, at, cloneLease(l))
	}
	t.leases[id] = after
	t.liveLease(l, true)
	t.undo = append(t.undo, func() {
		t.liveLease(l, false)
		t.leases[id] = before
		if there {
			t.liveLease(before[at], true)
		}
	})
	return nil
}

// liveLease takes a lease into what is kept of live leases and open excuses, or
// out of it.
func (t *tx) liveLease(l engine.Lease, in bool) {
	k := leaseKey{l.Receipt.Task, l.Receipt.Generation}
	if l.Excused == engine.ExcusePending {
		t.excuses.set(excuseKey{l.EndedBlock, k}, in)
	}
	if l.State != contract.LeaseLive {
		return
	}
	slot, by := slotKey{l.Receipt.Hotkey, l.Slot}, 1
	if in {
		t.slots[slot] = k
	} else {
		by = -1
		delete(t.slots, slot)
	}
	count(t.live, engine.Holder{Kind: engine.HolderHotkey, Address: l.Receipt.Hotkey}, by)
	count(t.live, engine.Holder{Kind: engine.HolderColdkey, Address: l.Coldkey}, by)
}

func (t *tx) PutRecord(r engine.Record) error {
	put(t, t.records, r.Holder, r)
	return nil
}

func (t *tx) AddSubmission(s contract.SubmissionView) error {
	k := leaseKey{s.Task, s.Generation}
	if _, there := t.results[k]; there {
		return fmt.Errorf("add result of lease %d of task %s: %w", s.Generation, s.Task, engine.ErrConflict)
	}
	at := len(t.submissions)
	s.Seq = int64(at) + 1
	push(t, &t.submissions, s)
	put(t, t.results, k, at)
	put(t, t.taskResults, s.Task, append(slices.Clone(t.taskResults[s.Task]), at))
	return nil
}

func (t *tx) AddVerdict(v engine.Verdict) (added bool, err error) {
	v.Seq = 0
	if t.verdictSeen[v.VerdictView] {
		return false, nil
	}
	put(t, t.verdictSeen, v.VerdictView, true)
	at := len(t.verdicts)
	v.Seq = int64(at) + 1
	push(t, &t.verdicts, v)
	k := leaseKey{v.Task, v.Generation}
	put(t, t.onLease, k, append(slices.Clone(t.onLease[k]), at))
	return true, nil
}

func (t *tx) PutEarly(v engine.Verdict) error {
	v.Seq = 0
	k := leaseKey{v.Task, v.Generation}
	said := slices.Clone(t.early[k])
	at, there := slices.BinarySearchFunc(said, v.Validator, func(o engine.Verdict, validator string) int {
		return strings.Compare(o.Validator, validator)
	})
	if there {
		said[at] = v
	} else {
		said = slices.Insert(said, at, v)
	}
	put(t, t.early, k, said)
	return nil
}

func (t *tx) TakeEarly(task string, generation int64) ([]engine.Verdict, error) {
	k := leaseKey{task, generation}
	said, there := t.early[k]
	if there {
		t.undo = append(t.undo, func() { t.early[k] = said })
		delete(t.early, k)
	}
	return said, nil
}

func (t *tx) AddStatement(s contract.Statement) error {
	if _, there := t.statements[s.SHA256]; there {
		return nil
	}
	s.Body = slices.Clone(s.Body)
	put(t, t.statements, s.SHA256, s)
	return nil
}

func (t *tx) AddProof(sender, sha256 string, proof json.RawMessage) (added bool, err error) {
	if t.proofSeen[sha256] {
		return false, nil
	}
	put(t, t.proofSeen, sha256, true)
	push(t, &t.proofs, contract.ProofView{Seq: int64(len(t.proofs)) + 1, Sender: sender, SHA256: sha256, Proof: slices.Clone(proof)})
	return true, nil
}

func (t *tx) AddAudit(e books.Entry) error {
	if want := int64(len(t.audit)) + 1; e.Seq != want {
		return fmt.Errorf("add audit entry %d, not %d: %w", e.Seq, want, engine.ErrConflict)
	}
	e.Detail = slices.Clone(e.Detail)
	push(t, &t.audit, e)
	return nil
}

func (t *tx) UseUUID(signer, uuid string, until time.Time) error {
	k := uuidKey{signer, uuid}
	if _, there := t.uuids[k]; there {
		return engine.ErrReplayed
	}
	put(t, t.uuids, k, until)
	return nil
}

func (t *tx) ForgetUUIDs(now time.Time) error {
	for k, until := range t.uuids {
		if until.Before(now) {
			t.undo = append(t.undo, func() { t.uuids[k] = until })
			delete(t.uuids, k)
		}
	}
	return nil
}

func (t *tx) PutSetting(name, text string) error {
	put(t, t.settings, name, text)
	return nil
}

// ownTask is a task that nobody else can change.
func ownTask(t engine.Task) engine.Task {
	t.Files = slices.Clone(t.Files)
	t.CatalogueSHA256 = ""
	return t
}

func pointOf(t engine.Task) place { return place{uint64(t.Point), t.ID} }

func dueOf(t engine.Task) place { return place{t.DueBlock, t.ID} }

func countOf(t engine.Task) engine.TaskCount {
	return engine.TaskCount{Crawl: t.Crawl, State: t.State, Ready: t.Ready}
}
