package eval

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"

	"finest/internal/canon"
)

// Seed is where a random choice comes from.
type Seed [sha256.Size]byte

// MarshalText writes the seed as hex.
func (s Seed) MarshalText() ([]byte, error) { return []byte(hex.EncodeToString(s[:])), nil }

// UnmarshalText reads what MarshalText writes.
func (s *Seed) UnmarshalText(text []byte) error {
	if len(text) != hex.EncodedLen(len(s)) {
		return fmt.Errorf("seed of %d characters, not %d", len(text), hex.EncodedLen(len(s)))
	}
	_, err := hex.Decode(s[:], text)
	return err
}

// Sub returns the seed of one purpose under s.
func (s Seed) Sub(purpose string) Seed { return hashParts(s[:], []byte(purpose)) }

// Purposes of seeds. One more purpose never changes the others' choices.
const (
	// PurposeAudit decides whether a submission is audited.
	PurposeAudit = "audit"
	// PurposeSlice chooses the slice of an audit.
	PurposeSlice = "slice"
)

// Draw is what all random choices about one submission depend on.
type Draw struct {
	// BlockHash is the hash of the finalised block k after the task's.
	BlockHash [32]byte
	// Hotkey is the miner's public key, Manifest the SHA-256 of the manifest.
	Hotkey   [32]byte
	Manifest canon.Hash
}

// Seed returns SHA-256(block hash ‖ hotkey ‖ manifest ‖ purpose): the same for
// every validator.
func (d Draw) Seed(purpose string) Seed {
	return hashParts(d.BlockHash[:], d.Hotkey[:], d.Manifest[:], []byte(purpose))
}

// AuditSeed is Seed with the validator's public key appended, so that
// validators look at different bytes.
func (d Draw) AuditSeed(purpose string, validator [32]byte) Seed {
	return hashParts(d.BlockHash[:], d.Hotkey[:], d.Manifest[:], []byte(purpose), validator[:])
}

// ComparisonSeed returns SHA-256(hash of the block k after the window's end ‖
// recipe hash ‖ purpose), the same for every validator.
func ComparisonSeed(blockHash [32]byte, recipe canon.Hash, purpose string) Seed {
	return hashParts(blockHash[:], recipe[:], []byte(purpose))
}

func hashParts(parts ...[]byte) Seed {
	h := sha256.New()
	for _, p := range parts {
		h.Write(p)
	}
	return Seed(h.Sum(nil))
}

// Stream returns the numbers of the seed: number i is the first 8 bytes, big
// endian, of SHA-256(seed ‖ i as 8 bytes, big endian), i = 0, 1, 2 …
func (s Seed) Stream() *Stream { return &Stream{seed: s} }

// Stream is a sequence of uniform numbers; anyone can repeat it.
type Stream struct {
	seed Seed
	next uint64
}

func (s *Stream) uint64() uint64 {
	var buf [sha256.Size + 8]byte
	copy(buf[:], s.seed[:])
	binary.BigEndian.PutUint64(buf[sha256.Size:], s.next)
	s.next++
	sum := sha256.Sum256(buf[:])
	return binary.BigEndian.Uint64(sum[:])
}

// Below returns a uniform number in [0, n): numbers of the sequence at or above
// the largest multiple of n are passed over, the next one is taken modulo n.
// It panics if n is 0.
func (s *Stream) Below(n uint64) uint64 {
	if n == 0 {
		panic("eval: Below(0)")
	}
	tail := -n % n // 2^64 mod n
	for {
		if v := s.uint64(); v <= ^uint64(0)-tail {
			return v % n
		}
	}
}

// Unit returns a uniform number in [0, 1): the upper 53 bits of the next number
// of the sequence.
func (s *Stream) Unit() float64 { return float64(s.uint64()>>11) / (1 << 53) }
