package extract

import (
	"strings"

	"golang.org/x/net/html"

	"finest/pipeline"
)

// budget bounds the pages that are extracted.
type budget struct {
	bytes      int // of the page
	attributes int // of all its tags
	nodes      int // of its tree, without scripts and the like
	depth      int // levels of the tree
	work       int // see shape.work
}

// shapeOf reads the limits on the shape of a page.
func shapeOf(p *pipeline.Params) budget {
	return budget{
		bytes:      p.Int("max_bytes"),
		attributes: p.Int("max_attributes"),
		nodes:      p.Int("max_nodes"),
		depth:      p.Int("max_depth"),
	}
}

// costPerNode is how much of cost parsing may take for each node of the budget.
const costPerNode = 10

// parserDepth is the number of open elements at which the parser gives up.
const parserDepth = 512

// parse returns the tree of a page, or why it is beyond the budget. Its work
// and memory are bounded by the budget.
func (b budget) parse(page string, noscript bool) (*html.Node, *pipeline.Drop) {
	if len(page) > b.bytes {
		return nil, beyond(ReasonTooManyBytes, len(page))
	}
	page, _, drop := b.reduce(page, noscript)
	if drop != nil {
		return nil, drop
	}
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		// A reader of a string does not fail: the parser has met its own limit.
		return nil, beyond(ReasonTooDeep, parserDepth)
	}
	answerForHead(tree)
	dissolve(tree)
	switch s := measure(tree); {
	case s.nodes > b.nodes:
		return nil, beyond(ReasonTooManyNodes, s.nodes)
	case s.depth > b.depth:
		return nil, beyond(ReasonTooDeep, s.depth)
	case s.work() > b.work:
		return nil, beyond(ReasonTooMuchWork, s.work())
	}
	return tree, nil
}

func beyond(reason string, value int) *pipeline.Drop {
	return &pipeline.Drop{Reason: reason, Value: float64(value)}
}
