package metadata

import (
	"encoding/binary"
	"fmt"

	"github.com/cespare/xxhash/v2"
	"golang.org/x/crypto/blake2b"
)

// twox is xxHash64 with the seeds 0, 1, …, each result little endian, size bytes
// in all, as Substrate builds its longer hashes.
func twox(data []byte, size int) []byte {
	sum := make([]byte, 0, size)
	for seed := uint64(0); len(sum) < size; seed++ {
		h := xxhash.NewWithSeed(seed)
		_, _ = h.Write(data) // never fails
		sum = binary.LittleEndian.AppendUint64(sum, h.Sum64())
	}
	return sum
}

// SumTwox128 is the 16-byte hash that storage keys begin with.
func SumTwox128(data []byte) [16]byte { return [16]byte(twox(data, 16)) }

// SumBlake2_128 is BLAKE2b with 16 bytes of output.
func SumBlake2_128(data []byte) [16]byte {
	h, err := blake2b.New(16, nil)
	if err != nil { // only for sizes out of 1..64
		panic(fmt.Errorf("blake2b of 16 bytes: %w", err))
	}
	h.Write(data) // never fails
	return [16]byte(h.Sum(nil))
}

// SumBlake2_256 is BLAKE2b with 32 bytes of output, the hash of blocks, extrinsics
// and long payloads.
func SumBlake2_256(data []byte) [32]byte { return blake2b.Sum256(data) }

// Sum appends to b what the hasher makes of an encoded key: the hash, and the key
// behind it where the hasher keeps it.
func (h Hasher) Sum(b, key []byte) ([]byte, error) {
	switch h {
	case Blake2_128, Blake2_128Concat:
		sum := SumBlake2_128(key)
		b = append(b, sum[:]...)
	case Blake2_256:
		sum := SumBlake2_256(key)
		b = append(b, sum[:]...)
	case Twox128:
		b = append(b, twox(key, 16)...)
	case Twox256:
		b = append(b, twox(key, 32)...)
	case Twox64Concat:
		b = append(b, twox(key, 8)...)
	case Identity:
	default:
		return nil, fmt.Errorf("hasher %d is unknown", h)
	}
	if h.Concat() {
		b = append(b, key...)
	}
	return b, nil
}

// Concat says whether the key itself follows the hash, so that it can be read back.
func (h Hasher) Concat() bool {
	return h == Blake2_128Concat || h == Twox64Concat || h == Identity
}

// size is the number of bytes before the key.
func (h Hasher) size() int {
	switch h {
	case Blake2_128, Blake2_128Concat, Twox128:
		return 16
	case Blake2_256, Twox256:
		return 32
	case Twox64Concat:
		return 8
	}
	return 0
}
