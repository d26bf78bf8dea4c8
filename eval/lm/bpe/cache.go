package bpe

import "encoding/binary"

const (
	// cacheBits: 8,192 pieces of 32 bytes each fit the second-level cache of most
	// processors, and hold nine of ten pieces of English text.
	cacheBits = 13
	// keyBytes and cachedTokens bound what is kept; together an entry is 32 bytes.
	keyBytes     = 16
	cachedTokens = 7
)

// cache remembers the tokens of short pieces, the latest one of each slot.
type cache [1 << cacheBits]cacheEntry

type cacheEntry struct {
	low, high uint64 // the piece, filled up with zeros
	length    uint8  // of the piece; 0 in an empty entry
	count     uint8
	tokens    [cachedTokens]uint16
}

// find returns the entry of text[i:end], which is not empty and at most keyBytes
// long, and whether it holds that piece; if not, it is its caller's to fill.
func (c *cache) find(text []byte, i, end int) (*cacheEntry, bool) {
	low, high := key(text, i, end)
	hash := (low ^ high*0xC2B2AE3D27D4EB4F) * 0x9E3779B97F4A7C15
	e := &c[hash>>(64-cacheBits)]
	if e.low == low && e.high == high && int(e.length) == end-i {
		return e, true
	}
	e.low, e.high, e.length = low, high, 0
	return e, false
}

// key returns the bytes text[i:end] as two numbers.
func key(text []byte, i, end int) (low, high uint64) {
	if i+keyBytes > len(text) {
		var short [keyBytes]byte
		copy(short[:], text[i:end])
		return binary.LittleEndian.Uint64(short[:]), binary.LittleEndian.Uint64(short[8:])
	}
	low, high = binary.LittleEndian.Uint64(text[i:]), binary.LittleEndian.Uint64(text[i+8:])
	n := uint(end - i)
	if n <= 8 {
		return low & (^uint64(0) >> (64 - 8*n)), 0
	}
	return low, high & (^uint64(0) >> (128 - 8*n))
}

func (e *cacheEntry) fill(length int, tokens []uint16) {
	if len(tokens) > cachedTokens {
		return
	}
	e.length, e.count = uint8(length), uint8(copy(e.tokens[:], tokens))
}
