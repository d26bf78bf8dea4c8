package minhash_test

import (
	"slices"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/pipeline/minhash"
)

func keepers(documents ...[]uint64) []int {
	c := minhash.NewClusterer()
	for _, keys := range documents {
		c.Add(keys)
	}
	return c.Keepers()
}

// distinct returns keys that meet those of no other document.
func distinct(document uint64) []uint64 {
	keys := make([]uint64, contract.Bands)
	for i := range keys {
		keys[i] = document
	}
	return keys
}

func TestKeepers(t *testing.T) {
	for _, tt := range []struct {
		name      string
		documents [][]uint64
		want      []int
	}{
		{"none", nil, []int{}},
		{"all alone", [][]uint64{{1, 2}, {3, 4}}, []int{0, 1}},
		{"one band is enough", [][]uint64{{1, 2}, {3, 4}, {9, 4}}, []int{0, 1, 1}},
		{"the band counts", [][]uint64{{1, 2}, {2, 1}}, []int{0, 1}},
		{"without keys", [][]uint64{nil, {1}, nil, {1}}, []int{0, 1, 2, 1}},
		{"chain joins late", [][]uint64{{1, 10}, {2, 20}, {3, 20}, {1, 20}}, []int{0, 0, 0, 0}},
		{"keys beyond the bands", [][]uint64{append(distinct(1), 7), append(distinct(2), 7)}, []int{0, 1}},
		{"the last band", [][]uint64{append(distinct(1)[:13], 7), append(distinct(2)[:13], 7)}, []int{0, 0}},
	} {
		if got := keepers(tt.documents...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: keepers %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestKeepersMayBeAskedTwice(t *testing.T) {
	c := minhash.NewClusterer()
	for _, k := range []uint64{5, 3, 5} {
		c.Add([]uint64{k})
	}
	first := c.Keepers()
	if index := c.Add([]uint64{3}); index != 3 {
		t.Fatalf("index %d, want 3", index)
	}
	if got, want := c.Keepers(), append(first, 1); !slices.Equal(got, want) {
		t.Errorf("keepers %v, want %v", got, want)
	}
}

// A keeper is the lowest document that a path of shared keys leads to.
func TestKeepersAreTheLowestOfTheirComponent(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.OneOf(
			rapid.Just[[]uint64](nil),
			rapid.SliceOfN(rapid.Uint64Range(0, 60), contract.Bands, contract.Bands),
		)
		documents := rapid.SliceOfN(keys, 0, 40).Draw(t, "documents")
		want := make([]int, len(documents))
		for i := range want {
			want[i] = i
		}
		for changed := true; changed; {
			changed = false
			for i, a := range documents {
				for j, b := range documents {
					if want[j] < want[i] && meet(a, b) {
						want[i], changed = want[j], true
					}
				}
			}
		}
		if got := keepers(documents...); !slices.Equal(got, want) {
			t.Fatalf("keepers %v, want %v", got, want)
		}
	})
}

func meet(a, b []uint64) bool {
	for i := range min(len(a), len(b)) {
		if a[i] == b[i] {
			return true
		}
	}
	return false
}

func BenchmarkKeepers(b *testing.B) {
	c := minhash.NewClusterer()
	keys := make([]uint64, contract.Bands)
	for i := range uint64(100_000) {
		for j := range keys {
			keys[j] = (i*0x9e3779b97f4a7c15 + uint64(j)) % 300_007
		}
		c.Add(keys)
	}
	for b.Loop() {
		c.Keepers()
	}
}
