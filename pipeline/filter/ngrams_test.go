package filter

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"
)

func TestRepeats(t *testing.T) {
	count, characters := repeats(strings.Fields("a b a a cc cc"))
	if count != 3 || characters != 4 {
		t.Errorf("got %d repeats of %d characters, want 3 of 4", count, characters)
	}
}

func TestNgrams(t *testing.T) {
	for _, tt := range []struct {
		words           string
		n               int
		top, duplicated int
	}{
		{"a b c", 2, 3, 0},
		{"a b a b c d", 2, 6, 2},
		{"a b c a b c a b c", 3, 15, 6},
		{"a b a b a b a", 2, 9, 4},
		{"é é é", 1, 3, 2},
		{"a bc ab c", 2, 4, 3}, // the same without the space
		{"one two", 3, 0, 0},
		{"", 2, 0, 0},
	} {
		g := newNgrams(strings.Fields(tt.words))
		if got := g.top(tt.n); got != tt.top {
			t.Errorf("%q: the top %d-gram has %d characters, want %d", tt.words, tt.n, got, tt.top)
		}
		if got := g.duplicated(tt.n); got != tt.duplicated {
			t.Errorf("%q: duplicated %d-grams have %d characters, want %d", tt.words, tt.n, got, tt.duplicated)
		}
	}
}

// topByMap and duplicatedByMap count as the rules are written.
func topByMap(tokens []string, n int) int {
	counts := make(map[string]int)
	var order []string
	for i := 0; i+n <= len(tokens); i++ {
		key := strings.Join(tokens[i:i+n], " ")
		if counts[key] == 0 {
			order = append(order, key)
		}
		counts[key]++
	}
	best := ""
	for _, key := range order {
		if counts[key] > counts[best] {
			best = key
		}
	}
	return utf8.RuneCountInString(best) * counts[best]
}

func duplicatedByMap(tokens []string, n int) int {
	seen := make(map[string]bool)
	total := 0
	for i := 0; i+n <= len(tokens); {
		key := strings.Join(tokens[i:i+n], "")
		if !seen[key] {
			seen[key] = true
			i++
			continue
		}
		total += utf8.RuneCountInString(key)
		i += n
	}
	return total
}

func TestNgramsAgreeWithMaps(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		words := rapid.SampledFrom([]string{"a", "b", "ab", "ba", "aab", "é", "日本", "c d", "n't"})
		tokens := rapid.SliceOfN(words, 0, 60).Draw(rt, "tokens")
		g := newNgrams(tokens)
		for n := smallestTop; n <= largestDuplicated; n++ {
			if got, want := g.top(n), topByMap(tokens, n); got != want {
				rt.Fatalf("the top %d-gram of %q has %d characters, want %d", n, tokens, got, want)
			}
			if got, want := g.duplicated(n), duplicatedByMap(tokens, n); got != want {
				rt.Fatalf("duplicated %d-grams of %q have %d characters, want %d", n, tokens, got, want)
			}
		}
	})
}

// TestNgramsOfLongText counts in many parts.
func TestNgramsOfLongText(t *testing.T) {
	var tokens []string
	for i := range 12 * partGrams {
		tokens = append(tokens, fmt.Sprint(i*i%70001))
	}
	for i := range 3000 {
		tokens = append(tokens, tokens[7*i:7*i+11]...)
	}
	g := newNgrams(tokens)
	for _, n := range []int{smallestTop, smallestDuplicated, largestDuplicated} {
		if got, want := g.top(n), topByMap(tokens, n); got != want {
			t.Errorf("the top %d-gram has %d characters, want %d", n, got, want)
		}
		got, want := g.duplicated(n), duplicatedByMap(tokens, n)
		if got != want || got == 0 {
			t.Errorf("duplicated %d-grams have %d characters, want %d", n, got, want)
		}
	}
}
