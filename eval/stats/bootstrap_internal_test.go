package stats

import (
	"math"
	"testing"

	"finest/eval"
)

// TestCovarianceOfFewUnits: the bootstrap finds the textbook variance of a mean,
// the sample variance over n, even where n is so small that drawing n of n would
// give a quarter less; and arms that are scored alike differ by nothing.
func TestCovarianceOfFewUnits(t *testing.T) {
	ones := []float64{1, 1, 1, 1}
	bits := func(x ...float64) []float64 {
		for i := range x {
			x[i] *= math.Ln2
		}
		return x
	}
	suite := tally{scale: 1, bytes: ones, trials: ones, nll: [][]float64{bits(1, 2, 4, 9), bits(1, 2, 4, 9), bits(9, 4, 2, 1)}}
	suite.wrong = make([][]float64, 3)
	for a := range suite.wrong {
		suite.wrong[a] = make([]float64, 4)
	}
	cov := covariance([]tally{suite}, 3, eval.Seed{})
	const want = (3*3 + 2*2 + 0 + 5*5) / 3. / 4
	if got := cov[0][0]; math.Abs(got-want) > 0.1*want {
		t.Errorf("variance of a mean of four %v, want about %v", got, want)
	}
	if got := difference([][]float64{{cov[0][0], cov[0][1]}, {cov[1][0], cov[1][1]}}); math.Abs(got) > 1e-12 {
		t.Errorf("arms that are scored alike differ with variance %v", got)
	}
	if cov[0][2] >= 0 || cov[0][2] != cov[2][0] {
		t.Errorf("covariances %v and %v of arms that are good where the other is bad", cov[0][2], cov[2][0])
	}
}

// TestFieller on a ratio whose bounds are known: of errors in the top alone they
// are those of the top over the bottom.
func TestFieller(t *testing.T) {
	q, err := fieller(3, 2, ratioErrors{top: 0.04}, 2)
	if err != nil || q.Q != 1.5 || math.Abs(q.Low-1.3) > 1e-12 || math.Abs(q.High-1.7) > 1e-12 || q.Same {
		t.Errorf("%+v, %v, want 1.5 from 1.3 to 1.7", q, err)
	}
	// Both ends solve (top − q·bottom)² = t²·variance.
	e := ratioErrors{top: 0.04, bottom: 0.09, both: 0.03}
	q, err = fieller(2.2, 2, e, 2)
	if err != nil {
		t.Fatal(err)
	}
	for _, end := range []float64{q.Low, q.High} {
		off := 2.2 - 2*end
		if variance := e.top - 2*end*e.both + end*end*e.bottom; math.Abs(off*off-4*variance) > 1e-9 {
			t.Errorf("%v is %v standard errors off, want 2", end, math.Abs(off)/math.Sqrt(variance))
		}
	}
	if q.Low >= q.Q || q.High <= q.Q || !q.Same {
		t.Errorf("%+v", q)
	}
	if _, err := fieller(1, 0.5, ratioErrors{top: 0.04, bottom: 0.09}, 2); err == nil {
		t.Error("anchors that chance explains give a scale")
	}
}

// TestCritical: fewer degrees are never taken for more.
func TestCritical(t *testing.T) {
	last := math.Inf(1)
	for freedom := range 300 {
		got := critical(freedom)
		if got > last || got < 1.96 {
			t.Errorf("%v standard errors at %d degrees, after %v", got, freedom, last)
		}
		last = got
	}
	for freedom, want := range map[int]float64{1: 12.706, 5: 2.571, 30: 2.042, 59: 2.042, 60: 2, 120: 1.98} {
		if got := critical(freedom); got != want {
			t.Errorf("%v standard errors at %d degrees, want %v", got, freedom, want)
		}
	}
}
