package engine_test

import (
	"errors"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

func TestQuota(t *testing.T) {
	for _, c := range []struct{ slots, strikes, want int }{
		{4, 0, 4}, {4, 1, 2}, {4, 2, 1}, {4, 3, 1}, {1, 8, 1}, {1024, 8, 4}, {1024, 100, 4}, {3, 1, 1},
	} {
		if got := engine.Quota(c.slots, c.strikes); got != c.want {
			t.Errorf("%d slots with %d strikes: %d, want %d", c.slots, c.strikes, got, c.want)
		}
	}
}

func TestPause(t *testing.T) {
	for _, c := range []struct {
		strikes int
		want    uint64
	}{{-1, 0}, {0, 0}, {1, 112}, {2, 225}, {6, 3600}, {7, 7200}, {8, 7200}} {
		if got := engine.Pause(7200, c.strikes); got != c.want {
			t.Errorf("%d strikes: %d blocks, want %d", c.strikes, got, c.want)
		}
	}
}

// wantQuota checks that a slot is refused because of a quota.
func (d *desk) wantQuota(name string, slot int) *engine.QuotaError {
	d.Helper()
	before := d.state()
	_, _, err := d.Lease(d.Context(), d.by(name), ask(slot))
	var q *engine.QuotaError
	if !errors.As(err, &q) {
		d.Fatalf("slot %d of %s: got error %v, want a quota", slot, name, err)
	}
	same(d.T, "state", d.state(), before)
	return q
}

func TestSlotsOfAHotkey(t *testing.T) {
	d := newDesk(t, 10)
	for slot := 1; slot <= 4; slot++ {
		d.lease("alice", slot)
	}
	q := d.wantQuota("alice", 5)
	same(t, "refusal", *q, engine.QuotaError{Holder: engine.Holder{Kind: engine.HolderHotkey, Address: enginetest.Address("alice")}, Quota: 4, Open: 4})
	d.lease("bob", 1)
}

func TestSlotBeyondTheQuota(t *testing.T) {
	d := newDesk(t, 10)
	d.must(d.release("alice", d.lease("alice", 1), ""))
	d.pass(deadline)
	d.lease("alice", 1)
	q := d.wantQuota("alice", 3)
	same(t, "refusal", *q, engine.QuotaError{Holder: holder(engine.HolderHotkey, "alice"), Quota: 2, Open: 1, Slot: 3})
	d.lease("alice", 2)
}

// CH-9: with many hotkeys one owner could lease and drop what others wanted.
func TestSlotsOfAColdkey(t *testing.T) {
	d := newDesk(t, 10)
	for _, name := range []string{"a/owner", "b/owner", "c/owner"} {
		d.lease(name, 1)
		d.lease(name, 2)
	}
	q := d.wantQuota("d/owner", 1)
	same(t, "holder", q.Holder, engine.Holder{Kind: engine.HolderColdkey, Address: enginetest.Address("owner")})
	same(t, "quota and open", [2]int{q.Quota, q.Open}, [2]int{6, 6})
	d.lease("d/another", 1)
}

// CH-6: whoever could look at a task and give it back waits for a nice one.
// Here each look takes longer than the one before.
func TestLookingForANiceTask(t *testing.T) {
	d := newDesk(t, 30)
	for look := 1; look <= 10; look++ {
		r := d.lease("alice", 1)
		d.must(d.release("alice", r, ""))
		strikes := min(look, engine.MaxStrikes)
		same(t, "strikes", d.strikes(engine.HolderHotkey, "alice"), strikes)
		until := d.head + engine.Pause(deadline, strikes)
		for d.head < until {
			q := d.wantQuota("alice", 1)
			same(t, "pause", q.Until, until)
			d.pass(1)
		}
		if look >= 2 {
			same(t, "quota", d.wantQuota("alice", 2).Quota, 1)
		}
	}
}

func TestStrikes(t *testing.T) {
	for name, c := range map[string]struct {
		do   func(d *desk, r contract.Receipt)
		want int
	}{
		"lease in hand":                {func(*desk, contract.Receipt) {}, 2},
		"release":                      {func(d *desk, r contract.Receipt) { d.must(d.release("alice", r, "")) }, 3},
		"deadline":                     {func(d *desk, _ contract.Receipt) { d.pass(deadline + 1) }, 3},
		"submission":                   {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)) }, 2},
		"accepted":                     {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictAccepted) }, 1},
		"rejected":                     {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictRejected) }, 3},
		"undecided":                    {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictUndecided) }, 2},
		"never confirmed":              {func(d *desk, r contract.Receipt) { d.must(d.submit("alice", r)); d.pass(deadline + confirm) }, 3},
		"rejected and over":            {func(d *desk, r contract.Receipt) { d.finish(r, contract.VerdictRejected); d.pass(deadline) }, 3},
		"excuse":                       {func(d *desk, r contract.Receipt) { d.must(d.release("alice", r, r.Files[0].Path)) }, 3},
		"excuse is good":               {func(d *desk, r contract.Receipt) { d.excused(r, true) }, 2},
		"excuse is not good":           {func(d *desk, r contract.Receipt) { d.excused(r, false) }, 3},
		"deadline, then a late result": {func(d *desk, r contract.Receipt) { d.pass(deadline + 1); d.must(d.submit("alice", r)) }, 2},
		"late result that is accepted": {func(d *desk, r contract.Receipt) { d.pass(deadline + 1); d.finish(r, yes) }, 1},
		"late result that is rejected": {func(d *desk, r contract.Receipt) { d.pass(deadline + 1); d.finish(r, no) }, 3},
		"accepted after the server gave up": {func(d *desk, r contract.Receipt) {
			d.must(d.submit("alice", r))
			d.pass(deadline + confirm)
			d.said(r, no, yes)
		}, 1},
		"requeued before verdicts, then accepted": {func(d *desk, r contract.Receipt) {
			d.must(d.submit("alice", r))
			d.pass(deadline)
			d.must(d.Requeue(d.Context(), d.head, r.Task))
			d.said(r, yes)
		}, 1},
		"rejected, then withdrawn": {func(d *desk, r contract.Receipt) { d.finish(r, no); d.said(r, maybe) }, 2},
		"rejected, then accepted":  {func(d *desk, r contract.Receipt) { d.finish(r, no); d.said(r, yes) }, 1},
		"accepted, then withdrawn": {func(d *desk, r contract.Receipt) { d.finish(r, yes); d.said(r, maybe) }, 2},
		"accepted, then rejected":  {func(d *desk, r contract.Receipt) { d.finish(r, yes); d.said(r, no) }, 3},
		"rejected again and again": {func(d *desk, r contract.Receipt) { d.finish(r, no); d.said(r, maybe, no, maybe, no, yes, no) }, 3},
		"accepted again and again": {func(d *desk, r contract.Receipt) { d.finish(r, yes); d.said(r, maybe, yes, maybe, yes, no, yes) }, 1},
		"there and back, never confirmed": {func(d *desk, r contract.Receipt) {
			d.finish(r, no)
			d.said(r, maybe, no, maybe)
			d.pass(deadline + confirm)
		}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			d := newDesk(t, 20)
			for range 2 { // two strikes to begin with
				d.must(d.release("alice", d.lease("alice", 1), ""))
				d.pass(deadline)
			}
			r := d.lease("alice", 1)
			d.pass(1)
			c.do(d, r)
			same(t, "strikes of the hotkey", d.strikes(engine.HolderHotkey, "alice"), c.want)
			same(t, "strikes of the coldkey", d.strikes(engine.HolderColdkey, "alice"), c.want)
		})
	}
}

// finish submits the result of a lease and judges it.
func (d *desk) finish(r contract.Receipt, outcome string) {
	d.Helper()
	d.must(d.submit("alice", r))
	d.must(d.judge("val", 10, r, outcome))
}

// said lets the judge of finish say more of the result of a lease.
func (d *desk) said(r contract.Receipt, outcomes ...string) {
	d.Helper()
	for _, outcome := range outcomes {
		d.pass(1)
		d.must(d.judge("val", 10, r, outcome))
	}
}

// What the range of strikes swallowed is not given back: whoever has none is not
// struck when a verdict in their favour is withdrawn, and whoever has the most
// loses none when one against them is.
func TestStrikesAtTheEndsOfTheirRange(t *testing.T) {
	d := newDesk(t, 20)
	both := func(what string, want int) {
		t.Helper()
		same(t, what+", hotkey", d.strikes(engine.HolderHotkey, "alice"), want)
		same(t, what+", coldkey", d.strikes(engine.HolderColdkey, "alice"), want)
	}
	good := d.lease("alice", 1)
	d.pass(1)
	d.finish(good, yes)
	both("accepted without strikes", 0)
	d.said(good, maybe, yes, maybe)
	both("withdrawn", 0)
	d.said(good, yes, no)
	both("rejected after all", 1)
	d.pass(deadline)
	for range engine.MaxStrikes {
		d.must(d.release("alice", d.lease("alice", 1), ""))
		d.pass(deadline)
	}
	both("released again and again", engine.MaxStrikes)
	bad := d.lease("alice", 1)
	d.pass(1)
	d.finish(bad, no)
	d.said(bad, maybe, no, maybe)
	both("rejected and withdrawn", engine.MaxStrikes)
	d.said(bad, yes)
	both("accepted after all", engine.MaxStrikes-1)
}

func (d *desk) excused(r contract.Receipt, confirmed bool) {
	d.Helper()
	d.must(d.release("alice", r, r.Files[0].Path))
	d.must(d.Excuse(d.Context(), d.head, r.Task, r.Generation, confirmed, "asked for it"))
}

// FS-6: a hotkey that moved to another owner locked itself out. Here the new
// owner's quota counts, and what its old leases lead to is the old owner's.
func TestHotkeyMovesToAnotherColdkey(t *testing.T) {
	d := newDesk(t, 10)
	r := d.lease("alice/old", 1)
	d.lease("alice/new", 2)
	held, granted, err := d.Lease(d.Context(), d.by("alice/new"), ask(1))
	d.must(err)
	if granted || held.Task != r.Task {
		t.Error("its lease did not move with it")
	}
	d.must(d.release("alice/new", r, ""))
	same(t, "strikes of the old coldkey", d.strikes(engine.HolderColdkey, "old"), 1)
	same(t, "strikes of the new coldkey", d.strikes(engine.HolderColdkey, "new"), 0)
}

func TestQuotaErrorSaysWhatToDo(t *testing.T) {
	h := engine.Holder{Kind: engine.HolderHotkey}
	for want, e := range map[string]*engine.QuotaError{
		"before block 77":                           {Holder: h, Quota: 1, Until: 77},
		"has 2 leases open and may":                 {Holder: h, Quota: 1, Open: 2},
		"may use slots up to 2 for now, not slot 3": {Holder: h, Quota: 2, Open: 1, Slot: 3},
		"has 60 results that wait for verdicts and 4 leases open, and may have 64 together": {Holder: h, Quota: 8, Open: 4, Unjudged: 60, MostUnjudged: 64},
	} {
		if !strings.Contains(e.Error(), want) {
			t.Errorf("%q does not say %q", e, want)
		}
	}
}
