package extract_test

import (
	"fmt"
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"finest/pipeline"
	"finest/pipeline/extract"
)

// numbered repeats a format with rising numbers.
func numbered(n int, format string) string {
	var b strings.Builder
	for i := range n {
		fmt.Fprintf(&b, format, i)
	}
	return b.String()
}

// Each page would take minutes or gigabytes without a budget.
func TestHostilePagesAreDropped(t *testing.T) {
	repeat := strings.Repeat
	s := newStage(t)
	for _, tt := range []struct{ name, page, reason string }{
		{"a million nested tags", repeat("<div>", 1_000_000), extract.ReasonTooManyNodes},
		{"a thousand nested tags", repeat("<div>", 1_000), extract.ReasonTooDeep},
		{"nested beyond the recipe", repeat("<div>", 200) + "text", extract.ReasonTooDeep},
		{"a table of many rows", "<table>" + repeat("<tr><td>a", 500_000), extract.ReasonTooManyNodes},
		{"one huge text", "<p>" + repeat("word ", 10_000_000), extract.ReasonTooManyBytes},
		{"one large text", "<p>" + repeat("word ", 1_500_000), extract.ReasonTooMuchWork},
		{"open formatting before many blocks", "<p>" + numbered(400, "<b id=%d>") + repeat("<p>x", 100_000), extract.ReasonTooManyNodes},
		{"a tag with many attributes", "<p " + numbered(100_000, "a%d=x ") + ">text", extract.ReasonTooManyAttributes},
		{"a tag with one attribute many times", "<p " + repeat("a=x ", 100_000) + ">text", extract.ReasonTooManyAttributes},
		{"many attributes on many tags", repeat("<p "+numbered(500, "a%d=x ")+">", 1_000), extract.ReasonTooManyAttributes},
		{"attributes in svg", "<svg>" + repeat("<path "+numbered(500, "a%d=x ")+">", 1_000), extract.ReasonTooManyAttributes},
		{"attributes of scripts", repeat("<script "+numbered(500, "a%d=x ")+"></script>", 1_000), extract.ReasonTooManyAttributes},
		{"formatting with many attributes", repeat("<b "+numbered(50_000, "a%d ")+">x", 8), extract.ReasonTooManyAttributes},
		{"many bodies", repeat("<body a>", 600_000), extract.ReasonTooManyAttributes},
		{"nested lists of many items", repeat("<ul><li>text", 50) + repeat("<li>x", 10_000), extract.ReasonTooMuchWork},
		{"many long paragraphs", "<article>" + repeat("<p>"+repeat("some text here ", 20), 10_000), extract.ReasonTooMuchWork},
		{"many nodes far down", "<article>" + repeat("<span>", 120) + repeat("<u>x</u><br>", 20_000), extract.ReasonTooMuchWork},
		{"a long title", "<title>" + repeat("a | b - ", 100_000) + "</title><p>", extract.ReasonEmpty},
		{"text in table rows", "<table>" + repeat("x<tr>", 100_000), extract.ReasonTooManyNodes},
		{"comments", repeat("<!-- -->", 600_000), extract.ReasonTooManyNodes},
		{"nested svg", repeat("<svg>", 500_000), extract.ReasonEmpty},
		{"scripts in svg", repeat("<svg><script>", 200_000), extract.ReasonEmpty},
		{"nul bytes", "<p>" + repeat("\x00", 1_000_000), extract.ReasonEmpty},
	} {
		d := &pipeline.Document{HTML: tt.page}
		if drop := s.Process(d); drop == nil || drop.Reason != tt.reason || d.Text != "" {
			t.Errorf("%s: drop %+v and %d bytes of text, want %s", tt.name, drop, len(d.Text), tt.reason)
		}
	}
}

func TestOddPagesKeepTheirText(t *testing.T) {
	s := newStage(t)
	for name, around := range map[string][2]string{
		"many attributes":     {"<div " + numbered(1_000, "a%d=x ") + ">", ""},
		"a long class":        {`<div class="` + strings.Repeat("left ", 50_000) + `">`, ""},
		"entities in doctype": {"<!DOCTYPE x [" + numbered(500, `<!ENTITY a%d "&a;&a;">`) + "]>", ""},
		"unclosed svg":        {"<svg><path d=x>", ""},
		"many scripts":        {strings.Repeat("<script>if (a<b) x()</script>", 2_000), ""},
		"unclosed tags":       {"<div><b><i><font color=red>", "<table><tr>"},
		"stray end tags":      {strings.Repeat("</b></svg></script></table>", 1_000), ""},
	} {
		d := &pipeline.Document{HTML: around[0] + article + around[1]}
		if drop := s.Process(d); drop != nil || !strings.Contains(d.Text, "Most of them were back within the hour") {
			t.Errorf("%s: drop %+v, text %.80q", name, drop, d.Text)
		}
	}
}

func TestReduce(t *testing.T) {
	for _, tt := range []struct{ name, page, want string }{
		{"plain", "<p>text</p>", "<p>text</p>"},
		{"script", "a<script>b</script>c", "a<!---->c"},
		{"script after script", "<script>a</script><script/>b</script>c", "<!----><!---->c"},
		{"unclosed script", "a<script>b", "a<!---->"},
		{"json-ld", `<script type="application/LD+json">{}</script>`, "<!---->"},
		{"style", "<style>p{}</style>c", "<!---->c"},
		{"svg", "a<svg><svg></svg><path/></svg>b", "a<!---->b"},
		{"self-closing svg", "a<svg/>b", "a<!---->b"},
		{"svg that a tag ends", "a<svg><path><p>b</svg>c", "a<!----><p>b</svg>c"},
		{"html in svg", "a<svg><foreignObject><p>b</p></foreignObject></svg>c", "a<!---->c"},
		{"script in svg", "a<svg><script><g></svg>b</script>c", "a<!---->b</script>c"},
		{"math", "a<math><mi>x</math>b", "a<!---->b"},
		{"no new tag", "<<script></script>b>", "<<!---->b>"},
		{"no new entity", "&am<style></style>p;", "&am<!---->p;"},
		{"bytes stay", "<DIV CLASS='&amp;B'>\r\n</Div\t>", "<div CLASS='&amp;B'>\r\n</div>"},
		{"attributes", `<a b=c id=x/y class="d e"f hidden/lang='"'>`, `<a id=x/y class="d e" hidden lang='"'>`},
		{"no value", "<p id= class= >", "<p id=class=>"},
		{"styles", `<p style="color: red"><p style="Display:none"><p style="border: 0">`, `<p><p style="Display:none"><p style="border: 0">`},
		{"links", `<a href=" http://x/y"><a href="#z"><a href="#"><a href=javascript:f()>`, `<a href="/"><a href="#x"><a href="/"><a href="javascript:">`},
		{"cut off in a tag", "a<p class=x", "a"},
		{"cut off after a script", "<script>a</script><p", "<!---->"},
		{"script that hides its end", "<script><!--<script></script>--></script>b", "<!---->b"},
		{"script that ends in a comment", "<script><!-- a </script>b", "<!---->b"},
		{"comments", "a<!-- <p> -->b<!-->c<!--->d<!-- --!>e<?pi>f</ x>g<!doctype html>", "a<!---->b<!---->c<!---->d<!---->e<!---->f<!---->g<!doctype html>"},
		{"raw text", "<textarea><p class=x></textarea><title><b></title>", "<textarea><p class=x></textarea><title><b></title>"},
		{"plain text", "<plaintext><p a></plaintext>", "<plaintext><p a></plaintext>"},
	} {
		if got, _ := extract.Reduce(tt.page); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}

// checkCost verifies that the cost of a page bounds the nodes that the parser
// makes of it.
func checkCost(t interface{ Errorf(string, ...any) }, page string) {
	reduced, cost := extract.Reduce(page)
	tree, err := html.Parse(strings.NewReader(reduced))
	if err != nil {
		return // nested too deep
	}
	nodes := 0
	for n := range tree.Descendants() {
		nodes++
		if n.Namespace != "" {
			t.Errorf("%q leaves foreign content: %q", page, reduced)
		}
	}
	if limit := 8 + 4*cost; nodes > limit {
		t.Errorf("%q: %d nodes, cost %d", page, nodes, cost)
	}
}

// Tag soup of few tags in long runs is what makes parsers copy.
func TestCostBoundsNodes(t *testing.T) {
	tags := strings.Split("<b> </b> <i> </i> <a> </a> <font/id=1> <font/id=2> </font> <nobr> <u> <code> </code> <p> </p> <div> </div> x "+
		"<table> </table> <tr> <td> </td> <caption> <col> <li> <ul> </ul> <dd> <h1> </h1> <form> </form> <button> <select> <option> "+
		"<template> </template> <marquee> </marquee> <svg> </svg> <math> <ruby> <rt> <br> </br> <hr> <body> <frameset> <!----> <title> "+
		"<textarea> <noscript> <script> </script> <image>", " ")
	rapid.Check(t, func(t *rapid.T) {
		run := rapid.SliceOfN(rapid.SampledFrom(tags), 1, 5)
		var b strings.Builder
		for range rapid.IntRange(1, 4).Draw(t, "runs") {
			times := rapid.IntRange(1, 100).Draw(t, "times")
			b.WriteString(strings.Repeat(strings.Join(run.Draw(t, "run"), ""), times))
		}
		checkCost(t, b.String())
	})
}

func FuzzReduce(f *testing.F) {
	f.Add(article)
	f.Add("<b><i><p></b>x</i></p><a><div><a>y<table><font><tr><nobr>z<nobr>")
	f.Add("<svg><foreignObject><script></svg><b id=1></foreignObject><p>")
	f.Add("<p><b id=1><b id=2><b id=3><p>x<p>x<p>x<td><tt></td><template><u>")
	f.Fuzz(func(t *testing.T, page string) { checkCost(t, page) })
}
