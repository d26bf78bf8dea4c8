// Package storetest holds the specification of taskserver.Store as a test suite
// that every implementation passes.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
)

// Opener opens the store that lies in a folder. Opening it again after Close
// gives a store with the same content.
type Opener func(t testing.TB, dir string) taskserver.Store

// Suite tests an implementation.
func Suite(t *testing.T, open Opener) {
	specs := []struct {
		name string
		test func(t *testing.T, e *env)
	}{
		{"crawl is added once", crawlOnce},
		{"crawl is added whole or not at all", crawlWhole},
		{"tasks are listed in pages", tasksInPages},
		{"draw goes round the ring", drawRound},
		{"grant takes task and slot once", grantOnce},
		{"concurrent grants give a task to one", grantConcurrently},
		{"lease ends after its deadline only", expireAfterDeadline},
		{"renew is for the live lease of its holder", renewLive},
		{"release is repeatable and frees the task", releaseRepeatable},
		{"submit is repeatable and binds the first result", submitRepeatable},
		{"late submit counts until the task is issued again", submitLate},
		{"verdicts keep their history", verdictHistory},
		{"verdicts on unknown leases are passed over", verdictUnknown},
		{"standings count newest verdicts", standings},
		{"proofs are kept once", proofsOnce},
		{"proofs come in pages of bytes", proofPages},
		{"uuid is used once", uuidOnce},
		{"cancelled context changes nothing", cancelled},
		{"everything survives reopening", reopening},
		{"random operations keep the books", randomOperations},
	}
	for _, s := range specs {
		t.Run(s.name, func(t *testing.T) {
			dir := t.TempDir()
			e := &env{open: open, dir: dir, Store: open(t, dir)}
			defer func() { check(t, e.Close()) }()
			s.test(t, e)
		})
	}
}

// env is a store under test with the means to open it again.
type env struct {
	taskserver.Store
	open Opener
	dir  string
}

func (e *env) reopen(t testing.TB) {
	t.Helper()
	check(t, e.Close())
	e.Store = e.open(t, e.dir)
}

const (
	crawl    = "CC-TEST-2024-10"
	deadline = 120
)

var (
	alice = strings.Repeat("A", 48)
	bob   = strings.Repeat("B", 48)
	sumA  = strings.Repeat("a", 64)
	sumB  = strings.Repeat("b", 64)
)

// addTasks adds a crawl with n tasks; task i lies at point 100·i.
func addTasks(t testing.TB, s taskserver.Store, n int) {
	t.Helper()
	added, err := s.AddCrawl(t.Context(), taskserver.Crawl{Name: crawl, CatalogueSHA256: sumA, FilesPerTask: 2}, newTasks(n))
	check(t, err)
	equal(t, "tasks added", added, n)
}

func newTasks(n int) []taskserver.NewTask {
	tasks := make([]taskserver.NewTask, n)
	for i := range tasks {
		id := contract.TaskID(crawl, i)
		tasks[i] = taskserver.NewTask{ID: id, Point: int64(100 * i), Files: []contract.InputFile{
			{Path: id + "/a.warc.gz", Bytes: 1000}, {Path: id + "/b.warc.gz", Bytes: 500},
		}}
	}
	return tasks
}

// grant leases task number to hotkey in slot at block.
func grant(t testing.TB, s taskserver.Store, number int, generation int64, hotkey string, slot int, block uint64) taskserver.LeaseKey {
	t.Helper()
	l := lease(number, generation, hotkey, slot, block)
	check(t, s.Grant(t.Context(), l))
	return keyOf(l)
}

func lease(number int, generation int64, hotkey string, slot int, block uint64) taskserver.Lease {
	task := newTasks(number + 1)[number]
	return taskserver.Lease{Slot: slot, Receipt: contract.Receipt{
		V: 1, Task: task.ID, Crawl: crawl, CatalogueSHA256: sumA, Files: task.Files,
		Recipe: contract.RecipeRef{Name: "fineweb", Hash: sumB}, Hotkey: hotkey, Generation: generation,
		Block: block, BlockHash: sumA, DeadlineBlock: block + deadline, Server: bob, Signature: strings.Repeat("0", 128),
	}}
}

func keyOf(l taskserver.Lease) taskserver.LeaseKey {
	return taskserver.LeaseKey{Task: l.Receipt.Task, Generation: l.Receipt.Generation, Hotkey: l.Receipt.Hotkey}
}

func result(manifest string, block uint64) taskserver.Result {
	return taskserver.Result{Claim: "someone/data@" + strings.Repeat("c", 40), Manifest: manifest, Block: block}
}

// taskState returns state and generation of a task.
func taskState(t testing.TB, s taskserver.Store, number int) string {
	t.Helper()
	task, err := s.Task(t.Context(), contract.TaskID(crawl, number))
	check(t, err)
	return fmt.Sprintf("%s %d", task.State, task.Generation)
}

func leaseState(t testing.TB, s taskserver.Store, key taskserver.LeaseKey) string {
	t.Helper()
	l, err := s.Lease(t.Context(), key)
	check(t, err)
	return l.State
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func wantError(t testing.TB, what string, got, want error) {
	t.Helper()
	if !errors.Is(got, want) {
		t.Fatalf("%s: got error %v, want %v", what, got, want)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

func cancelled(t *testing.T, e *env) {
	addTasks(t, e, 1)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := e.Grant(ctx, lease(0, 1, alice, 1, 10)); err == nil {
		t.Fatal("grant with a cancelled context succeeded")
	}
	equal(t, "task", taskState(t, e, 0), "available 0")
}

func reopening(t *testing.T, e *env) {
	addTasks(t, e, 3)
	held := grant(t, e, 0, 1, alice, 1, 10)
	done := grant(t, e, 1, 1, bob, 1, 10)
	_, err := e.Submit(t.Context(), done, result(sumA, 20))
	check(t, err)
	check(t, e.AddProof(t.Context(), alice, sumA, []byte(`{"a":1}`)))
	e.reopen(t)
	equal(t, "leased task", taskState(t, e, 0), "leased 1")
	equal(t, "submitted task", taskState(t, e, 1), "submitted 1")
	equal(t, "untouched task", taskState(t, e, 2), "available 0")
	l, err := e.Held(t.Context(), alice, 1)
	check(t, err)
	equal(t, "held task", l.Receipt.Task, held.Task)
	equal(t, "signature of the receipt", l.Receipt.Signature, strings.Repeat("0", 128))
	proofs, err := e.Proofs(t.Context(), 0, 10, 1<<20)
	check(t, err)
	equal(t, "proofs", len(proofs), 1)
}
