package compare_test

import (
	"reflect"
	"strings"
	"testing"

	"finest/eval/compare"
	"finest/eval/lm"
)

func TestTiers(t *testing.T) {
	for _, tier := range compare.Tiers() {
		if err := tier.Validate(); err != nil {
			t.Error(err)
		}
		if err := tier.Spec.Validate(); err != nil {
			t.Errorf("tier %s: %v", tier.Name, err)
		}
		got, err := compare.TierNamed(tier.Name)
		if err != nil || !reflect.DeepEqual(got, tier) {
			t.Errorf("tier %s is found as %+v, %v", tier.Name, got, err)
		}
	}
	if _, err := compare.TierNamed("huge"); err == nil || !strings.Contains(err.Error(), "tiny, quick, cpu, cpu-long, gpu") {
		t.Errorf("an unknown tier: %v", err)
	}
}

func TestEstimate(t *testing.T) {
	c, _ := comparer(t)
	got, err := c.Estimate(3)
	if err != nil {
		t.Fatal(err)
	}
	result := mustCompare(t, c, dataset("a", pages, nil), dataset("b", pages, nil), nil)
	if got.Runs != 6 || got.Tokens != result.Arms[0].Runs[0].Tokens || got.Scored < 1000 || got.CPU != 0 || got.Memory < 2*6*8192 {
		t.Errorf("%+v", got)
	}
	c.Trainer = &lm.Native{}
	if got, err = c.Estimate(2); err != nil || got.CPU <= 0 || got.Runs != 4 {
		t.Errorf("%+v, %v", got, err)
	}
}
