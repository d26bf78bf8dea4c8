package minhash_test

import (
	"context"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
)

func keepers(t interface{ Fatal(...any) }, o keysort.Options, documents ...[]uint64) []uint32 {
	c := minhash.NewClusterer(o)
	for _, keys := range documents {
		if err := c.Add(keys); err != nil {
			t.Fatal(err)
		}
	}
	out, err := c.Keepers(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	return out
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
		want      []uint32
	}{
		{"none", nil, []uint32{}},
		{"all alone", [][]uint64{{1, 2}, {3, 4}}, []uint32{0, 1}},
		{"one band is enough", [][]uint64{{1, 2}, {3, 4}, {9, 4}}, []uint32{0, 1, 1}},
		{"the band counts", [][]uint64{{1, 2}, {2, 1}}, []uint32{0, 1}},
		{"without keys", [][]uint64{nil, {1}, nil, {1}}, []uint32{0, 1, 2, 1}},
		{"chain joins late", [][]uint64{{1, 10}, {2, 20}, {3, 20}, {1, 20}}, []uint32{0, 0, 0, 0}},
		{"keys beyond the bands", [][]uint64{append(distinct(1), 7), append(distinct(2), 7)}, []uint32{0, 1}},
		{"the last band", [][]uint64{append(distinct(1)[:13], 7), append(distinct(2)[:13], 7)}, []uint32{0, 0}},
	} {
		if got := keepers(t, keysort.Options{}, tt.documents...); !slices.Equal(got, tt.want) {
			t.Errorf("%s: keepers %v, want %v", tt.name, got, tt.want)
		}
	}
}

// A ledger of another's making may hold the same key in two bands, and the
// same document in one cluster by many.
func TestKeepersOfOddKeys(t *testing.T) {
	if got, want := keepers(t, keysort.Options{}, []uint64{7, 7}, []uint64{7, 8}, []uint64{9, 7}, []uint64{0, 0}, []uint64{0, 1}),
		[]uint32{0, 0, 0, 3, 3}; !slices.Equal(got, want) {
		t.Errorf("keepers %v, want %v", got, want)
	}
}

// A keeper is the lowest document that a path of shared keys leads to, in memory
// and with any budget.
func TestKeepersAreTheLowestOfTheirComponent(t *testing.T) {
	dir := t.TempDir()
	rapid.Check(t, func(t *rapid.T) {
		keys := rapid.OneOf(
			rapid.Just[[]uint64](nil),
			rapid.SliceOfN(rapid.Uint64Range(0, 60), contract.Bands, contract.Bands),
		)
		documents := rapid.SliceOfN(keys, 0, 40).Draw(t, "documents")
		want := make([]uint32, len(documents))
		for i := range want {
			want[i] = uint32(i)
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
		for _, o := range []keysort.Options{{}, {Dir: dir, Budget: rapid.Int64Range(1, 4096).Draw(t, "budget")}} {
			if got := keepers(t, o, documents...); !slices.Equal(got, want) {
				t.Fatalf("with %+v: keepers %v, want %v", o, got, want)
			}
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
	const documents = 100_000
	for name, budget := range map[string]int64{"memory": keysort.DefaultBudget, "disk": 4 << 20} {
		b.Run(name, func(b *testing.B) {
			dir := b.TempDir()
			keys := make([]uint64, contract.Bands)
			for b.Loop() {
				c := minhash.NewClusterer(keysort.Options{Dir: dir, Budget: budget})
				for i := range uint64(documents) {
					for j := range keys {
						keys[j] = (i * 0x9e3779b97f4a7c15 % 300_007) * (2*uint64(j) + 0x9e3779b97f4a7c15)
					}
					_ = c.Add(keys)
				}
				if _, err := c.Keepers(b.Context()); err != nil {
					b.Fatal(err)
				}
				_ = c.Close()
			}
			b.ReportMetric(documents*float64(b.N)/b.Elapsed().Seconds(), "documents/s")
		})
	}
}
