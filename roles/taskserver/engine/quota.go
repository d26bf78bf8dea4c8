package engine

import "finest/roles/taskserver/books"

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
	if pause := Pause(c.rules.DeadlineBlocks, r.Strikes); pause > 0 && c.block < r.StruckBlock+pause {
		e.Until = r.StruckBlock + pause
	}
	if e.Until > 0 || open >= e.Quota || slot > e.Quota {
		return refuse(e)
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
