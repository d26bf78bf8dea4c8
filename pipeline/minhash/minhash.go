// Package minhash finds near-duplicates: it gives every text 14 band keys, and
// clusters texts that share a key in one band.
//
// The signature is datatrove's, as FineWeb configured it: 112 hashes over the
// 5-grams of words of the normalised text, in 14 bands of 8. Two texts whose
// shingles overlap by a share s (Jaccard) meet in a band with probability
// 1 − (1 − s^8)^14: 56 % at 0.70, 77 % at 0.75, 92 % at 0.80, 98.8 % at 0.85.
package minhash

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strconv"

	"finest/internal/contract"
	"finest/pipeline"
)

// Name is the stage's name in recipes and ledgers.
const Name = "minhash"

const (
	shingleWords = 5 // words per shingle
	bandHashes   = 8 // hashes per band
)

// Spec returns the stage as FineWeb ran it: datatrove 0.2's MinhashConfig with
// 14 buckets of 8 hashes over 5-grams, 64-bit SHA-1 and seed 1.
func Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: Name,
		Params: map[string]string{
			"bands":         strconv.Itoa(contract.Bands),
			"band_hashes":   strconv.Itoa(bandHashes),
			"shingle_words": strconv.Itoa(shingleWords),
			"hash":          "sha1-64",
			"seed":          "1",
			"normalization": "release",
			"words":         "nltk",
		},
	}
}

// New returns the stage, which sets Document.BandKeys and drops nothing: that
// depends on other documents, and a Clusterer decides it. The splitter must be
// the one the recipe names.
func New(spec pipeline.StageSpec, splitter pipeline.Splitter) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	p.Choice("bands", strconv.Itoa(contract.Bands))
	p.Choice("band_hashes", strconv.Itoa(bandHashes))
	p.Choice("shingle_words", strconv.Itoa(shingleWords))
	p.Choice("hash", "sha1-64")
	p.Choice("normalization", "release")
	p.Choice("words", splitter.Name())
	seed, err := strconv.ParseUint(p.String("seed"), 10, 32)
	if err := p.Err(); err != nil {
		return nil, err
	}
	if err != nil {
		return nil, fmt.Errorf("stage %s: parameter seed: %w", Name, err)
	}
	return &stage{NewHasher(uint32(seed)), splitter}, nil
}

type stage struct {
	hasher   *Hasher
	splitter pipeline.Splitter
}

func (*stage) Name() string { return Name }

func (s *stage) Process(d *pipeline.Document) *pipeline.Drop {
	d.BandKeys = nil
	if signature := s.hasher.Signature(s.splitter.Words(Normalize(d.Text))); signature != nil {
		d.BandKeys = BandKeys(signature)
	}
	return nil
}

// Hasher computes signatures. It is safe for concurrent use.
type Hasher struct{ permutations []permutation }

// NewHasher returns a hasher whose permutations are drawn from seed.
func NewHasher(seed uint32) *Hasher {
	return &Hasher{newPermutations(seed, contract.Bands*bandHashes)}
}

// Signature returns the 112 smallest hashes of the shingles of words, or nil
// where there are fewer than five words.
func (h *Hasher) Signature(words []string) []uint64 {
	if len(words) < shingleWords {
		return nil
	}
	hashes := shingles(words)
	signature := make([]uint64, len(h.permutations))
	for i, p := range h.permutations {
		signature[i] = p.least(hashes)
	}
	return signature
}

// shingles returns the 64-bit hash of every run of five words, joined by single
// spaces.
func shingles(words []string) []uint64 {
	var text []byte
	starts := make([]int, len(words), len(words)+1)
	for i, w := range words {
		starts[i] = len(text)
		text = append(append(text, w...), ' ')
	}
	starts = append(starts, len(text))
	hashes := make([]uint64, len(words)-shingleWords+1)
	for i := range hashes {
		sum := sha1.Sum(text[starts[i] : starts[i+shingleWords]-1])
		hashes[i] = binary.LittleEndian.Uint64(sum[:])
	}
	return hashes
}

// BandKeys returns the key of each band of a signature: the first 8 bytes, big
// endian, of SHA-256 over the band's 8 values, each as 8 bytes little endian.
func BandKeys(signature []uint64) []uint64 {
	keys := make([]uint64, len(signature)/bandHashes)
	var band [8 * bandHashes]byte
	for i := range keys {
		for j, v := range signature[i*bandHashes : (i+1)*bandHashes] {
			binary.LittleEndian.PutUint64(band[8*j:], v)
		}
		sum := sha256.Sum256(band[:])
		keys[i] = binary.BigEndian.Uint64(sum[:])
	}
	return keys
}
