package extract

import (
	"strings"

	"golang.org/x/net/html"

	"finest/pipeline"
)

// budget bounds the pages that are extracted.
type budget struct{ bytes, nodes, depth int }

// parse returns the tree of a page, or why it is beyond the budget.
func (b budget) parse(page string) (*html.Node, *pipeline.Drop) {
	if len(page) > b.bytes {
		return nil, &pipeline.Drop{Reason: ReasonTooManyBytes, Value: float64(len(page))}
	}
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		// A reader of a string does not fail: the parser has met its own limit.
		return nil, &pipeline.Drop{Reason: ReasonTooDeep, Value: parserDepth}
	}
	nodes, depth := b.measure(tree)
	switch {
	case nodes > b.nodes:
		return nil, &pipeline.Drop{Reason: ReasonTooManyNodes, Value: float64(nodes)}
	case depth > b.depth:
		return nil, &pipeline.Drop{Reason: ReasonTooDeep, Value: float64(depth)}
	}
	return tree, nil
}

// parserDepth is the number of open elements at which the parser gives up.
const parserDepth = 512

// measure counts nodes and the greatest depth, without recursion.
func (b budget) measure(root *html.Node) (nodes, depth int) {
	level := 0
	for n := root; n != nil; {
		nodes++
		depth = max(depth, level)
		if n.FirstChild != nil {
			n, level = n.FirstChild, level+1
			continue
		}
		for n != nil && n.NextSibling == nil {
			n, level = n.Parent, level-1
		}
		if n != nil {
			n = n.NextSibling
		}
	}
	return nodes, depth
}
