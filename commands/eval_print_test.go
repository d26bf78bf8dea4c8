package commands

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"finest/eval/compare"
	"finest/eval/lm"
	"finest/roles/evaluator"
)

func TestEvalLine(t *testing.T) {
	t.Parallel()
	at := func(p compare.Progress) evaluator.Progress { return evaluator.Progress{Progress: p} }
	training := lm.Progress{Step: 3, Steps: 64, Loss: 5.4321, Tokens: 30_000, Elapsed: 2 * time.Second, Example: 7, Examples: 99}
	for want, p := range map[string]evaluator.Progress{
		"check reference  file 2/5": {
			Progress: compare.Progress{Phase: evaluator.PhaseCheck, Role: compare.Reference, Dataset: "a/long/path"}, File: 1, Files: 5,
		},
		"read  naive  12,345 documents": at(compare.Progress{Phase: compare.PhaseRead, Role: compare.Naive, Dataset: "a/long/path", Documents: 12_345}),
		"train run 2/4  candidate  step 3/64  loss 5.432  15,000 tokens/s  1m30s left": at(compare.Progress{
			Phase: compare.PhaseTrain, Role: compare.Candidate, Dataset: "a/long/path", Run: 2, Runs: 4, Training: training, Left: 90 * time.Second,
		}),
		// The parts of a calibration's dataset are what its runs differ in.
		"score block 1/8  run 2/10  data.jsonl, part 1 of 5  example 7/99": at(compare.Progress{
			Phase: compare.PhaseScore, Role: compare.Reference, Dataset: "a/long/path/data.jsonl, part 1 of 5", Block: 1, Blocks: 8, Run: 2, Runs: 10, Training: training,
		}),
	} {
		if got := evalLine(p); got != want {
			t.Errorf("%q, want %q", got, want)
		}
	}
}

// A line that took two rows of a terminal could not be drawn over.
func TestProgressFitsTheTerminal(t *testing.T) {
	t.Parallel()
	var out bytes.Buffer
	p := newPrinter(Streams{Err: &out}, false, false)
	columns, now := 11, time.Now()
	p.terminal, p.columns, p.now = true, func() int { return columns }, func() time.Time { now = now.Add(time.Second); return now }
	for _, step := range []struct {
		line    string
		columns int
		want    string
	}{
		{"short", 11, "\rshort"}, {"0123456789abc", 11, "\r0123456789"}, {"ééé", 11, "\rééé       "},
		{"0123456789abc", 0, "\r0123456789abc"}, {"x", 6, "\rx    "},
	} {
		out.Reset()
		columns = step.columns
		p.progress(func() string { return step.line })
		if got := out.String(); got != step.want {
			t.Errorf("%q in %d columns is drawn as %q, want %q", step.line, step.columns, got, step.want)
		}
	}
	out.Reset()
	p.clear()
	if got := out.String(); strings.Trim(got, "\r ") != "" || len(got) < 3 {
		t.Errorf("cleared with %q", got)
	}
}
