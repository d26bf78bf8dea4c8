// Package scale writes and reads SCALE, the binary encoding of Substrate chains
// (https://docs.polkadot.com/polkadot-protocol/parachain-basics/data-encoding/):
// little-endian integers, compact lengths, no tags. What a chain's types look
// like is for package metadata; this is the layer below.
package scale

import (
	"encoding/binary"
	"math/bits"
)

// Modes of a compact integer, the two low bits of its first byte.
const (
	oneByte = iota
	twoBytes
	fourBytes
	bigInteger
)

// AppendCompact appends v in the variable-length form of lengths and balances:
// below 2⁶ in one byte, below 2¹⁴ in two, below 2³⁰ in four, else a byte with
// the number of bytes less four and that many bytes.
func AppendCompact(b []byte, v uint64) []byte {
	switch {
	case v < 1<<6:
		return append(b, byte(v<<2)+oneByte)
	case v < 1<<14:
		return binary.LittleEndian.AppendUint16(b, uint16(v<<2)|twoBytes)
	case v < 1<<30:
		return binary.LittleEndian.AppendUint32(b, uint32(v<<2)|fourBytes)
	}
	n := (bits.Len64(v) + 7) / 8
	b = append(b, byte(n-4)<<2|bigInteger)
	for range n {
		b = append(b, byte(v))
		v >>= 8
	}
	return b
}

// AppendBytes appends data with its compact length before it: Vec<u8>, Bytes and
// str.
func AppendBytes[T ~[]byte | ~string](b []byte, data T) []byte {
	return append(AppendCompact(b, uint64(len(data))), data...)
}
