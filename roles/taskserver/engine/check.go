package engine

import (
	"context"
	"errors"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Check proves the tables of a store by its audit log. It reads one state,
// while changes go on. Each of signed is asked about every statement, and says
// why that is not what its validator signed.
func Check(ctx context.Context, store Store, signed ...func(contract.Statement) error) (report books.Report, err error) {
	err = store.View(ctx, func(v View) error {
		report, err = books.Check(ctx, source{v, signed})
		return err
	})
	return report, err
}

// source shows a View as the books see it.
type source struct {
	View
	signed []func(contract.Statement) error
}

// maxPage bounds the proofs and statements that are read at a time, in bytes.
const maxPage = 16 << 20

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

func (s source) Counts() ([]books.CountRow, error) {
	counts, err := s.TaskCounts()
	return rows(counts, func(c TaskCount) books.CountRow { return books.CountRow(c) }), err
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

func (s source) Holders(kind, after string, limit int) ([]books.HolderRow, error) {
	records, err := s.Records(kind, after, limit)
	return rows(records, holderRow), err
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
	if err != nil {
		return nil, err
	}
	stored, err := s.VerdictKeys(since, limit)
	if err != nil {
		return nil, err
	}
	out := make([]books.VerdictRow, len(verdicts))
	for i, v := range verdicts {
		key, err := v.Key()
		if err != nil {
			return nil, err
		}
		out[i] = books.VerdictRow{VerdictView: v.VerdictView, Stake: v.Stake, Key: key}
		if i < len(stored) {
			out[i].Stored = stored[i]
		}
	}
	return out, nil
}

func (s source) Statement(id string) (contract.Statement, bool, error) {
	one, err := s.View.Statement(id)
	if errors.Is(err, ErrNotFound) {
		return one, false, nil
	}
	return one, err == nil, err
}

func (s source) Statements(after string, limit int) ([]contract.Statement, error) {
	return s.View.Statements(after, limit, maxPage)
}

func (s source) Signed(statement contract.Statement) error {
	for _, signed := range s.signed {
		if err := signed(statement); err != nil {
			return err
		}
	}
	return nil
}

func (s source) Proofs(since int64, limit int) ([]contract.ProofView, error) {
	return s.View.Proofs(since, limit, maxPage)
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
