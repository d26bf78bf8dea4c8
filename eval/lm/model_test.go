package lm

import (
	"fmt"
	"math"
	"testing"

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
		Version: Version, Config: c, Tokens: 1000, Batch: 4, MuonRate: 0.02, AdamRate: 0.003,
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
	long.Context = queryRows + 5
	for name, c := range map[string]Config{"own head": tiny, "tied": tied, "two blocks of queries": long} {
		t.Run(name, func(t *testing.T) {
			r := randomRun(t, c, 1)
			r.batch = randomTokens(c, len(r.batch), r.spec.Seed)
			r.pool.each(Shards, func(worker, i int) { r.shard(t.Context(), worker, i) })
			r.sum()
			got := c.tensors(r.grads[0])
			for i, w := range c.tensors(r.w) {
				checkGradient(t, r, w, got[i])
			}
		})
	}
}

// checkGradient compares some entries of a gradient with central differences of
// the twin's loss.
func checkGradient(t *testing.T, r *run, w, g Tensor) {
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
	for range 12 {
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
