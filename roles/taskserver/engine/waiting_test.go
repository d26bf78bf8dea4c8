package engine_test

import (
	"errors"
	"math"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

func TestMostUnjudged(t *testing.T) {
	for _, c := range []struct{ quota, accepted, want int }{
		{1, 0, 16}, {4, 0, 64}, {64, 0, 1024}, {4, 1, 68}, {4, 100, 464}, {4, 1008, 4096}, {4, 1 << 40, 4096}, {1, 1 << 40, 1024},
	} {
		if got := engine.MostUnjudged(c.quota, c.accepted); got != c.want {
			t.Errorf("a quota of %d with %d accepted results: %d, want %d", c.quota, c.accepted, got, c.want)
		}
	}
	if got := engine.MostUnjudged(math.MaxInt, math.MaxInt-16); got <= 0 {
		t.Errorf("a quota without end: %d", got)
	}
}

// record is what the server remembers of a hotkey, which its coldkey of the same
// name shares.
func (d *desk) record(name string) engine.Record {
	d.Helper()
	var hot, cold engine.Record
	d.view(func(v engine.View) error {
		var err1, err2 error
		hot, err1 = v.Record(holder(engine.HolderHotkey, name))
		cold, err2 = v.Record(holder(engine.HolderColdkey, name))
		return errors.Join(err1, err2)
	})
	same(d.T, "results of the coldkey", [2]int{cold.Unjudged, cold.Accepted}, [2]int{hot.Unjudged, hot.Accepted})
	return hot
}

// Whoever leases a task and submits garbage at once, again and again, may have
// some results that wait, not the whole catalogue.
func TestResultsThatWaitAreBounded(t *testing.T) {
	d := newDesk(t, 120)
	var waiting []contract.Receipt
	work := func(most int) {
		t.Helper()
		for len(waiting) < most {
			r := d.lease("alice", 1)
			d.pass(1)
			d.must(d.submit("alice", r))
			waiting = append(waiting, r)
		}
	}
	most := engine.MostUnjudged(rules().Slots, 0)
	work(most)
	q := d.wantQuota("alice", 1)
	same(t, "refusal", *q, engine.QuotaError{Holder: holder(engine.HolderHotkey, "alice"), Quota: 4, Unjudged: most, MostUnjudged: most})
	d.lease("bob", 1)

	d.must(d.judge("val", 10, waiting[0], yes)) // makes room for itself and for a quota more
	waiting = waiting[1:]
	most = engine.MostUnjudged(rules().Slots, 1)
	work(most)
	same(t, "with one accepted", d.wantQuota("alice", 1).MostUnjudged, most)
	same(t, "results", [2]int{d.record("alice").Unjudged, d.record("alice").Accepted}, [2]int{68, 1})

	d.must(d.judge("val", 10, waiting[0], no)) // makes room, but halves it
	d.pass(engine.Pause(deadline, 1))
	same(t, "after a strike", d.wantQuota("alice", 1).MostUnjudged, engine.MostUnjudged(2, 1))
	d.pass(deadline + confirm) // nobody ever confirmed the rest
	same(t, "never confirmed", [2]int{d.record("alice").Unjudged, d.record("alice").Accepted}, [2]int{0, 1})
	same(t, "strikes", d.strikes(engine.HolderHotkey, "alice"), engine.MaxStrikes)
}

// Open leases count among what waits, so that all of them can be submitted.
func TestOpenLeasesCountAmongResultsThatWait(t *testing.T) {
	d := newDesk(t, 80)
	for range engine.MostUnjudged(rules().Slots, 0) - 2 {
		r := d.lease("alice", 1)
		d.pass(1)
		d.must(d.submit("alice", r))
	}
	d.lease("alice", 1)
	d.lease("alice", 2)
	q := d.wantQuota("alice", 3)
	same(t, "waiting and open", [2]int{q.Unjudged, q.Open}, [2]int{62, 2})
}

func TestResultsOfAHolder(t *testing.T) {
	for name, c := range map[string]struct {
		do                 func(d *desk, r contract.Receipt)
		unjudged, accepted int
	}{
		"lease":           {func(*desk, contract.Receipt) {}, 0, 0},
		"release":         {func(d *desk, r contract.Receipt) { d.must(d.release("alice", r, "")) }, 0, 0},
		"submission":      {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)) }, 1, 0},
		"late result":     {func(d *desk, r contract.Receipt) { d.pass(deadline + 1); d.must(d.submit("alice", r)) }, 1, 0},
		"submitted twice": {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)); d.must(d.submit("alice", r)) }, 1, 0},
		"undecided":       {func(d *desk, r contract.Receipt) { d.finish(r, maybe) }, 1, 0},
		"accepted":        {func(d *desk, r contract.Receipt) { d.finish(r, yes) }, 0, 1},
		"rejected":        {func(d *desk, r contract.Receipt) { d.finish(r, no) }, 0, 0},
		"there and back":  {func(d *desk, r contract.Receipt) { d.finish(r, no); d.said(r, yes, maybe, yes, no, maybe) }, 1, 0},
		"unconfirmed":     {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)); d.pass(deadline + confirm) }, 0, 0},
		"rejected, over":  {func(d *desk, r contract.Receipt) { d.finish(r, no); d.pass(deadline) }, 0, 0},
		"accepted after the server gave up": {func(d *desk, r contract.Receipt) {
			d.must(d.submit("alice", r))
			d.pass(deadline + confirm)
			d.said(r, yes)
		}, 0, 1},
		"requeued": {func(d *desk, r contract.Receipt) {
			d.must(d.submit("alice", r))
			d.pass(deadline)
			d.must(d.Requeue(d.Context(), d.head, r.Task))
		}, 0, 0},
		"cleared": {func(d *desk, r contract.Receipt) {
			d.must(d.submit("alice", r))
			for _, kind := range []string{engine.HolderHotkey, engine.HolderColdkey} {
				d.must(d.Ban(d.Context(), d.head, holder(kind, "alice"), "x"))
				d.must(d.Clear(d.Context(), d.head, holder(kind, "alice")))
			}
		}, 1, 0},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 2)
			r := d.lease("alice", 1)
			d.pass(1)
			c.do(d, r)
			got := d.record("alice")
			same(t, "waiting and accepted", [2]int{got.Unjudged, got.Accepted}, [2]int{c.unjudged, c.accepted})
		})
	}
}

// CH-9: whoever leases all there is and drops it, or submits garbage at once,
// keeps the others from working. Here they finish everything meanwhile, and she
// ends with one lease at a time.
func TestOneOwnerCannotStarveThePool(t *testing.T) {
	for name, c := range map[string]struct {
		tasks   int
		garbage bool
	}{"drops": {60, false}, "submits garbage": {400, true}} {
		t.Run(name, func(t *testing.T) {
			p := &pool{desk: newDesk(t, c.tasks), held: make(map[string]contract.Receipt), garbage: c.garbage}
			const most = 10 * deadline
			for p.finished < c.tasks && p.head < 1000+most {
				p.grab()
				p.bounded()
				p.work()
				p.pass(5)
			}
			if p.finished < c.tasks-1-p.quarantined() { // she may hold the last
				t.Errorf("%d of %d tasks were finished in %d blocks", p.finished, c.tasks, p.head-1000)
			}
			same(t, "her strikes", p.strikes(engine.HolderColdkey, "mallory") > 0, true)
		})
	}
}

// pool is five honest hotkeys and an owner of four who are not.
type pool struct {
	*desk
	held     map[string]contract.Receipt
	finished int
	garbage  bool
	hers     []contract.Receipt
}

// grab takes whatever she can have, after submitting what she had.
func (p *pool) grab() {
	p.Helper()
	for _, r := range p.hers {
		for _, name := range []string{"m1/mallory", "m2/mallory", "m3/mallory", "m4/mallory"} {
			if r.Hotkey == enginetest.Address(name[:2]) {
				p.must(p.submit(name, r))
			}
		}
	}
	p.hers = nil
	for _, name := range []string{"m1/mallory", "m2/mallory", "m3/mallory", "m4/mallory"} {
		for slot := 1; slot <= 4; slot++ {
			r, granted, err := p.Lease(p.Context(), p.by(name), ask(slot))
			var quota *engine.QuotaError
			if err != nil && !errors.As(err, &quota) && !errors.Is(err, engine.ErrNoTask) {
				p.Fatal(err)
			}
			if granted && p.garbage {
				p.hers = append(p.hers, r)
			}
		}
	}
}

// bounded checks what she holds.
func (p *pool) bounded() {
	p.Helper()
	p.view(func(v engine.View) error {
		_, cold, err := v.LiveLeases("", enginetest.Address("mallory"))
		if limit := engine.Quota(rules().ColdkeySlots, p.strikes(engine.HolderColdkey, "mallory")); cold > limit {
			p.Errorf("at block %d she holds %d leases, may have %d", p.head, cold, limit)
		}
		r, err2 := v.Record(holder(engine.HolderColdkey, "mallory"))
		if limit := engine.MostUnjudged(rules().ColdkeySlots, 0); cold+r.Unjudged > limit {
			p.Errorf("at block %d she keeps %d tasks from the others, may keep %d", p.head, cold+r.Unjudged, limit)
		}
		return errors.Join(err, err2)
	})
}

// work lets the honest finish what they have and lease more.
func (p *pool) work() {
	p.Helper()
	for _, name := range []string{"a", "b", "c", "d", "e"} {
		if r, ok := p.held[name]; ok {
			p.must(p.submit(name, r))
			p.must(p.judge("v", 1, r, contract.VerdictAccepted))
			delete(p.held, name)
			p.finished++
		}
		if r, _, err := p.Lease(p.Context(), p.by(name), ask(1)); err == nil {
			p.held[name] = r
		}
	}
}

func (p *pool) quarantined() (n int) {
	p.view(func(v engine.View) error {
		tasks, err := v.Tasks("", contract.TaskQuarantined, "", 1000)
		n = len(tasks)
		return err
	})
	return n
}
