package lm_test

import (
	"math"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/lm"
)

func TestCounts(t *testing.T) {
	for name, tc := range map[string]struct {
		config lm.Config
		params int64
		flops  float64
	}{
		"cpu":      {lm.Config{Vocab: 2048, Dim: 128, Layers: 4, Heads: 4, Hidden: 512, Context: 128}, 1_310_720, 7_077_888},
		"cpu-long": {lm.Config{Vocab: 4096, Dim: 256, Layers: 6, Heads: 4, Hidden: 1024, Context: 256}, 6_815_744, 39_321_600},
		"tied":     {lm.Config{Vocab: 8192, Dim: 512, Layers: 6, Heads: 8, Hidden: 2048, Context: 1024, Tied: true}, 23_068_672, 176_160_768},
	} {
		if n := tc.config.Params(); n != tc.params {
			t.Errorf("%s: %d parameters, want %d", name, n, tc.params)
		}
		if n := tc.config.FLOPsPerToken(); n != tc.flops {
			t.Errorf("%s: %.0f FLOP a token, want %.0f", name, n, tc.flops)
		}
	}
}

func TestSpecValidate(t *testing.T) {
	if err := toySpec(1).Validate(); err != nil {
		t.Fatal(err)
	}
	for name, spoil := range map[string]func(*lm.Spec){
		"version":    func(s *lm.Spec) { s.Version++ },
		"vocabulary": func(s *lm.Spec) { s.Config.Vocab = 1 }, "large vocabulary": func(s *lm.Spec) { s.Config.Vocab = 1<<16 + 1 },
		"width": func(s *lm.Spec) { s.Config.Dim = 0 }, "layers": func(s *lm.Spec) { s.Config.Layers = -1 },
		"heads": func(s *lm.Spec) { s.Config.Heads = 0 }, "odd heads": func(s *lm.Spec) { s.Config.Heads = 16 },
		"heads that do not divide": func(s *lm.Spec) { s.Config.Heads = 3 },
		"hidden":                   func(s *lm.Spec) { s.Config.Hidden = 0 }, "context": func(s *lm.Spec) { s.Config.Context = 0 },
		"size": func(s *lm.Spec) {
			s.Config.Dim, s.Config.Layers, s.Config.Hidden = 1<<13, 1<<8, 1<<15
		},
		"tokens": func(s *lm.Spec) { s.Tokens = 0 }, "many tokens": func(s *lm.Spec) { s.Tokens = math.MaxInt64 },
		"many steps": func(s *lm.Spec) { s.Tokens = 1 << 33 },
		"batch":      func(s *lm.Spec) { s.Batch = 0 }, "uneven batch": func(s *lm.Spec) { s.Batch = lm.Shards + 1 },
		"muon rate": func(s *lm.Spec) { s.MuonRate = 0 }, "adam rate": func(s *lm.Spec) { s.AdamRate = eval.Decimal(math.NaN()) },
		"infinite rate": func(s *lm.Spec) { s.AdamRate = eval.Decimal(math.Inf(1)) },
		"warm-up":       func(s *lm.Spec) { s.WarmUp = -0.1 }, "decay": func(s *lm.Spec) { s.Decay = eval.Decimal(math.NaN()) },
		"schedule": func(s *lm.Spec) { s.WarmUp, s.Decay = 0.5, 0.6 },
	} {
		s := toySpec(1)
		spoil(&s)
		if s.Validate() == nil {
			t.Errorf("a wrong %s is accepted", name)
		}
	}
}

func TestInit(t *testing.T) {
	spec := toySpec(1)
	var names []string
	total := int64(0)
	for _, tensor := range spec.Init() {
		names = append(names, tensor.Name)
		if len(tensor.Data) != tensor.Shape[0]*tensor.Shape[1] {
			t.Errorf("%s has %d numbers and shape %v", tensor.Name, len(tensor.Data), tensor.Shape)
		}
		total += int64(len(tensor.Data))
		checkDeviation(t, tensor)
	}
	if got := strings.Join(names, " "); got != wantNames {
		t.Errorf("tensors are %s", got)
	}
	if total != spec.Config.Params() {
		t.Errorf("%d numbers, not %d", total, spec.Config.Params())
	}
	other := spec
	other.Seed = spec.Seed.Sub("other")
	if spec.Init()[0].Data[0] == other.Init()[0].Data[0] {
		t.Error("two seeds give one start")
	}
	if again := spec.Init()[0].Data[0]; again != spec.Init()[0].Data[0] {
		t.Error("one seed gives two starts")
	}
}

const wantNames = "embedding" +
	" layers.0.query layers.0.key layers.0.value layers.0.output layers.0.up layers.0.down" +
	" layers.1.query layers.1.key layers.1.value layers.1.output layers.1.up layers.1.down head"

// checkDeviation compares a tensor's deviation with that of the description.
func checkDeviation(t *testing.T, tensor lm.Tensor) {
	t.Helper()
	sum := 0.0
	for _, v := range tensor.Data {
		sum += float64(v) * float64(v)
	}
	want := 1 / math.Sqrt(float64(tensor.Shape[1]))
	switch part := tensor.Name[strings.LastIndex(tensor.Name, ".")+1:]; part {
	case "embedding":
		want = 0.02
	case "output", "down", "head":
		want = 0
	}
	if got := math.Sqrt(sum / float64(len(tensor.Data))); math.Abs(got-want) > 0.1*want {
		t.Errorf("%s has a deviation of %.4f, want %.4f", tensor.Name, got, want)
	}
}

func TestSpecHash(t *testing.T) {
	one, other := toySpec(1), toySpec(1)
	other.AdamRate *= 2
	first, err := one.Hash()
	if err != nil {
		t.Fatal(err)
	}
	if second, err := other.Hash(); err != nil || first == second {
		t.Errorf("another rate: hashes %s and %s, %v", first, second, err)
	}
	if again, err := toySpec(1).Hash(); err != nil || first != again {
		t.Errorf("the same spec: hashes %s and %s, %v", first, again, err)
	}
}
