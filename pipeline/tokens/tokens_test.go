package tokens_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/tokens"
)

func newCounter(t testing.TB) *tokens.Counter {
	t.Helper()
	c, err := tokens.NewCounter()
	if err != nil {
		t.Fatal(err)
	}
	return c
}

// texts exercise every branch of the pattern that cuts text into pieces.
var texts = []string{
	"",
	" ",
	"  ",
	"\n",
	"a",
	"Hello world",
	"It's we'll they've I'd I'm you're don't 'S 'Re ' '",
	"x  y   z \n\n q \t end  ",
	"trailing space ",
	"3.14159 and 1,000,000 or ½ Ⅷ ٣",
	"Übergrößenträger naïve coöperate — “quotes” … €5",
	"日本語のテキストです。中文没有空格。한국어",
	"zero\u200bwidth nbsp\u00a0here ideographic\u3000space next\u0085line",
	"😀👩\u200d👩\u200d👧 \ufffd e\u0301",
	"func main() { fmt.Println(\"hi\") } // ---=== !!!",
	"control \x00\x1f\x7f\u0085 characters",
	strings.Repeat("ab", 500),
	strings.Repeat(" ", 300) + "x",
	strings.Repeat("=", 777),
	strings.Repeat("Donaudampfschifffahrt", 20),
}

func TestCountMatchesTheOracle(t *testing.T) {
	c, o := newCounter(t), newOracle(t)
	for _, text := range texts {
		want, err := o.count(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Count(text); got != want {
			t.Errorf("Count(%.40q) = %d, want %d", text, got, want)
		}
	}
}

func TestCountMatchesTheOracleOnRandomText(t *testing.T) {
	c, o := newCounter(t), newOracle(t)
	word := rapid.OneOf(
		rapid.String(),
		rapid.StringMatching(`[a-z]{1,90}`),
		rapid.StringMatching(`[ \n\t\x{a0}]{1,4}`),
		rapid.StringMatching(`'(s|t|re|ve|m|ll|d|x)`),
		rapid.SampledFrom([]string{" the", " of", "ing", "\n\n", "2024", "---", " ", "é"}),
	)
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOfN(word, 0, 20).Draw(t, "words"), "")
		want, err := o.count(text)
		if err != nil {
			t.Fatal(err)
		}
		if got := c.Count(text); got != want {
			t.Fatalf("Count(%q) = %d, want %d", text, got, want)
		}
	})
}

func TestCountTakesTheSpecialTokenForOne(t *testing.T) {
	if got := newCounter(t).Count("one<|endoftext|> two<|endoftext|><|endoftext|>"); got != 5 {
		t.Errorf("count %d, want 5", got)
	}
}

func TestCountOfInvalidUTF8DoesNotPanic(t *testing.T) {
	if got := newCounter(t).Count("\xff\xfe broken \xc3"); got == 0 {
		t.Error("no tokens in text that is not valid UTF-8")
	}
}

func TestStage(t *testing.T) {
	s, err := tokens.New(tokens.Spec())
	if err != nil {
		t.Fatal(err)
	}
	d := &pipeline.Document{Text: "Hello world"}
	if drop := s.Process(d); drop != nil || d.TokenCount != 2 || s.Name() != tokens.Spec().Name {
		t.Errorf("stage %s: drop %v, %d tokens, want none and 2", s.Name(), drop, d.TokenCount)
	}
}

func TestNewRefusesOtherVocabularies(t *testing.T) {
	for name, value := range map[string]string{"vocabulary": "cl100k", "vocabulary_sha256": "00", "other": "x"} {
		spec := tokens.Spec()
		spec.Params[name] = value
		if _, err := tokens.New(spec); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New with %s = %s: error %v, want one that names it", name, value, err)
		}
	}
}

func FuzzCount(f *testing.F) {
	for _, text := range texts {
		f.Add(text)
	}
	c, o := newCounter(f), newOracle(f)
	f.Fuzz(func(t *testing.T, text string) {
		got := c.Count(text)
		if !utf8.ValidString(text) || strings.Contains(text, "<|endoftext|>") {
			return // beyond the oracle
		}
		if want, err := o.count(text); err == nil && got != want {
			t.Errorf("Count(%q) = %d, want %d", text, got, want)
		}
	})
}

// BenchmarkCount shows that the time per byte does not depend on the length of a
// text, nor much on what it is made of.
func BenchmarkCount(b *testing.B) {
	c := newCounter(b)
	for _, text := range []struct{ name, part string }{
		{"prose", "The committee met on Thursday to discuss the unforeseen implementation details; 42 people attended. "},
		{"letter", "a"},
		{"spaces", " "},
		{"word", "ab"},
		{"compound", "Donaudampfschifffahrtsgesellschaft"},
		{"japanese", "古い橋の話"},
		{"marks", "=-"},
	} {
		for _, size := range []int{1_000, 100_000, 10_000_000} {
			b.Run(fmt.Sprintf("text=%s/bytes=%d", text.name, size), func(b *testing.B) {
				whole := strings.Repeat(text.part, size/len(text.part))
				b.SetBytes(int64(len(whole)))
				for b.Loop() {
					c.Count(whole)
				}
			})
		}
	}
}
