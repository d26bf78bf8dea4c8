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

// Reduce exposes what is left of a page before it is parsed, with its cost.
func Reduce(page string, limit int) (string, int) { return reduce(page, limit) }
