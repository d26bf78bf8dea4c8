package engine

import (
	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// MaxStrikes is the most strikes a holder can have.
//
// A strike is a lease that led to nothing: it passed its deadline, was released
// without an excuse that the server could confirm, or its result was rejected
// or never confirmed. An accepted task takes one back. Whoever has strikes may
// have fewer leases at a time, and after each new one gets none for a while; so
// leasing and releasing until a nice task comes leads nowhere, and nobody can
// keep many tasks from the others by leasing without working. BOINC's
// daily_result_quota, lowered with each timeout (sched/transitioner.cpp of
// github.com/BOINC/boinc), is of the same kind, by days.
const MaxStrikes = books.MaxStrikes

// Quota is how many of slots a holder with strikes may have at a time.
func Quota(slots, strikes int) int { return max(1, slots>>min(strikes, MaxStrikes)) }

// Pause is for how many blocks a holder gets no new lease after its newest
// strike: a sixty-fourth of a lease after the first, a whole one from the
// seventh on.
func Pause(deadlineBlocks uint64, strikes int) uint64 {
	if strikes <= 0 {
		return 0
	}
	return deadlineBlocks >> max(0, 7-strikes)
}

// Bounds of the results that wait for verdicts, in multiples of a quota.
const (
	unjudgedAtFirst = 16
	unjudgedAtMost  = 1024
)

// MostUnjudged is how many tasks a holder may have that are leased or wait for
// verdicts, with this quota and so many accepted results. Without it whoever
// submits garbage at once would get the whole catalogue, as only the leases that
// are live count in a quota.
//
// Verdicts take two windows of 7,200 blocks at most, two days. A newcomer's 16
// tasks a slot last as long at three hours a task; who is faster waits for the
// first verdicts. Each accepted result then makes room for itself and for a
// quota more, so that who submits good work is soon bounded by the 1,024 a slot
// alone: one every 14 blocks for two windows, faster than a task is done. Strikes
// shrink the bound with the quota.
func MostUnjudged(quota, accepted int) int {
	return min(quota, maxQuota) * min(unjudgedAtFirst+accepted, unjudgedAtMost)
}

// maxQuota keeps the product within an int.
const maxQuota = 1 << 20

// allow checks that a hotkey may have one more lease, in this slot.
func (c *change) allow(hotkey, coldkey string, slot int) error {
	hot, cold, err := c.LiveLeases(hotkey, coldkey)
	if err != nil {
		return err
	}
	if err := c.allowHolder(Holder{HolderHotkey, hotkey}, c.rules.Slots, hot, slot); err != nil {
		return err
	}
	return c.allowHolder(Holder{HolderColdkey, coldkey}, c.rules.ColdkeySlots, cold, 0)
}

func (c *change) allowHolder(h Holder, slots, open, slot int) error {
	r, err := c.Record(h)
	if err != nil {
		return err
	}
	if r.Ban != "" {
		return refuse(&BanError{Holder: h, Reason: r.Ban})
	}
	e := &QuotaError{Holder: h, Quota: Quota(slots, r.Strikes), Open: open}
	most := MostUnjudged(e.Quota, r.Accepted)
	switch pause := Pause(c.rules.DeadlineBlocks, r.Strikes); {
	case pause > 0 && c.block < r.StruckBlock+pause:
		e.Until = r.StruckBlock + pause
	case open >= e.Quota:
	case slot > e.Quota:
		e.Slot = slot
	case open+r.Unjudged >= most:
		e.Unjudged, e.MostUnjudged = r.Unjudged, most
	default:
		return nil
	}
	return refuse(e)
}

// account counts a task that moved from a state to another by a lease among the
// results of the lease's holders.
func (c *change) account(l Lease, from, to string) error {
	moved := func(state string) (by int) {
		if to == state {
			by++
		}
		if from == state {
			by--
		}
		return by
	}
	unjudged, accepted := moved(contract.TaskSubmitted), moved(contract.TaskAccepted)
	if unjudged == 0 && accepted == 0 {
		return nil
	}
	for _, h := range []Holder{{HolderHotkey, l.Receipt.Hotkey}, {HolderColdkey, l.Coldkey}} {
		r, err := c.Record(h)
		if err != nil {
			return err
		}
		r.Holder = h
		r.Unjudged += unjudged
		r.Accepted += accepted
		if err := c.PutRecord(r); err != nil {
			return err
		}
	}
	return nil
}

// strike makes a lease count level among the strikes of its holders: 1 for one
// that led to nothing, −1 for an accepted result, 0 for one that is open. What
// it counted before is taken back, so that a lease counts once, however often
// verdicts change. The caller keeps the lease. It returns nil if nothing changes.
func (c *change) strike(l *Lease, level int) (*books.Strikes, error) {
	if l.HotkeyStrikes == level && l.ColdkeyStrikes == level {
		return nil, nil
	}
	hotkey, err := c.strikeHolder(Holder{HolderHotkey, l.Receipt.Hotkey}, &l.HotkeyStrikes, level)
	if err != nil {
		return nil, err
	}
	coldkey, err := c.strikeHolder(Holder{HolderColdkey, l.Coldkey}, &l.ColdkeyStrikes, level)
	return &books.Strikes{Hotkey: hotkey, Coldkey: coldkey}, err
}

func (c *change) strikeHolder(h Holder, counted *int, level int) (int, error) {
	r, err := c.Record(h)
	if err != nil {
		return 0, err
	}
	r.Holder = h
	if level > 0 && *counted < level {
		r.StruckBlock = max(r.StruckBlock, c.block)
	}
	r.Strikes, *counted = books.Recount(r.Strikes, *counted, level)
	return r.Strikes, c.PutRecord(r)
}
