package dedup

import (
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/words"
)

// URL is the name of the stage that drops documents whose URL came before.
const URL = "url_dedup"

const paramLower = "lower_case"

// URLSpec returns the stage with datatrove's defaults: XXH64 of the URL as it
// stands. With lower_case, URLs that differ in case alone are equal, as in the
// trial that the FineWeb paper reports (section 3.4).
func URLSpec() pipeline.StageSpec {
	return pipeline.StageSpec{Name: URL, Params: map[string]string{paramHash: string(minhash.XXHash), paramLower: "false"}}
}

// NewURL returns the stage. A document without a URL repeats none.
func NewURL(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	s := urlStage{hash: hashParam(p), lower: p.Bool(paramLower)}
	return s, p.Err()
}

type urlStage struct {
	hash  minhash.Hash
	lower bool
}

func (urlStage) Name() string { return URL }

func (urlStage) Process(*pipeline.Document) *pipeline.Drop { return nil }

func (s urlStage) Keys(d *pipeline.Document) []uint64 {
	url := d.URL
	if s.lower {
		url = words.Lower(url)
	}
	if url == "" {
		return nil
	}
	return []uint64{s.hash.Sum([]byte(url))}
}

func (urlStage) Compare(o keysort.Options) pipeline.Comparison { return newWholes(o) }
