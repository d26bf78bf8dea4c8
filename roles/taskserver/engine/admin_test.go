package engine_test

import (
	"context"
	"errors"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

func holder(kind, name string) engine.Holder {
	return engine.Holder{Kind: kind, Address: enginetest.Address(name)}
}

func TestManyAttemptsQuarantine(t *testing.T) {
	d := newDesk(t, 1)
	first := d.lease("alice", 1)
	d.must(d.release("alice", first, ""))
	d.lease("bob", 1)
	d.pass(deadline + 1)
	last := d.lease("carol", 1)
	d.pass(1)
	d.must(d.submit("carol", last))
	d.must(d.judge("v", 5, last, contract.VerdictRejected))
	d.pass(deadline)
	task := d.in(first.Task, contract.TaskQuarantined)
	for _, want := range []string{"3 leases", `Generation 1 of block 1000: released at block 1000, "no room"`,
		"Generation 2 of block 1000: expired at block 1129", "Generation 3 of block 1129: submitted at block 1130", "rejected"} {
		if !strings.Contains(task.Evidence, want) {
			t.Errorf("evidence %q does not say %q", task.Evidence, want)
		}
	}
	for _, name := range []string{"alice", "bob", "carol"} {
		if strings.Contains(task.Evidence, enginetest.Address(name)) {
			t.Errorf("evidence names %s", name)
		}
	}
	d.must(d.Requeue(d.Context(), d.head, task.ID))
	task = d.in(task.ID, contract.TaskAvailable)
	same(t, "attempts and evidence", [2]any{task.Attempts, task.Evidence}, [2]any{0, ""})
	d.measure(task.ID, 7)
	same(t, "generation", d.lease("dave", 1).Generation, 4)
}

// Evidence stays short whatever miners give as reasons.
func TestEvidenceIsShort(t *testing.T) {
	strict := rules()
	strict.MaxAttempts = 10
	d := newDesk(t, 1)
	e, err := engine.New(d.store, strict, enginetest.Sign)
	d.must(err)
	d.Engine = e
	var task string
	for range strict.MaxAttempts {
		r := d.lease("alice", 1)
		task = r.Task
		_, err := d.Release(d.Context(), d.by("alice"), contract.ReleaseRequest{Op: contract.OpRelease, Task: r.Task,
			Generation: r.Generation, Reason: strings.Repeat("\U000e0001", contract.MaxReason/4)}) // each is ten letters when quoted
		d.must(err)
		d.pass(deadline)
	}
	if n := len(d.in(task, contract.TaskQuarantined).Evidence); n > 4<<10 {
		t.Errorf("%d bytes of evidence", n)
	}
}

// FS-26: a command made finished work available again, and pulled tasks from
// under those who had them.
func TestRequeueTakesNothingAway(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(d *desk, r contract.Receipt)
		want error
	}{
		"leased":                       {func(*desk, contract.Receipt) {}, engine.ErrState},
		"leased, in the last block":    {func(d *desk, _ contract.Receipt) { d.pass(deadline - 1) }, engine.ErrState},
		"leased, unnoticed after it":   {func(d *desk, _ contract.Receipt) { d.head += deadline }, nil},
		"submitted":                    {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)) }, engine.ErrState},
		"submitted, past its deadline": {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)); d.pass(deadline) }, nil},
		"rejected":                     {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictRejected) }, engine.ErrState},
		"accepted":                     {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictAccepted) }, engine.ErrState},
		"accepted, long ago":           {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictAccepted); d.pass(999) }, engine.ErrState},
		"available":                    {func(d *desk, r contract.Receipt) { d.must(d.release("alice", r, "")) }, nil},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 1)
			r := d.lease("alice", 1)
			d.pass(1)
			c.do(d, r)
			before := d.state()
			err := d.Requeue(d.Context(), d.head, r.Task)
			if c.want != nil {
				d.refused(err, c.want, before)
				return
			}
			d.must(err)
			same(t, "attempts", d.in(r.Task, contract.TaskAvailable).Attempts, 0)
			before = d.state()
			d.must(d.Requeue(d.Context(), d.head, r.Task))
			same(t, "state after doing it again", d.state(), before)
		})
	}
	d := newDesk(t, 1)
	d.refused(d.Requeue(d.Context(), d.head, contract.TaskID(crawl, 9)), engine.ErrNotFound, d.state())
}

func TestBan(t *testing.T) {
	d := newDesk(t, 5)
	r := d.lease("alice/owner", 1)
	for _, h := range []engine.Holder{holder(engine.HolderHotkey, "alice"), holder(engine.HolderColdkey, "owner")} {
		d.must(d.Ban(d.Context(), d.head, h, "sells\nleases"))
		before := d.state()
		_, _, err := d.Lease(d.Context(), d.by("alice/owner"), ask(2))
		d.refused(err, engine.ErrBanned, before)
		var ban *engine.BanError
		if !errors.As(err, &ban) || ban.Reason != "sells\nleases" || ban.Holder != h {
			t.Errorf("refused with %#v", err)
		}
		d.must(d.Ban(d.Context(), d.head, h, "sells\nle\x00ases\xff"))
		same(t, "state after the same ban", d.state(), before)
		d.must(d.Clear(d.Context(), d.head, h))
	}
	d.must(d.Ban(d.Context(), d.head, holder(engine.HolderColdkey, "owner"), "again"))
	d.pass(1)
	d.must(d.submit("alice/owner", r)) // what it has goes on
	d.must(d.Clear(d.Context(), d.head, holder(engine.HolderColdkey, "owner")))
	d.lease("alice/owner", 2)
}

func TestClearForgetsStrikes(t *testing.T) {
	d := newDesk(t, 5)
	for range 3 {
		d.must(d.release("alice", d.lease("alice", 1), ""))
		d.pass(deadline)
	}
	d.must(d.release("alice", d.lease("alice", 1), ""))
	same(t, "who waits", d.wantQuota("alice", 1).Holder.Kind, engine.HolderHotkey)
	d.must(d.Clear(d.Context(), d.head, holder(engine.HolderHotkey, "alice")))
	same(t, "who waits", d.wantQuota("alice", 1).Holder.Kind, engine.HolderColdkey)
	d.must(d.Clear(d.Context(), d.head, holder(engine.HolderColdkey, "alice")))
	d.lease("alice", 4)
	before := d.state()
	d.must(d.Clear(d.Context(), d.head, holder(engine.HolderHotkey, "alice")))
	same(t, "state after doing it again", d.state(), before)
}

func TestOperatorsMistakes(t *testing.T) {
	d := newDesk(t, 1)
	before := d.state()
	for name, err := range map[string]error{
		"ban without reason": d.Ban(d.Context(), d.head, holder(engine.HolderHotkey, "a"), " \n"),
		"ban of no kind":     d.Ban(d.Context(), d.head, holder("uid", "a"), "why"),
		"ban of no address":  d.Ban(d.Context(), d.head, engine.Holder{Kind: engine.HolderHotkey, Address: "a' OR 1=1"}, "why"),
		"clear of no kind":   d.Clear(d.Context(), d.head, engine.Holder{}),
		"excuse of nothing":  d.Excuse(d.Context(), d.head, contract.TaskID(crawl, 0), 1, true, ""),
	} {
		t.Log(name)
		d.refused(err, contract.ErrInvalid, before)
	}
	d.refused(d.Retire(d.Context(), d.head, "other"), engine.ErrNotFound, before)
}

func TestRetiredCrawlIsLeasedNoMore(t *testing.T) {
	d := newDesk(t, 3)
	d.load("unknown", 2, false)
	r := d.lease("alice", 1)
	d.must(d.Retire(d.Context(), d.head, crawl))
	d.must(d.Retire(d.Context(), d.head, "unknown"))
	before := d.state()
	d.must(d.Retire(d.Context(), d.head, crawl))
	same(t, "state after doing it again", d.state(), before)
	_, _, err := d.Lease(d.Context(), d.by("bob"), ask(1))
	d.refused(err, engine.ErrNoTask, before)
	c, tasks := enginetest.Tasks(crawl, 3, true)
	added, err := d.Import(d.Context(), d.head, c, tasks)
	if added != 0 || err != nil {
		t.Errorf("imported again: %d, %v", added, err)
	}
	d.view(func(v engine.View) error {
		waiting, err := v.Unready(0, 10)
		if len(waiting) > 0 {
			t.Errorf("%d tasks of a retired crawl wait to be looked at", len(waiting))
		}
		return err
	})
	d.pass(1)
	d.must(d.submit("alice", r)) // what is leased goes on
	d.must(d.judge("v", 5, r, contract.VerdictRejected))
	d.pass(deadline)
	d.in(r.Task, contract.TaskAvailable)
	_, _, err = d.Lease(d.Context(), d.by("bob"), ask(1))
	if !errors.Is(err, engine.ErrNoTask) {
		t.Errorf("a task of a retired crawl came back and was leased: %v", err)
	}
}

// TestRetireChangesNoTask: a crawl of a million tasks is retired as quickly as
// one of ten, so that no request waits for it.
func TestRetireChangesNoTask(t *testing.T) {
	d := newDesk(t, 3)
	var writes int
	e, err := engine.New(writing{d.store, &writes}, rules(), enginetest.Sign)
	d.must(err)
	d.must(e.Retire(d.Context(), d.head, crawl))
	same(t, "tasks written", writes, 0)
	d.view(func(v engine.View) error {
		known, err := v.Crawl(crawl)
		same(t, "retired", known.Retired, true)
		return err
	})
}

// writing is a store that counts the tasks that are written.
type writing struct {
	engine.Store
	n *int
}

func (s writing) Change(ctx context.Context, f func(engine.Tx) error) error {
	return s.Store.Change(ctx, func(tx engine.Tx) error { return f(writingTx{tx, s.n}) })
}

type writingTx struct {
	engine.Tx
	n *int
}

func (t writingTx) PutTask(k engine.Task) error {
	*t.n++
	return t.Tx.PutTask(k)
}

// An operator's engine has no terms of its own and grants nothing.
func TestForOperator(t *testing.T) {
	d := newDesk(t, 1)
	id := contract.TaskID(crawl, 0)
	d.must(d.Surveyed(d.Context(), d.head, id, nil, "broken"))
	o := engine.ForOperator(d.store)
	d.must(o.Requeue(d.Context(), d.head, id))
	d.in(id, contract.TaskAvailable)
	_, _, err := o.Lease(d.Context(), d.by("alice"), ask(1))
	if !errors.Is(err, engine.ErrRecipe) {
		t.Errorf("lease: %v", err)
	}
}
