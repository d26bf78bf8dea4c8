package extract

import "slices"

// cost bounds the work of the parser on the tokens seen so far. Formatting
// elements that are left open make it copy without end: they are opened again in
// every block that follows (section 13.2.4.3 of the HTML standard).
type cost struct {
	tokens int
	copies int      // of formatting elements, at most
	open   []format // formatting elements that may be open
}

type format struct{ name, tag string }

// total is a number of nodes that the parser may make.
func (c *cost) total() int { return c.tokens + c.copies }

// add counts the token at which s stands; written is what is left of it.
func (c *cost) add(s *scanner, written string) {
	c.tokens++
	c.copies += len(c.open)
	switch s.name {
	case "a", "b", "big", "code", "em", "font", "i", "nobr", "s", "small", "strike", "strong", "tt", "u":
		if s.kind == startTag {
			c.push(format{s.name, written})
		} else {
			c.pop(s.name)
		}
	}
}

// push opens a formatting element. The parser closes an open a or nobr first,
// and keeps three elements that are equal.
func (c *cost) push(f format) {
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
