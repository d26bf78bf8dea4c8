// Package minhash finds near-duplicates: it gives every text 14 band keys, and
// clusters texts that share a key in one band.
//
// The signature is datatrove's, as FineWeb configured it: 112 hashes over the
// 5-grams of words of the normalised text, in 14 bands of 8. Two texts whose
// shingles overlap by a share s (Jaccard) meet in a band with probability
// 1 − (1 − s^8)^14: 56 % at 0.70, 77 % at 0.75, 92 % at 0.80, 98.8 % at 0.85.
package minhash

import (
	"fmt"
	"strconv"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
)

// Name is the stage's name in recipes and ledgers.
const Name = "minhash"

const (
	shingleWords = 5 // words per shingle
	bandHashes   = 8 // hashes per band
)

// Spec returns the stage as FineWeb ran it: datatrove 0.2's MinhashConfig with
// 14 buckets of 8 hashes over 5-grams, 64-bit SHA-1 and seed 1. The parameter
// hash may be xxhash64 instead, the default of datatrove since 0.3;
// normalization is release (0.2) or head (0.10), words the name of a splitter.
func Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: Name,
		Params: map[string]string{
			"bands":         strconv.Itoa(contract.Bands),
			"band_hashes":   strconv.Itoa(bandHashes),
			"shingle_words": strconv.Itoa(shingleWords),
			"hash":          string(SHA1),
			"seed":          "1",
			"normalization": string(Release),
			"words":         "nltk",
		},
	}
}

// New returns the stage, which sets Document.BandKeys and drops nothing: that
// depends on other documents, and a Clusterer decides it. The splitter must be
// the one the recipe names.
func New(spec pipeline.StageSpec, splitter pipeline.Splitter) (pipeline.Across, error) {
	p := pipeline.NewParams(spec)
	p.Choice("bands", strconv.Itoa(contract.Bands))
	p.Choice("band_hashes", strconv.Itoa(bandHashes))
	p.Choice("shingle_words", strconv.Itoa(shingleWords))
	hash := Hash(p.Choice("hash", string(SHA1), string(XXHash)))
	normalization := Normalization(p.Choice("normalization", string(Release), string(Head)))
	p.Choice("words", splitter.Name())
	seed, err := strconv.ParseUint(p.String("seed"), 10, 32)
	if err := p.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("stage %s: parameter seed: %w", Name, err)
	}
	return &stage{NewHasher(uint32(seed), hash), normalization, splitter}, nil
}

type stage struct {
	hasher        *Hasher
	normalization Normalization
	splitter      pipeline.Splitter
}

func (*stage) Name() string { return Name }

func (s *stage) Process(d *pipeline.Document) *pipeline.Drop {
	d.BandKeys = nil
	if signature := s.hasher.Signature(s.splitter.Words(s.normalization.Apply(d.Text))); signature != nil {
		d.BandKeys = BandKeys(signature)
	}
	return nil
}

// Keys returns the document's band keys.
func (*stage) Keys(d *pipeline.Document) []uint64 { return d.BandKeys }

// Compare returns an empty Clusterer.
func (*stage) Compare(o keysort.Options) pipeline.Comparison { return NewClusterer(o) }
