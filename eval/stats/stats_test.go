package stats_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/panel"
	"finest/eval/stats"
)

func decimal(f float64) eval.Decimal { return eval.Decimal(f) }

func TestSuiteScores(t *testing.T) {
	s := panel.SuiteResult{Units: []panel.UnitResult{
		{NLL: 2 * math.Ln2, Bytes: 1, Correct: 1, Trials: 2}, {NLL: 4 * math.Ln2, Bytes: 3, Correct: 0, Trials: 2},
	}}
	if got := stats.BitsPerByte(s); math.Abs(got-1.5) > 1e-12 {
		t.Errorf("bits per byte %v, want the sum over the sum, 1.5", got)
	}
	if got := stats.Accuracy(s); got != 0.25 {
		t.Errorf("accuracy %v", got)
	}
	s.Name, s.Weight = "a", 1000
	if plain, with := (stats.Measure{}).Score(stats.Run{s}), (stats.Measure{Accuracies: []string{"a"}}).Score(stats.Run{s}); math.Abs(with-plain-0.75) > 1e-12 {
		t.Errorf("score %v, with accuracy %v: the share of wrong trials is 0.75", plain, with)
	}
}

func TestDifferencesAreFoundAndBounded(t *testing.T) {
	const rounds = 120
	missed, falsely, found := 0, 0, 0
	for i := range uint64(rounds) {
		w := newWorld(i)
		arms := w.arms(2, 2.00, 2.00, 1.90)
		same, err := stats.Compare(arms[0], arms[1], w.calibration(), eval.Seed{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if same.Resolved {
			falsely++
		}
		better, err := stats.Compare(arms[2], arms[0], w.calibration(), eval.Seed{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if better.Resolved && better.Delta < 0 {
			found++
		}
		if better.Low > -0.1 || better.High < -0.1 {
			missed++
		}
	}
	if falsely > rounds*7/100 || missed > rounds*7/100 {
		t.Errorf("%d of %d differences of nothing called, %d of %d intervals miss the truth: both should be about 5 %%", falsely, rounds, missed, rounds)
	}
	if falsely == 0 && missed == 0 {
		t.Error("the intervals never miss: they are too wide to be 95 % intervals")
	}
	if found < rounds*95/100 {
		t.Errorf("a difference of ten deviations is found in %d of %d", found, rounds)
	}
}

func TestQualityIsBounded(t *testing.T) {
	const rounds = 120
	missed, same := 0, 0
	for i := range uint64(rounds) {
		w := newWorld(i)
		arms := w.arms(2, 1.92, 2.10, 1.90, 1.90)
		q, err := stats.Judge(arms[0], arms[1], arms[2], w.calibration(), eval.Seed{byte(i)})
		if err != nil {
			t.Fatal(err)
		}
		if q.Low > 0.9 || q.High < 0.9 {
			missed++
		}
		if q, err = stats.Judge(arms[3], arms[1], arms[2], w.calibration(), eval.Seed{byte(i)}); err != nil {
			t.Fatal(err)
		}
		if q.Same {
			same++
		}
	}
	if missed > rounds*7/100 || missed == 0 {
		t.Errorf("%d of %d intervals miss the true quality: it should be about 5 %%", missed, rounds)
	}
	if same < rounds*93/100 {
		t.Errorf("data of the reference is told apart from it in %d of %d", rounds-same, rounds)
	}
}

func TestQualityCounts(t *testing.T) {
	for _, tc := range []struct {
		q    stats.Quality
		want float64
	}{
		{stats.Quality{Low: 0.9, High: 1.1, Same: true}, 1},
		{stats.Quality{Low: 0.7, High: 0.9}, 0.7},
		{stats.Quality{Low: 0.4, High: 0.9}, 0},
		{stats.Quality{Low: 1.2, High: 1.5}, 1.2},
		{stats.Quality{Low: -3, High: 0.1}, 0},
		{stats.Quality{Low: 0.2, High: 1.3, Same: true}, 1},
	} {
		if got := tc.q.Counts(0.5); got != tc.want {
			t.Errorf("%+v counts %v, want %v", tc.q, got, tc.want)
		}
	}
}

func TestNoScaleWithoutAnchors(t *testing.T) {
	w := newWorld(1)
	for name, losses := range map[string][]float64{"equal": {1.9, 2, 2}, "turned round": {2, 1.8, 2}} {
		arms := w.arms(2, losses...)
		if q, err := stats.Judge(arms[0], arms[1], arms[2], w.calibration(), eval.Seed{}); !errors.Is(err, stats.ErrAnchors) {
			t.Errorf("%s: %+v, %v", name, q, err)
		}
	}
}

func TestSuitesAreCompared(t *testing.T) {
	w := newWorld(2)
	arms := w.arms(3, 1.7, 2)
	got, err := stats.CompareSuites(arms[0], arms[1], w.calibration(), eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	if len(got) != 2 || got[0].Name != "books" || got[1].Name != "quiz" {
		t.Fatalf("suites %+v", got)
	}
	for _, s := range got {
		if !s.Bits.Resolved || math.Abs(s.Bits.Delta+0.3) > 0.06 {
			t.Errorf("%s: bits per byte %+v, the truth is -0.3", s.Name, s.Bits)
		}
		if !s.Accuracy.Resolved || s.Accuracy.Delta <= 0 {
			t.Errorf("%s: accuracy %+v of a much better model", s.Name, s.Accuracy)
		}
	}
}

func TestWhatCannotBeCompared(t *testing.T) {
	w := newWorld(3)
	for name, tc := range map[string]struct {
		spoil func(a []stats.Arm)
		want  string
	}{
		"one seed":         {func(a []stats.Arm) { a[0], a[1] = a[0][:1], a[1][:1] }, "at least 2"},
		"other seeds":      {func(a []stats.Arm) { a[0] = a[0][:2] }, "2 seeds"},
		"missing suite":    {func(a []stats.Arm) { a[0][1] = a[0][1][:1] }, "suites and 1"},
		"missing unit":     {func(a []stats.Arm) { a[0][1][0].Units = a[0][1][0].Units[1:] }, "of 7"},
		"other unit":       {func(a []stats.Arm) { a[0][1][0].Units[0].ID = "x" }, `"x"`},
		"not a number":     {func(a []stats.Arm) { a[0][1][0].Units[0].NLL = math.NaN() }, "NaN"},
		"endless loss":     {func(a []stats.Arm) { a[0][1][0].Units[0].NLL = 1e300 }, "1e+300"},
		"no bytes":         {func(a []stats.Arm) { bytes(a, 0) }, "0 bytes"},
		"weights":          {func(a []stats.Arm) { weight(a, 1) }, "1001"},
		"too many correct": {func(a []stats.Arm) { a[0][0][0].Units[0].Correct = 701 }, "701 of 700"},
	} {
		arms := w.arms(3, 1.9, 2)
		tc.spoil(arms)
		for what, err := range map[string]error{
			"compare": second(stats.Compare(arms[0], arms[1], w.calibration(), eval.Seed{})),
			"suites":  second(stats.CompareSuites(arms[0], arms[1], w.calibration(), eval.Seed{})),
			"judge":   second(stats.Judge(arms[0], arms[1], arms[1], w.calibration(), eval.Seed{})),
		} {
			if !errors.Is(err, stats.ErrUnlike) || !strings.Contains(err.Error(), tc.want) {
				t.Errorf("%s, %s: %v, want %q", name, what, err, tc.want)
			}
		}
	}
}

func second[T any](_ T, err error) error { return err }

func bytes(arms []stats.Arm, n int64) {
	for _, a := range arms {
		for _, r := range a {
			r[0].Units[0].Bytes = n
		}
	}
}

func weight(arms []stats.Arm, more int) {
	for _, a := range arms {
		for _, r := range a {
			r[1].Weight += more
		}
	}
}

func TestSameNumbersEveryTime(t *testing.T) {
	w := newWorld(4)
	arms := w.arms(2, 1.9, 2)
	a, _ := stats.Compare(arms[0], arms[1], w.calibration(), eval.Seed{1})
	b, _ := stats.Compare(arms[0], arms[1], w.calibration(), eval.Seed{1})
	c, _ := stats.Compare(arms[0], arms[1], w.calibration(), eval.Seed{2})
	if a != b || a == c || a.Delta != c.Delta {
		t.Errorf("%+v, again %+v, with another seed %+v", a, b, c)
	}
}
