package engine_test

import (
	"errors"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

func TestSubmission(t *testing.T) {
	d := newDesk(t, 2)
	r := d.lease("alice", 1)
	d.pass(10)
	req := result(r, d.head)
	status, err := d.Submit(d.Context(), d.by("alice"), req)
	d.must(err)
	want := contract.LeaseStatus{Task: r.Task, Generation: 1, State: contract.LeaseSubmitted, DeadlineBlock: r.DeadlineBlock, Block: d.head}
	same(t, "status", status, want)
	d.view(func(v engine.View) error {
		s, err := v.Submission(r.Task, 1)
		same(t, "submission", s, contract.SubmissionView{Seq: 1, Task: r.Task, Generation: 1, Hotkey: r.Hotkey, Claim: req.Claim,
			Manifest: req.Manifest, Block: req.Block, Bytes: r.Bytes()})
		return err
	})
	before := d.state()
	again, err := d.Submit(d.Context(), d.by("alice"), req)
	d.must(err)
	same(t, "status of a repeated submission", again, want)
	same(t, "state after it", d.state(), before)
	req.Manifest = canon.Sum([]byte("another"))
	_, err = d.Submit(d.Context(), d.by("alice"), req)
	d.refused(err, engine.ErrSubmitted, before)
	d.refused(d.release("alice", r, ""), engine.ErrFenced, before)
	d.lease("alice", 1) // the slot is free
}

// CH-6: a claim from before the receipt counted as done in no time.
func TestClaimLiesWithinItsLease(t *testing.T) {
	for name, c := range map[string]struct {
		claim, head uint64 // from the receipt's block
		want        error
	}{
		"before the receipt":             {^uint64(0), 5, contract.ErrInvalid},
		"in the receipt's block":         {0, 5, contract.ErrInvalid},
		"in the next block":              {1, 5, nil},
		"in the newest block":            {5, 5, nil},
		"in a block that is not there":   {6, 5, engine.ErrAhead},
		"in the last block":              {deadline, deadline, nil},
		"in the last block, told late":   {deadline, deadline + 40, nil},
		"after the deadline":             {deadline + 1, deadline + 1, engine.ErrFenced},
		"after the deadline, told later": {deadline + 1, deadline + 40, engine.ErrFenced},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 2)
			r := d.lease("alice", 1)
			d.pass(c.head)
			before := d.state()
			_, err := d.Submit(d.Context(), d.by("alice"), result(r, r.Block+c.claim))
			if c.want != nil {
				d.refused(err, c.want, before)
				return
			}
			d.must(err)
			d.in(r.Task, contract.TaskSubmitted)
		})
	}
}

// Until the task is issued again a late word of a timely claim saves the work,
// and costs nothing.
func TestLateSubmission(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(deadline + 30)
	d.in(r.Task, contract.TaskAvailable)
	same(t, "strikes after the deadline", d.strikes(engine.HolderHotkey, "alice"), 1)
	d.must(d.submit("alice", r))
	task := d.in(r.Task, contract.TaskSubmitted)
	same(t, "strikes after all", d.strikes(engine.HolderHotkey, "alice"), 0)
	same(t, "attempts", task.Attempts, 0)
	same(t, "due block", task.DueBlock, d.head+confirm)
}

func TestLateSubmissionOfAQuarantinedTask(t *testing.T) {
	d := newDesk(t, 1)
	var r contract.Receipt
	for _, name := range []string{"alice", "bob", "carol"} {
		r = d.lease(name, 1)
		d.pass(deadline + 1)
	}
	d.in(r.Task, contract.TaskQuarantined)
	d.must(d.submit("carol", r))
	if task := d.in(r.Task, contract.TaskSubmitted); task.Evidence != "" || task.Attempts != 2 {
		t.Errorf("evidence %q, %d attempts", task.Evidence, task.Attempts)
	}
}

func TestUnconfirmedSubmissionIsIssuedAgain(t *testing.T) {
	d := newDesk(t, 1)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	d.pass(deadline + confirm - 1)
	d.in(r.Task, contract.TaskSubmitted)
	_, _, err := d.Lease(d.Context(), d.by("bob"), ask(1))
	if !errors.Is(err, engine.ErrNoTask) {
		t.Fatal(err)
	}
	d.pass(1)
	same(t, "attempts", d.in(r.Task, contract.TaskAvailable).Attempts, 1)
	same(t, "strikes", d.strikes(engine.HolderColdkey, "alice"), 1)
	before := d.state()
	d.must(d.submit("alice", r)) // the same answer as ever
	same(t, "state after a repeated submission", d.state(), before)
	same(t, "generation", d.lease("bob", 1).Generation, 2)
}
