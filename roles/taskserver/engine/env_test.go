package engine_test

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// Terms of the tests.
const (
	deadline = 128 // blocks of a lease
	confirm  = 50
	crawl    = "CC-MAIN-2024-10"
	recipe   = "fineweb"
)

func rules() engine.Rules {
	return engine.Rules{DeadlineBlocks: deadline, ConfirmBlocks: confirm, Slots: 4, ColdkeySlots: 6, MaxAttempts: 3,
		Recipes: []contract.RecipeActivation{{RecipeRef: contract.RecipeRef{Name: recipe, Hash: strings.Repeat("a", 64)}}}}
}

// desk is a server's engine with a store in memory, at some block.
type desk struct {
	*testing.T
	store engine.Store
	*engine.Engine
	head  uint64
	uuids int
}

// newDesk has a crawl of so many tasks.
func newDesk(t *testing.T, tasks int) *desk {
	t.Helper()
	d := &desk{T: t, store: memstore.New(), head: 1000}
	d.restart()
	d.load(crawl, tasks, true)
	t.Cleanup(func() {
		report, err := engine.Check(context.Background(), d.store)
		if err != nil || !report.OK() {
			t.Errorf("in the end: %v, %v", report.Faults, err)
		}
	})
	return d
}

// restart forgets all but the store.
func (d *desk) restart() {
	d.Helper()
	e, err := engine.New(d.store, rules(), enginetest.Sign)
	d.must(err)
	d.Engine = e
}

func (d *desk) load(name string, tasks int, sized bool) {
	d.Helper()
	c, all := enginetest.Tasks(name, tasks, sized)
	_, err := d.Import(d.Context(), d.head, c, all)
	d.must(err)
}

func (d *desk) must(err error) {
	d.Helper()
	if err != nil {
		d.Fatal(err)
	}
}

// refused checks that err is want and that nothing happened since the state was
// taken.
func (d *desk) refused(err, want error, before string) {
	d.Helper()
	if !errors.Is(err, want) {
		d.Fatalf("got error %v, want %v", err, want)
	}
	if now := d.state(); now != before {
		d.Fatalf("refused, but the state is\n%s\nand was\n%s", now, before)
	}
}

// state is all tasks, with the number of audit entries.
func (d *desk) state() string {
	d.Helper()
	var text strings.Builder
	d.view(func(v engine.View) error {
		head, err := v.AuditHead()
		d.must(err)
		tasks, err := v.Tasks("", "", "", 1000)
		for _, t := range tasks {
			fmt.Fprintf(&text, "%s %s generation %d due %d attempts %d\n", t.ID, t.State, t.Generation, t.DueBlock, t.Attempts)
		}
		fmt.Fprintf(&text, "%d entries\n", head.Seq)
		return err
	})
	return text.String()
}

func (d *desk) view(f func(engine.View) error) {
	d.Helper()
	d.must(d.store.View(d.Context(), f))
}

func (d *desk) task(id string) (task engine.Task) {
	d.Helper()
	d.view(func(v engine.View) (err error) {
		task, err = v.Task(id)
		return err
	})
	return task
}

// in checks the state of a task.
func (d *desk) in(id, state string) engine.Task {
	d.Helper()
	t := d.task(id)
	if t.State != state {
		d.Fatalf("task %s is %s, want %s", id, t.State, state)
	}
	return t
}

func (d *desk) strikes(kind, name string) int {
	d.Helper()
	var r engine.Record
	d.view(func(v engine.View) (err error) {
		r, err = v.Record(engine.Holder{Kind: kind, Address: enginetest.Address(name)})
		return err
	})
	return r.Strikes
}

// by is a request of a hotkey, whose coldkey has the same name unless another is
// given after a slash.
func (d *desk) by(name string) engine.Request {
	hot, cold, ok := strings.Cut(name, "/")
	if !ok {
		cold = hot
	}
	d.uuids++
	return engine.Request{Head: chain.Block{Number: d.head, Hash: enginetest.BlockHash(d.head)},
		Hotkey: enginetest.Address(hot), Coldkey: enginetest.Address(cold), Key: sha256.Sum256([]byte(hot)),
		UUID: fmt.Sprint(d.uuids), Until: time.Unix(int64(d.uuids), 0)}
}

func ask(slot int) contract.LeaseRequest {
	return contract.LeaseRequest{Op: contract.OpLease, Slot: slot, Recipe: recipe}
}

// lease gives a slot a new lease.
func (d *desk) lease(name string, slot int) contract.Receipt {
	d.Helper()
	r, granted, err := d.Lease(d.Context(), d.by(name), ask(slot))
	d.must(err)
	if !granted {
		d.Fatalf("slot %d of %s had a lease", slot, name)
	}
	return r
}

func (d *desk) release(name string, r contract.Receipt, missing string) error {
	_, err := d.Release(d.Context(), d.by(name), contract.ReleaseRequest{Op: contract.OpRelease, Task: r.Task,
		Generation: r.Generation, Reason: "no room", Missing: missing})
	return err
}

// result is what a lease leads to, by a claim of the block.
func result(r contract.Receipt, block uint64) contract.SubmitRequest {
	sum := canon.Sum([]byte(r.Task))
	return contract.SubmitRequest{Op: contract.OpSubmit, Task: r.Task, Generation: r.Generation,
		Claim: "someone/data@" + sum[:40], Manifest: sum, Block: block}
}

func (d *desk) submit(name string, r contract.Receipt) error {
	_, err := d.Submit(d.Context(), d.by(name), result(r, min(d.head, r.DeadlineBlock)))
	return err
}

// judge publishes a validator's verdict on a lease.
func (d *desk) judge(name string, stake uint64, r contract.Receipt, outcome string) error {
	who := d.by(name)
	who.Permit, who.Stake = true, stake
	return d.score(who, contract.Verdict{Task: r.Task, Generation: r.Generation, Hotkey: r.Hotkey,
		Manifest: result(r, 0).Manifest, Outcome: outcome, Pay: "0"})
}

func (d *desk) score(who engine.Request, verdicts ...contract.Verdict) error {
	req := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: who.Head.Number, Verdicts: verdicts}
	body, err := canon.Marshal(req)
	d.must(err)
	return d.Score(d.Context(), who, req, contract.Statement{SHA256: contract.StatementID(who.Hotkey, body), Validator: who.Hotkey, Body: body})
}

// pass lets blocks pass, and the server notice.
func (d *desk) pass(blocks uint64) {
	d.Helper()
	d.head += blocks
	_, err := d.Advance(d.Context(), d.head)
	d.must(err)
}

func same[T any](t *testing.T, what string, got, want T) {
	t.Helper()
	if !reflect.DeepEqual(got, want) {
		t.Fatalf("%s: got %+v, want %+v", what, got, want)
	}
}
