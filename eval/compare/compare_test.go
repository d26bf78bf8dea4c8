package compare_test

import (
	"context"
	"encoding/json"
	"errors"
	"iter"
	"math"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/panel"
)

const pages = 60

// words changes a word of every page.
func words(_ int, d compare.Document) compare.Document {
	d.Text = strings.Replace(d.Text, "river", "stream", 1)
	return d
}

func mustCompare(t *testing.T, c *compare.Comparer, candidate, reference compare.Input, naive *compare.Input) *compare.Comparison {
	t.Helper()
	got, err := c.Compare(t.Context(), seedOf("comparison"), candidate, reference, naive)
	if err != nil {
		t.Fatal(err)
	}
	return got
}

func TestOutcomes(t *testing.T) {
	clean, spoilt, little := dataset("clean", pages, nil), dataset("spoilt", pages, noise(2)), dataset("little", pages, words)
	for _, tc := range []struct {
		name                 string
		candidate, reference compare.Input
		want                 compare.Outcome
	}{
		{"clean against spoilt", clean, spoilt, compare.Better},
		{"spoilt against clean", spoilt, clean, compare.Worse},
		{"a little spoilt", little, clean, compare.Unresolved},
		{"the same", clean, clean, compare.Unresolved},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, _ := comparer(t)
			got := mustCompare(t, c, tc.candidate, tc.reference, nil)
			if got.Outcome != tc.want || got.Reason == "" || got.Difference == nil {
				t.Fatalf("%s: %s", got.Outcome, got.Reason)
			}
			if (got.Difference.Delta < 0) != (got.Arms[0].Score < got.Arms[1].Score) || len(got.Suites) != 3 {
				t.Errorf("difference %+v of %v and %v", got.Difference, got.Arms[0].Score, got.Arms[1].Score)
			}
			if got.Quality != nil || got.NoQuality != "" {
				t.Errorf("a quality without a naive anchor: %+v", got.Quality)
			}
		})
	}
}

func TestQuality(t *testing.T) {
	naive := dataset("naive", pages, noise(1))
	between := dataset("between", pages, noise(2))
	clean := dataset("clean", pages, nil)
	c, trainer := comparer(t)
	got := mustCompare(t, c, between, clean, &naive)
	if got.Quality == nil || got.Quality.Q <= 0 || got.Quality.Q >= 1 || got.Quality.Low > got.Quality.Q || got.Quality.High < got.Quality.Q {
		t.Fatalf("quality %+v, %s", got.Quality, got.NoQuality)
	}
	if trainer.runs.Load() != 6 || len(got.Arms) != 3 || got.Arm(compare.Naive).Name != "naive" {
		t.Errorf("%d runs, %d arms", trainer.runs.Load(), len(got.Arms))
	}
	same := mustCompare(t, c, clean, clean, &naive)
	if same.Quality == nil || same.Quality.Q != 1 || !same.Quality.Same {
		t.Errorf("quality of the reference itself: %+v", same.Quality)
	}
	if trainer.runs.Load() != 6 {
		t.Errorf("anchors are trained again: %d runs", trainer.runs.Load())
	}
	none := mustCompare(t, c, between, naive, &naive)
	if none.Quality != nil || none.NoQuality == "" {
		t.Errorf("quality between equal anchors: %+v, %q", none.Quality, none.NoQuality)
	}
}

// TestResultIsStable: the same seed gives the same JSON but for what was cached,
// whether or not runs are kept; another seed gives another.
func TestResultIsStable(t *testing.T) {
	clean, spoilt := dataset("clean", pages, nil), dataset("spoilt", pages, noise(2))
	c, _ := comparer(t)
	first := mustCompare(t, c, clean, spoilt, nil)
	second := mustCompare(t, c, clean, spoilt, nil)
	c.Runs = nil
	third := mustCompare(t, c, clean, spoilt, nil)
	for _, a := range second.Arms {
		for i := range a.Runs {
			if !a.Runs[i].Cached {
				t.Errorf("run %d of %s is trained twice", i, a.Name)
			}
			a.Runs[i].Cached = false
		}
	}
	raw := func(c *compare.Comparison) string {
		b, err := json.Marshal(c)
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	if raw(first) != raw(second) || raw(first) != raw(third) {
		t.Errorf("three comparisons differ:\n%s\n%s\n%s", raw(first), raw(second), raw(third))
	}
	var back compare.Comparison
	if err := json.Unmarshal([]byte(raw(first)), &back); err != nil || !reflect.DeepEqual(&back, first) {
		t.Errorf("the JSON reads back as another comparison: %v", err)
	}
	other, err := c.Compare(t.Context(), seedOf("another"), clean, spoilt, nil)
	if err != nil || other.Difference.Delta == first.Difference.Delta {
		t.Errorf("another seed gives the same difference: %v", err)
	}
}

// TestGoesOnAfterAKill: runs that were finished are not trained again.
func TestGoesOnAfterAKill(t *testing.T) {
	clean, spoilt := dataset("clean", pages, nil), dataset("spoilt", pages, noise(2))
	want := mustCompare(t, func() *compare.Comparer { c, _ := comparer(t); return c }(), clean, spoilt, nil)
	c, trainer := comparer(t)
	ctx, cancel := context.WithCancel(t.Context())
	trainer.before = func(ctx context.Context, n int64) error {
		if n == 4 {
			cancel()
		}
		return ctx.Err()
	}
	var failed *compare.RunError
	_, err := c.Compare(ctx, seedOf("comparison"), clean, spoilt, nil)
	if !errors.Is(err, context.Canceled) || !errors.As(err, &failed) || failed.Run != 2 || failed.Role != compare.Reference {
		t.Fatalf("stopped in the last run: %v", err)
	}
	trainer.runs.Store(0)
	trainer.before = nil
	got := mustCompare(t, c, clean, spoilt, nil)
	if trainer.runs.Load() != 1 {
		t.Errorf("%d runs are trained after three of four were finished", trainer.runs.Load())
	}
	if !reflect.DeepEqual(got.Difference, want.Difference) {
		t.Errorf("%+v after a kill, %+v without", got.Difference, want.Difference)
	}
}

// TestSuiteOutsideTheCalibration: a suite that the tier was not calibrated with,
// such as pages of the crawl, is bounded by the largest deviation.
func TestSuiteOutsideTheCalibration(t *testing.T) {
	c, _ := comparer(t)
	clean, spoilt := dataset("clean", pages, nil), dataset("spoilt", pages, noise(2))
	known := mustCompare(t, c, clean, spoilt, nil)
	delete(c.Calibration.Suites, "ends")
	quiz := c.Calibration.Suites["quiz"]
	quiz.Bits *= 3
	c.Calibration.Suites["quiz"] = quiz
	got := mustCompare(t, c, clean, spoilt, nil)
	if len(got.Suites) != 3 || got.Suites[2].Bits.SeedError <= 2*known.Suites[2].Bits.SeedError || got.Suites[2].Bits.Delta != known.Suites[2].Bits.Delta {
		t.Errorf("%+v and %+v", got.Suites, known.Suites)
	}
	if _, found := got.Calibration.Suites["ends"]; found {
		t.Error("the calibration of the result has a suite that was not calibrated")
	}
}

func TestUncalibrated(t *testing.T) {
	c, trainer := comparer(t)
	c.Calibration.Tier = ""
	got := mustCompare(t, c, dataset("clean", pages, nil), dataset("spoilt", pages, noise(1)), nil)
	if got.Outcome != compare.Unresolved || got.Difference != nil || got.Calibration != nil || !strings.Contains(got.Reason, "not calibrated") {
		t.Errorf("%s: %s, %+v", got.Outcome, got.Reason, got.Difference)
	}
	if got.Arms[0].Score >= got.Arms[1].Score || len(got.Arms[0].Suites) != 3 {
		t.Errorf("scores %v and %v", got.Arms[0].Score, got.Arms[1].Score)
	}
	c.Calibration = calibration(t, c.Tier, 0.02)
	c.Calibration.Kernel = "another"
	got = mustCompare(t, c, dataset("clean", pages, nil), dataset("spoilt", pages, noise(1)), nil)
	if len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "calibrated with kernel another") {
		t.Errorf("with the calibration of another kernel: notes %q", got.Notes)
	}
	trainer.runs.Store(0)
	c.Tier.Spec.Tokens *= 2
	_, err := c.Compare(t.Context(), seedOf("x"), dataset("a", pages, nil), dataset("b", pages, nil), nil)
	if err == nil || !strings.Contains(err.Error(), "calibration") || trainer.runs.Load() != 0 {
		t.Errorf("with the calibration of another spec: %v, %d runs", err, trainer.runs.Load())
	}
}

func TestOddDatasets(t *testing.T) {
	clean := dataset("clean", pages, nil)
	one := listed("one row", compare.Document{Text: prose(seedOf("one"), 300)})
	huge := listed("huge", compare.Document{Key: "page-1", Text: strings.Repeat(prose(seedOf("huge"), 1<<20), 10)})
	host := dataset("one host", pages, func(_ int, d compare.Document) compare.Document {
		d.URL = "https://one.example/" + d.Key
		return d
	})
	broken := compare.Input{Name: "broken", Documents: func(context.Context) iter.Seq2[compare.Document, error] {
		return func(yield func(compare.Document, error) bool) {
			yield(compare.Document{}, errors.New("line 7 is no JSON"))
		}
	}}
	for _, tc := range []struct {
		name      string
		candidate compare.Input
		wrong     string // in the error; "" for none
		note      string
	}{
		{"empty", listed("empty"), "no text to train on", ""},
		{"blank", listed("blank", compare.Document{Text: "  "}, compare.Document{}), "no text to train on", ""},
		{"one row", one, "", "each is trained on"},
		{"10 MB in one document", huge, "", "each is trained on"},
		{"one host", host, "", "mostly of few hosts"},
		{"broken", broken, "line 7", ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			c, trainer := comparer(t)
			got, err := c.Compare(t.Context(), seedOf("x"), tc.candidate, clean, nil)
			if tc.wrong != "" {
				if err == nil || !strings.Contains(err.Error(), tc.wrong) || !strings.Contains(err.Error(), tc.candidate.Name) {
					t.Errorf("error %v", err)
				}
				if trainer.runs.Load() != 0 {
					t.Error("models were trained")
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			if got.Outcome == compare.Better || !strings.Contains(strings.Join(got.Notes, "\n"), tc.note) {
				t.Errorf("%s, notes %q", got.Outcome, got.Notes)
			}
		})
	}
}

func TestTrainersThatFail(t *testing.T) {
	clean, spoilt := dataset("clean", pages, nil), dataset("spoilt", pages, noise(2))
	nan := func(n int64, r *lm.Result) {
		if n == 3 {
			r.Losses[2].Loss = math.NaN()
		}
	}
	for name, tc := range map[string]struct {
		before func(context.Context, int64) error
		spoil  func(int64, *lm.Result)
		is     error
	}{
		"diverges":             {before: func(context.Context, int64) error { return lm.ErrDiverged }, is: lm.ErrDiverged},
		"hands back no number": {spoil: nan, is: lm.ErrDiverged},
		"forgets a score":      {spoil: func(_ int64, r *lm.Result) { r.Scores = r.Scores[1:] }},
		"changes its kernel":   {spoil: func(_ int64, r *lm.Result) { r.Kernel = "other" }},
	} {
		t.Run(name, func(t *testing.T) {
			c, trainer := comparer(t)
			trainer.before, trainer.spoil = tc.before, tc.spoil
			_, err := c.Compare(t.Context(), seedOf("x"), clean, spoilt, nil)
			var failed *compare.RunError
			if !errors.As(err, &failed) || tc.is != nil && !errors.Is(err, tc.is) {
				t.Fatalf("error %v", err)
			}
			trainer.before, trainer.spoil = nil, nil
			if _, err := c.Compare(t.Context(), seedOf("x"), clean, spoilt, nil); err != nil {
				t.Errorf("what came of it was kept: %v", err)
			}
		})
	}
}

// TestFullDisk: a run that cannot be kept still counts.
func TestFullDisk(t *testing.T) {
	c, _ := comparer(t)
	dir := filepath.Join(t.TempDir(), "runs")
	var err error
	if c.Runs, err = compare.OpenRuns(dir); err != nil {
		t.Fatal(err)
	}
	// A file in the place of the folder refuses every write, also to root.
	if err := os.Remove(dir); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(dir, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	got := mustCompare(t, c, dataset("clean", pages, nil), dataset("spoilt", pages, noise(2)), nil)
	if got.Outcome != compare.Better || len(got.Notes) != 1 || !strings.Contains(got.Notes[0], "4 of 4 finished runs could not be kept") {
		t.Errorf("%s, notes %q", got.Outcome, got.Notes)
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	for name, tc := range map[string]struct {
		spoil func(*testing.T, *compare.Comparer)
		wrong string
	}{
		"one seed":          {func(_ *testing.T, c *compare.Comparer) { c.Tier.Seeds = 1 }, "at least 2"},
		"a batch of three":  {func(_ *testing.T, c *compare.Comparer) { c.Tier.Spec.Batch = 3 }, "batch of 3"},
		"another tokenizer": {func(_ *testing.T, c *compare.Comparer) { c.Tier.Spec.Config.Vocab = 300 }, "tokenizer letters/1 has 257"},
		"a suite without units": {func(t *testing.T, c *compare.Comparer) {
			var err error
			c.Panel, err = panel.Load(t.TempDir(), panel.Definition{Name: "waiting", Suites: []panel.Suite{
				{Name: panel.SuiteCrawl, Kind: panel.Text, Weight: 300}, {Name: "more", Kind: panel.Text, Weight: 700},
			}})
			if err != nil {
				t.Fatal(err)
			}
		}, "crawl"},
		"a suite of one unit": {func(t *testing.T, c *compare.Comparer) {
			var err error
			c.Panel, err = panel.Load(t.TempDir(), panel.Definition{Name: "alone", Suites: []panel.Suite{{Name: "page", Kind: panel.Text, Weight: 1000}}})
			if err == nil {
				c.Panel, err = c.Panel.With("page", []panel.Unit{{ID: "1", Text: "one"}})
			}
			if err != nil {
				t.Fatal(err)
			}
		}, "suite page has 1 units"},
	} {
		t.Run(name, func(t *testing.T) {
			c, trainer := comparer(t)
			tc.spoil(t, c)
			_, err := c.Compare(t.Context(), seedOf("x"), dataset("a", pages, nil), dataset("b", pages, nil), nil)
			if err == nil || !strings.Contains(err.Error(), tc.wrong) || trainer.runs.Load() != 0 {
				t.Errorf("error %v", err)
			}
		})
	}
}

func TestProgress(t *testing.T) {
	c, trainer := comparer(t)
	now := time.Unix(0, 0)
	c.Now = func() time.Time { now = now.Add(time.Second); return now }
	var seen []compare.Progress
	c.Progress = func(p compare.Progress) { seen = append(seen, p) }
	mustCompare(t, c, dataset("clean", 600, nil), dataset("spoilt", 600, noise(2)), nil)
	phases := make(map[compare.Phase]int)
	last := time.Duration(math.MaxInt64)
	for _, p := range seen {
		phases[p.Phase]++
		if p.Phase == compare.PhaseRead {
			continue
		}
		if p.Runs != 4 || p.Run < 1 || p.Run > 4 || p.Cached != 0 || p.Dataset == "" {
			t.Fatalf("progress %+v", p)
		}
		if p.Run == 4 {
			last = p.Left
		}
	}
	if phases[compare.PhaseRead] == 0 || phases[compare.PhaseTrain] == 0 || phases[compare.PhaseScore] == 0 || last > 5*time.Second {
		t.Errorf("phases %v, %v left at the end", phases, last)
	}
	trainer.runs.Store(0)
	c.Tier.Seeds = 3
	seen = nil
	mustCompare(t, c, dataset("clean", 600, nil), dataset("spoilt", 600, noise(2)), nil)
	if p := seen[len(seen)-1]; trainer.runs.Load() != 2 || p.Runs != 2 || p.Cached != 4 {
		t.Errorf("with one more seed: %d runs, %+v", trainer.runs.Load(), p)
	}
}
