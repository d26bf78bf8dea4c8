package compare

import (
	"fmt"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/panel/overlap"
)

// BenchmarkDraw reads a dataset, looks for held-out text and draws two samples of
// a million letters, at so many bytes of text a second:
//
//	go test ./eval/compare -run '^$' -bench Draw
func BenchmarkDraw(b *testing.B) {
	page := func(prefix string, i int) string {
		var text strings.Builder
		for word := range 500 {
			fmt.Fprintf(&text, "%s%d ", prefix, (i*7919+word*104729)%50021)
		}
		return text.String()
	}
	var documents []Document
	total := 0
	for i := range 3000 {
		documents = append(documents, Document{Key: fmt.Sprint(i), URL: fmt.Sprintf("https://host%d.example/", i/3), Text: page("word", i)})
		total += len(documents[i].Text)
	}
	g := &guard{index: overlap.New(func(yield func(string, string) bool) {
		for i := range 1000 {
			if !yield(fmt.Sprint(i), page("held", i)) {
				return
			}
		}
	})}
	tier := testTier(1_000_000)
	tier.DocumentBytes = 64 << 10
	b.SetBytes(int64(total))
	for b.Loop() {
		d := drawer{tier: tier, encoder: letters{}, keep: g.screen().keep}
		if _, err := d.draw(b.Context(), listed(documents...), []eval.Seed{seedOf("a"), seedOf("b")}); err != nil {
			b.Fatal(err)
		}
	}
}
