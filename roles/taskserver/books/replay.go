package books

import (
	"bytes"
	"encoding/json"

	"finest/internal/canon"
	"finest/internal/contract"
)

// replay checks the change of an entry and then makes it.
func (b *Books) replay(e Entry) error {
	if len(e.Detail) > maxDetail {
		return illegal("a detail of %d bytes", len(e.Detail))
	}
	switch e.Op {
	case OpImport:
		return b.imported(e)
	case OpRetire:
		return b.retired(e)
	case OpBan, OpClear:
		return b.ruled(e)
	case OpProof:
		return b.proved(e)
	}
	s, err := b.step(e)
	if err != nil {
		return err
	}
	switch e.Op {
	case OpSurvey:
		return s.survey()
	case OpLease:
		return s.lease()
	case OpRenew:
		return s.renew()
	case OpRelease, OpExpire, OpReissue:
		return s.end()
	case OpSubmit:
		return s.submit()
	case OpVerdict:
		return s.verdict()
	case OpJudge:
		return s.judge()
	case OpExcuse:
		return s.excuse()
	default: // OpRequeue: step knows no other
		return s.requeue()
	}
}

// maxDetail bounds the detail of an entry: a survey names up to
// contract.MaxInputs files.
const maxDetail = 4 << 20

// read decodes a detail. Only one that encodes back to the same bytes is what
// was hashed: it has every field, no other, and one spelling.
func read[D any](e Entry) (d D, err error) {
	if err := json.Unmarshal(e.Detail, &d); err != nil {
		return d, illegal("detail: %v", err)
	}
	back, err := canon.Marshal(d)
	if err != nil {
		return d, illegal("detail: %v", err)
	}
	if !bytes.Equal(back, e.Detail) {
		return d, illegal("detail: %v", canon.ErrNotCanonical)
	}
	return d, nil
}

// apart checks an entry that is not of one task.
func apart(e Entry, actor string) error {
	if e.Task != "" || e.Generation != 0 || e.From != "" || e.To != "" {
		return illegal("it names a task")
	}
	return by(e, actor)
}

func by(e Entry, actor string) error {
	if e.Actor != actor {
		return illegal("it is by %.60q, not by %s", e.Actor, actor)
	}
	return nil
}

func (b *Books) imported(e Entry) error {
	d, err := read[Import](e)
	if err != nil {
		return err
	}
	if err := apart(e, ActorOperator); err != nil {
		return err
	}
	switch {
	case !contract.ValidCrawl(d.Crawl):
		return illegal("crawl %.80q", d.Crawl)
	case b.crawls[d.Crawl] != nil:
		return illegal("crawl %s is there already", d.Crawl)
	case d.FilesPerTask < 1 || d.FilesPerTask > contract.MaxInputs || d.Tasks < 1 || d.Tasks > maxTasks ||
		d.Files < 1 || d.Files > maxTasks*contract.MaxInputs || (d.Files+d.FilesPerTask-1)/d.FilesPerTask != d.Tasks:
		return illegal("%d files do not make %d tasks of %d", d.Files, d.Tasks, d.FilesPerTask)
	}
	c := &crawl{Import: d, pages: make([][]task, (d.Tasks+pageTasks-1)/pageTasks)}
	c.counts[available] = int64(d.Tasks)
	b.crawls[d.Crawl] = c
	return nil
}

func (b *Books) retired(e Entry) error {
	d, err := read[Retire](e)
	if err != nil {
		return err
	}
	if err := apart(e, ActorOperator); err != nil {
		return err
	}
	c := b.crawls[d.Crawl]
	if c == nil || c.retired {
		return illegal("crawl %.80q is not there, or retired already", d.Crawl)
	}
	c.retired = true
	return nil
}

func (b *Books) ruled(e Entry) error {
	d, err := read[Holder](e)
	if err != nil {
		return err
	}
	if err := apart(e, ActorOperator); err != nil {
		return err
	}
	holders := map[string]*registry{HolderHotkey: &b.hotkeys, HolderColdkey: &b.coldkeys}[d.Kind]
	if holders == nil || !contract.ValidHotkey(d.Address) {
		return illegal("holder %.20q %.80q", d.Kind, d.Address)
	}
	if (e.Op == OpBan) != (d.Reason != "") || len(d.Reason) > contract.MaxReason {
		return illegal("reason %.80q", d.Reason)
	}
	r := &holders.records[holders.number(d.Address)]
	r.ban = d.Reason
	if e.Op == OpClear {
		r.strikes, r.struck = 0, 0
	}
	return nil
}

// Kinds of holders.
const (
	HolderHotkey  = "hotkey"
	HolderColdkey = "coldkey"
)

func (b *Books) proved(e Entry) error {
	d, err := read[Proof](e)
	if err != nil {
		return err
	}
	if err := apart(e, e.Actor); err != nil {
		return err
	}
	if _, err := canon.ParseHash(d.SHA256); err != nil {
		return illegal("hash of a proof: %v", err)
	}
	b.proofs++
	return nil
}

// step is an entry of one task on its way.
type step struct {
	*Books
	e    Entry
	c    *crawl
	t    *task
	from stateIndex
	to   stateIndex
}

// step finds the task of an entry and checks that it is where the entry says.
func (b *Books) step(e Entry) (step, error) {
	c, t, err := b.find(e.Task)
	if err != nil {
		return step{}, err
	}
	from, okFrom := stateOf(e.From)
	to, okTo := stateOf(e.To)
	if !okFrom || !okTo || !mayMove(e.Op, from, to) {
		return step{}, illegal("no task goes from %.20q to %.20q so", e.From, e.To)
	}
	if from != t.state {
		return step{}, illegal("task %s is %s, not %s", e.Task, t.state, from)
	}
	want := int64(len(t.leases))
	if e.Op == OpLease {
		want++
	}
	if e.Generation != want {
		return step{}, illegal("generation %d of task %s, not %d", e.Generation, e.Task, want)
	}
	if e.Op != OpVerdict && e.Op != OpJudge {
		if err := t.judged(); err != nil {
			return step{}, err
		}
	}
	return step{Books: b, e: e, c: c, t: t, from: from, to: to}, nil
}

// check checks what an entry leaves of a task, whose attempts change by
// attempts.
func (s step) check(a After, attempts int) error {
	want := max(0, int(s.t.attempts)+attempts)
	switch {
	case a.Attempts != want || want > maxAttempts:
		return illegal("%d attempts, not %d", a.Attempts, want)
	case (a.Evidence != "") != (s.to == quarantined):
		return illegal("it is %s with evidence %.60q", s.to, a.Evidence)
	case (a.Due == 0) != (s.to == available || s.to == accepted || s.to == quarantined):
		return illegal("it is %s and due at block %d", s.to, a.Due)
	}
	return nil
}

// unstruck checks an entry that changes no strikes.
func unstruck(a After) error {
	if a.Strikes != nil {
		return illegal("strikes %+v where none change", *a.Strikes)
	}
	return nil
}

// keep makes the change of an entry that was checked.
func (s step) keep(a After) {
	s.c.move(s.t, s.to)
	if len(s.t.leases) > 0 {
		s.account(s.t.newest(), s.from, s.to)
	}
	s.t.attempts, s.t.due, s.t.evidence = uint16(a.Attempts), a.Due, s.hash(a.Evidence)
}

// holds checks that the newest lease is live, is the actor's, and is not over.
func (s step) holds() error {
	l := s.t.newest()
	if s.hotkeys.address(l.hotkey) != s.e.Actor {
		return illegal("%.60q does not hold the lease", s.e.Actor)
	}
	return s.timely(l)
}

func (s step) timely(l *lease) error {
	if s.e.Block > l.deadline {
		return illegal("at block %d, but the deadline was block %d", s.e.Block, l.deadline)
	}
	return nil
}

// over keeps the end of the newest lease, which was live.
func (s step) over(l *lease, state uint8) {
	l.state, l.ended = state, s.e.Block
	delete(s.live, slotKey{l.hotkey, l.slot})
	s.hotkeys.records[l.hotkey].live--
	s.coldkeys.records[l.coldkey].live--
}
