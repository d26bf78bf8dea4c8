package engine_test

import (
	"context"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// tampered is a store with other rows than its log tells of.
type tampered struct {
	engine.Store
	view func(engine.View) engine.View
}

func (s tampered) View(ctx context.Context, f func(engine.View) error) error {
	return s.Store.View(ctx, func(v engine.View) error { return f(s.view(v)) })
}

// edited changes what some methods of a View return.
type edited struct {
	engine.View
	entries func([]books.Entry) []books.Entry
	tasks   func([]engine.Task) []engine.Task
	leases  func([]engine.Lease) []engine.Lease
	results func([]contract.SubmissionView) []contract.SubmissionView
	judged  func([]engine.Verdict) []engine.Verdict
	proofs  func([]contract.ProofView) []contract.ProofView
	crawls  func([]engine.Crawl) []engine.Crawl
	counts  func([]engine.TaskCount) []engine.TaskCount
	record  func(*engine.Record)
	banned  func([]engine.Record) []engine.Record
	slot    func(*engine.Lease)
	live    func(*int)
	records func([]engine.Record) []engine.Record
	keys    func([]string) []string
	// said changes a statement, however it is read; nil takes it away.
	said func(*contract.Statement) *contract.Statement
}

func edit[T any](rows []T, f func([]T) []T) []T {
	if f != nil && len(rows) > 0 {
		return f(rows)
	}
	return rows
}

func (v edited) Audit(since int64, limit int) ([]books.Entry, error) {
	rows, err := v.View.Audit(since, limit)
	return edit(rows, v.entries), err
}

func (v edited) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	rows, err := v.View.Tasks(crawl, state, after, limit)
	return edit(rows, v.tasks), err
}

func (v edited) Leases(task string) ([]engine.Lease, error) {
	rows, err := v.View.Leases(task)
	return edit(rows, v.leases), err
}

func (v edited) Submissions(task string, since int64, limit int) ([]contract.SubmissionView, error) {
	rows, err := v.View.Submissions(task, since, limit)
	return edit(rows, v.results), err
}

func (v edited) Verdicts(task, hotkey string, since int64, limit int) ([]engine.Verdict, error) {
	rows, err := v.View.Verdicts(task, hotkey, since, limit)
	return edit(rows, v.judged), err
}

func (v edited) Proofs(since int64, limit, maxBytes int) ([]contract.ProofView, error) {
	rows, err := v.View.Proofs(since, limit, maxBytes)
	return edit(rows, v.proofs), err
}

func (v edited) Crawls() ([]engine.Crawl, error) {
	rows, err := v.View.Crawls()
	return edit(rows, v.crawls), err
}

func (v edited) TaskCounts() ([]engine.TaskCount, error) {
	rows, err := v.View.TaskCounts()
	return edit(rows, v.counts), err
}

func (v edited) Bans() ([]engine.Record, error) {
	rows, err := v.View.Bans()
	if v.banned != nil {
		rows = v.banned(rows)
	}
	return rows, err
}

func (v edited) Record(h engine.Holder) (engine.Record, error) {
	r, err := v.View.Record(h)
	if v.record != nil && h.Address == enginetest.Address("alice") {
		v.record(&r)
	}
	return r, err
}

func (v edited) SlotLease(hotkey string, slot int) (engine.Lease, error) {
	l, err := v.View.SlotLease(hotkey, slot)
	if v.slot != nil {
		v.slot(&l)
	}
	return l, err
}

func (v edited) LiveLeases(hotkey, coldkey string) (hot, cold int, err error) {
	hot, cold, err = v.View.LiveLeases(hotkey, coldkey)
	if v.live != nil && hotkey == enginetest.Address("alice") {
		v.live(&hot)
	}
	return hot, cold, err
}

func (v edited) Records(kind, after string, limit int) ([]engine.Record, error) {
	rows, err := v.View.Records(kind, after, limit)
	return edit(rows, v.records), err
}

func (v edited) VerdictKeys(since int64, limit int) ([]string, error) {
	rows, err := v.View.VerdictKeys(since, limit)
	return edit(rows, v.keys), err
}

func (v edited) Statement(sha256 string) (contract.Statement, error) {
	s, err := v.View.Statement(sha256)
	if err != nil || v.said == nil {
		return s, err
	}
	if other := v.said(&s); other != nil {
		return *other, nil
	}
	return contract.Statement{}, engine.ErrNotFound
}

func (v edited) Statements(after string, limit, maxBytes int) (rows []contract.Statement, err error) {
	all, err := v.View.Statements(after, limit, maxBytes)
	if v.said == nil {
		return all, err
	}
	for _, s := range all {
		if other := v.said(&s); other != nil {
			rows = append(rows, *other)
		}
	}
	return rows, err
}

func each[T any](f func(*T)) func([]T) []T {
	return func(rows []T) []T {
		for i := range rows {
			f(&rows[i])
		}
		return rows
	}
}

func first[T any](f func(*T)) func([]T) []T {
	return func(rows []T) []T { f(&rows[0]); return rows }
}

func without[T any](rows []T) []T { return rows[1:] }
