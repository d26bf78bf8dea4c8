package weights_test

import (
	"errors"
	"fmt"
	"math"
	"testing"

	"pgregory.net/rapid"

	"finest/eval/weights"
)

func TestNormalize(t *testing.T) {
	got, err := weights.Normalize([]weights.Share{{UID: 9, Value: 1}, {UID: 2, Value: 3}, {UID: 5, Value: 0}})
	if err != nil || fmt.Sprint(got) != "[{2 0.75} {9 0.25}]" {
		t.Errorf("%v, %v", got, err)
	}
	huge, err := weights.Normalize([]weights.Share{{UID: 1, Value: math.MaxFloat64}, {UID: 2, Value: math.MaxFloat64}})
	if err != nil || huge[0].Value != 0.5 {
		t.Errorf("shares of the largest numbers: %v, %v", huge, err)
	}
	for _, nothing := range [][]weights.Share{nil, {}, {{UID: 1}}} {
		if _, err := weights.Normalize(nothing); !errors.Is(err, weights.ErrNothing) {
			t.Errorf("%v: %v", nothing, err)
		}
	}
	for name, bad := range map[string][]weights.Share{
		"negative": {{UID: 1, Value: -1}, {UID: 2, Value: 1}}, "undefined": {{UID: 1, Value: math.NaN()}},
		"infinite": {{UID: 1, Value: math.Inf(1)}}, "twice": {{UID: 1, Value: 1}, {UID: 1, Value: 1}},
	} {
		if _, err := weights.Normalize(bad); err == nil || errors.Is(err, weights.ErrNothing) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestEmit(t *testing.T) {
	// What convert_weights_and_uids_for_emit of the Python SDK 10.5.0 gives: halves
	// are rounded to even, what rounds to 0 is dropped.
	for _, c := range []struct {
		values []float64
		want   string
	}{
		{nil, "[]"},
		{[]float64{0, 0}, "[]"},
		{[]float64{1}, "[{0 65535}]"},
		{[]float64{0.5, 1, 0, 0.25}, "[{0 32768} {1 65535} {3 16384}]"},
		{[]float64{1e-9, 1}, "[{1 65535}]"},
		{[]float64{0.5 / 65535, 1.5 / 65535, 2.5 / 65535, 1}, "[{1 2} {2 2} {3 65535}]"},
		{[]float64{1, 2, 3}, "[{0 21845} {1 43690} {2 65535}]"},
	} {
		var shares []weights.Share
		for uid, v := range c.values {
			shares = append(shares, weights.Share{UID: uint16(uid), Value: v})
		}
		if got := fmt.Sprint(weights.Emit(shares)); got != c.want {
			t.Errorf("%v gives %s, want %s", c.values, got, c.want)
		}
	}
}

func TestBurn(t *testing.T) {
	scores := []weights.Share{{UID: 3, Value: 5}}
	if got := fmt.Sprint(weights.Burn(scores, 0, 2)); got != "[{3 5} {0 2}]" {
		t.Errorf("burnt: %s", got)
	}
	if got := fmt.Sprint(weights.Burn(scores, 3, 2)); got != "[{3 7}]" || scores[0].Value != 5 {
		t.Errorf("burnt to a miner: %s; its own became %v", got, scores)
	}
}

func TestEmittedWeights(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		values := rapid.SliceOfN(rapid.Float64Range(0, math.MaxFloat64), 1, 50).Draw(t, "scores")
		var scores []weights.Share
		for i, v := range values {
			scores = append(scores, weights.Share{UID: uint16(len(values) - i), Value: v})
		}
		shares, err := weights.Normalize(scores)
		if errors.Is(err, weights.ErrNothing) {
			return
		} else if err != nil {
			t.Fatal(err)
		}
		var sum float64
		for _, s := range shares {
			sum += s.Value
		}
		if math.Abs(sum-1) > 1e-12 {
			t.Fatalf("shares sum to %v", sum)
		}
		emitted := weights.Emit(shares)
		var top uint16
		for i, w := range emitted {
			top = max(top, w.Value)
			if w.Value == 0 || i > 0 && emitted[i-1].UID >= w.UID {
				t.Fatalf("emitted %v", emitted)
			}
		}
		if top != math.MaxUint16 {
			t.Fatalf("the largest weight is %d", top)
		}
	})
}
