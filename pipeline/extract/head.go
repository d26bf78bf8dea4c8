package extract

import (
	"slices"

	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// answers are what the library looks for in a page before its text: title,
// author and so on. None of it is used here, but what it does not find in the
// head it searches the whole tree for, several times over. Nor does the text
// depend on it, but for one thing: with a title, go-readability drops the first
// heading that repeats it, which readability, in the original, does not.
var answers = []struct {
	element atom.Atom
	attr    []html.Attribute
	text    string
}{
	{atom.Meta, property("og:title", "-"), ""},
	{atom.Meta, property("og:author", "No Author"), ""},
	{atom.Meta, property("og:url", "http://localhost/"), ""},
	{atom.Meta, property("og:description", "-"), ""},
	{atom.Meta, property("og:site_name", "No.Site"), ""},
	{atom.Meta, property("og:image", "http://localhost/"), ""},
	{atom.Meta, property("og:type", "-"), ""},
	{atom.Script, []html.Attribute{{Key: "type", Val: "application/ld+json"}}, `{"@type":"Article","articleSection":"-","keywords":"-"}`},
	{atom.A, []html.Attribute{{Key: "rel", Val: "license"}, {Key: "href", Val: "/by/4.0"}}, ""},
}

func property(name, content string) []html.Attribute {
	return []html.Attribute{{Key: "property", Val: name}, {Key: "content", Val: content}}
}

// answerForHead replaces what stands in the head by the answers.
func answerForHead(tree *html.Node) {
	head := headOf(tree)
	if head == nil {
		return
	}
	for c := head.FirstChild; c != nil; c = head.FirstChild {
		head.RemoveChild(c)
	}
	for _, a := range answers {
		n := &html.Node{Type: html.ElementNode, DataAtom: a.element, Data: a.element.String(), Attr: slices.Clone(a.attr)}
		if a.text != "" {
			n.AppendChild(&html.Node{Type: html.TextNode, Data: a.text})
		}
		head.AppendChild(n)
	}
}

// headOf returns the head, which the parser makes where a page has none.
func headOf(tree *html.Node) *html.Node {
	for n := range tree.ChildNodes() {
		if n.DataAtom == atom.Html {
			for c := range n.ChildNodes() {
				if c.DataAtom == atom.Head {
					return c
				}
			}
		}
	}
	return nil
}
