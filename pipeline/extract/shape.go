package extract

import "golang.org/x/net/html"

// shape is what the time that extraction takes depends on. Beside a constant for
// each node, the library looks at every node again for the elements around it,
// at every list item for each list around it, and joins the text of all
// paragraphs anew for each of them.
type shape struct {
	nodes, depth int
	levels       int // sum over nodes of the elements around each
	listed       int // sum over list items of the lists around each
	paragraphs   int
	text         int // bytes
}

// work estimates the time that extraction takes, in microseconds of a core of
// 2021. The weights were measured on pages that consist of one such thing.
func (s shape) work() int {
	return s.levels*3/4 + 16*s.listed + s.text/1000*s.paragraphs/3 + s.text*2/3
}

// measure walks a tree without recursion.
func measure(root *html.Node) (s shape) {
	level, lists := 0, 0
	enter := func(n *html.Node) {
		s.nodes++
		s.levels += level
		s.depth = max(s.depth, level)
		switch {
		case n.Type == html.TextNode:
			s.text += len(n.Data)
		case n.Data == "p":
			s.paragraphs++
		case n.Data == "li" || n.Data == "dd" || n.Data == "dt":
			s.listed += lists
		}
	}
	for n := root; n != nil; {
		enter(n)
		if n.FirstChild != nil {
			level++
			lists += listsIn(n)
			n = n.FirstChild
			continue
		}
		for n != nil && n.NextSibling == nil {
			if n = n.Parent; n != nil {
				level--
				lists -= listsIn(n)
			}
		}
		if n != nil {
			n = n.NextSibling
		}
	}
	return s
}

// listsIn returns 1 for a list and 0 for anything else.
func listsIn(n *html.Node) int {
	switch n.Data {
	case "ul", "ol", "dl":
		return 1
	}
	return 0
}
