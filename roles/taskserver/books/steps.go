package books

import (
	"errors"
	"strconv"

	"finest/internal/canon"
	"finest/internal/contract"
)

func (s step) survey() error {
	d, err := read[Survey](s.e)
	if err != nil {
		return err
	}
	if err := by(s.e, ActorServer); err != nil {
		return err
	}
	if len(d.Files) == 0 || len(d.Files) > s.c.FilesPerTask || s.to == available && !sized(d.Files) {
		return illegal("the files are not known")
	}
	if s.to == available && s.t.surveyed {
		return illegal("the sizes of task %s are known", s.e.Task)
	}
	if err := errors.Join(s.check(d.After, 0), unstruck(d.After)); err != nil {
		return err
	}
	if s.to == available {
		s.t.surveyed = true
		s.t.files = s.filesHash(d.Files)
	}
	s.keep(d.After)
	return nil
}

func (b *Books) filesHash(files []contract.InputFile) uint64 {
	return b.hash(string(AppendFiles(nil, files)))
}

func (s step) lease() error {
	d, err := read[Lease](s.e)
	if err != nil {
		return err
	}
	if err := errors.Join(s.check(d.After, 0), unstruck(d.After)); err != nil {
		return err
	}
	_, err = canon.ParseHash(d.Receipt)
	switch {
	case !contract.ValidHotkey(s.e.Actor) || !contract.ValidHotkey(d.Coldkey):
		return illegal("a lease of %.60q, %.60q", s.e.Actor, d.Coldkey)
	case d.Slot < 1 || d.Slot > contract.MaxSlot:
		return illegal("slot %d", d.Slot)
	case d.Deadline <= s.e.Block || d.Due != d.Deadline:
		return illegal("deadline %d, due %d, at block %d", d.Deadline, d.Due, s.e.Block)
	case err != nil:
		return illegal("receipt: %v", err)
	case !s.free():
		return illegal("its last lease is not over")
	case s.c.retired:
		return illegal("crawl %s is retired", s.c.Crawl)
	case s.hotkeys.of(s.e.Actor).ban != "" || s.coldkeys.of(d.Coldkey).ban != "":
		return illegal("its holder is banned")
	}
	k := slotKey{s.hotkeys.number(s.e.Actor), uint16(d.Slot)}
	if _, taken := s.live[k]; taken {
		return illegal("slot %d of %s has a live lease", d.Slot, s.e.Actor)
	}
	cold := s.coldkeys.number(d.Coldkey)
	s.live[k] = struct{}{}
	s.hotkeys.records[k.hotkey].live++
	s.coldkeys.records[cold].live++
	s.t.leases = append(s.t.leases, lease{block: s.e.Block, deadline: d.Deadline, receipt: s.hash(d.Receipt), texts: s.hash("", ""),
		hotkey: k.hotkey, coldkey: cold, slot: k.slot})
	s.leases++
	s.keep(d.After)
	return nil
}

// free reports that nobody holds a right to the task any more: its last lease
// was released, or is past its deadline.
func (s step) free() bool {
	return len(s.t.leases) == 0 || s.t.newest().state == leaseReleased || s.e.Block > s.t.newest().deadline
}

func (s step) renew() error {
	if _, err := read[Renewal](s.e); err != nil {
		return err
	}
	if err := s.holds(); err != nil {
		return err
	}
	s.t.newest().renewed = s.e.Block
	return nil
}

// end is a lease that led to nothing: released, expired, or with a result that
// nobody waits for any more.
func (s step) end() error {
	d, err := read[End](s.e)
	if err != nil {
		return err
	}
	if err := s.mayEnd(); err != nil {
		return err
	}
	if d.Missing != "" && s.e.Op != OpRelease {
		return illegal("file %.60q is missing", d.Missing)
	}
	l := s.t.newest()
	if err := errors.Join(s.check(d.After, 1), s.struck(l, d.Strikes, 1)); err != nil {
		return err
	}
	s.strike(l, 1, s.e.Block)
	l.texts = s.hash(d.Reason, d.Missing)
	if d.Missing != "" {
		l.excused = excusePending
	}
	switch s.e.Op {
	case OpRelease:
		s.over(l, leaseReleased)
	case OpExpire:
		s.over(l, leaseExpired)
	}
	s.keep(d.After)
	return nil
}

func (s step) mayEnd() error {
	if s.e.Op == OpRelease {
		return s.holds()
	}
	if s.e.Block <= s.t.due {
		return illegal("at block %d, but it is due after block %d", s.e.Block, s.t.due)
	}
	return by(s.e, ActorServer)
}

func (s step) submit() error {
	d, err := read[Submit](s.e)
	if err != nil {
		return err
	}
	if len(s.t.leases) == 0 {
		return illegal("task %s was never leased", s.e.Task)
	}
	l := s.t.newest()
	late := s.from != leased
	switch {
	case s.hotkeys.address(l.hotkey) != s.e.Actor:
		return illegal("%.60q does not hold the lease", s.e.Actor)
	case late && l.state != leaseExpired:
		return illegal("the lease of task %s is %s", s.e.Task, leaseStates[l.state])
	case d.Block <= l.block || d.Block > l.deadline || d.Block > s.e.Block:
		return illegal("the claim of block %d is not of the lease, block %d to %d, at block %d", d.Block, l.block, l.deadline, s.e.Block)
	case d.Due < max(l.deadline, s.e.Block):
		return illegal("due at block %d", d.Due)
	case !late:
		err = s.timely(l)
	}
	if err != nil {
		return err
	}
	attempts := 0
	if late {
		attempts = -1
	}
	if err := errors.Join(s.check(d.After, attempts), s.struck(l, d.Strikes, 0)); err != nil {
		return err
	}
	s.strike(l, 0, s.e.Block)
	if late {
		l.state, l.ended = leaseSubmitted, s.e.Block
	} else {
		s.over(l, leaseSubmitted)
	}
	l.texts = s.hash("", "")
	l.ofResult().manifest = s.hash(d.Manifest)
	s.submissions++
	s.keep(d.After)
	return nil
}

func (s step) verdict() error {
	d, err := read[Verdict](s.e)
	if err != nil {
		return err
	}
	stake, err := strconv.ParseUint(d.Stake, 10, 64)
	said, known := outcomes[d.Outcome]
	switch {
	case d.Task != s.e.Task || d.Generation < 1 || d.Generation > int64(len(s.t.leases)):
		return illegal("a verdict on lease %d of %.80q", d.Generation, d.Task)
	case d.Hotkey != s.hotkeys.address(s.t.leases[d.Generation-1].hotkey):
		return illegal("a verdict on %.60q, who does not have the lease", d.Hotkey)
	case d.WeightsBlock > s.e.Block || err != nil || d.Stake != rao(stake) || !known:
		return illegal("weights of block %d, stake %.40q, outcome %.40q", d.WeightsBlock, d.Stake, d.Outcome)
	case d.Hotkey == s.e.Actor && stake > 0:
		return illegal("%.60q has a say in what becomes of its own work", s.e.Actor)
	}
	s.t.leases[d.Generation-1].ofResult().hear(opinion{s.hash(d.Manifest), stake, s.validator(s.e.Actor), said})
	s.verdicts++
	return nil
}

func (s step) judge() error {
	d, err := read[Judge](s.e)
	if err != nil {
		return err
	}
	if err := by(s.e, ActorServer); err != nil {
		return err
	}
	if len(s.t.leases) == 0 || s.t.newest().state != leaseSubmitted {
		return illegal("task %s has no result", s.e.Task)
	}
	if err := s.outcome(d); err != nil {
		return err
	}
	attempts := 0
	if s.from == available || s.from == quarantined {
		attempts = -1
	}
	l, level := s.t.newest(), map[stateIndex]int{accepted: -1, rejected: 1}[s.to]
	if err := errors.Join(s.check(d.After, attempts), s.struck(l, d.Strikes, level)); err != nil {
		return err
	}
	s.strike(l, level, s.e.Block)
	s.keep(d.After)
	return nil
}

// outcome checks that stakes are those of the verdicts in the log, and that they
// and the due block give the state.
func (s step) outcome(d Judge) error {
	l := s.t.newest()
	yes, no := l.tally()
	if d.Accepted != rao(yes) || d.Rejected != rao(no) {
		return illegal("%.40q for it and %.40q against it, but its verdicts are %d for and %d against it", d.Accepted, d.Rejected, yes, no)
	}
	due := true
	switch s.to {
	case rejected:
		due = d.Due == l.deadline
	case submitted:
		due = d.Due >= max(l.deadline, s.e.Block)
	}
	if s.to != decided(yes, no) || !due {
		return illegal("%s with %d for it and %d against it, due at block %d", s.to, yes, no, d.Due)
	}
	return nil
}

func (s step) excuse() error {
	d, err := read[Excuse](s.e)
	if err != nil {
		return err
	}
	if err := by(s.e, ActorServer); err != nil {
		return err
	}
	if d.Lease < 1 || d.Lease > int64(len(s.t.leases)) || s.t.leases[d.Lease-1].excused != excusePending {
		return illegal("no excuse of lease %d of task %s waits for a decision", d.Lease, s.e.Task)
	}
	if d.Receipt != "" && (s.from != leased || s.hash(d.Receipt) != s.t.newest().receipt) {
		return illegal("receipt %.80q is not of a live lease of task %s", d.Receipt, s.e.Task)
	}
	l := &s.t.leases[d.Lease-1]
	change := 0
	if d.Confirmed {
		change = -1
	}
	if moves := s.from == available && d.Confirmed; moves != (s.from != s.to) || d.Due != s.t.due {
		return illegal("it becomes %s, due at block %d", s.to, d.Due)
	}
	if err := s.check(d.After, change); err != nil {
		return err
	}
	if !d.Confirmed {
		if err := unstruck(d.After); err != nil {
			return err
		}
		l.excused = excuseRefuted
	} else {
		if err := s.struck(l, d.Strikes, 0); err != nil {
			return err
		}
		s.strike(l, 0, s.e.Block)
		l.excused = excuseConfirmed
	}
	s.keep(d.After)
	return nil
}

func (s step) requeue() error {
	d, err := read[Requeue](s.e)
	if err != nil {
		return err
	}
	if err := by(s.e, ActorOperator); err != nil {
		return err
	}
	if s.from == submitted && s.e.Block <= s.t.newest().deadline {
		return illegal("before the deadline, block %d", s.t.newest().deadline)
	}
	if err := errors.Join(s.check(d.After, -maxAttempts), unstruck(d.After), s.mayForget(d.Files)); err != nil {
		return err
	}
	if len(d.Files) > 0 {
		s.forget(d.Files)
	}
	s.keep(d.After)
	return nil
}

// mayForget checks the files whose sizes a task forgets.
func (s step) mayForget(files []contract.InputFile) error {
	if len(files) == 0 {
		return nil
	}
	_, forgot := s.forgotten[s.e.Task]
	switch {
	case len(files) > s.c.FilesPerTask || !sized(files):
		return illegal("the sizes it forgets are not known")
	case s.t.surveyed && s.filesHash(files) != s.t.files:
		return illegal("the files of task %s are not those of its survey", s.e.Task)
	case !s.t.surveyed && forgot:
		return illegal("the sizes of task %s are forgotten already", s.e.Task)
	}
	return nil
}

// forget forgets the sizes of a task. Those it was imported with are kept to
// prove the catalogue by.
func (s step) forget(files []contract.InputFile) {
	if !s.t.surveyed {
		s.forgotten[s.e.Task] = files
	}
	s.t.surveyed, s.t.files = false, 0
}
