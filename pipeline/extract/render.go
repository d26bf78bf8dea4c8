package extract

import (
	"strings"
	"unicode"

	"golang.org/x/net/html"
	"golang.org/x/text/unicode/norm"

	"finest/pipeline/words"
)

// render writes the children of root as text: one line for each paragraph,
// heading, list item and table row, no empty lines. Items begin with "- " and
// cells stand between bars, "|one||two|", as in FineWeb's texts.
func render(root *html.Node) string {
	var r renderer
	r.children(root)
	r.endLine()
	return norm.NFC.String(r.text.String())
}

type renderer struct {
	text   strings.Builder
	line   strings.Builder // the line being written, its white space as it came
	prefix string          // goes before the next line that has text
	inCode bool            // line breaks in the source count
}

func (r *renderer) children(n *html.Node) {
	for c := n.FirstChild; c != nil; c = c.NextSibling {
		switch c.Type {
		case html.TextNode:
			r.write(c.Data)
		case html.ElementNode:
			r.element(c)
		}
	}
}

func (r *renderer) write(text string) {
	if r.inCode {
		for line, rest, found := strings.Cut(text, "\n"); found; line, rest, found = strings.Cut(rest, "\n") {
			r.line.WriteString(line)
			r.endLine()
			text = rest
		}
	}
	r.line.WriteString(text)
}

func (r *renderer) element(n *html.Node) {
	switch n.Data {
	case "li", "dd", "dt":
		r.item(n)
	case "td", "th":
		r.cell(n)
	case "pre", "code":
		// The library marks blocks of code so, and inline code.
		outer := r.inCode
		r.inCode = true
		if n.Data == "pre" || strings.Contains(textOf(n), "\n") {
			r.block(n)
		} else {
			r.inline(n)
		}
		r.inCode = outer
	default:
		if isBlock(n.Data) {
			r.block(n)
		} else {
			r.inline(n)
		}
	}
}

// block writes an element on lines of its own.
func (r *renderer) block(n *html.Node) {
	r.endLine()
	r.children(n)
	r.endLine()
}

// item writes a list item; its first text, which may stand in a block of its
// own, gets the dash.
func (r *renderer) item(n *html.Node) {
	r.endLine()
	r.prefix = "- "
	r.children(n)
	r.endLine()
	r.prefix = ""
}

// inline writes an element into the line. Outside paragraphs the library has
// trimmed the text around it, so spaces are put back.
func (r *renderer) inline(n *html.Node) {
	space := " "
	if n.Parent.Data == "p" {
		space = ""
	}
	r.line.WriteString(space)
	r.children(n)
	r.line.WriteString(space)
}

// cell writes a cell between bars, unless it holds blocks, as cells that serve
// layout do.
func (r *renderer) cell(n *html.Node) {
	if hasBlock(n) {
		r.block(n)
		return
	}
	if text := tidy(textOf(n)); text != "" {
		r.line.WriteString("|" + text + "|")
	}
}

// endLine ends the line, if there is text on it.
func (r *renderer) endLine() {
	line := tidy(r.line.String())
	r.line.Reset()
	if line == "" {
		return
	}
	if r.text.Len() > 0 {
		r.text.WriteByte('\n')
	}
	r.text.WriteString(r.prefix)
	r.text.WriteString(line)
	r.prefix = ""
}

// tidy decodes entities that were encoded twice, collapses white space, and
// removes what Python's str.isprintable excludes, as trafilatura does: control,
// format and unassigned characters.
func tidy(line string) string {
	line = strings.Map(func(c rune) rune {
		if words.IsSpace(c) || unicode.IsPrint(c) {
			return c
		}
		return -1
	}, html.UnescapeString(line))
	return strings.Join(words.Fields(line), " ")
}

// textOf returns the text below n, with spaces where tags were.
func textOf(n *html.Node) string {
	var b strings.Builder
	for c := range n.Descendants() {
		switch c.Type {
		case html.TextNode:
			b.WriteString(c.Data)
		case html.ElementNode:
			b.WriteByte(' ')
		}
	}
	return b.String()
}

func hasBlock(n *html.Node) bool {
	for c := range n.Descendants() {
		if c.Type == html.ElementNode && c.Data != "br" && (isBlock(c.Data) || c.Data == "li" || c.Data == "pre") {
			return true
		}
	}
	return false
}

// isBlock reports whether an element stands on lines of its own.
func isBlock(tag string) bool {
	switch tag {
	case "address", "article", "blockquote", "body", "br", "caption", "center", "details", "div", "dl", "figcaption",
		"figure", "footer", "h1", "h2", "h3", "h4", "h5", "h6", "header", "hgroup", "hr", "html", "main", "nav",
		"ol", "p", "section", "summary", "table", "tbody", "tfoot", "thead", "tr", "ul":
		return true
	}
	return false
}
