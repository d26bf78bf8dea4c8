package canon

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"math/bits"
)

// Hash is a SHA-256 digest.
type Hash [sha256.Size]byte

// String returns the digest as 64 lower-case hex digits.
func (h Hash) String() string { return hex.EncodeToString(h[:]) }

// Sum returns the SHA-256 of b as 64 lower-case hex digits.
func Sum(b []byte) string { return Hash(sha256.Sum256(b)).String() }

// ParseHash reads 64 lower-case hex digits.
func ParseHash(s string) (Hash, error) {
	var h Hash
	b, err := hex.DecodeString(s)
	if err != nil || len(b) != len(h) || hex.EncodeToString(b) != s {
		return h, errors.New("not 64 lower-case hex digits")
	}
	copy(h[:], b)
	return h, nil
}

// Leaf returns the RFC 6962 leaf hash of one entry: SHA-256(0x00 ‖ entry).
func Leaf(entry []byte) Hash {
	d := sha256.New()
	d.Write([]byte{0})
	d.Write(entry)
	return Hash(d.Sum(nil))
}

func node(left, right Hash) Hash {
	var buf [1 + 2*sha256.Size]byte
	buf[0] = 1
	copy(buf[1:], left[:])
	copy(buf[1+sha256.Size:], right[:])
	return sha256.Sum256(buf[:])
}

// Tree computes an RFC 6962 Merkle root over leaves added one by one; it holds
// one hash per level, so a tree of any size needs constant memory.
type Tree struct {
	size  uint64
	peaks []Hash // roots of the complete subtrees, largest first
}

// Add appends a leaf hash.
func (t *Tree) Add(leaf Hash) {
	for n := t.size; n&1 == 1; n >>= 1 {
		last := len(t.peaks) - 1
		leaf = node(t.peaks[last], leaf)
		t.peaks = t.peaks[:last]
	}
	t.peaks = append(t.peaks, leaf)
	t.size++
}

// Size returns the number of leaves.
func (t *Tree) Size() uint64 { return t.size }

// Root returns the root of the leaves added so far; without any it is
// SHA-256 of nothing.
func (t *Tree) Root() Hash {
	if len(t.peaks) == 0 {
		return sha256.Sum256(nil)
	}
	root := t.peaks[len(t.peaks)-1]
	for i := len(t.peaks) - 2; i >= 0; i-- {
		root = node(t.peaks[i], root)
	}
	return root
}

// Path returns the RFC 6962 audit path of leaf index in the tree over leaves,
// from the leaf upwards. It panics if index is out of range.
func Path(leaves []Hash, index int) []Hash {
	if index < 0 || index >= len(leaves) {
		panic("canon: leaf index out of range")
	}
	if len(leaves) == 1 {
		return nil
	}
	split := 1 << (bits.Len(uint(len(leaves)-1)) - 1)
	if index < split {
		return append(Path(leaves[:split], index), rootOf(leaves[split:]))
	}
	return append(Path(leaves[split:], index-split), rootOf(leaves[:split]))
}

func rootOf(leaves []Hash) Hash {
	var t Tree
	for _, l := range leaves {
		t.Add(l)
	}
	return t.Root()
}

// VerifyPath reports whether leaf stands at index in the tree of size leaves
// that has this root (RFC 9162 section 2.1.3.2).
func VerifyPath(leaf Hash, index, size uint64, path []Hash, root Hash) bool {
	if index >= size {
		return false
	}
	fn, sn, r := index, size-1, leaf
	for _, p := range path {
		if sn == 0 {
			return false
		}
		if fn&1 == 1 || fn == sn {
			r = node(p, r)
			for fn&1 == 0 && fn != 0 {
				fn >>= 1
				sn >>= 1
			}
		} else {
			r = node(r, p)
		}
		fn >>= 1
		sn >>= 1
	}
	return sn == 0 && r == root
}
