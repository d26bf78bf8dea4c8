package extract

import (
	"slices"

	"golang.org/x/net/html"
)

// cost bounds the work of the parser on the tokens seen so far. Some tags make
// it copy or compare without end: formatting elements that are left open are
// copied into every block that follows (section 13.2.4.3 of the HTML standard),
// and compared attribute by attribute; html and body tags are merged into the
// first. Every byte of a title counts too, because the library tries a dozen
// ways to cut it.
type cost struct {
	tokens  int
	copies  int      // of formatting elements, at most
	compare int      // comparisons of attributes, in the time of a node
	open    []format // formatting elements that may be open
	roots   int      // bytes of html and body tags
	titled  bool     // whether the last tag opened a title
}

type format struct{ name, tag string }

// total is a number of nodes that the parser may make, or the like of it.
func (c *cost) total() int { return c.tokens + c.copies + c.compare }

// add counts the token at which s stands.
func (c *cost) add(s *scanner) {
	c.tokens++
	c.copies += len(c.open)
	if s.kind == html.TextToken && c.titled {
		c.compare += len(s.raw())
	}
	c.titled = s.name == "title" && s.starts()
	switch s.name {
	case "html", "body":
		if s.starts() {
			c.roots += len(s.raw())
			c.compare += c.roots / 64
		}
	case "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u":
		if s.starts() {
			c.push(format{s.name, s.raw()}, s)
		} else {
			c.pop(s.name)
		}
	}
}

// push opens a formatting element. The parser closes an open a or nobr first,
// and keeps three elements that are equal.
func (c *cost) push(f format, s *scanner) {
	n := attributes(s)
	c.compare += n * n / 256
	if f.name == "a" || f.name == "nobr" {
		c.pop(f.name)
	}
	equal := 0
	for _, o := range c.open {
		if o == f {
			equal++
		}
	}
	if equal < 3 {
		c.open = append(c.open, f)
	}
}

func (c *cost) pop(name string) {
	for i, o := range slices.Backward(c.open) {
		if o.name == name {
			c.open = slices.Delete(c.open, i, i+1)
			return
		}
	}
}

// attributes counts the attributes of the tag at which s stands.
func attributes(s *scanner) (n int) {
	for more := true; more; n++ {
		_, _, more = s.tokenizer.TagAttr()
	}
	return n
}
