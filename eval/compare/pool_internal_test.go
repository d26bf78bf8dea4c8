package compare

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"finest/eval"
)

func seedOf(name string) eval.Seed { return eval.Seed{}.Sub(name) }

// wantPool is what a pool has by its definition.
func wantPool(documents []Document, seed eval.Seed, limit, least int64) (texts []string) {
	order := make([]int, len(documents))
	for i := range order {
		order[i] = i
	}
	slices.SortStableFunc(order, func(a, b int) int {
		x, y := rank(seed, documents[a].Key), rank(seed, documents[b].Key)
		return bytes.Compare(x[:], y[:])
	})
	counted := int64(0)
	for _, i := range order {
		if counted >= limit {
			break
		}
		texts = append(texts, documents[i].Text)
		counted += max(int64(len(documents[i].Text)), least)
	}
	return texts
}

// TestPoolHoldsTheFirst: of random documents in any order the pool holds the
// first ones by rank, and not one more than reaches the limit.
func TestPoolHoldsTheFirst(t *testing.T) {
	random := rand.New(rand.NewPCG(1, 2))
	for round := range 200 {
		var documents []Document
		for i := range random.IntN(40) {
			// Some pages are there twice.
			documents = append(documents, Document{Key: fmt.Sprint(i / 2), Text: fmt.Sprintf("%d %s", i, strings.Repeat("x", random.IntN(30)))})
		}
		limit, least := 1+int64(random.IntN(400)), int64(random.IntN(20))
		seed := seedOf(fmt.Sprint(round))
		p := &pool{seed: seed, limit: limit, document: 1 << 10, least: least}
		for i, d := range documents {
			p.add(d, int64(i), "")
		}
		var got []string
		for _, e := range p.sorted() {
			got = append(got, e.text)
		}
		if want := wantPool(documents, seed, limit, least); !slices.Equal(got, want) {
			t.Fatalf("limit %d: the pool holds %q, want %q", limit, got, want)
		}
	}
}

func TestPiece(t *testing.T) {
	long := strings.Repeat("aé漢😀", 100)
	for _, tc := range []struct {
		name, text string
		limit      int
	}{
		{"short", "short", 10},
		{"just", "just 8 b", 8},
		{"characters of every length", long, 37},
		{"one byte", "é", 1},
		{"broken characters alone", strings.Repeat("\x80", 50), 10},
		{"nothing", "", 1},
	} {
		t.Run(tc.name, func(t *testing.T) {
			starts := make(map[int]bool)
			for i := range 100 {
				got := piece(tc.text, tc.limit, seedOf(fmt.Sprint(i)))
				if len(got) > tc.limit || !strings.Contains(tc.text, got) {
					t.Fatalf("piece %q of at most %d bytes of %q", got, tc.limit, tc.text)
				}
				if utf8.ValidString(tc.text) && !utf8.ValidString(got) {
					t.Fatalf("piece %q has a part of a character", got)
				}
				if len(tc.text) <= tc.limit && got != tc.text {
					t.Fatalf("a text that fits is cut to %q", got)
				}
				starts[strings.Index(tc.text, got)] = true
			}
			if tc.text == long && len(starts) < 4 {
				t.Errorf("the seeds begin at %d places", len(starts))
			}
		})
	}
}
