package engine

import (
	"crypto/sha256"
	"encoding/binary"

	"finest/chain"
)

// Tasks lie on a ring of 2⁶³ points, each at a place that its id gives it. A
// lease takes the first available task from the point that block hash and
// hotkey give, so that nobody knows the task before the block, and everybody
// who knows what was available can draw again.

// DrawPoint is where the draw of a hotkey starts at a block: SHA-256 of block
// hash and public key.
func DrawPoint(block chain.Hash, hotkey chain.PublicKey) int64 {
	return ringPoint(append(block[:], hotkey[:]...))
}

// TaskPoint is where a task lies: SHA-256 of its id.
func TaskPoint(id string) int64 { return ringPoint([]byte(id)) }

// ringPoint is the first 63 bits of the SHA-256 of b.
func ringPoint(b []byte) int64 {
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:8]) >> 1)
}
