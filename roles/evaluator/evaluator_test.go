package evaluator_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rs/zerolog"

	"finest/eval"
	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/panel"
	"finest/eval/stats"
	"finest/pipeline/assets"
	"finest/roles/evaluator"
)

// trainer stands in for a real one: all its models are the same, or none comes
// to anything.
type trainer struct{ err error }

func (trainer) Kernel() string { return "stub" }

func (t trainer) Train(ctx context.Context, j lm.Job) (lm.Result, error) {
	if t.err != nil {
		return lm.Result{}, t.err
	}
	j.Progress(lm.Progress{Step: 1, Steps: 2})
	r := lm.Result{Kernel: "stub", Tokens: j.Spec.Tokens, Losses: []lm.Point{{Step: 1, Loss: 7}}, TrainSeconds: 1}
	for i, e := range j.Examples {
		n := len(e.Tokens) - e.From
		r.Scores = append(r.Scores, lm.Score{NLL: float64(n) * (3 + 0.1*float64(i%5)), Tokens: n, Correct: n / 2})
	}
	return r, ctx.Err()
}

// lines writes documents that begin with a word, as JSON lines.
func lines(t *testing.T, dir, name, word string, n int) string {
	t.Helper()
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, `{"id":"%d","text":"%s number %d is one of the pages that nobody has written yet"}`+"\n", i, word, i)
	}
	path := filepath.Join(dir, name)
	if err := os.WriteFile(path, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// options are those of an evaluation that works.
func options(t *testing.T) evaluator.Options {
	t.Helper()
	dir := t.TempDir()
	tier, err := compare.TierNamed("tiny")
	if err != nil {
		t.Fatal(err)
	}
	runs, err := compare.OpenRuns(filepath.Join(dir, "runs"))
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string]string{
		"held.jsonl": `{"text":"Rain fell on the hills all week."}` + "\n" + `{"text":"Nobody came to the fair on Sunday."}`,
		"quiz.jsonl": `{"query":"What fell?","choices":["rain","the fair"],"gold":0}` + "\n" + `{"query":"Who came?","choices":["rain","nobody"],"gold":1}`,
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return evaluator.Options{
		Candidate: lines(t, dir, "candidate.jsonl", "Candidate", 40), Reference: lines(t, dir, "reference.jsonl", "Reference", 50),
		Tier: tier, PanelDir: dir, Trainer: trainer{}, Runs: runs, Out: filepath.Join(dir, "out"), Program: "v1", Command: "finest eval",
		Panel: panel.Definition{Name: "ours", Suites: []panel.Suite{
			{Name: "held", Kind: panel.Text, Format: panel.Lines, Files: []string{"held.jsonl"}, Weight: 600},
			{Name: "quiz", Kind: panel.Choice, Format: panel.Lines, Files: []string{"quiz.jsonl"}, Weight: 400},
		}},
		Now: func() time.Time { return now }, PeakMemory: func() int64 { return 1 << 20 },
	}
}

// calibration is that of the tier for suites.
func calibration(t *testing.T, o evaluator.Options, suites ...string) stats.Calibration {
	t.Helper()
	hash, err := o.Tier.SpecHash()
	if err != nil {
		t.Fatal(err)
	}
	c := stats.Calibration{Tier: o.Tier.Name, Spec: hash, Deviation: 0.01, Freedom: 8, Suites: map[string]stats.SuiteDeviation{}}
	for _, s := range suites {
		c.Suites[s] = stats.SuiteDeviation{Bits: 0.01, Accuracy: 0.01}
	}
	return c
}

func evaluate(t *testing.T, o evaluator.Options) (*evaluator.Report, error) {
	t.Helper()
	e, err := evaluator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return e.Evaluate(context.Background())
}

func TestEvaluate(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Naive = lines(t, t.TempDir(), "naive.jsonl", "Naive", 60)
	o.Calibrations = []stats.Calibration{calibration(t, o, "held", "quiz")}
	phases := map[compare.Phase]bool{}
	o.Progress = func(p evaluator.Progress) { phases[p.Phase] = true }
	r, err := evaluate(t, o)
	if err != nil {
		t.Fatal(err)
	}
	if r.Outcome != compare.Unresolved || r.Difference == nil || len(r.Arms) != 3 || len(r.Suites) != 2 || r.Notes == nil {
		t.Errorf("models that are the same: %s (%s), notes %q", r.Outcome, r.Reason, r.Notes)
	}
	for i, want := range []struct {
		role      compare.Role
		documents int64
	}{{compare.Candidate, 40}, {compare.Reference, 50}, {compare.Naive, 60}} {
		if d := r.Datasets[i]; d.Role != want.role || d.Documents != want.documents || d.Files != 1 || d.TextBytes == 0 || r.Arms[i].Documents != want.documents {
			t.Errorf("dataset %d is %+v", i, d)
		}
	}
	raw, err := os.ReadFile(filepath.Join(o.Out, evaluator.ResultFile))
	if err != nil {
		t.Fatal(err)
	}
	var back struct {
		Outcome string `json:"outcome"`
	}
	if err := json.Unmarshal(raw, &back); err != nil || back.Outcome != "unresolved" {
		t.Errorf("the file says %q, %v", back.Outcome, err)
	}
	if page, err := os.ReadFile(filepath.Join(o.Out, evaluator.ReportFile)); err != nil || !strings.Contains(string(page), "not resolved") {
		t.Errorf("the page shows another outcome, %v", err)
	}
	if !phases[compare.PhaseTrain] {
		t.Errorf("progress of %v alone", phases)
	}
}

// A calibration bounds the suites that it was made without as long as these are not
// most of the panel: held weighs 600, quiz 400.
func TestCalibrationOfAnotherPanel(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		known []string
		used  bool
		note  string
	}{
		"all of it":  {[]string{"held", "quiz", "others"}, true, ""},
		"most of it": {[]string{"held", "others"}, true, "made without quiz: the largest deviation of its suites stands in"},
		"less":       {[]string{"quiz"}, false, "made without held: it says nothing about panel ours, most of which that is"},
		"nothing":    {[]string{"others"}, false, "made without held, quiz: it says nothing about panel ours"},
	} {
		o := options(t)
		o.Out, o.Calibrations = "", []stats.Calibration{calibration(t, o, tc.known...)}
		r, err := evaluate(t, o)
		if err != nil || r.Outcome != compare.Unresolved {
			t.Fatalf("%s: %+v, %v", name, r, err)
		}
		if used := r.Difference != nil && r.Calibration != nil && len(r.Suites) == 2; used != tc.used {
			t.Errorf("%s: the calibration is used: %v", name, used)
		}
		if notes := strings.Join(r.Notes, "\n"); !strings.Contains(notes, tc.note) || tc.note == "" && strings.Contains(notes, "without") {
			t.Errorf("%s: notes %q", name, r.Notes)
		}
	}
}

func TestWhatCannotBegin(t *testing.T) {
	t.Parallel()
	for name, tc := range map[string]struct {
		spoil func(*evaluator.Options)
		want  string
	}{
		"one seed":           {func(o *evaluator.Options) { o.Tier.Seeds = 1 }, "1 seeds, at least 2 are needed"},
		"no candidate":       {func(o *evaluator.Options) { o.Candidate += "x" }, "no such file"},
		"the same twice":     {func(o *evaluator.Options) { o.Reference = o.Candidate }, "candidate and reference are the same files"},
		"a reference naive":  {func(o *evaluator.Options) { o.Naive = o.Reference }, "reference and naive are the same files"},
		"no panel":           {func(o *evaluator.Options) { o.PanelDir = filepath.Dir(o.PanelDir) }, "needs the files held.jsonl, quiz.jsonl"},
		"a panel of no kind": {func(o *evaluator.Options) { o.Panel.Suites = nil }, "0 suites"},
		"no tokenizer":       {func(o *evaluator.Options) { o.Tier.Spec.Config.Vocab = 77 }, "tokenizer of 77 tokens"},
	} {
		o := options(t)
		tc.spoil(&o)
		if _, err := evaluator.New(o); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
	o := options(t)
	o.Panel = panel.Public(panel.Quick)
	_, err := evaluator.New(o)
	var missing *panel.MissingError
	if !errors.As(err, &missing) || len(missing.Files) < 4 || errors.Is(err, assets.ErrContent) {
		t.Errorf("without the public panel: %v", err)
	}
}

func TestRunsThatComeToNothing(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Trainer = trainer{err: fmt.Errorf("%w at step 3", lm.ErrDiverged)}
	r, err := evaluate(t, o)
	if r != nil || !errors.Is(err, lm.ErrDiverged) || !strings.Contains(err.Error(), "run 1 of 2") {
		t.Errorf("%v, %v", r, err)
	}
	if _, err := os.Stat(o.Out); err == nil {
		t.Error("a report is written")
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	o.Trainer = trainer{}
	e, err := evaluator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := e.Evaluate(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
}

// What of a folder is not read is said before anything is trained, and in the report.
func TestFilesThatAreNotRead(t *testing.T) {
	t.Parallel()
	o := options(t)
	dir := t.TempDir()
	lines(t, dir, "a.jsonl", "Candidate", 40)
	for _, name := range []string{"b.txt", "c.txt.gz"} {
		if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	var log strings.Builder
	o.Candidate, o.Out, o.Log = dir, "", zerolog.New(&log)
	want := "its files of JSON lines are read, and not the 2 of other kinds"
	e, err := evaluator.New(o)
	if err != nil || !strings.Contains(log.String(), want) {
		t.Fatalf("log %q, %v", log.String(), err)
	}
	r, err := e.Evaluate(context.Background())
	if err != nil || len(r.Notes) == 0 || !strings.Contains(r.Notes[0], want) {
		t.Errorf("%+v, %v", r, err)
	}
}

// A wrong column of any dataset is found before the others are read through.
func TestWrongColumnIsFoundFirst(t *testing.T) {
	t.Parallel()
	o := options(t)
	for file, content := range map[string]string{o.Candidate: `{"text":"x"}` + "\nbroken", o.Reference: `{"content":"x","n":1}`} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := evaluate(t, o); err == nil || !strings.Contains(err.Error(), `has no field "text"; those with strings: content`) {
		t.Error(err)
	}
}

// A verdict is not lost where its report cannot be written.
func TestReportThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	o := options(t)
	if err := os.WriteFile(o.Out, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	r, err := evaluate(t, o)
	if err == nil || r == nil || r.Outcome != compare.Unresolved {
		t.Errorf("%v, %v", r, err)
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	o := options(t)
	for name, tc := range map[string]struct {
		trainer lm.Trainer
		timed   bool
	}{"in this process": {&lm.Native{Workers: 1}, true}, "elsewhere": {trainer{}, false}} {
		o.Trainer = tc.trainer
		e, err := evaluator.New(o)
		if err != nil {
			t.Fatal(err)
		}
		got, err := e.Estimate(context.Background(), 3, 2)
		if err != nil || got.Runs != 12 || got.Tokens != 32_768 || got.Scored == 0 || got.Memory <= 1<<20 {
			t.Errorf("%s: %+v, %v", name, got, err)
		}
		if got.Run > 0 != tc.timed || got.Total() != 12*got.Run {
			t.Errorf("%s: a run takes %v, all %v", name, got.Run, got.Total())
		}
	}
}

func TestCalibrate(t *testing.T) {
	t.Parallel()
	o := options(t)
	o.Reference, o.Seed = "", eval.Seed{1}
	e, err := evaluator.New(o)
	if err != nil {
		t.Fatal(err)
	}
	// Models that never differ have no deviation to measure.
	if _, err := e.Calibrate(context.Background(), compare.CalibrationPlan{Blocks: 2, Parts: 2}); err == nil || !strings.Contains(err.Error(), "deviation 0") {
		t.Errorf("%v", err)
	}
	if _, err := e.Calibrate(context.Background(), compare.CalibrationPlan{Blocks: 1, Parts: 2}); err == nil {
		t.Error("a calibration of one block")
	}
}
