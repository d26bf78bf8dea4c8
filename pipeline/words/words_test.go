package words_test

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/words"
)

// TestNLTK holds against what NLTK 3.8.1 answers on texts of our own;
// testdata/remake.py writes the answers.
func TestNLTK(t *testing.T) {
	for _, g := range readGolden(t, "testdata/nltk.json") {
		if got := words.Sentences(g.Text); !slices.Equal(got, g.Sentences) {
			t.Errorf("sentences of %q:\n got %q\nwant %q", g.Text, got, g.Sentences)
		}
		if got := words.NLTK().Words(g.Text); !slices.Equal(got, g.Words) {
			t.Errorf("words of %q:\n got %q\nwant %q", g.Text, got, g.Words)
		}
	}
}

func TestTreebankRules(t *testing.T) {
	for text, want := range map[string]string{
		"I can't believe it's not butter, isn't it?": "I ca n't believe it 's not butter , is n't it ?",
		"cannot gonna wanna go":                      "can not gon na wan na go",
		"$3.88 (approx 3,36 euros).":                 "$ 3.88 ( approx 3,36 euros ) .",
		`He said: "hello" -- and left...`:            "He said : `` hello '' -- and left ...",
		"“smart” ‘quotes’ it’s don’t":                "“ smart ” ‘ quotes ’ it ’ s don ’ t",
		"wanna":     "wan na",
		"'tis'twas": "'t is 't was",
		"'twas'tis": "'t was 'tis",
	} {
		if got := strings.Join(words.NLTK().Words(text), " "); got != want {
			t.Errorf("words of %q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestEmptyText(t *testing.T) {
	for _, text := range []string{"", " ", "\n\n", "\x1c\u2028"} {
		for _, splitter := range []pipeline.Splitter{words.NLTK(), words.SpaCy(), words.Unicode()} {
			if got := splitter.Words(text); got == nil || len(got) != 0 {
				t.Errorf("%s words of %q = %#v, want none, not nil", splitter.Name(), text, got)
			}
		}
		if got := words.Sentences(text); len(got) != 0 {
			t.Errorf("sentences of %q = %q, want none", text, got)
		}
	}
}

func TestLines(t *testing.T) {
	tests := []struct {
		text string
		want []string
	}{
		{"", nil},
		{"a", []string{"a"}},
		{"a\n", []string{"a"}},
		{"\n", []string{""}},
		{"a\r\nb\rc\n\rd", []string{"a", "b", "c", "", "d"}},
		{"a\vb\fc\x1cd\x1de\x1ef\x1fg", []string{"a", "b", "c", "d", "e", "f\x1fg"}},
		{"a\u0085b\u2028c\u2029d\u00a0e", []string{"a", "b", "c", "d\u00a0e"}},
	}
	for _, tt := range tests {
		if got := words.Lines(tt.text); !slices.Equal(got, tt.want) {
			t.Errorf("lines of %q = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestSpace(t *testing.T) {
	var got []rune
	for r := rune(0); r <= 0x10ffff; r++ {
		if words.IsSpace(r) {
			got = append(got, r)
		}
	}
	want := []rune("\t\n\v\f\r\x1c\x1d\x1e\x1f \u0085\u00a0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a\u2028\u2029\u202f\u205f\u3000")
	if !slices.Equal(got, want) {
		t.Errorf("whitespace is %q, want %q", got, want)
	}
}

func TestPunctuationHas129Characters(t *testing.T) {
	n := 0
	for r := rune(0); r <= 0x10ffff; r++ {
		if words.IsPunctuation(r) {
			n++
		}
	}
	if n != 129 {
		t.Errorf("punctuation has %d characters, want 129", n)
	}
	for _, r := range "\t\n ‘•·€£©°×‐‑aZ0é" {
		if words.IsPunctuation(r) {
			t.Errorf("%q is punctuation", r)
		}
	}
}

func TestLower(t *testing.T) {
	for text, want := range map[string]string{
		"ABC":         "abc",
		"İX":          "i̇x",
		"ΟΔΟΣ ΣΑΣ. Σ": "οδος σας. σ",
		"ẞÉ":          "ßé",
	} {
		if got := words.Lower(text); got != want {
			t.Errorf("lower case of %q is %q, want %q", text, got, want)
		}
	}
}

// TestTokensComeFromTheText checks that no rule loses or invents characters:
// but for quotes, the tokens are the text without whitespace.
func TestTokensComeFromTheText(t *testing.T) {
	pieces := []string{".", "...", "!", "'", "’", "--", " ", "\n", "a", "Dr.", "U.S.", "cannot", "n't", "'s", "5", ",", ":", "(", "]", "İ", "ſ", "é", "\u00a0", "wanna", "d'ye"}
	rapid.Check(t, func(t *rapid.T) {
		text := strings.Join(rapid.SliceOf(rapid.SampledFrom(pieces)).Draw(t, "text"), "")
		// An opening '' becomes two backticks, as NLTK has it.
		strip := func(s string) string { return strings.ReplaceAll(strings.Join(words.Fields(s), ""), "``", "''") }
		if got, want := strip(strings.Join(words.NLTK().Words(text), "")), strip(text); got != want {
			t.Fatalf("tokens of %q hold %q", text, got)
		}
		if got := strip(strings.Join(words.Sentences(text), "")); got != strip(text) {
			t.Fatalf("sentences of %q hold %q", text, got)
		}
	})
}

// TestLongRunsTakeLinearTime would run for hours if any rule went back.
func TestLongRunsTakeLinearTime(t *testing.T) {
	for _, piece := range runs {
		text := strings.Repeat(piece, 1<<16)
		words.NLTK().Words(text)
		words.SpaCy().Words(text)
		words.CountSpaCySentences(text)
		words.Unicode().Words(text)
	}
}

func FuzzWords(f *testing.F) {
	f.Add(`He said "no." (Dr. Who?) 'tis -- so...`)
	f.Add("a.\xff b! \xf0\x28")
	f.Fuzz(func(t *testing.T, text string) {
		for _, w := range words.NLTK().Words(text) {
			if w == "" || strings.IndexFunc(w, words.IsSpace) >= 0 {
				t.Errorf("token %q", w)
			}
		}
		for _, s := range words.Sentences(text) {
			if s == "" {
				t.Error("an empty sentence")
			}
		}
		words.Lines(text)
		words.Lower(text)
	})
}
