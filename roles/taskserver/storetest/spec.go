// Package storetest holds the specification of engine.Store as a test suite that
// every implementation passes.
package storetest

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// Traits say how to open the store under test, and what it can do.
type Traits struct {
	// Open opens the store that belongs to a folder, of which only that store
	// knows.
	Open func(t testing.TB, dir string) engine.Store
	// Durable says that a store opened again has what it had, and that two may be
	// open at once.
	Durable bool
	// Rounds bounds the rounds of random changes, for stores that take long to
	// make; 0 is as many as rapid wants.
	Rounds int
	// OpenBackup opens what Backup wrote; nil if the store cannot.
	OpenBackup func(t testing.TB, path string) engine.Store
}

// Run tests an implementation of engine.Store.
func Run(t *testing.T, traits Traits) {
	for _, s := range specs {
		t.Run(s.name, func(t *testing.T) {
			if s.durable && !traits.Durable || s.backup && traits.OpenBackup == nil {
				t.Skip("this store does not claim it")
			}
			dir := t.TempDir()
			b := &bench{T: t, traits: traits, dir: dir, Store: traits.Open(t, dir)}
			defer func() { b.must(b.Close()) }()
			s.test(b)
		})
	}
}

var specs = []struct {
	name            string
	durable, backup bool
	test            func(*bench)
}{
	{name: "change is made whole or not at all", test: changeWhole},
	{name: "change sees what it wrote", test: changeSeesItself},
	{name: "change that panics is undone and others go on", test: changePanics},
	{name: "cancelled context changes nothing", test: cancelledChange},
	{name: "changes happen one after another", test: changesSerial},
	{name: "failed changes are undone without their neighbours", test: failuresAlone},
	{name: "view shows one state", test: viewConsistent},
	{name: "error of a view is returned", test: viewError},
	{name: "closed store refuses", test: closedRefuses},
	{name: "changes of two open stores happen one after another", durable: true, test: replicasSerial},

	{name: "crawls are kept by name", test: crawlsByName},
	{name: "tasks are added once", test: tasksOnce},
	{name: "task is replaced whole", test: taskReplaced},
	{name: "tasks are listed in pages", test: taskPages},
	{name: "counts are those of the tasks", test: countsExact},
	{name: "draw goes round the ring", test: drawOnRing},
	{name: "draw passes over retired crawls", test: drawFromCrawls},
	{name: "unready tasks come by point without retired crawls", test: unreadyByPoint},
	{name: "due tasks come in order of their block", test: dueInOrder},

	{name: "leases of a task are in order and replaced whole", test: leasesInOrder},
	{name: "slots hold live leases only", test: slotsLive},
	{name: "live leases are counted by hotkey and coldkey", test: liveCounted},
	{name: "excuses that wait come oldest first", test: excusesOldestFirst},
	{name: "records are kept by holder", test: recordsByHolder},
	{name: "records of a kind are listed in pages", test: recordPages},

	{name: "submissions are numbered as they come", test: submissionsNumbered},
	{name: "verdicts are a history without repetition", test: verdictsHistory},
	{name: "verdicts are known again by their key", test: verdictKeys},
	{name: "newest verdicts are one of each validator", test: verdictsNewest},
	{name: "early verdicts are not shown until they are taken", test: earlyHidden},
	{name: "standings count newest verdicts", test: standingsCount},
	{name: "statements are kept once", test: statementsOnce},
	{name: "statements are paged by bytes", test: statementsPaged},
	{name: "proofs are kept once and paged by bytes", test: proofsPaged},

	{name: "audit grows at its end only", test: auditAppends},
	{name: "uuid is used once until it is forgotten", test: uuidsOnce},
	{name: "settings are texts by name", test: settingsByName},

	{name: "everything survives reopening", durable: true, test: survivesReopening},
	{name: "backup is one whole state and replaces nothing", backup: true, test: backupWhole},
	{name: "random changes leave what they leave in memory", test: randomChanges},
}

// bench is a store under test with the means to open it again.
type bench struct {
	*testing.T
	engine.Store
	traits Traits
	dir    string
}

func (b *bench) reopen() {
	b.Helper()
	b.must(b.Close())
	b.Store = b.traits.Open(b.T, b.dir)
}

// change makes a change that must succeed.
func (b *bench) change(f func(engine.Tx) error) {
	b.Helper()
	b.must(b.Change(b.Context(), f))
}

// view reads what must be readable.
func (b *bench) view(f func(engine.View) error) {
	b.Helper()
	b.must(b.View(b.Context(), f))
}

func (b *bench) must(err error) {
	b.Helper()
	if err != nil {
		b.Fatal(err)
	}
}

func (b *bench) wantErr(what string, got, want error) {
	b.Helper()
	if !errors.Is(got, want) {
		b.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

// want compares as text, which says enough of rows.
func (b *bench) want(what string, got, want any) {
	b.Helper()
	if g, w := fmt.Sprintf("%+v", got), fmt.Sprintf("%+v", want); g != w {
		b.Fatalf("%s:\n got %s\nwant %s", what, g, w)
	}
}

// see reads one value of a view.
func see[T any](b *bench, read func(engine.View) (T, error)) T {
	b.Helper()
	var out T
	b.view(func(v engine.View) (err error) {
		out, err = read(v)
		return err
	})
	return out
}

// all makes several writes one change.
func all(writes ...error) error { return errors.Join(writes...) }

const main = "CC-TEST-2024-10"

var (
	ann  = strings.Repeat("A", 48)
	ben  = strings.Repeat("B", 48)
	cleo = strings.Repeat("C", 48)
	sum0 = strings.Repeat("0", 64)
	sum1 = strings.Repeat("1", 64)
)

func someCrawl(name string) engine.Crawl {
	return engine.Crawl{Name: name, CatalogueSHA256: sum0, FilesPerTask: 2, Files: 20, Tasks: 10}
}

// someTask is task number of a crawl, available, ready, at point 100·number.
func someTask(crawl string, number int) engine.Task {
	id := contract.TaskID(crawl, number)
	return engine.Task{ID: id, Crawl: crawl, CatalogueSHA256: sum0, Point: int64(100 * number), State: contract.TaskAvailable, Ready: true,
		Files: []contract.InputFile{{Path: id + "/<a>&é.warc.gz", Bytes: 1000}, {Path: id + "/b.warc.gz", Bytes: 500}}}
}

func someLease(task string, generation int64, hotkey string, slot int) engine.Lease {
	return engine.Lease{Coldkey: cleo, Slot: slot, State: contract.LeaseLive, Receipt: contract.Receipt{
		V: 1, Task: task, Crawl: main, CatalogueSHA256: sum0, Files: []contract.InputFile{{Path: "<a>.warc.gz", Bytes: 1}},
		Recipe: contract.RecipeRef{Name: "fineweb", Hash: sum1}, Hotkey: hotkey, Generation: generation,
		Block: 10, BlockHash: sum1, DeadlineBlock: 130, Server: ben, Signature: strings.Repeat("0", 128),
	}}
}

// fill adds a crawl with n tasks.
func fill(tx engine.Tx, crawl string, n int) error {
	tasks := make([]engine.Task, n)
	for i := range tasks {
		tasks[i] = someTask(crawl, i)
	}
	return all(tx.PutCrawl(someCrawl(crawl)), tx.AddTasks(tasks))
}

// put replaces a task, or adds it if it is not there.
func put(tx engine.Tx, k engine.Task) error {
	_, err := tx.Task(k.ID)
	if errors.Is(err, engine.ErrNotFound) {
		return tx.AddTasks([]engine.Task{k})
	}
	if err != nil {
		return err
	}
	return tx.PutTask(k)
}

// numbers are the last digits of task ids.
func numbers(tasks []engine.Task) (out string) {
	for _, t := range tasks {
		out += t.ID[len(t.ID)-1:]
	}
	return out
}
