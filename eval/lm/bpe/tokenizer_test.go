package bpe_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/eval/lm/bpe"
)

func load(t testing.TB, vocab int) *bpe.Tokenizer {
	t.Helper()
	tokenizer, err := bpe.Load(vocab)
	if err != nil {
		t.Fatal(err)
	}
	return tokenizer
}

// odd are texts at the borders of the rules for pieces.
var odd = []string{
	"", " ", "\n", "x", "\x00", "\xff", "\xc3", "a\xc3", "’", "don’t 'tis rock'n'roll '' a'", "  x", "x  ", "a \n b", "\n\n  \n", "\t\ta\r\nb",
	"日本語のテキスト", "e\u0301a", "👩‍👩‍👧‍👦 family", "\u00a0x\u2028y", "1,234.56 2026-11-28", "<|endoftext|>",
	strings.Repeat("a", 100), strings.Repeat(" ", 100) + "x", strings.Repeat("é", 50), strings.Repeat("=", 65), strings.Repeat("\xff", 70), strings.Repeat("ab ", 30),
}

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	for _, vocab := range bpe.Sizes() {
		tokenizer := load(t, vocab)
		check := func(t interface{ Fatalf(string, ...any) }, text string) {
			tokens := tokenizer.Encode(nil, text)
			if got := string(tokenizer.Decode(tokens)); got != text {
				t.Fatalf("%q comes back as %q", text, got)
			}
			if slices.ContainsFunc(tokens, func(token uint16) bool { return int(token) >= vocab || token == tokenizer.EOS() }) {
				t.Fatalf("%q has tokens %v", text, tokens)
			}
		}
		for _, text := range odd {
			check(t, text)
		}
		rapid.Check(t, func(t *rapid.T) {
			check(t, rapid.String().Draw(t, "text")+string(rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")))
		})
	}
}

func TestTokensAreThoseOfTheParts(t *testing.T) {
	tokenizer := load(t, 2048)
	words := rapid.SliceOf(rapid.SampledFrom([]string{"the", "Question", "don't", "’s", "1234", "...", "\n", "\t", "\xff", "é", strings.Repeat("long", 20)}))
	rapid.Check(t, func(t *rapid.T) {
		before := strings.Join(words.Draw(t, "before"), "")
		after := " " + strings.Join(words.Draw(t, "after"), " ")
		parts := tokenizer.Encode(tokenizer.Encode(nil, before), after)
		if whole := tokenizer.Encode(nil, before+after); !slices.Equal(whole, parts) {
			t.Fatalf("%q cut before %q: %v, and %v in parts", before, after, whole, parts)
		}
	})
}

// Names and hashes are part of verdicts: a change makes all earlier results
// incomparable, and needs another Version.
func TestNamesAndHashesAreFixed(t *testing.T) {
	for vocab, want := range map[int][2]string{
		2048: {"bpe-2048/1", "83b39752bfebc4119e355b7fb919757bf374cbce8840c800e99ecf97671d4030"},
		4096: {"bpe-4096/1", "ed48ee3943fa40b3962e38afea843ea95a7c7b8cf31f629881d1afcf31e16529"},
		8192: {"bpe-8192/1", "7bb4c14c564ae9248ea9bf42705e76262f660b633bb0255a42a4b7d6952aa0d5"},
	} {
		tokenizer := load(t, vocab)
		if got := [2]string{tokenizer.Name(), tokenizer.Hash()}; got != want || tokenizer.Vocab() != vocab || tokenizer.EOS() != 256 {
			t.Errorf("%d tokens: %q, vocabulary %d, EOS %d", vocab, got, tokenizer.Vocab(), tokenizer.EOS())
		}
	}
	for _, vocab := range []int{-1, 0, 257, 2047, 1 << 20} {
		if _, err := bpe.Load(vocab); err == nil {
			t.Errorf("a vocabulary of %d is loaded", vocab)
		}
	}
}
