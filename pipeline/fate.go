package pipeline

import (
	"runtime"
	"strings"
	"time"
	"unicode/utf8"

	"finest/internal/contract"
)

// fate is what stages made of a document: see LedgerRow.
type fate struct {
	outcome, reason string
	value           float64
	characters      int64
	// keys are those of Result.
	keys [][]uint64
}

// record writes the fate of d into its ledger row. What a stage dropped is
// compared with no other document, so it has neither band keys nor a keeper.
func (f fate) record(row *contract.LedgerRow, d *Document) {
	row.Outcome, row.Reason, row.Value, row.Characters = f.outcome, f.reason, f.value, f.characters
	row.Language, row.LanguageScore = d.Language, d.LanguageScore
	row.BandKeys, row.KeptFile, row.KeptOffset = nil, contract.NoKeeper, contract.NoKeeper
	if f.outcome == contract.OutcomeKept && len(d.BandKeys) > 0 {
		row.BandKeys = d.BandKeys
		row.KeptFile, row.KeptOffset = row.File, row.Offset
	}
}

// fill writes what the stages made of d into its shard row.
func fill(row *contract.Row, d *Document) {
	row.Text = strings.ToValidUTF8(d.Text, "\ufffd")
	row.Language, row.LanguageScore, row.TokenCount = d.Language, d.LanguageScore, d.TokenCount
}

func (r *Runner) process(d *Document, times []time.Duration) fate {
	var last time.Time
	if times != nil {
		last = r.Now()
	}
	f := fate{outcome: contract.OutcomeKept}
	for i, s := range r.Stages {
		keys, drop := processStage(s, d)
		if times != nil {
			now := r.Now()
			times[i+1] += now.Sub(last)
			last = now
		}
		if drop != nil {
			f = fate{outcome: s.Name(), reason: drop.Reason, value: drop.Value}
			break
		}
		if _, ok := s.(Across); ok {
			f.keys = append(f.keys, keys)
		}
	}
	f.characters = int64(utf8.RuneCountInString(d.Text))
	return f
}

// processStage turns a panic into a drop: a page that breaks a stage must not
// take down the role that runs it, and must meet the same fate everywhere. keys
// are those of a stage that looks across records.
func processStage(s Stage, d *Document) (keys []uint64, drop *Drop) {
	defer func() {
		if recover() != nil {
			keys, drop = nil, &Drop{Reason: ReasonPanic}
		}
	}()
	drop = s.Process(d)
	if step, ok := s.(Across); ok && drop == nil {
		keys = step.Keys(d)
	}
	return keys, drop
}

// newTimes returns a clock for each worker: the time it spent before the stages,
// and in each of them. Without Runner.Now they are nil.
func (r *Runner) newTimes() [][]time.Duration {
	workers := r.Workers
	if workers < 1 {
		workers = runtime.GOMAXPROCS(0)
	}
	times := make([][]time.Duration, workers)
	for i := range times {
		if r.Now != nil {
			times[i] = make([]time.Duration, len(r.Stages)+1)
		}
	}
	return times
}

func (r *Runner) sumTimes(perWorker [][]time.Duration) map[string]time.Duration {
	if r.Now == nil {
		return nil
	}
	names := []string{StageRead}
	if r.editor != nil {
		names[0] = r.editor.Name()
	}
	for _, s := range r.Stages {
		names = append(names, s.Name())
	}
	sum := make(map[string]time.Duration, len(names))
	for _, times := range perWorker {
		for i, t := range times {
			sum[names[i]] += t
		}
	}
	return sum
}
