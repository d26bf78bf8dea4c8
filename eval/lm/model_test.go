package lm

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"finest/eval"
)

func layerName(layer int, part string) string { return fmt.Sprintf("layers.%d.%s", layer, part) }

var (
	tiny = Config{Vocab: 11, Dim: 8, Layers: 2, Heads: 2, Hidden: 12, Context: 7}
	tied = Config{Vocab: 11, Dim: 8, Layers: 1, Heads: 1, Hidden: 5, Context: 7, Tied: true}
)

// randomRun has weights that are nowhere 0.
func randomRun(t *testing.T, c Config, workers int) *run {
	t.Helper()
	spec := Spec{
		Version: Version, Config: c, Tokens: 1000, Batch: 4, MuonRate: 0.02, AdamRate: 0.003, Decay: 0.9,
		Seed: eval.Seed{}.Sub(t.Name()),
	}
	if err := spec.Validate(); err != nil {
		t.Fatal(err)
	}
	r := newRun(Job{Spec: spec}, workers)
	t.Cleanup(r.close)
	stream := spec.Seed.Sub("weights").Stream()
	for i := range r.w.all {
		r.w.all[i] = float32(stream.Unit() - 0.5)
	}
	return r
}

func randomTokens(c Config, n int, seed eval.Seed) []uint16 {
	stream := seed.Stream()
	tokens := make([]uint16, n)
	for i := range tokens {
		tokens[i] = uint16(stream.Below(uint64(c.Vocab)))
	}
	return tokens
}

func TestGradients(t *testing.T) {
	long := tiny
	long.Context, long.Layers = queryRows+3, 1
	for name, tc := range map[string]struct {
		config  Config
		entries int
	}{"own head": {tiny, 12}, "tied": {tied, 12}, "two blocks of queries": {long, 2}} {
		t.Run(name, func(t *testing.T) {
			c := tc.config
			r := randomRun(t, c, 1)
			r.batch = randomTokens(c, len(r.batch), r.spec.Seed)
			r.pool.each(Shards, func(worker, i int) { r.shard(t.Context(), worker, i) })
			r.sum()
			got := c.tensors(r.grads[0])
			for i, w := range c.tensors(r.w) {
				checkGradient(t, r, w, got[i], tc.entries)
			}
		})
	}
}

// checkGradient compares some entries of a gradient with central differences of
// the twin's loss.
func checkGradient(t *testing.T, r *run, w, g Tensor, entries int) {
	t.Helper()
	length := r.config.Context + 1
	tw := newTwin(r.config, r.config.tensors(r.w))
	loss := func() float64 {
		sum := 0.0
		for i := 0; i < len(r.batch); i += length {
			sum += tw.score(Example{Tokens: r.batch[i : i+length], From: 1}).NLL
		}
		return sum / float64(r.spec.Batch*r.config.Context)
	}
	const step = 1e-4
	data := tw.w[w.Name]
	stream, scale := r.spec.Seed.Sub(w.Name).Stream(), 0.0
	for _, v := range g.Data {
		scale = math.Max(scale, math.Abs(float64(v)))
	}
	if scale == 0 {
		t.Fatalf("%s: the gradient is 0", w.Name)
	}
	for range entries {
		i := stream.Below(uint64(len(data)))
		kept := data[i]
		data[i] = kept + step
		above := loss()
		data[i] = kept - step
		below := loss()
		data[i] = kept
		if want := (above - below) / (2 * step); math.Abs(want-float64(g.Data[i])) > 2e-5*scale {
			t.Errorf("%s[%d]: gradient %v, differences say %v", w.Name, i, g.Data[i], want)
		}
	}
}

// TestScoresMatchTwin scores examples of all lengths, in one pass and in many.
func TestScoresMatchTwin(t *testing.T) {
	c := tiny
	c.Context = queryRows + 6
	r := randomRun(t, c, 2)
	for n := 2; n <= c.Context+1; n += 3 {
		tokens := randomTokens(c, n, r.spec.Seed.Sub(fmt.Sprint(n)))
		for _, from := range []int{1, (n + 1) / 2, n - 1} {
			r.job.Examples = append(r.job.Examples, Example{Tokens: tokens, From: from})
		}
	}
	result := Result{Losses: []Point{{}}}
	if err := r.score(t.Context(), time.Time{}, &result); err != nil {
		t.Fatal(err)
	}
	tw := newTwin(c, c.tensors(r.w))
	for i, e := range r.job.Examples {
		got, want := result.Scores[i], tw.score(e)
		if math.Abs(got.NLL-want.NLL) > 1e-5*want.NLL || got.Correct != want.Correct || got.Tokens != want.Tokens {
			t.Errorf("%d tokens from %d: %+v, the twin says %+v", len(e.Tokens), e.From, got, want)
		}
	}
}

// endsAfter is a context that has ended when it was looked at a number of times.
type endsAfter struct {
	context.Context
	looks atomic.Int64
}

func (c *endsAfter) Err() error {
	if c.looks.Add(-1) < 0 {
		return context.Canceled
	}
	return nil
}

// TestScoringEndsBetweenPasses ends the context after two passes of many.
func TestScoringEndsBetweenPasses(t *testing.T) {
	r := randomRun(t, tiny, 1)
	e := Example{Tokens: randomTokens(tiny, tiny.Context+1, r.spec.Seed), From: 1}
	for range scoreBlock {
		r.job.Examples = append(r.job.Examples, e)
	}
	ctx := &endsAfter{Context: t.Context()}
	ctx.looks.Store(2)
	result := Result{Losses: []Point{{}}}
	if err := r.score(ctx, time.Time{}, &result); !errors.Is(err, context.Canceled) {
		t.Errorf("scoring ends in %v", err)
	}
	pass := r.passes[0].capacity / tiny.Context
	if s := result.Scores; s[2*pass-1].Tokens == 0 || s[2*pass].Tokens != 0 {
		t.Errorf("of passes of %d examples not two are made: %+v", pass, s[:3*pass])
	}
}

// TestGoldenRope holds the angles of the tiers' models: they come from Go's math
// package, whose last bits may differ by processor and version.
func TestGoldenRope(t *testing.T) {
	for want, c := range map[string]Config{
		"e73011639c28b688": {Dim: 128, Heads: 4, Context: 128},
		"e7429fb6c55524f2": {Dim: 256, Heads: 4, Context: 256},
		"45a537a322a3af84": {Dim: 512, Heads: 8, Context: 1024},
	} {
		var raw []byte
		tables := newRope(c)
		for i, cos := range tables.cos {
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(cos))
			raw = binary.LittleEndian.AppendUint32(raw, math.Float32bits(tables.sin[i]))
		}
		if sum := sha256.Sum256(raw); hex.EncodeToString(sum[:8]) != want {
			t.Errorf("the tables of %+v have the digest %x, not %s", c, sum[:8], want)
		}
	}
}

func TestEqualLogits(t *testing.T) {
	// The first of the likeliest is the one.
	for target, correct := range map[uint16]int{0: 0, 1: 1, 2: 0, 3: 0} {
		var s Score
		s.predict([]float32{-1, 2, 2, 0}, target)
		if s.Correct != correct {
			t.Errorf("target %d: %d correct", target, s.Correct)
		}
	}
}

func TestRate(t *testing.T) {
	s := Spec{Config: Config{Context: 10}, Batch: 4, Tokens: 400, WarmUp: 0.2, Decay: 0.5}
	for step, want := range []float64{0.25, 0.75, 1, 1, 1, 0.9, 0.7, 0.5, 0.3, 0.1} {
		if got := s.rate(step); math.Abs(got-want) > 1e-12 {
			t.Errorf("step %d of 10: rate %v, want %v", step, got, want)
		}
	}
	s.WarmUp, s.Decay = 0, 0
	if s.rate(0) != 1 || s.rate(9) != 1 {
		t.Error("the rate is not constant without warm-up and decay")
	}
}

// TestStepsReuseMemory: after the first steps nothing grows any more.
func TestStepsReuseMemory(t *testing.T) {
	r := randomRun(t, tiny, 2)
	r.batch = randomTokens(tiny, len(r.batch), r.spec.Seed)
	step := func() {
		if _, err := r.step(t.Context(), 5); err != nil {
			t.Fatal(err)
		}
	}
	step()
	if n := testing.AllocsPerRun(20, step); n > 8 {
		t.Errorf("a step allocates %v times", n)
	}
}

func TestLogarithm(t *testing.T) {
	stream := eval.Seed{}.Stream()
	for range 10_000 {
		x := math.Ldexp(1+stream.Unit(), int(stream.Below(40))-20)
		if got, want := logarithm(x), math.Log(x); math.Abs(got-want) > 4e-16*max(1, math.Abs(want)) {
			t.Fatalf("ln %v is %v, not %v", x, got, want)
		}
	}
	if logarithm(1) != 0 || !math.IsNaN(logarithm(math.NaN())) || !math.IsInf(logarithm(math.Inf(1)), 1) {
		t.Error("the logarithms of 1, not a number or infinity")
	}
}

// TestStepFollowsDescription makes step 7 of a run from its gradients, by hand.
func TestStepFollowsDescription(t *testing.T) {
	r := randomRun(t, tiny, 2)
	r.batch = randomTokens(tiny, len(r.batch), r.spec.Seed)
	before := append([]float32(nil), r.w.all...)
	if _, err := r.step(t.Context(), 7); err != nil {
		t.Fatal(err)
	}
	share := r.spec.rate(7)
	old, grads := tiny.tensors(tiny.view(before)), tiny.tensors(r.grads[0])
	for i, w := range tiny.tensors(r.w) {
		rows, cols := w.Shape[0], w.Shape[1]
		step := make([]float64, len(w.Data))
		for j, g := range grads[i].Data {
			step[j] = float64(g)
		}
		if part := partOf(w.Name); part == "embedding" || part == "head" {
			for j, g := range step {
				m, v := 0.1*g/(1-math.Pow(0.9, 8)), 0.05*g*g/(1-math.Pow(0.95, 8))
				step[j] = share * 0.003 * m / (math.Sqrt(v) + 1e-8)
			}
		} else {
			step = newtonSchulz(step, rows, cols)
			for j := range step {
				step[j] *= share * 0.02 * math.Sqrt(math.Max(1, float64(rows)/float64(cols)))
			}
		}
		for j, v := range w.Data {
			if want := float64(old[i].Data[j]) - step[j]; math.Abs(float64(v)-want) > 1e-6 {
				t.Fatalf("%s[%d] becomes %v, not %v", w.Name, j, v, want)
			}
		}
	}
}

func TestCancelledStepDoesNothing(t *testing.T) {
	r := randomRun(t, tiny, 2)
	before := append([]float32(nil), r.w.all...)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := r.step(ctx, 0); !errors.Is(err, context.Canceled) || r.losses != [Shards]float64{} {
		t.Errorf("a cancelled step ends in %v with losses %v", err, r.losses)
	}
	if !slices.Equal(before, r.w.all) {
		t.Error("a cancelled step changes the weights")
	}
}

// TestWorkers: only as many workers compute gradients as there are shards, the
// others have no buffers for it.
func TestWorkers(t *testing.T) {
	r := randomRun(t, tiny, Shards+2)
	for i, p := range r.passes {
		if has := p.dx != nil; has != (i < Shards) {
			t.Errorf("worker %d has buffers for gradients: %v", i, has)
		}
	}
	for count := range Shards + 4 {
		var calls atomic.Int64
		r.pool.each(count, func(worker, i int) {
			calls.Add(1)
			if worker >= count || i >= count {
				t.Errorf("worker %d does part %d of %d", worker, i, count)
			}
		})
		if int(calls.Load()) != count {
			t.Errorf("%d calls for %d parts", calls.Load(), count)
		}
	}
}
