package extract

import (
	"strings"

	"finest/pipeline"
)

// reduce returns the page without what the library never looks at, and what
// parsing the rest costs at most, or why that is beyond the budget.
//
// Scripts, style sheets, comments, SVG and MathML go; an empty comment marks the
// place, so that what stands around it does not become one token. So do the
// attributes that nothing reads. Without foreign content the tokens counted here
// are exactly those that the parser will see.
//
// With noscript, the content of noscript elements stands in the page as if they
// were not there.
func (b budget) reduce(page string, noscript bool) (reduced string, c cost, drop *pipeline.Drop) {
	s := scanner{page: page, noscript: noscript}
	var kept strings.Builder
	kept.Grow(len(page) / 2)
	for s.next() {
		for s.isTextless() {
			s.skipElement()
			kept.WriteString("<!---->")
			c.tokens++
		}
		from := kept.Len()
		writeToken(&kept, &s)
		c.add(&s, kept.String()[from:])
		switch {
		case s.most > maxAttributes:
			return "", c, beyond(ReasonTooManyAttributes, s.most)
		case s.total > b.attributes:
			return "", c, beyond(ReasonTooManyAttributes, s.total)
		case c.total() > costPerNode*b.nodes:
			return "", c, beyond(ReasonTooManyNodes, c.total())
		}
	}
	return kept.String(), c, nil
}

// isTextless reports whether an element that is left out starts here.
func (s *scanner) isTextless() bool {
	if s.kind != startTag {
		return false
	}
	switch s.name {
	case "script", "style", "svg", "math":
		return true
	}
	return false
}

// skipElement goes to the token after the element that starts here.
func (s *scanner) skipElement() {
	if s.name == "svg" || s.name == "math" {
		s.skipForeign()
		return
	}
	for outer := s.name; s.next(); {
		if s.kind == endTag && s.name == outer {
			s.next()
			return
		}
	}
}

// skipForeign goes to the token after the end tag of SVG or MathML, or to the
// HTML tag at which a parser breaks out of it.
func (s *scanner) skipForeign() {
	if s.closesItself() {
		s.next()
		return
	}
	outer, depth, embedded := s.name, 1, 0
	for depth > 0 {
		s.rawText = "" // in foreign content there is none
		if !s.next() {
			return
		}
		change := 0
		switch {
		case s.kind == startTag && !s.closesItself():
			change = 1
		case s.kind == endTag:
			change = -1
		}
		switch {
		case s.name == outer:
			depth += change
		case s.name == "foreignobject" || s.name == "annotation-xml":
			embedded = max(embedded+change, 0)
		case change > 0 && embedded == 0 && breaksOut(s.name):
			return
		}
	}
	s.next()
}

// closesItself reports whether a tag ends in a slash, which only counts in
// foreign content.
func (s *scanner) closesItself() bool {
	return strings.HasSuffix(s.raw(), "/>") &&
		(len(s.attributes) == 0 || !strings.HasSuffix(s.attributes[len(s.attributes)-1].value, "/") ||
			s.attributes[len(s.attributes)-1].quote != "")
}

// breaksOut reports whether a tag ends SVG and MathML around it: section
// 13.2.6.5 of the HTML standard.
func breaksOut(name string) bool {
	switch name {
	case "b", "big", "blockquote", "body", "br", "center", "code", "dd", "div", "dl", "dt", "em", "embed",
		"h1", "h2", "h3", "h4", "h5", "h6", "head", "hr", "i", "img", "li", "listing", "menu", "meta", "nobr", "ol",
		"p", "pre", "ruby", "s", "small", "span", "strong", "strike", "sub", "sup", "table", "tt", "u", "ul", "var":
		return true
	}
	return false
}

// writeToken writes the token at which s stands, without what is left out.
func writeToken(w *strings.Builder, s *scanner) {
	switch {
	case s.kind == textToken:
		w.WriteString(s.raw())
	case s.noscript && s.name == "noscript":
		w.WriteString("<!---->")
	case s.kind == startTag:
		w.WriteByte('<')
		w.WriteString(s.name)
		for _, a := range s.attributes {
			writeAttribute(w, a)
		}
		w.WriteByte('>')
	case s.kind == endTag:
		w.WriteString("</")
		w.WriteString(s.name)
		w.WriteByte('>')
	case isDoctype(s.raw()):
		w.WriteString(s.raw())
	default:
		w.WriteString("<!---->")
	}
}

func isDoctype(token string) bool {
	const start = "<!doctype"
	return len(token) >= len(start) && strings.EqualFold(token[:len(start)], start)
}

// writeAttribute writes an attribute that something reads: the library's
// selectors, go-readability or go-domdistiller. Of a style only what hides or
// frames an element counts; of a link only whether it leads elsewhere in the
// page, or to a script.
func writeAttribute(w *strings.Builder, a attribute) {
	switch name := lower(a.name); name {
	case "class", "id", "role", "itemprop", "rel", "lang", "hidden", "aria-hidden", "aria-modal",
		"data-component", "data-testid", "data-lp-replacement-content",
		"colspan", "rowspan", "headers", "scope", "abbr", "summary", "datatable":
	case "style":
		if !setsVisibility(a.value) {
			return
		}
	case "href":
		w.WriteString(` href="` + linkKind(a.value) + `"`)
		return
	case "type": // of an input: where a parser puts it depends on it
	default:
		return
	}
	w.WriteByte(' ')
	w.WriteString(a.name)
	if a.valued {
		w.WriteByte('=')
		w.WriteString(a.quote)
		w.WriteString(a.value)
		w.WriteString(a.quote)
	}
}

func setsVisibility(style string) bool {
	style = strings.ToLower(style)
	return strings.Contains(style, "display") || strings.Contains(style, "hidden") || strings.Contains(style, "border")
}

func linkKind(href string) string {
	switch href = strings.TrimSpace(href); {
	case len(href) > 1 && href[0] == '#':
		return "#x"
	case strings.HasPrefix(href, "javascript:"):
		return "javascript:"
	default:
		return "/"
	}
}
