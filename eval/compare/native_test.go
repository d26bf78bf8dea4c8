package compare_test

import (
	"reflect"
	"strings"
	"testing"

	"finest/eval/compare"
	"finest/eval/lm"
	"finest/eval/lm/bpe"
)

// native compares with real models: some 10,000 parameters, 8,192 tokens.
func native(t *testing.T) *compare.Comparer {
	t.Helper()
	c, _ := comparer(t)
	var err error
	if c.Tokenizer, err = bpe.Load(2048); err != nil {
		t.Fatal(err)
	}
	c.Trainer = &lm.Native{}
	c.Tier.DocumentBytes = 4 << 10
	c.Tier.BytesPerToken = 6
	c.Tier.Spec.Config = lm.Config{Vocab: 2048, Dim: 32, Layers: 1, Heads: 2, Hidden: 64, Context: 64}
	c.Tier.Spec.Tokens = 8192
	c.Calibration = calibration(t, c.Tier, 0.05)
	return c
}

// TestRealModels: small transformers, trained in this process, find what is
// better, and the same bits each time.
func TestRealModels(t *testing.T) {
	if testing.Short() {
		t.Skip("trains models for some seconds")
	}
	c := native(t)
	clean, naive := dataset("clean", 120, nil), dataset("naive", 120, noise(1))
	half := dataset("half", 120, noise(2))
	got := mustCompare(t, c, half, clean, &naive)
	if got.Outcome != compare.Worse || got.Quality == nil || got.Quality.Q <= 0 || got.Quality.Q >= 1 {
		t.Fatalf("%s: %s; quality %+v %s", got.Outcome, got.Reason, got.Quality, got.NoQuality)
	}
	better := mustCompare(t, c, clean, half, nil)
	if better.Outcome != compare.Better || better.Difference.Delta != -got.Difference.Delta {
		t.Errorf("the other way round %s: %s", better.Outcome, better.Reason)
	}
	same := mustCompare(t, c, clean, clean, nil)
	if same.Outcome != compare.Unresolved || same.Difference.Delta != 0 {
		t.Errorf("a dataset against itself %s: %s", same.Outcome, same.Reason)
	}
	for _, a := range append(better.Arms, same.Arms...) {
		for _, r := range a.Runs {
			if !r.Cached {
				t.Errorf("%s is trained again", a.Name)
			}
		}
	}
	if !strings.HasPrefix(got.Kernel, "native/") || got.Arms[0].Runs[0].TokensPerSecond() <= 0 {
		t.Errorf("kernel %q, %v tokens a second", got.Kernel, got.Arms[0].Runs[0].TokensPerSecond())
	}
	c.Runs = nil
	c.Trainer = &lm.Native{Workers: 3}
	again := mustCompare(t, c, half, clean, &naive)
	if !reflect.DeepEqual(again.Difference, got.Difference) || !reflect.DeepEqual(again.Suites, got.Suites) || !reflect.DeepEqual(again.Quality, got.Quality) {
		t.Errorf("another number of workers gives\n%+v\n%+v", again.Difference, got.Difference)
	}
}
