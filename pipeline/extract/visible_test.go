package extract_test

import (
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/extract"
)

func newVisible(t testing.TB) pipeline.Stage {
	t.Helper()
	s, err := extract.NewVisible(extract.VisibleSpec())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// Menu, comment and footer are there; what a browser does not show is not.
func TestVisibleTextIsAllOfIt(t *testing.T) {
	d := &pipeline.Document{HTML: article, Text: "old"}
	if drop := newVisible(t).Process(d); drop != nil {
		t.Fatalf("dropped: %+v", drop)
	}
	const want = `Home
About the paper
How bees find their way
A honey bee leaves the hive many times a day, and it always comes back. It carries a map of the fields around, and it knows the time of day well enough to use the sun.
The tools of the trade
The position of the sun, corrected for the hour of the day
Landmarks such as trees, walls and the edges of fields
Distance Dance
50 m round
500 m waggle
Whoever wants to try it can call bee.Home() and wait. The method is described well in the books on the subject.
The bee that has found food tells the others where it is, and how far they have to fly to get there.
Researchers caught bees at the hive and set them free some miles away. Most of them were back within the hour, and none needed a second attempt.
First! What a great article, thank you so much for it.
Copyright of the newspaper, all rights reserved, do not copy.`
	if d.Text != want || d.HTML != "" {
		t.Errorf("text:\n%s\nwant:\n%s", d.Text, want)
	}
}

func TestVisibleText(t *testing.T) {
	s := newVisible(t)
	for _, tt := range []struct{ name, page, want string }{
		{"paragraphs", "<p>one</p><p>two</p>three", "one\ntwo\nthree"},
		{"white space", " <p> a \n  b\u00a0\u2003c </p>\n\n", "a b c"},
		{"line break", "<p>one<br>two<hr>three</p>", "one\ntwo\nthree"},
		{"inline", "<div>a<q>b</q><a href=x>c</a>, <b>d</b>e</div>", "abc, de"},
		{"list", "<ul><li>one<li>two<ul><li>three</ul>four</ul>", "one\ntwo\nthree\nfour"},
		{"cells", "<table><caption>t</caption><tr><th>a<td>b<tr><td>c<td><p>d</table>", "t\na b\nc\nd"},
		{"preformatted", "<pre>a\n  b\n\nc</pre>d", "a\nb\nc\nd"},
		{"form", "<form><label>Name</label> <input value=x><select><option>one<option>two</select><button>Send</button></form>", "Name\none\ntwo\nSend"},
		{"head", "<head><title>t</title><meta name=description content=d></head>a", "a"},
		{"scripts", "a<script>b</script><style>c</style><noscript>d</noscript><template><p>e</template>f", "af"},
		{"stand-ins", "a<iframe>b</iframe><video>c</video><canvas>d</canvas><object>e</object><svg><text>f</text></svg>g", "ag"},
		{"hidden", "a<p hidden>b</p><p style='color:red; Display : none'>c</p><p style='visibility: hidden'>d</p><p style='display:block'>e</p>", "a\ne"},
		{"comment", "a<!-- b -->c", "ac"},
		{"encoded twice", "<p>&amp;lt;b&amp;gt;</p>", "<b>"},
		{"unprintable", "a\u00adb\u200bc\x01", "abc"},
		{"composed", "e\u0301", "é"},
	} {
		d := &pipeline.Document{HTML: tt.page}
		if drop := s.Process(d); drop != nil || d.Text != tt.want {
			t.Errorf("%s: drop %+v, text %q, want %q", tt.name, drop, d.Text, tt.want)
		}
	}
	for _, page := range []string{"", " \n ", "<script>a</script>", "<p hidden>a", "<title>a</title>"} {
		d := &pipeline.Document{HTML: page, Text: "old"}
		if drop := s.Process(d); drop == nil || drop.Reason != extract.ReasonEmpty || d.Text != "" {
			t.Errorf("%q: drop %+v, text %q, want %s", page, drop, d.Text, extract.ReasonEmpty)
		}
	}
}

// Both stages give up on the same pages, so that quality is measured on the same
// ones; only long texts, which are cheap here, stay.
func TestVisibleTextOfHostilePages(t *testing.T) {
	repeat := strings.Repeat
	s := newVisible(t)
	for _, tt := range []struct{ name, page, reason string }{
		{"a million nested tags", repeat("<div>", 1_000_000), extract.ReasonTooManyNodes},
		{"nested beyond the parser", repeat("<div>", 1_000), extract.ReasonTooDeep},
		{"nested beyond the recipe", repeat("<div>", 200) + "text", extract.ReasonTooDeep},
		{"a table of many rows", "<table>" + repeat("<tr><td>a", 500_000), extract.ReasonTooManyNodes},
		{"one huge text", "<p>" + repeat("word ", 10_000_000), extract.ReasonTooManyBytes},
		{"open formatting before many blocks", "<p>" + numbered(400, "<b id=%d>") + repeat("<p>x", 100_000), extract.ReasonTooManyNodes},
		{"a tag with many attributes", "<p " + numbered(100_000, "a%d=x ") + ">text", extract.ReasonTooManyAttributes},
		{"nul bytes", "<p>" + repeat("\x00", 1_000_000), extract.ReasonEmpty},
		{"one large text", "<p>" + repeat("word ", 1_500_000), ""},
		{"hidden to the bottom", repeat("<div style=display:none>", 100) + "text", extract.ReasonEmpty},
	} {
		d := &pipeline.Document{HTML: tt.page}
		reason := ""
		if drop := s.Process(d); drop != nil {
			reason = drop.Reason
		}
		if reason != tt.reason || (d.Text == "") != (reason != "") {
			t.Errorf("%s: drop %q and %d bytes of text, want %q", tt.name, reason, len(d.Text), tt.reason)
		}
	}
}

// minRecall is just below the mean share of the words of a page's text that the
// stage gives; what lacks is mostly in scripts and noscript elements.
const minRecall = 0.97

// Nearly all words that people found in real pages are in their visible text,
// with as many again that are not.
func TestVisibleTextHoldsTheTruth(t *testing.T) {
	s := newVisible(t)
	pages, drops, recall, share := 0, 0, 0.0, 0.0
	n := 0
	truthPages(t, func(p truthPage) {
		if n++; n%4 != 0 || p.text == "" {
			return
		}
		d := &pipeline.Document{HTML: p.html}
		if drop := s.Process(d); drop != nil {
			drops++
			return
		}
		got, total := tokens(d.Text)
		want, words := tokens(p.text)
		common := 0
		for word, n := range want {
			common += min(n, got[word])
		}
		pages++
		recall += float64(common) / float64(max(words, 1))
		share += float64(common) / float64(max(total, 1))
	})
	recall, share = recall/float64(pages), share/float64(pages)
	t.Logf("%d pages, %d dropped: recall %.4f, precision %.4f", pages, drops, recall, share)
	if recall < minRecall || share > 0.8 || drops > pages/100 {
		t.Errorf("recall %.4f, precision %.4f, %d of %d pages dropped: want at least %g, less than 0.8, hardly any", recall, share, drops, pages, minRecall)
	}
}

func FuzzVisible(f *testing.F) {
	f.Add(article)
	f.Add("<table><tr><td>a<table><td>b</table><li>c<svg><foreignObject><p>d</svg>")
	f.Add("<select><option hidden>x</select>y<pre>a\nb</pre>&amp;lt;\xff<template>z")
	s := newVisible(f)
	f.Fuzz(func(t *testing.T, page string) {
		a, b := &pipeline.Document{HTML: page}, &pipeline.Document{HTML: page}
		dropA, dropB := s.Process(a), s.Process(b)
		if a.Text != b.Text || fmt.Sprint(dropA) != fmt.Sprint(dropB) {
			t.Errorf("two results: %q %v, %q %v", a.Text, dropA, b.Text, dropB)
		}
		if !utf8.ValidString(a.Text) || (a.Text == "") != (dropA != nil) || strings.Contains(a.Text, "\n\n") {
			t.Errorf("text %q, drop %v", a.Text, dropA)
		}
	})
}

func BenchmarkVisible(b *testing.B) {
	s := newVisible(b)
	b.SetBytes(int64(len(article)))
	for b.Loop() {
		s.Process(&pipeline.Document{HTML: article})
	}
}
