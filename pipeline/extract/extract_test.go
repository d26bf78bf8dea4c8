package extract_test

import (
	"fmt"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/extract"
)

func newStage(t testing.TB) pipeline.Stage {
	t.Helper()
	s, err := extract.New(extract.Spec())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// article is a page as sites make them: navigation, scripts and a footer around
// a text with a heading, a list, a table, code and a quotation.
const article = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>How bees find their way | The Garden Post</title>
<script type="application/ld+json">{"@context":"https://schema.org","@type":"Article","headline":"How bees find their way"}</script>
<style>p { color: red }</style></head><body>
<nav><ul><li><a href="/">Home</a></li><li><a href="/about">About the paper</a></li></ul></nav>
<script>document.write("<p>not part of the text</p>")</script>
<article><h1>How bees find their way</h1>
<p>A honey bee leaves the hive <b>many</b> times a day, and it always
comes back. It carries a map of the <i>fields</i> around, and it knows the time&nbsp;of day well enough to use the sun.</p>
<svg viewBox="0 0 1 1"><title>An icon</title><path d="M0 0"/></svg>
<h2>The tools of the trade</h2>
<ul><li>The position of the sun, <em>corrected</em> for the hour of the day</li>
<li>Landmarks such as trees, walls and the edges of fields</li></ul>
<table><tr><th>Distance</th><th>Dance</th></tr><tr><td>50 m</td><td>round</td></tr><tr><td>500 m</td><td>waggle</td></tr></table>
<p>Whoever wants to try it can call <code>bee.Home()</code> and wait. The method is described well in the books on the subject.</p>
<blockquote>The bee that has found food tells the others where it is, and how far they have to fly to get there.</blockquote>
<p>Researchers caught bees at the hive and set them free some miles away. Most of them were back within the hour, and none needed a second attempt.</p>
</article>
<div class="comments"><p>First! What a great article, thank you so much for it.</p></div>
<footer><p>Copyright of the newspaper, all rights reserved, do not copy.</p></footer></body></html>`

const articleText = `How bees find their way
A honey bee leaves the hive many times a day, and it always comes back. It carries a map of the fields around, and it knows the time of day well enough to use the sun.
The tools of the trade
- The position of the sun, corrected for the hour of the day
- Landmarks such as trees, walls and the edges of fields
|Distance||Dance|
|50 m||round|
|500 m||waggle|
Whoever wants to try it can call bee.Home() and wait. The method is described well in the books on the subject.
The bee that has found food tells the others where it is, and how far they have to fly to get there.
Researchers caught bees at the hive and set them free some miles away. Most of them were back within the hour, and none needed a second attempt.`

func TestProcessFindsTheText(t *testing.T) {
	d := &pipeline.Document{HTML: article}
	if drop := newStage(t).Process(d); drop != nil {
		t.Fatalf("dropped: %+v", drop)
	}
	if d.Text != articleText {
		t.Errorf("text:\n%s\nwant:\n%s", d.Text, articleText)
	}
	if d.HTML != "" {
		t.Error("the HTML was not released")
	}
}

func TestProcessDropsPagesWithoutText(t *testing.T) {
	s := newStage(t)
	for _, page := range []string{
		"",
		" \n ",
		"<html></html>",
		"<script>var text = 'not text'</script>",
		"<p>\x00\x00</p>",
		"<svg><text>label</text></svg>",
	} {
		d := &pipeline.Document{HTML: page, Text: "old"}
		if drop := s.Process(d); drop == nil || drop.Reason != extract.ReasonEmpty || d.Text != "" {
			t.Errorf("%.30q: drop %+v, text %q, want %s", page, drop, d.Text, extract.ReasonEmpty)
		}
	}
}

func TestProcessGivesValidUTF8(t *testing.T) {
	s := newStage(t)
	for _, insert := range []string{
		"\xff\xfe", "\xc0\xaf", "\xed\xa0\x80", "&#xD800;", "&#x110000;", "&#0;", "+ADw-", "\ufeff", "\u202e", "e\u0301",
	} {
		d := &pipeline.Document{HTML: strings.ReplaceAll(article, "honey", "ho"+insert+"ney")}
		if drop := s.Process(d); drop != nil || !utf8.ValidString(d.Text) {
			t.Errorf("with %q: drop %+v, valid %t", insert, drop, utf8.ValidString(d.Text))
		}
	}
}

// The library walks maps, so that a dependence on their order would show after a
// few runs.
func TestProcessIsDeterministic(t *testing.T) {
	s := newStage(t)
	var wg sync.WaitGroup
	for i := range 3 {
		page := strings.Repeat(article, i+1)
		want := &pipeline.Document{HTML: page}
		s.Process(want)
		for range 8 {
			wg.Go(func() {
				d := &pipeline.Document{HTML: page}
				s.Process(d)
				if d.Text != want.Text {
					t.Errorf("page %d: two texts:\n%s\n\n%s", i, want.Text, d.Text)
				}
			})
		}
	}
	wg.Wait()
}

// The text of a page does not depend on the pages before it.
func TestProcessForgetsOtherDocuments(t *testing.T) {
	s := newStage(t)
	for range 5 {
		d := &pipeline.Document{HTML: article}
		if drop := s.Process(d); drop != nil || d.Text != articleText {
			t.Fatalf("drop %+v, text:\n%s", drop, d.Text)
		}
	}
}

func TestProcessDropsRepeatedElements(t *testing.T) {
	paragraph := "<p>" + strings.Repeat("The same sentence stands in this paragraph. ", 4) + "</p>"
	page := strings.Replace(article, "</article>", strings.Repeat(paragraph, 6)+"</article>", 1)
	d := &pipeline.Document{HTML: page}
	newStage(t).Process(d)
	if n := strings.Count(d.Text, "\nThe same sentence"); n != 3 {
		t.Errorf("a paragraph of more than 100 characters is kept %d times, want 3", n)
	}
}

// The library logs to standard error where it is told to; nothing tells it.
func TestProcessIsQuiet(t *testing.T) {
	if os.Getenv("EXTRACT_QUIETLY") != "" {
		for _, page := range []string{article, "", "<p>short"} {
			newStage(t).Process(&pipeline.Document{HTML: page})
		}
		os.Exit(0)
	}
	cmd := exec.Command(os.Args[0], "-test.run=^TestProcessIsQuiet$")
	cmd.Env = append(os.Environ(), "EXTRACT_QUIETLY=1")
	output, err := cmd.CombinedOutput()
	if err != nil || len(output) > 0 {
		t.Errorf("error %v, output %q, want none", err, output)
	}
}

func TestNewRefusesOtherParameters(t *testing.T) {
	for name := range extract.Spec().Params {
		spec := extract.Spec()
		spec.Params[name] = "x"
		if _, err := extract.New(spec); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New with %s = x: error %v, want one that names it", name, err)
		}
	}
}

func FuzzProcess(f *testing.F) {
	f.Add(article)
	f.Add("<table><tr><td>a<table><td>b</table><li>c<svg><foreignObject><p>d</svg>")
	f.Add("<ul><li><b><p>x</b>y<pre>a\nb</pre>&amp;lt;\xff")
	s := newStage(f)
	f.Fuzz(func(t *testing.T, page string) {
		a, b := &pipeline.Document{HTML: page}, &pipeline.Document{HTML: page}
		dropA, dropB := s.Process(a), s.Process(b)
		if a.Text != b.Text || fmt.Sprint(dropA) != fmt.Sprint(dropB) {
			t.Errorf("two results: %q %v, %q %v", a.Text, dropA, b.Text, dropB)
		}
		if !utf8.ValidString(a.Text) || (a.Text == "") != (dropA != nil) {
			t.Errorf("text %q, drop %v", a.Text, dropA)
		}
	})
}

func BenchmarkProcess(b *testing.B) {
	s := newStage(b)
	b.SetBytes(int64(len(article)))
	for b.Loop() {
		s.Process(&pipeline.Document{HTML: article})
	}
}
