package canon_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/canon"
)

// The entries that implementations of RFC 6962 test with, and the roots of the
// trees over the first 1, 2, … of them.
var (
	vectorEntries = []string{
		"", "00", "10", "2021", "3031", "40414243", "5051525354555657", "606162636465666768696a6b6c6d6e6f",
	}
	vectorRoots = []string{
		"6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
		"fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
		"aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
		"d37ee418976dd95753c1c73862b9398fa2a2cf9b4ff0fdfe8b30cd95209614b7",
		"4e3bbb1f7b478dcfe71fb631631519a3bca12c9aefca1612bfce4c13a86264d4",
		"76e67dadbcdf1e10e1b74ddc608abd2f98dfb16fbce75277b5232a127f2087ef",
		"ddb89be403809e325750d3d263cd78929c2942b7942a34b77e122c9594a74c8c",
		"5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
	}
)

// mth is MTH of RFC 6962 section 2.1, word for word.
func mth(entries [][]byte) [32]byte {
	switch n := len(entries); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return sha256.Sum256(append([]byte{0}, entries[0]...))
	default:
		k := 1
		for 2*k < n {
			k *= 2
		}
		left, right := mth(entries[:k]), mth(entries[k:])
		return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
	}
}

func TestTreeVectors(t *testing.T) {
	t.Parallel()
	var tree canon.Tree
	if got := tree.Root().String(); got != canon.Sum(nil) {
		t.Errorf("root of the empty tree is %s", got)
	}
	for i, entry := range vectorEntries {
		raw, err := hex.DecodeString(entry)
		if err != nil {
			t.Fatal(err)
		}
		tree.Add(canon.Leaf(raw))
		if got := tree.Root().String(); got != vectorRoots[i] {
			t.Errorf("root of %d entries is %s, want %s", i+1, got, vectorRoots[i])
		}
	}
	if tree.Size() != uint64(len(vectorEntries)) {
		t.Errorf("size is %d", tree.Size())
	}
}

func TestTreeFollowsTheDefinition(t *testing.T) {
	t.Parallel()
	var tree canon.Tree
	var entries [][]byte
	for n := range 300 {
		if got, want := tree.Root(), canon.Hash(mth(entries)); got != want {
			t.Fatalf("root of %d entries is %s, want %s", n, got, want)
		}
		entries = append(entries, fmt.Appendf(nil, "entry %d", n))
		tree.Add(canon.Leaf(entries[n]))
	}
}

// TestPaths: in trees of every small size every leaf proves its place, and
// nothing else does.
func TestPaths(t *testing.T) {
	t.Parallel()
	var tree canon.Tree
	var leaves []canon.Hash
	for size := uint64(1); size <= 40; size++ {
		leaf := canon.Leaf(fmt.Append(nil, size))
		leaves = append(leaves, leaf)
		tree.Add(leaf)
		root := tree.Root()
		for index := range size {
			path := canon.Path(leaves, int(index))
			if !canon.VerifyPath(leaves[index], index, size, path, root) {
				t.Fatalf("path of leaf %d of %d is refused", index, size)
			}
			for other := range size + 2 {
				if other != index && canon.VerifyPath(leaves[index], other, size, path, root) {
					t.Fatalf("leaf %d of %d proves that it is leaf %d", index, size, other)
				}
			}
			if size > 1 {
				refuse(t, leaves, index, path, root)
			}
		}
	}
}

func refuse(t *testing.T, leaves []canon.Hash, index uint64, path []canon.Hash, root canon.Hash) {
	t.Helper()
	size := uint64(len(leaves))
	if canon.VerifyPath(leaves[(index+1)%size], index, size, path, root) {
		t.Fatalf("the path of leaf %d of %d proves another leaf", index, size)
	}
	if canon.VerifyPath(leaves[index], index, size, path[:len(path)-1], root) ||
		canon.VerifyPath(leaves[index], index, size, append(path[:len(path):len(path)], root), root) {
		t.Fatalf("a path of the wrong length proves leaf %d of %d", index, size)
	}
	for i := range path {
		bent := append([]canon.Hash(nil), path...)
		bent[i][7] ^= 1
		if canon.VerifyPath(leaves[index], index, size, bent, root) {
			t.Fatalf("a bent path proves leaf %d of %d", index, size)
		}
	}
}

func TestPathPanicsOutOfRange(t *testing.T) {
	t.Parallel()
	defer func() {
		if recover() == nil {
			t.Error("no panic")
		}
	}()
	canon.Path(make([]canon.Hash, 3), 3)
}

func TestPathOfLargeTrees(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		leaves := make([]canon.Hash, rapid.IntRange(1, 3000).Draw(t, "size"))
		var tree canon.Tree
		for i := range leaves {
			leaves[i] = canon.Leaf(fmt.Append(nil, i))
			tree.Add(leaves[i])
		}
		index := rapid.IntRange(0, len(leaves)-1).Draw(t, "index")
		if !canon.VerifyPath(leaves[index], uint64(index), tree.Size(), canon.Path(leaves, index), tree.Root()) {
			t.Fatal("refused")
		}
	})
}

func TestParseHash(t *testing.T) {
	t.Parallel()
	want := canon.Leaf([]byte("x"))
	got, err := canon.ParseHash(want.String())
	if err != nil || got != want {
		t.Errorf("got %s, %v", got, err)
	}
	for _, bad := range []string{
		"", "00", want.String()[1:], want.String() + "0", want.String() + "00", "0x" + want.String()[2:],
		"E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", want.String()[:63] + "g",
	} {
		if _, err := canon.ParseHash(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}

// FuzzVerifyPath: no path, however long or odd, makes a panic or an accepted
// leaf outside the tree.
func FuzzVerifyPath(f *testing.F) {
	f.Add(uint64(0), uint64(1), []byte{})
	f.Add(uint64(3), uint64(7), make([]byte, 96))
	f.Add(^uint64(0), ^uint64(0), make([]byte, 2048))
	f.Fuzz(func(t *testing.T, index, size uint64, raw []byte) {
		path := make([]canon.Hash, len(raw)/32)
		for i := range path {
			copy(path[i][:], raw[32*i:])
		}
		leaf := canon.Leaf(raw)
		if canon.VerifyPath(leaf, index, size, path, canon.Leaf(nil)) && (index >= size || len(raw) > 0) {
			t.Fatalf("leaf %d of %d is accepted", index, size)
		}
	})
}
