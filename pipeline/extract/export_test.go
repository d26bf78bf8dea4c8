package extract

import (
	"strings"

	"golang.org/x/net/html"
)

// Render exposes how a tree is written as text.
func Render(page string) string {
	tree, err := html.Parse(strings.NewReader(page))
	if err != nil {
		return ""
	}
	return render(tree)
}

// Reduce exposes what is left of a page before it is parsed, and a bound on the
// nodes that parsing makes of it.
func Reduce(page string) (reduced string, nodes int) {
	b := budget{bytes: 1 << 40, attributes: 1 << 40, nodes: 1 << 40}
	reduced, c, _ := b.reduce(page, false)
	return reduced, c.total()
}
