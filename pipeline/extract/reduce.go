package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// reduce returns the page without the elements that hold none of its text, and
// what parsing the rest may cost, in the units of cost; where that passes limit,
// it stops and returns no page.
//
// Scripts, style sheets, SVG and MathML go; an empty comment marks the place, so
// that what stands around it does not become one token. JSON-LD stays, because
// the library compares headings with the title it finds there. Without foreign
// content the tokens counted here are exactly those that the parser will see.
func reduce(page string, limit int) (reduced string, total int) {
	s := scanner{page: page, tokenizer: html.NewTokenizer(strings.NewReader(page))}
	var kept strings.Builder
	kept.Grow(len(page))
	var c cost
	for s.next() {
		for s.isTextless() {
			s.skipElement()
			kept.WriteString("<!---->")
			c.tokens++
		}
		kept.WriteString(s.raw())
		if c.add(&s); c.total() > limit {
			return "", c.total()
		}
	}
	return kept.String(), c.total()
}

// scanner goes through the tokens of a page.
type scanner struct {
	page       string
	tokenizer  *html.Tokenizer
	kind       html.TokenType
	name       string // of a tag, lower case
	start, end int    // of the token in page
}

// next goes to the next token and reports whether there is one.
func (s *scanner) next() bool {
	s.kind = s.tokenizer.Next()
	s.start = s.end
	s.end += len(s.tokenizer.Raw())
	s.name = ""
	switch s.kind {
	case html.StartTagToken, html.EndTagToken, html.SelfClosingTagToken:
		name, _ := s.tokenizer.TagName()
		s.name = string(name)
	}
	return s.kind != html.ErrorToken
}

// raw returns the token as it stands in the page.
func (s *scanner) raw() string { return s.page[s.start:s.end] }

// starts reports whether a tag opens here. HTML knows no self-closing tags, and
// neither does the parser, outside of foreign content.
func (s *scanner) starts() bool {
	return s.kind == html.StartTagToken || s.kind == html.SelfClosingTagToken
}

// isTextless reports whether an element that is left out starts here.
func (s *scanner) isTextless() bool {
	if !s.starts() {
		return false
	}
	switch s.name {
	case "style", "svg", "math":
		return true
	case "script":
		return !strings.Contains(strings.ToLower(s.raw()), "ld+json")
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
		if s.kind == html.EndTagToken && s.name == outer {
			s.next()
			return
		}
	}
}

// skipForeign goes to the token after the end tag of SVG or MathML, or to the
// HTML tag at which a parser breaks out of it.
func (s *scanner) skipForeign() {
	if s.kind == html.SelfClosingTagToken {
		s.next()
		return
	}
	outer, depth, embedded := s.name, 1, 0
	for depth > 0 {
		s.tokenizer.NextIsNotRawText()
		if !s.next() {
			return
		}
		change := 0
		switch s.kind {
		case html.StartTagToken:
			change = 1
		case html.EndTagToken:
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
