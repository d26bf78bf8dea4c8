package words_test

import (
	"encoding/json"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/pipeline/words"
)

// TestSpaCy holds against what spaCy 3.8.18 answers on texts of our own;
// testdata/remake.py writes the answers.
func TestSpaCy(t *testing.T) {
	for _, g := range readGolden(t, "testdata/spacy.json") {
		if got := words.SpaCy().Words(g.Text); !slices.Equal(got, g.Words) {
			t.Errorf("words of %q:\n got %q\nwant %q", g.Text, got, g.Words)
		}
		var got []string
		for _, s := range words.SpaCySentenceSpans(g.Text) {
			got = append(got, g.Text[s.Start:s.Stop])
		}
		if !slices.Equal(got, g.Sentences) {
			t.Errorf("sentences of %q:\n got %q\nwant %q", g.Text, got, g.Sentences)
		}
		if n := words.CountSpaCySentences(g.Text); n != len(g.Sentences) {
			t.Errorf("%d sentences in %q, want %d", n, g.Text, len(g.Sentences))
		}
	}
}

type golden struct {
	Text             string
	Sentences, Words []string
}

func readGolden(t *testing.T, path string) []golden {
	t.Helper()
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var cases []golden
	if err := json.Unmarshal(raw, &cases); err != nil {
		t.Fatalf("read %s: %v", path, err)
	}
	return cases
}

func TestSpaCyRules(t *testing.T) {
	for text, want := range map[string]string{
		// The specification's list of examples.
		"don't dont cannot im gonna": "do n't do nt can not i m gon na",
		"a.m. U.S. e.g. B.":          "a.m. U.S. e.g. B.",
		"b. e. é. É.":                "b. e. é . É.",
		"Hello world! \n\n ქართული \n\t Hello\nworld! ": "Hello world ! ქართული Hello world !",
		// Affixes end where an exception begins, from either side.
		"(Dr.) 'cause: (:)": "( Dr. ) 'cause : ( :)",
		// The longer suffix wins, and it does not look into a prefix.
		"x…… x……… 5US$ US$5 +5 +a":  "x …… x … …… 5 US$ US$ 5 +5 + a",
		"10.com 10.c 10% 5m³ m³ <m": "10.com 10.c 10 % 5 m³ m³ < m",
		// Cut by their affixes and put together again, but not across spaces.
		"so-:) a/b. x: )": "so- :) a / b. x : )",
	} {
		if got := strings.Join(words.SpaCy().Words(text), " "); got != want {
			t.Errorf("words of %q:\n got %s\nwant %s", text, got, want)
		}
	}
}

func TestSpaCyWebAddresses(t *testing.T) {
	for text, whole := range map[string]bool{
		"example.com":                 true,
		"ex-ample.c":                  false,
		"a.b-com":                     false, // no hyphen in a top-level domain
		"a-b_c.example.com":           true,
		"http://ex-ample.com:80/a?b":  true,
		"ex-ample.com:8":              false,
		"ex-ample.com:123456":         false,
		"x:y@z-w:8080@ex-ample.com#a": true,
		"x-y@ex-ample.com@z":          false,
		"8-a@1.2.3.4":                 true,
		"8-a@10.2.3.4":                false,
		"8-a@172.31.255.1":            false,
		"8-a@172.32.255.1":            true,
		"8-a@192.168.0.1":             false,
		"8-a@169.254.0.1":             false,
		"8-a@224.1.1.1":               false,
		"8-a@223.0.1.254":             true,
		"8-a@223.0.1.255":             false,
		"8-a@223.0.256.1":             false,
		"8-a@1.٢.٣٤.5٦":               true,
		"8-a@1.2.3":                   false,
		"8-a@1.2.3.4.5":               false,
	} {
		if got := words.SpaCy().Words(text); (len(got) == 1) != whole {
			t.Errorf("words of %q are %q, want it whole: %t", text, got, whole)
		}
	}
}

// TestSpaCyBrokenName is about the word that spaCy cannot tokenise: the
// reference then takes it out of the text.
func TestSpaCyBrokenName(t *testing.T) {
	for text, want := range map[string]string{
		"an IS_ALPHA here, xIS_ALPHAx": "an here , xx",
		"xIS_ALPHAx alone stays":       "xIS_ALPHAx alone stays",
		"(IS_ALPHA)":                   "( )",
		"IS_ALPHA":                     "",
	} {
		if got := strings.Join(words.SpaCy().Words(text), " "); got != want {
			t.Errorf("words of %q: got %q, want %q", text, got, want)
		}
	}
	if n := words.CountSpaCySentences("IS_ALPHA"); n != 1 {
		t.Errorf("%d sentences in nothing, want 1", n)
	}
}

func TestCountSpaCySentences(t *testing.T) {
	for text, want := range map[string]int{
		"":                     1,
		" ":                    1,
		"One. Two! Three?":     3,
		"One.Two":              2,
		"One.two":              1,
		"Wait... what?! \"No.": 2,
		"Wait. ... (what)":     2,
		"At 5 p.m. Dr. Lee":    1,
		"One. ":                1,
		"One.  ":               2, // whitespace is no punctuation
		"中文。好！Ok":              1,
		"中文。 好！ Ok":            3,
	} {
		if got := words.CountSpaCySentences(text); got != want {
			t.Errorf("%d sentences in %q, want %d", got, text, want)
		}
	}
}

// fragments are pieces in which the rules of all splitters meet.
var fragments = []string{
	"word", "Word", "NASA", "I'm", "don't", "cannot", "it’s", "Dr.", "U.S.", "a.m.", "7p.m.", "e.g.", "C$", "US$", "5", "5km", "10%", "°C.", "m³",
	":)", ":-(", ";)", "<3", "8)", "(:", "http://a.example/x", "b@c.example", "10.1.2.3", "8.8.4.4", "a-b", "--", "1+1", "a/b", "w/o", "A.b", "a.B", "x,y",
	"...", "..", "…", ".", ",", ":", ";", "!", "?", "(", ")", "[", "]", "{", "}", "<", ">", "\"", "'", "’", "“", "-", "—", "~", "_", "#", "&", "*", "%", "$", "€", "+", "=", "/", "\\", "|", "^", "@",
	"é", "中", "。", "я", "😀", "☃", "\u0301", "\u200d", "\u00ad", "\ufffd", "IS_ALPHA",
	" ", " ", " ", "  ", "\n", "\t", "\u00a0", "\u2028", "\x00",
}

// TestSpaCyTokensAreTheText checks that tokens are the text without its
// whitespace, and that where no plain space is, chunks do not touch each other.
func TestSpaCyTokensAreTheText(t *testing.T) {
	draw := rapid.SliceOf(rapid.OneOf(rapid.SampledFrom(fragments), rapid.String()))
	rapid.Check(t, func(t *rapid.T) {
		text := strings.ReplaceAll(strings.Join(draw.Draw(t, "text"), ""), "IS_ALPHA", "")
		got := words.SpaCy().Words(text)
		chunks := words.Fields(text)
		if joined, want := strings.Join(got, ""), strings.Join(chunks, ""); joined != want {
			t.Fatalf("tokens of %q hold %q, want %q", text, joined, want)
		}
		if slices.Contains(got, "") {
			t.Fatalf("an empty token in %q", got)
		}
		var apart []string
		for _, chunk := range chunks {
			apart = append(apart, words.SpaCy().Words(chunk)...)
		}
		if !strings.Contains(text, " ") && !slices.Equal(apart, got) {
			t.Fatalf("tokens of %q are %q, of its chunks %q", text, got, apart)
		}
	})
}

func FuzzSpaCy(f *testing.F) {
	for _, piece := range fragments {
		f.Add(piece)
	}
	f.Add("a.\xff b! \xf0\x28")
	f.Fuzz(func(t *testing.T, text string) {
		tokens := words.SpaCy().Words(text)
		for _, w := range tokens {
			if w == "" || strings.IndexFunc(w, words.IsSpace) >= 0 {
				t.Errorf("token %q", w)
			}
		}
		if joined := strings.Join(tokens, ""); joined != strings.Join(words.Fields(text), "") && !strings.Contains(text, "IS_ALPHA") {
			t.Errorf("tokens of %q hold %q", text, joined)
		}
		if words.CountSpaCySentences(text) < 1 {
			t.Errorf("no sentence in %q", text)
		}
	})
}
