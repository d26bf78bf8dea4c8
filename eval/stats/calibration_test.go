package stats_test

import (
	"errors"
	"math"
	"slices"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/stats"
)

// blocks draws calibration runs: five samples of the same data and naive text.
func (w *world) blocks(n int) []stats.Block {
	var out []stats.Block
	for range n {
		arms := w.arms(2, 2, 2, 2, 2, 2, 2.2)
		out = append(out, stats.Block{Parts: arms[:5], Naive: arms[5]})
	}
	return out
}

func TestCalibrationFindsTheDeviation(t *testing.T) {
	w := newWorld(5)
	c, err := stats.Calibrate(w.blocks(20), eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	want := math.Sqrt(2 * (0.01*0.01 + 0.02*0.02/8)) // of the data, and of eight documents
	if got := float64(c.Suites["books"].Bits); math.Abs(got-want) > 0.15*want || c.Freedom != 20*4 {
		t.Errorf("deviation %v with %d degrees of freedom, want about %v with 80", got, c.Freedom, want)
	}
	if c.Comparisons != 200 || c.Called > 10 {
		t.Errorf("%d of %d comparisons of the same data are called different", c.Called, c.Comparisons)
	}
	if !slices.Equal(c.Accuracies, []string{"books", "quiz"}) {
		t.Errorf("accuracies %v: both models' are far above naive text's", c.Accuracies)
	}
}

// TestRunsOfTheSamePagesCountOnce: where both runs of a part are of the same pages,
// their mean is no surer than one of them, and samples of the same data must be
// called different no more often for it.
func TestRunsOfTheSamePagesCountOnce(t *testing.T) {
	w := newWorld(9)
	w.data, w.common = 0.002, 0.02
	c, err := stats.Calibrate(w.blocks(20), eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	want := math.Sqrt(2 * (2*w.common*w.common + w.data*w.data + 0.02*0.02/8)) // of two seeds' mean, times the root of two
	if got := float64(c.Suites["books"].Bits); math.Abs(got-want) > 0.15*want {
		t.Errorf("deviation %v, want about %v", got, want)
	}
	if 20*c.Called > c.Comparisons {
		t.Errorf("%d of %d comparisons of the same data are called different", c.Called, c.Comparisons)
	}
}

func TestAccuraciesWithoutSignalStayOut(t *testing.T) {
	w := newWorld(6)
	blocks := w.blocks(4)
	for i := range blocks {
		blocks[i].Naive = nil
	}
	c, err := stats.Calibrate(blocks, eval.Seed{})
	if err != nil || len(c.Accuracies) != 0 {
		t.Errorf("without naive text %v enter, %v", c.Accuracies, err)
	}
	if c.Measure().Score(blocks[0].Parts[0][0]) == (stats.Measure{Accuracies: []string{"quiz"}}).Score(blocks[0].Parts[0][0]) {
		t.Error("an accuracy that enters changes no score")
	}
}

func TestOtherPanelsAreBoundedFromAbove(t *testing.T) {
	w := newWorld(7)
	arms := w.arms(2, 2, 2)
	known, err := stats.Compare(arms[0], arms[1], w.calibration(), eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	other := w.calibration()
	other.Suites = map[string]stats.SuiteDeviation{"books": {Bits: 0.05}}
	other.Weights = map[string]int{"books": 1000}
	wide, err := stats.Compare(arms[0], arms[1], other, eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	if want := 0.05 / math.Sqrt2; math.Abs(wide.SeedError-want) > 1e-12 || wide.SeedError <= known.SeedError {
		t.Errorf("seed error %v, want %v: the largest deviation stands in for a suite that was not calibrated", wide.SeedError, want)
	}
	other.Suites["pages"] = stats.SuiteDeviation{Bits: 0.01, Accuracy: 0.07}
	suites, err := stats.CompareSuites(arms[0], arms[1], other, eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	books, quiz := suites[0], suites[1]
	if quiz.Bits.SeedError != books.Bits.SeedError || math.Abs(quiz.Accuracy.SeedError-0.07/math.Sqrt2) > 1e-12 || books.Accuracy.SeedError != 0 {
		t.Errorf("seed errors %+v of a calibrated suite and %+v of another, want the largest of all for the latter", books, quiz)
	}
}

func TestUselessCalibrations(t *testing.T) {
	w := newWorld(8)
	if _, err := stats.Calibrate(w.blocks(1), eval.Seed{}); err == nil {
		t.Error("one block calibrates")
	}
	blocks := w.blocks(2)
	blocks[1].Parts = blocks[1].Parts[:1]
	if _, err := stats.Calibrate(blocks, eval.Seed{}); err == nil {
		t.Error("one part calibrates")
	}
	blocks = w.blocks(2)
	for _, arm := range append(blocks[1].Parts, blocks[1].Naive) {
		for i, r := range arm {
			arm[i] = stats.Run{r[1], r[0]}
		}
	}
	if _, err := stats.Calibrate(blocks, eval.Seed{}); !errors.Is(err, stats.ErrUnlike) {
		t.Errorf("blocks of other suites calibrate: %v", err)
	}
	for name, raw := range map[string]string{
		"not JSON": "x", "unknown key": `[{"x":1}]`, "nothing in it": `[{}]`,
		"an accuracy not measured": `[{"tier":"cpu","freedom":3,"deviation":"1","suites":{"a":{"bits_per_byte":"1","accuracy":"1","signal":"4"}},"accuracies":["b"]}]`,
		"no deviation":             `[{"tier":"cpu","freedom":3,"deviation":"0","suites":{"a":{"bits_per_byte":"1"}}}]`,
	} {
		if _, err := stats.Read(strings.NewReader(raw)); err == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
}

func TestBuiltinCalibrations(t *testing.T) {
	all, err := stats.Builtin()
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range all {
		if found, ok := stats.Find(all, c.Tier, c.Spec); !ok || found.Data != c.Data {
			t.Errorf("tier %s is not found by its spec, or is there twice", c.Tier)
		}
		if 20*c.Called > c.Comparisons {
			t.Errorf("tier %s calls %d of %d comparisons of the same data different", c.Tier, c.Called, c.Comparisons)
		}
	}
	if _, ok := stats.Find(all, "cpu", "another"); ok {
		t.Error("a calibration is found for a spec that has none")
	}
}
