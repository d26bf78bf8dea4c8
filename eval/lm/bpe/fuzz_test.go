package bpe_test

import (
	"bytes"
	"slices"
	"strings"
	"testing"

	"finest/eval/lm/bpe"
)

func FuzzEncode(f *testing.F) {
	for _, text := range odd {
		f.Add(text)
	}
	tokenizer := load(f, 2048)
	f.Fuzz(func(t *testing.T, text string) {
		tokens := tokenizer.Encode(nil, text)
		if got := tokenizer.Decode(tokens); string(got) != text {
			t.Fatalf("%q comes back as %q", text, got)
		}
		if slices.Max(append(tokens, 0)) >= 2048 {
			t.Fatalf("%q has tokens %v", text, tokens)
		}
		for i := 1; i < len(text); i++ {
			if text[i] != ' ' || text[i-1] == ' ' {
				continue
			}
			if parts := tokenizer.Encode(tokenizer.Encode(nil, text[:i]), text[i:]); !slices.Equal(parts, tokens) {
				t.Fatalf("%q cut at %d: %v, and %v in parts", text, i, tokens, parts)
			}
		}
	})
}

func FuzzParse(f *testing.F) {
	var buf bytes.Buffer
	if _, err := letters.WriteTo(&buf); err != nil {
		f.Fatal(err)
	}
	f.Add(buf.Bytes())
	f.Add([]byte(strings.Split(buf.String(), "\n")[0] + "\n97 97\n257 257"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		m, err := bpe.Parse(raw)
		if err != nil {
			return
		}
		tokenizer, err := bpe.New(m)
		if err != nil {
			return
		}
		if text := string(raw); string(tokenizer.Decode(tokenizer.Encode(nil, text))) != text {
			t.Fatalf("%q comes back otherwise", text)
		}
	})
}

func BenchmarkEncode(b *testing.B) {
	// Words of many kinds, so that the cache misses as often as on real text.
	var text strings.Builder
	for i := range 200_000 {
		text.WriteString([]string{" the", " of", ",", " station", " 19", ".\n", " Internationali", " and", " x"}[i*i%97%9])
		if i%5 == 0 {
			text.WriteString(string(rune('a'+i%23)) + string(rune('a'+i/7%25)) + string(rune('a'+i/91%26)))
		}
	}
	for _, vocab := range bpe.Sizes() {
		tokenizer := load(b, vocab)
		b.Run(tokenizer.Name(), func(b *testing.B) {
			dst := make([]uint16, 0, text.Len())
			b.SetBytes(int64(text.Len()))
			for b.Loop() {
				dst = tokenizer.Encode(dst[:0], text.String())
			}
		})
	}
}
