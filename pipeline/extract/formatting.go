package extract

import (
	"golang.org/x/net/html"
	"golang.org/x/net/html/atom"
)

// dissolve replaces the elements that only format text by their children, as
// trafilatura does before it looks for text when formatting is not asked for.
// The port keeps them, and then loses or misplaces some of their words. Comments
// go, too.
func dissolve(root *html.Node) {
	for n := root.FirstChild; n != nil; {
		if n.Type == html.CommentNode || isFormatting(n) {
			n = unwrap(n)
			continue
		}
		n = following(n, root)
	}
}

// isFormatting reports whether n is one of the elements that trafilatura maps to
// its "hi".
func isFormatting(n *html.Node) bool {
	switch n.DataAtom {
	case atom.B, atom.Em, atom.I, atom.Kbd, atom.Samp, atom.Strong, atom.Sub, atom.Sup, atom.Tt, atom.U, atom.Var:
		return n.Type == html.ElementNode && n.Namespace == ""
	}
	return false
}

// unwrap moves the children of n to its place and returns the node that now
// comes next in document order, or nil.
func unwrap(n *html.Node) *html.Node {
	next := n.FirstChild
	if next == nil {
		next = following(n, nil)
	}
	for c := n.FirstChild; c != nil; c = n.FirstChild {
		n.RemoveChild(c)
		n.Parent.InsertBefore(c, n)
	}
	n.Parent.RemoveChild(n)
	return next
}

// following returns the node after n in document order, or nil when the tree
// below root ends.
func following(n, root *html.Node) *html.Node {
	if n.FirstChild != nil {
		return n.FirstChild
	}
	for n != nil && n != root {
		if n.NextSibling != nil {
			return n.NextSibling
		}
		n = n.Parent
	}
	return nil
}
