package langid

import (
	"math"
	"testing"
)

func TestExpAndLog(t *testing.T) {
	const tolerance = 2e-15
	for x := -80.0; x < 80; x += 0.0371 {
		if got, want := exp(x), math.Exp(x); math.Abs(got-want) > tolerance*want {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	for x := 1e-5; x < 1e5; x *= 1.0173 {
		if got, want := log(x), math.Log(x); math.Abs(got-want) > tolerance*max(1, math.Abs(want)) {
			t.Errorf("log(%v) = %v, want %v", x, got, want)
		}
	}
	for x, want := range map[float64]float64{0: 1, math.Inf(-1): 0, math.Inf(1): math.Inf(1), -1e9: 0, 1e9: math.Inf(1)} {
		if got := exp(x); got != want {
			t.Errorf("exp(%v) = %v, want %v", x, got, want)
		}
	}
	if got := exp(math.NaN()); !math.IsNaN(got) {
		t.Errorf("exp(NaN) = %v", got)
	}
}
