package extract_test

import (
	"strings"
	"testing"

	"golang.org/x/net/html"
	"pgregory.net/rapid"

	"finest/pipeline/extract"
)

// outlineOf writes a tree without comments and without attributes other than
// classes.
func outlineOf(page string) string {
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return "too deep"
	}
	var b strings.Builder
	var write func(*html.Node)
	write = func(n *html.Node) {
		switch n.Type {
		case html.TextNode:
			b.WriteString(n.Data)
		case html.ElementNode:
			b.WriteString("<" + n.Data)
			for _, a := range n.Attr {
				if a.Key == "class" {
					b.WriteString(" " + a.Val)
				}
			}
			b.WriteString(">")
		case html.DoctypeNode:
			b.WriteString("<!" + n.Data + ">")
		}
		for c := range n.ChildNodes() {
			write(c)
		}
		if n.Type == html.ElementNode {
			b.WriteString("</>")
		}
	}
	write(tree)
	return b.String()
}

// What the scanner takes for tags, attributes, comments and text is what the
// parser does: nothing of a page without scripts, styles and foreign content is
// lost, however broken.
func TestReduceKeepsTheTree(t *testing.T) {
	parts := []string{
		`<p class="a>b">`, `<div class='x"y' data-z="<p>">`, `<a href=/x/>`, `</p a="b>">`, `<span class=a/b/>`, `<p =x class=c>`, `<p a = b class = d>`,
		`<p/class=q>`, `<p class>`, `<P CLASS=Q>`, `<p class= class=r>`, `<p class=a class=b>`, `<p title="`, `<br/>`, `<td class=a`, `<p a='`, `<DIV>`, `</DIV>`,
		`<!-- <p> -->`, `<!-->`, `<!--->`, `<!--`, `-->`, `--!>`, `<!doctype html>`, `<!x>`, `<!>`, `<?x>`, `</ x>`, `</>`, `</`, `<`, `<3`, `<p`,
		`text`, `&amp;`, `&am`, `p;`, `<textarea>`, `</textarea>`, `<title>`, `</title >`, `</TITLE`, `<xmp class=s>`, `</xmp/>`, `<iframe>`, `</iframe>`,
		`<noscript>`, `</noscript>`, `<table>`, `<tr>`, `<li>`, `</ul>`, `<b class=1>`, `</b>`, `"`, `'`, `>`, ` `, "\n", `=`, `/`, "\x00", `é`,
	}
	rapid.Check(t, func(t *rapid.T) {
		page := strings.Join(rapid.SliceOfN(rapid.SampledFrom(parts), 0, 30).Draw(t, "parts"), "")
		reduced, _ := extract.Reduce(page)
		if got, want := outlineOf(reduced), outlineOf(page); got != want {
			t.Fatalf("%q is reduced to %q:\n%s\nwant:\n%s", page, reduced, got, want)
		}
	})
}
