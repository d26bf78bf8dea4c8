package compare_test

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"

	"finest/eval/compare"
	"finest/eval/stats"
)

func TestCalibrate(t *testing.T) {
	c, trainer := comparer(t)
	c.Calibration = stats.Calibration{}
	data, naive := dataset("clean", 400, nil), dataset("naive", 400, noise(1))
	plan := compare.CalibrationPlan{Blocks: 3, Parts: 3}
	got, err := c.Calibrate(t.Context(), seedOf("calibration"), data, &naive, plan)
	if err != nil {
		t.Fatal(err)
	}
	hash, err := c.Tier.SpecHash()
	if err != nil {
		t.Fatal(err)
	}
	if got.Tier != "test" || got.Spec != hash || got.Kernel != "test/bigrams" || got.Panel != "invented" || !strings.Contains(got.Data, "clean, 3 blocks of 3 parts") {
		t.Errorf("calibration %+v", got)
	}
	if got.Freedom != 3*2 || got.Comparisons != 9 || got.Called > 3 || len(got.Suites) != 3 || got.Deviation <= 0 || got.Deviation > 0.2 {
		t.Errorf("calibration %+v", got)
	}
	if n := trainer.runs.Load(); n != 3*2*4 {
		t.Errorf("%d runs", n)
	}
	// It is good for what it was made for.
	c.Calibration = got
	if d := mustCompare(t, c, naive, data, nil); d.Outcome != compare.Worse {
		t.Errorf("naive text against clean text: %s", d.Reason)
	}
	trainer.runs.Store(0)
	again, err := c.Calibrate(t.Context(), seedOf("calibration"), data, &naive, plan)
	if err != nil || trainer.runs.Load() != 0 || math.Abs(float64(again.Deviation-got.Deviation)) != 0 {
		t.Errorf("again: %d runs, %v", trainer.runs.Load(), err)
	}
}

func TestCalibrateRefuses(t *testing.T) {
	for name, tc := range map[string]struct {
		plan compare.CalibrationPlan
		data compare.Input
		is   error
	}{
		"one block":      {compare.CalibrationPlan{Blocks: 1, Parts: 3}, dataset("a", 60, nil), nil},
		"one part":       {compare.CalibrationPlan{Blocks: 3, Parts: 1}, dataset("a", 60, nil), nil},
		"a part without": {compare.CalibrationPlan{Blocks: 2, Parts: 3}, dataset("one row", 1, nil), compare.ErrNoText},
	} {
		c, _ := comparer(t)
		if _, err := c.Calibrate(t.Context(), seedOf("x"), tc.data, nil, tc.plan); err == nil || tc.is != nil && !errors.Is(err, tc.is) {
			t.Errorf("%s: %v", name, err)
		}
	}
	c, _ := comparer(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := c.Calibrate(ctx, seedOf("x"), dataset("a", 60, nil), nil, compare.CalibrationPlan{Blocks: 2, Parts: 2}); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of its context: %v", err)
	}
}
