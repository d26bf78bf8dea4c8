package overlap_test

import (
	"strings"
	"testing"

	"finest/eval/panel/overlap"
)

// BenchmarkFind reads text that shares nothing with two million grams, at so
// many bytes a second.
func BenchmarkFind(b *testing.B) {
	x := overlap.New(texts([2]string{"a", count(0, 2_000_000)}, [2]string{"b", count(0, 8)}, [2]string{"c", count(8, 10)}, [2]string{"d", count(30, 12)}))
	text := strings.Repeat("It was the best of times, it was the worst of times, it was the age of wisdom, it was the age of foolishness. ", 1000)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, found := x.Find(text); found {
			b.Fatal("found")
		}
	}
}
