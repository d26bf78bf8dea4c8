package overlap_test

import (
	"fmt"
	"iter"
	"strings"
	"testing"

	"finest/eval/panel/overlap"
)

// texts yields pairs in order.
func texts(pairs ...[2]string) iter.Seq2[string, string] {
	return func(yield func(string, string) bool) {
		for _, p := range pairs {
			if !yield(p[0], p[1]) {
				return
			}
		}
	}
}

// count writes n different words, from the given number on.
func count(from, n int) string {
	words := make([]string, n)
	for i := range words {
		words[i] = fmt.Sprintf("w%d", from+i)
	}
	return strings.Join(words, " ")
}

const held = `The café ferry left the harbour at dawn, and nobody on the quay had seen
who stood at the wheel; "strange," said the keeper, who'd counted every ship since 1904.`

func TestFind(t *testing.T) {
	x := overlap.New(texts([2]string{"books/1", held}, [2]string{"quiz/1", "Which gas do most plants take from air? carbon dioxide"}))
	around := func(s string) string { return count(0, 30) + "\n\n" + s + "\n\n" + count(100, 30) }
	for name, tc := range map[string]struct {
		text   string
		source string
		words  int
	}{
		"all of it":            {held, "books/1", 31},
		"within others":        {around(held), "books/1", 31},
		"lower case":           {around(strings.ToLower(held)), "books/1", 31},
		"upper case":           {around(strings.ToUpper(held)), "books/1", 31},
		"wrapped anew":         {around(strings.ReplaceAll(held, " ", "\n  ")), "books/1", 31},
		"no punctuation":       {around(strings.NewReplacer(",", "", ";", "", `"`, "", ".", "").Replace(held)), "books/1", 31},
		"typographic":          {around(strings.NewReplacer("'", "’", `"`, "“").Replace(held)), "books/1", 31},
		"soft hyphens":         {around(strings.ReplaceAll(held, "rr", "r\u00adr")), "books/1", 31},
		"zero-width spaces":    {around(strings.ReplaceAll(held, "e", "e\u200b")), "books/1", 31},
		"variation selectors":  {around(strings.ReplaceAll(held, "o", "o\ufe00")), "books/1", 31},
		"grapheme joiners":     {around(strings.ReplaceAll(held, "a", "a\u034f")), "books/1", 31},
		"blank letters":        {around(strings.ReplaceAll(held, "t", "\u3164t")), "books/1", 31},
		"full width":           {around(strings.ReplaceAll(held, "a", "ａ")), "books/1", 31},
		"decomposed":           {around(strings.ReplaceAll(held, "é", "e\u0301")), "books/1", 31},
		"13 words of it":       {around("harbour at dawn, and nobody on the quay had seen who stood at"), "books/1", 13},
		"12 words of it":       {around("harbour at dawn, and nobody on the quay had seen who stood"), "", 0},
		"a word changed":       {around(strings.Replace(held, "quay", "pier", 1)), "books/1", 18},
		"an item":              {around("which gas do most plants take from air: CARBON DIOXIDE!"), "quiz/1", 10},
		"an item's question":   {around("Which gas do most plants take from air?"), "", 0},
		"nothing":              {"", "", 0},
		"other words":          {around(""), "", 0},
		"broken UTF-8 between": {around(strings.ReplaceAll(held, " ", " \xff ")), "books/1", 31},
	} {
		m, found := x.Find(tc.text)
		if found != (tc.words > 0) || m.Source != tc.source || m.Words != tc.words {
			t.Errorf("%s: %+v, want %d words of %q", name, m, tc.words, tc.source)
		}
	}
}

func TestMatch(t *testing.T) {
	x := overlap.New(texts([2]string{"a", count(0, 40)}, [2]string{"b", count(100, 20)}))
	m, _ := x.Find(strings.Join([]string{count(100, 15), "and", count(10, 20), "or", count(100, 14)}, " "))
	if want := (overlap.Match{Source: "a", Grams: 3 + 8 + 2, Words: 20, Excerpt: count(10, 20)}); m != want {
		t.Errorf("%+v\nwant %+v", m, want)
	}
	m, _ = x.Find(strings.ReplaceAll(count(0, 40), " ", strings.Repeat("… ", 10)))
	if len(m.Excerpt) > 200 || !strings.HasPrefix(m.Excerpt, "w0") {
		t.Errorf("excerpt of %d bytes: %q", len(m.Excerpt), m.Excerpt)
	}
}

func TestShortTexts(t *testing.T) {
	for n := 1; n <= 16; n++ {
		x := overlap.New(texts([2]string{"a", count(0, n)}))
		if _, found := x.Find("so " + count(0, n) + " then"); found != (n >= overlap.ShortGram) {
			t.Errorf("a text of %d words: found %v", n, found)
		}
		if _, found := x.Find(count(0, n-1)); found && n <= overlap.Gram {
			t.Errorf("a text of %d words is found where only %d of them are", n, n-1)
		}
	}
	if _, found := overlap.New(texts()).Find(held); found {
		t.Error("an empty index finds something")
	}
}

func TestScriptsWithoutSpaces(t *testing.T) {
	const text = "吾輩は猫である。名前はまだ無い。どこで生れたかとんと見当がつかぬ。"
	x := overlap.New(texts([2]string{"a", text}))
	if m, found := x.Find("前置き。" + text[9:] + "後書き。"); !found || m.Source != "a" {
		t.Errorf("%+v", m)
	}
}

func TestAccuse(t *testing.T) {
	common := "all rights reserved " + count(900, 12)
	x := overlap.New(texts([2]string{"a", held + " " + common}, [2]string{"b", count(100, 40) + " " + common}, [2]string{"c", common + " " + count(200, 40)}))
	// A page that says itself what is held out, and another one.
	page := x.Excuse(texts([2]string{"page", "menu home about " + count(100, 14) + " contact"}))
	both := page.Excuse(texts([2]string{"page", held}))
	for name, tc := range map[string]struct {
		text              string
		plain, page, both int // words that are accused
	}{
		"clean":                  {count(300, 50), 0, 0, 0},
		"what three units have":  {count(400, 50) + " " + common, 0, 0, 0},
		"a copy":                 {held, 31, 31, 0},
		"a quote":                {count(500, 20) + " " + count(100, 14), 14, 0, 0},
		"more than the page has": {count(100, 20), 20, 18, 18},
		"both":                   {held + "\n" + count(100, 14), 31, 31, 0},
	} {
		for i, index := range []*overlap.Index{x, page, both} {
			m, accused := index.Accuse(tc.text)
			if want := []int{tc.plain, tc.page, tc.both}[i]; m.Words != want || accused != (want > 0) {
				t.Errorf("%s, index %d: %+v, want %d words", name, i, m, want)
			}
			if _, found := index.Find(tc.text); found != (name != "clean") {
				t.Errorf("%s, index %d: found %v", name, i, found)
			}
		}
	}
}

// TestFindAgrees with the definition, on texts of few words, in which grams
// repeat and overlap.
func TestFindAgrees(t *testing.T) {
	state := uint64(1)
	text := func(n int) []string {
		words := make([]string, n)
		for i := range words {
			state = state*6364136223846793005 + 1442695040888963407
			words[i] = string(rune('a' + state>>62&1))
		}
		return words
	}
	for range 200 {
		a, b := text(40), text(60)
		grams := make(map[string]bool)
		for i := 0; i+overlap.Gram <= len(a); i++ {
			grams[strings.Join(a[i:i+overlap.Gram], " ")] = true
		}
		want := 0
		for i := 0; i+overlap.Gram <= len(b); i++ {
			if grams[strings.Join(b[i:i+overlap.Gram], " ")] {
				want++
			}
		}
		if m, _ := overlap.New(texts([2]string{"a", strings.Join(a, " ")})).Find(strings.Join(b, " ")); m.Grams != want {
			t.Fatalf("%d grams, want %d", m.Grams, want)
		}
	}
}

func FuzzFind(f *testing.F) {
	f.Add(held, held)
	f.Add("a b c d e f g h", "A.B.C.D.E.F.G.H")
	f.Add("吾輩は猫である。名前はまだ無い。", "\xff\u00ad\u200b")
	f.Fuzz(func(t *testing.T, source, text string) {
		x := overlap.New(texts([2]string{"a", source}))
		m, found := x.Find(text)
		if found != (m.Grams > 0) || found != (m.Words >= overlap.ShortGram) || len(m.Excerpt) > 200 {
			t.Errorf("%+v", m)
		}
		whole, itself := x.Find(source)
		if within, _ := x.Find("before " + source + " after"); itself && within.Words < whole.Words {
			t.Errorf("%d words of the text itself, %d within another", whole.Words, within.Words)
		}
	})
}
