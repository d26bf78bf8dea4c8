package tokens

import "math/bits"

// The tables below are open-addressing hash tables of a fixed content, at most
// half full, with linear probing. Looking up tokens is most of the work of
// counting, and they take half the time of Go's maps.

// mergeTable holds the token that two neighbouring tokens merge into. A slot has
// both neighbours, which have 16 bits each, above the result; 0 is empty, as no
// result is token 0.
type mergeTable struct {
	slots []uint64
	shift int
}

func newMergeTable(entries int) mergeTable {
	size := bits.Len(uint(entries)) + 1
	return mergeTable{make([]uint64, 1<<size), 32 - size}
}

// slot returns the slot of a pair, or the empty one where it belongs.
func (t mergeTable) slot(left, right rank) *uint64 {
	key := left<<16 | right
	for i := (key * 0x9e3779b1) >> t.shift; ; i++ { // 2^32 divided by the golden ratio
		s := &t.slots[int(i)&(len(t.slots)-1)]
		if *s == 0 || uint32(*s>>32) == key {
			return s
		}
	}
}

func (t mergeTable) set(left, right, merged rank) {
	*t.slot(left, right) = uint64(left<<16|right)<<32 | uint64(merged)
}

// get returns the token that left and right merge into, or none.
func (t mergeTable) get(left, right rank) rank {
	if s := *t.slot(left, right); s != 0 {
		return rank(s)
	}
	return none
}

// shortToken is the length in bytes of the longest token in a tokenSet.
const shortToken = 15

// tokenSet holds tokens of at most shortToken bytes, as two words: the bytes,
// zeros, and in the highest byte the length, so that no slot in use is 0.
type tokenSet struct {
	slots [][2]uint64
	shift int
}

func newTokenSet(entries int) tokenSet {
	size := bits.Len(uint(entries)) + 1
	return tokenSet{make([][2]uint64, 1<<size), 64 - size}
}

// pack returns the words of a token of at most shortToken bytes.
func pack(token string) [2]uint64 {
	var low, high uint64
	n := len(token)
	if n >= 8 {
		_ = token[7]
		low = uint64(token[0]) | uint64(token[1])<<8 | uint64(token[2])<<16 | uint64(token[3])<<24 |
			uint64(token[4])<<32 | uint64(token[5])<<40 | uint64(token[6])<<48 | uint64(token[7])<<56
		for i := n - 1; i >= 8; i-- {
			high = high<<8 | uint64(token[i])
		}
	} else {
		for i := n - 1; i >= 0; i-- {
			low = low<<8 | uint64(token[i])
		}
	}
	return [2]uint64{low, high | uint64(n)<<56}
}

func (s tokenSet) slot(key [2]uint64) *[2]uint64 {
	high, low := bits.Mul64(key[0]^0x9e3779b97f4a7c15, key[1]^0xbf58476d1ce4e5b9)
	for i := (high ^ low) >> s.shift; ; i++ {
		slot := &s.slots[int(i)&(len(s.slots)-1)]
		if slot[1] == 0 || *slot == key {
			return slot
		}
	}
}

func (s tokenSet) add(token string) {
	key := pack(token)
	*s.slot(key) = key
}

func (s tokenSet) has(token string) bool { return s.slot(pack(token))[1] != 0 }
