package dedup

import (
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
)

// Exact is the name of the stage that drops documents whose text came before.
const Exact = "exact_dedup"

// ExactSpec returns the stage with datatrove's default hash, XXH64.
func ExactSpec() pipeline.StageSpec {
	return pipeline.StageSpec{Name: Exact, Params: map[string]string{paramHash: string(minhash.XXHash)}}
}

// NewExact returns the stage. It compares texts as they are in its place of the
// recipe, byte by byte.
func NewExact(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	s := exactStage{hash: hashParam(p)}
	return s, p.Err()
}

type exactStage struct{ hash minhash.Hash }

func (exactStage) Name() string { return Exact }

func (exactStage) Process(*pipeline.Document) *pipeline.Drop { return nil }

func (s exactStage) Keys(d *pipeline.Document) []uint64 {
	return []uint64{s.hash.Sum([]byte(d.Text))}
}

func (exactStage) Compare(o keysort.Options) pipeline.Comparison { return newWholes(o) }
