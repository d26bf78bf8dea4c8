package pipeline

import (
	"context"
	"iter"
	"sync"
	"sync/atomic"
	"time"
	"unicode/utf8"

	"finest/internal/contract"
)

// Revision is what an earlier pass left of a page.
type Revision struct {
	Result
	// Places are the keys that repeat, as the Editor between the passes found;
	// none if the document stays as it is.
	Places []uint32
}

// Revisions are worked on in batches of so many documents, or this much text.
const (
	batchDocuments = 1024
	batchBytes     = 16 << 20
)

// Revise edits documents and runs the stages over them, in as many goroutines as
// Scan, and calls emit, from the calling goroutine, for every result in order.
// What has no Row passes unchanged. It returns the first error of ctx, in or
// emit, and the time spent per stage.
func (r *Runner) Revise(ctx context.Context, in iter.Seq2[Revision, error], emit func(Result) error) (map[string]time.Duration, error) {
	times := r.newTimes()
	var batch []Revision
	var size int
	flush := func() error {
		r.reviseAll(batch, times)
		for i := range batch {
			if err := emit(batch[i].Result); err != nil {
				return err
			}
		}
		batch, size = batch[:0], 0
		return ctx.Err()
	}
	for revision, err := range in {
		if err != nil {
			return nil, err
		}
		batch = append(batch, revision)
		if revision.Row != nil {
			size += len(revision.Row.Text)
		}
		if len(batch) == batchDocuments || size >= batchBytes {
			if err := flush(); err != nil {
				return nil, err
			}
		}
	}
	if err := flush(); err != nil {
		return nil, err
	}
	return r.sumTimes(times), nil
}

// reviseAll revises a batch in place, one goroutine for each element of times.
func (r *Runner) reviseAll(batch []Revision, times [][]time.Duration) {
	var next atomic.Int64
	var running sync.WaitGroup
	for i := range min(len(times), len(batch)) {
		running.Go(func() {
			for n := next.Add(1) - 1; n < int64(len(batch)); n = next.Add(1) - 1 {
				r.revise(&batch[n], times[i])
			}
		})
	}
	running.Wait()
}

func (r *Runner) revise(v *Revision, times []time.Duration) {
	if v.Row == nil {
		return
	}
	row, ledger := *v.Row, &v.Ledger
	d := &Document{
		ID: row.ID, URL: row.URL, Date: row.Date, Text: row.Text, Language: row.Language,
		LanguageScore: row.LanguageScore, BandKeys: ledger.BandKeys, TokenCount: row.TokenCount,
	}
	f := r.edit(d, v.Places, times)
	if f.outcome == contract.OutcomeKept {
		f = r.process(d, times)
	}
	f.record(ledger, d)
	v.Row, v.Keys = nil, nil
	if f.outcome == contract.OutcomeKept {
		fill(&row, d)
		v.Row, v.Keys = &row, f.keys
	}
}

// edit lets the Editor before the stages cut the places out of d.
func (r *Runner) edit(d *Document, places []uint32, times []time.Duration) fate {
	f := fate{outcome: contract.OutcomeKept}
	if len(places) == 0 {
		return f
	}
	var start time.Time
	if times != nil {
		start = r.Now()
	}
	if drop := editDocument(r.editor, d, places); drop != nil {
		f = fate{
			outcome: r.editor.Name(), reason: drop.Reason, value: drop.Value,
			characters: int64(utf8.RuneCountInString(d.Text)),
		}
	}
	if times != nil {
		times[0] += r.Now().Sub(start)
	}
	return f
}

// editDocument is e.Edit, with a panic as in processStage.
func editDocument(e Editor, d *Document, places []uint32) (drop *Drop) {
	defer func() {
		if recover() != nil {
			drop = &Drop{Reason: ReasonPanic}
		}
	}()
	return e.Edit(d, places)
}
