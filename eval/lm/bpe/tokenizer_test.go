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

// pieces decodes each token by itself.
func pieces(tokenizer *bpe.Tokenizer, text string) []string {
	var out []string
	for _, token := range tokenizer.Encode(nil, text) {
		out = append(out, string(tokenizer.Decode([]uint16{token})))
	}
	return out
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
		2048: {"bpe-2048/1", "71f65a6a5a61f13f32305fe2f38663d04ed4ac5eb5b2c2eeece52c8e45033083"},
		4096: {"bpe-4096/1", "07d0116468cbcf8f411660983f52764d3414fbc7b861e1983766cbf6f975565a"},
		8192: {"bpe-8192/1", "a29dbfeca651c76aa77de8f1ef54466128d727121a78ec59b1414dadf9b5e3ee"},
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
