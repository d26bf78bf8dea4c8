package minhash

import (
	"crypto/sha1"
	"crypto/sha256"
	"encoding/binary"

	"github.com/cespare/xxhash/v2"

	"finest/internal/contract"
)

// Hash is how a shingle becomes 64 bits.
type Hash string

// The hashes of the reference.
const (
	// SHA1 is the first 8 bytes, little endian, of SHA-1: FineWeb's choice.
	SHA1 Hash = "sha1-64"
	// XXHash is XXH64 with seed 0.
	XXHash Hash = "xxhash64"
)

// Sum returns the hash of text.
func (h Hash) Sum(text []byte) uint64 {
	if h == XXHash {
		return xxhash.Sum64(text)
	}
	sum := sha1.Sum(text)
	return binary.LittleEndian.Uint64(sum[:])
}

// Hasher computes signatures. It is safe for concurrent use.
type Hasher struct {
	hash         Hash
	permutations []permutation
}

// NewHasher returns a hasher of shingles by hash, whose permutations are drawn
// from seed.
func NewHasher(seed uint32, hash Hash) *Hasher {
	return &Hasher{hash, newPermutations(seed, contract.Bands*bandHashes)}
}

// chunk is the number of shingles that are hashed before the permutations run
// over them, so that they stay in the nearest cache whatever the text's length.
const chunk = 512

// Signature returns the 112 smallest hashes of the shingles of words, or nil
// where there are fewer than five words.
func (h *Hasher) Signature(words []string) []uint64 {
	if len(words) < shingleWords {
		return nil
	}
	signature := make([]uint64, len(h.permutations))
	for i := range signature {
		signature[i] = prime
	}
	s := shingler{hash: h.hash}
	for len(words) >= shingleWords {
		n := min(len(words)-shingleWords+1, chunk)
		hashes := s.hashes(words[:n+shingleWords-1])
		for i := 0; i < len(signature); i += 2 {
			v, w := leastOfTwo(h.permutations[i], h.permutations[i+1], hashes)
			signature[i], signature[i+1] = min(signature[i], v), min(signature[i+1], w)
		}
		words = words[n:]
	}
	return signature
}

// shingler hashes runs of words; what it returns is overwritten by the next
// call.
type shingler struct {
	hash   Hash
	text   []byte
	starts [chunk + shingleWords]int
	sums   [chunk]uint64
}

// hashes returns the 64-bit hash of every run of five words, joined by single
// spaces; there are at most chunk of them.
func (s *shingler) hashes(words []string) []uint64 {
	s.text = s.text[:0]
	for i, w := range words {
		s.starts[i] = len(s.text)
		s.text = append(append(s.text, w...), ' ')
	}
	s.starts[len(words)] = len(s.text)
	sums := s.sums[:len(words)-shingleWords+1]
	for i := range sums {
		sums[i] = s.hash.Sum(s.text[s.starts[i] : s.starts[i+shingleWords]-1])
	}
	return sums
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
