package engine

import (
	"context"
	"errors"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Check proves the tables of a store by its audit log. It reads one state,
// while changes go on.
func Check(ctx context.Context, store Store) (report books.Report, err error) {
	err = store.View(ctx, func(v View) error {
		report, err = books.Check(ctx, source{v})
		return err
	})
	return report, err
}

// source shows a View as the books see it.
type source struct{ View }

// maxProofPage bounds the proofs that are read at a time, in bytes.
const maxProofPage = 16 << 20

func (s source) Head() (books.Entry, error) { return s.AuditHead() }

func (s source) Entries(since int64, limit int) ([]books.Entry, error) { return s.Audit(since, limit) }

func (s source) Crawls() ([]books.CrawlRow, error) {
	crawls, err := s.View.Crawls()
	return rows(crawls, func(c Crawl) books.CrawlRow { return books.CrawlRow(c) }), err
}

func (s source) Tasks(crawl, after string, limit int) ([]books.TaskRow, error) {
	tasks, err := s.View.Tasks(crawl, "", after, limit)
	return rows(tasks, func(t Task) books.TaskRow {
		return books.TaskRow{ID: t.ID, State: t.State, Ready: t.Ready, Misplaced: t.Point != TaskPoint(t.ID),
			Generation: t.Generation, Deadline: t.DeadlineBlock, Due: t.DueBlock, Attempts: t.Attempts, Evidence: t.Evidence, Files: t.Files}
	}), err
}

func (s source) Counts() ([]books.Count, error) {
	counts, err := s.TaskCounts()
	return rows(counts, func(c TaskCount) books.Count { return books.Count{Crawl: c.Crawl, State: c.State, Tasks: c.Tasks} }), err
}

func (s source) Leases(task string) ([]books.LeaseRow, error) {
	leases, err := s.View.Leases(task)
	return rows(leases, func(l Lease) books.LeaseRow {
		return books.LeaseRow{Receipt: l.Receipt, Coldkey: l.Coldkey, State: l.State, Slot: l.Slot, Renewed: l.RenewedBlock,
			Ended: l.EndedBlock, Reason: l.Reason, Missing: l.Excuse, Excused: l.Excused,
			HotkeyStrikes: l.HotkeyStrikes, ColdkeyStrikes: l.ColdkeyStrikes}
	}), err
}

func (s source) Slot(hotkey string, slot int) (string, int64, error) {
	l, err := s.SlotLease(hotkey, slot)
	if errors.Is(err, ErrNotFound) {
		return "", 0, nil
	}
	return l.Receipt.Task, l.Receipt.Generation, err
}

func (s source) Live(hotkey, coldkey string) (int, int, error) { return s.LiveLeases(hotkey, coldkey) }

func (s source) Holder(kind, address string) (books.HolderRow, error) {
	r, err := s.Record(Holder{kind, address})
	return holderRow(r), err
}

func (s source) Banned() ([]books.HolderRow, error) {
	bans, err := s.Bans()
	return rows(bans, holderRow), err
}

func holderRow(r Record) books.HolderRow {
	return books.HolderRow{Kind: r.Kind, Address: r.Address, Strikes: r.Strikes, Struck: r.StruckBlock,
		Unjudged: r.Unjudged, Accepted: r.Accepted, Ban: r.Ban}
}

func (s source) Submissions(since int64, limit int) ([]contract.SubmissionView, error) {
	return s.View.Submissions("", since, limit)
}

func (s source) Verdicts(since int64, limit int) ([]books.VerdictRow, error) {
	verdicts, err := s.View.Verdicts("", "", since, limit)
	return rows(verdicts, func(v Verdict) books.VerdictRow { return books.VerdictRow(v) }), err
}

func (s source) Proofs(since int64, limit int) ([]contract.ProofView, error) {
	return s.View.Proofs(since, limit, maxProofPage)
}

func (s source) Outcome(task string, generation int64) (string, error) {
	result, err := s.Submission(task, generation)
	if errors.Is(err, ErrNotFound) {
		return "without a result", nil
	}
	if err != nil {
		return "", err
	}
	verdicts, err := s.NewestVerdicts(task, generation)
	return outcome(tally(verdicts, result.Manifest)), err
}

func rows[A, B any](from []A, row func(A) B) []B {
	to := make([]B, len(from))
	for i, a := range from {
		to[i] = row(a)
	}
	return to
}
