package engine_test

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// FS-12: the answer to a lease had neither task, deadline nor block.
func TestReceiptTellsAll(t *testing.T) {
	d := newDesk(t, 3)
	r := d.lease("alice", 1)
	task := d.in(r.Task, contract.TaskLeased)
	want := contract.Receipt{V: 1, Task: task.ID, Crawl: crawl, CatalogueSHA256: task.CatalogueSHA256, Files: task.Files,
		Recipe: rules().Recipes[0].RecipeRef, Hotkey: enginetest.Address("alice"), Generation: 1, Block: d.head,
		BlockHash: enginetest.BlockHash(d.head).String(), DeadlineBlock: d.head + deadline}
	want, err := enginetest.Sign(want)
	d.must(err)
	same(t, "receipt", r, want)
}

func TestSlotKeepsItsLease(t *testing.T) {
	d := newDesk(t, 3)
	first := d.lease("alice", 1)
	for _, blocks := range []uint64{0, 1, deadline - 1} { // the last block belongs to the lease
		d.pass(blocks)
		d.restart()
		again, granted, err := d.Lease(d.Context(), d.by("alice"), ask(1))
		d.must(err)
		if granted {
			t.Errorf("at block %d the slot got a new lease", d.head)
		}
		same(t, "receipt asked for again", again, first)
	}
	d.head++ // and the next does not, though nobody noticed yet
	_, _, err := d.Lease(d.Context(), d.by("alice"), ask(1))
	var pause *engine.QuotaError
	if !errors.As(err, &pause) || pause.Until <= d.head {
		t.Errorf("asked for after its deadline, the slot answers %v", err)
	}
	d.in(first.Task, contract.TaskAvailable)
}

func TestTaskIsIssuedAgainAfterItsDeadline(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	for d.head < r.DeadlineBlock {
		d.pass(deadline / 4)
		_, _, err := d.Lease(d.Context(), d.by("bob"), ask(1))
		if !errors.Is(err, engine.ErrNoTask) {
			t.Fatalf("at block %d of a lease to block %d: %v", d.head, r.DeadlineBlock, err)
		}
	}
	d.pass(1)
	if next := d.lease("bob", 1); next.Task != r.Task || next.Generation != 2 {
		t.Errorf("got generation %d of %s", next.Generation, next.Task)
	}
	before := d.state()
	d.refused(d.submit("alice", r), engine.ErrFenced, before) // woken up too late
	d.refused(d.release("alice", r, ""), engine.ErrFenced, before)
}

// A server that lags behind another on the same store has not seen the deadline
// pass: its receipt would overlap with the last one.
func TestLaggingServerIssuesNothingEarly(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(deadline + 1)
	before := d.state()
	d.head = r.DeadlineBlock
	_, _, err := d.Lease(d.Context(), d.by("bob"), ask(1))
	d.refused(err, engine.ErrAhead, before)
	d.head++
	d.lease("bob", 1)
}

func TestReleasedTaskIsFreeAtOnce(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.must(d.release("alice", r, ""))
	before := d.state()
	d.must(d.release("alice", r, "")) // the first answer was lost
	same(t, "state after a repeated release", d.state(), before)
	if next := d.lease("bob", 1); next.Generation != 2 {
		t.Errorf("got generation %d", next.Generation)
	}
	d.must(d.release("alice", r, "")) // and now changes nothing of bob's
	d.in(r.Task, contract.TaskLeased)
}

// FS-5: there was no sign of life.
func TestRenewKeepsDeadline(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(10)
	status, err := d.Renew(d.Context(), d.by("alice"), contract.RenewRequest{Op: contract.OpRenew, Task: r.Task, Generation: 1})
	d.must(err)
	same(t, "status", status, contract.LeaseStatus{Task: r.Task, Generation: 1, State: contract.LeaseLive, DeadlineBlock: r.DeadlineBlock, Block: d.head})
	d.view(func(v engine.View) error {
		l, err := v.Lease(r.Task, 1)
		if l.RenewedBlock != d.head {
			t.Errorf("sign of life at block %d, want %d", l.RenewedBlock, d.head)
		}
		return err
	})
	d.pass(deadline - 9)
	d.in(r.Task, contract.TaskAvailable)
}

// FS-13, CH-9: anybody could finish, and so ruin, the task of another.
func TestOnlyTheHolderEndsALease(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	before := d.state()
	d.refused(d.submit("mallory/alice", r), engine.ErrNotHolder, before)
	d.refused(d.release("mallory/alice", r, ""), engine.ErrNotHolder, before)
	_, err := d.Renew(d.Context(), d.by("mallory/alice"), contract.RenewRequest{Op: contract.OpRenew, Task: r.Task, Generation: 1})
	d.refused(err, engine.ErrNotHolder, before)
	d.must(d.submit("alice", r))
}

// FS-9, FS-13: a request could be sent again by whoever had seen it, also one
// that was refused the first time.
func TestRequestIsUsedOnce(t *testing.T) {
	d := newDesk(t, 2)
	granted := d.by("alice")
	_, _, err := d.Lease(d.Context(), granted, ask(1))
	d.must(err)
	refused := d.by("alice")
	_, _, err = d.Lease(d.Context(), refused, ask(9))
	var quota *engine.QuotaError
	if !errors.As(err, &quota) {
		t.Fatalf("slot 9: %v", err)
	}
	before := d.state()
	d.restart()
	for _, who := range []engine.Request{granted, refused} {
		_, _, err := d.Lease(d.Context(), who, ask(2))
		d.refused(err, engine.ErrReplayed, before)
	}
	other := d.by("bob")
	other.UUID = granted.UUID // chance, not a replay
	_, _, err = d.Lease(d.Context(), other, ask(1))
	d.must(err)
}

func TestUnknownLeases(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	before := d.state()
	for name, change := range map[string]func(*contract.Receipt){
		"task":       func(r *contract.Receipt) { r.Task = contract.TaskID(crawl, 7) },
		"crawl":      func(r *contract.Receipt) { r.Task = contract.TaskID("other", 0) },
		"generation": func(r *contract.Receipt) { r.Generation = 2 },
	} {
		forged := r
		change(&forged)
		t.Log(name)
		d.refused(d.submit("alice", forged), engine.ErrNotFound, before)
	}
}

func TestRecipeActivation(t *testing.T) {
	r := engine.Rules{Recipes: []contract.RecipeActivation{
		{RecipeRef: contract.RecipeRef{Name: "a", Hash: "new"}, FromBlock: 200},
		{RecipeRef: contract.RecipeRef{Name: "a", Hash: "old"}, FromBlock: 100},
		{RecipeRef: contract.RecipeRef{Name: "b", Hash: "other"}},
	}}
	for _, c := range []struct {
		name  string
		block uint64
		want  string
	}{{"a", 99, ""}, {"a", 100, "old"}, {"a", 199, "old"}, {"a", 200, "new"}, {"b", 0, "other"}, {"c", 1000, ""}} {
		got, ok := r.Recipe(c.name, c.block)
		if got.Hash != c.want || ok != (c.want != "") {
			t.Errorf("recipe %s at block %d: %q, %t", c.name, c.block, got.Hash, ok)
		}
	}
}

func TestRulesAreChecked(t *testing.T) {
	for name, change := range map[string]func(*engine.Rules){
		"no deadline":    func(r *engine.Rules) { r.DeadlineBlocks = 0 },
		"endless lease":  func(r *engine.Rules) { r.DeadlineBlocks = 1 << 60 },
		"endless wait":   func(r *engine.Rules) { r.ConfirmBlocks = 1 << 60 },
		"no slots":       func(r *engine.Rules) { r.Slots = 0 },
		"too many slots": func(r *engine.Rules) { r.Slots = contract.MaxSlot + 1 },
		"no coldkey":     func(r *engine.Rules) { r.ColdkeySlots = 0 },
		"no attempts":    func(r *engine.Rules) { r.MaxAttempts = 0 },
		"no recipes":     func(r *engine.Rules) { r.Recipes = nil },
	} {
		r := rules()
		change(&r)
		if _, err := engine.New(nil, r, enginetest.Sign); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// A failing key is the server's fault, not the miner's: the request may be sent
// again, and no task is lost.
func TestUnsignedReceiptGrantsNothing(t *testing.T) {
	d := newDesk(t, 1)
	broken, err := engine.New(d.store, rules(), func(contract.Receipt) (contract.Receipt, error) {
		return contract.Receipt{}, contract.ErrInvalid
	})
	d.must(err)
	who, before := d.by("alice"), d.state()
	_, _, err = broken.Lease(d.Context(), who, ask(1))
	if err == nil || !strings.Contains(err.Error(), "sign") {
		t.Fatalf("got error %v", err)
	}
	same(t, "state", d.state(), before)
	if _, granted, err := d.Lease(d.Context(), who, ask(1)); err != nil || !granted {
		t.Errorf("sent again: %t, %v", granted, err)
	}
}

// FS-12: reservation had no lock, so two miners could get the same files.
func TestNobodySharesATask(t *testing.T) {
	const miners, tasks = 8, 24
	d := newDesk(t, tasks)
	requests := make([][]engine.Request, miners)
	for i := range requests {
		for range 4 {
			requests[i] = append(requests[i], d.by(string(rune('a'+i))))
		}
	}
	receipts := make([][]contract.Receipt, miners)
	var all sync.WaitGroup
	for i := range miners {
		all.Go(func() {
			for slot, who := range requests[i] {
				r, _, err := d.Lease(t.Context(), who, ask(slot+1))
				if err == nil {
					receipts[i] = append(receipts[i], r)
				} else if !errors.Is(err, engine.ErrNoTask) {
					t.Error(err)
				}
			}
		})
	}
	all.Wait()
	seen := make(map[string]bool)
	for _, some := range receipts {
		for _, r := range some {
			if seen[r.Task] {
				t.Errorf("task %s was leased twice", r.Task)
			}
			seen[r.Task] = true
		}
	}
	if len(seen) != tasks {
		t.Errorf("%d tasks were leased, want all %d", len(seen), tasks)
	}
}

// The draw follows from block and hotkey, so that anybody can repeat it.
func TestDrawCanBeRepeated(t *testing.T) {
	d := newDesk(t, 50)
	who := d.by("alice")
	var want engine.Task
	d.view(func(v engine.View) (err error) {
		want, err = v.Draw(engine.DrawPoint(who.Head.Hash, who.Key))
		return err
	})
	r, _, err := d.Lease(d.Context(), who, ask(1))
	d.must(err)
	same(t, "task", r.Task, want.ID)
}
