package words

import (
	"strings"
	"unicode/utf8"
)

// splitAffixes cuts text at whitespace into chunks and the chunks into tokens.
// A single space after a chunk is no token, other whitespace is: a run of it is
// one token, which begins after that space.
func (r *spaCyRules) splitAffixes(text string) []Span {
	tokens := make([]Span, 0, len(text)/4+1)
	c := cutter{rules: r, text: text, tokens: tokens}
	for i := 0; i < len(text); {
		start := i
		i = spaceEnd(text, i)
		if start > 0 && text[start] == ' ' {
			start++
		}
		if start < i {
			c.tokens = append(c.tokens, Span{start, i})
		}
		start = i
		stop, seen := r.chunkEnd(text, i)
		if i = stop; start < i {
			c.cutChunk(Span{start, i}, seen)
		}
	}
	return c.tokens
}

// chunkEnd returns the end of the chunk that begins at i and the properties of
// its characters, all together.
func (r *spaCyRules) chunkEnd(text string, i int) (stop int, seen class) {
	for i < len(text) {
		b := text[i]
		if b < utf8.RuneSelf {
			if IsSpace(rune(b)) {
				break
			}
			seen |= r.classes.ascii[b]
			i++
			continue
		}
		char, size := utf8.DecodeRuneInString(text[i:])
		if IsSpace(char) {
			break
		}
		seen |= r.classes.of(char)
		i += size
	}
	return i, seen
}

// cutter cuts the chunks of a text.
type cutter struct {
	rules    *spaCyRules
	text     string
	tokens   []Span
	suffixes []Span
}

// cutChunk appends the tokens of a chunk: affixes are taken off both ends until
// none is left or what is left is an exception; that is then an exception, a web
// address, or is cut at what joins two tokens within.
func (c *cutter) cutChunk(chunk Span, seen class) {
	r := c.rules
	const plain = opens | closes | joins
	if seen&plain == 0 && (seen&digit == 0 || seen&^(digit|settles) == 0) {
		if !c.cutException(chunk) {
			c.tokens = append(c.tokens, chunk)
		}
		return
	}
	rest := chunk
	c.suffixes = c.suffixes[:0]
	for rest.Start < rest.Stop && !r.isException(c.text[rest.Start:rest.Stop]) {
		s := c.text[rest.Start:rest.Stop]
		prefix := r.prefix(s)
		if prefix > 0 && r.isException(s[prefix:]) {
			c.takePrefix(&rest, prefix)
			break
		}
		suffix := r.suffix(s[prefix:])
		if suffix > 0 && r.isException(s[:len(s)-suffix]) {
			c.takeSuffix(&rest, suffix)
			break
		}
		if prefix+suffix == 0 {
			break
		}
		c.takePrefix(&rest, prefix)
		c.takeSuffix(&rest, suffix)
	}
	if rest.Start < rest.Stop && !c.cutException(rest) {
		if isWebAddress(&r.classes, c.text[rest.Start:rest.Stop]) {
			c.tokens = append(c.tokens, rest)
		} else {
			c.cutInfixes(rest)
		}
	}
	for i := len(c.suffixes) - 1; i >= 0; i-- {
		c.tokens = append(c.tokens, c.suffixes[i])
	}
}

func (c *cutter) takePrefix(rest *Span, length int) {
	if length > 0 {
		c.tokens = append(c.tokens, Span{rest.Start, rest.Start + length})
		rest.Start += length
	}
}

func (c *cutter) takeSuffix(rest *Span, length int) {
	if length > 0 {
		c.suffixes = append(c.suffixes, Span{rest.Stop - length, rest.Stop})
		rest.Stop -= length
	}
}

// cutException appends the tokens of s if it is an exception.
func (c *cutter) cutException(s Span) bool {
	lengths, ok := c.rules.exception(c.text[s.Start:s.Stop])
	if ok {
		c.tokens = appendCut(c.tokens, s.Start, lengths)
	}
	return ok
}

// appendCut appends tokens of the given lengths that follow each other.
func appendCut(tokens []Span, start int, lengths []int) []Span {
	for _, n := range lengths {
		tokens = append(tokens, Span{start, start + n})
		start += n
	}
	return tokens
}

// prefix returns the length of the prefix to cut off s, 0 for none.
func (r *spaCyRules) prefix(s string) int {
	c, size := r.classes.first(s)
	if c&opens != 0 {
		return size
	}
	if s == "" {
		return 0
	}
	switch s[0] {
	case '.':
		if n := periods(s); n > 1 {
			return n
		}
	case '+':
		if next, _ := r.classes.first(s[1:]); next&digit == 0 {
			return 1
		}
	case 'U', 'C', 'A':
		for _, dollars := range [...]string{"US$", "C$", "A$"} {
			if strings.HasPrefix(s, dollars) {
				return len(dollars)
			}
		}
	}
	return 0
}

// periods returns the number of periods that s begins with.
func periods(s string) int { return len(s) - len(strings.TrimLeft(s, ".")) }

// suffix returns the length of the suffix to cut off s, the longest that any rule
// finds; 0 for none.
func (r *spaCyRules) suffix(s string) int {
	c, size := r.classes.last(s)
	before := s[:len(s)-size]
	if n := r.suffixAfterDigit(s); n > size {
		return n
	} else if n > 0 && c&closes == 0 {
		return n
	}
	switch s[len(before):] {
	case "":
		return 0
	case ".":
		if n := len(s) - len(strings.TrimRight(s, ".")); n > 1 {
			return n
		}
		if r.periodEnds(before) {
			return 1
		}
		return 0
	case "…":
		if strings.HasSuffix(before, "…") {
			return 2 * size
		}
	case "s", "S":
		for _, mark := range [...]string{"'", "’"} {
			if strings.HasSuffix(before, mark) {
				return len(mark) + size
			}
		}
	}
	if c&closes != 0 {
		return size
	}
	return 0
}

// suffixAfterDigit returns the length of what follows the last digit of s if that
// is a unit, a currency or a plus.
func (r *spaCyRules) suffixAfterDigit(s string) int {
	limit := max(0, len(s)-r.longestAfterDigit-1)
	for i := len(s) - 1; i >= limit; i-- {
		if s[i] < '0' || s[i] > '9' {
			continue
		}
		if _, ok := r.afterDigit[s[i+1:]]; ok {
			return len(s) - i - 1
		}
		break
	}
	return 0
}

// periodEnds reports whether a period after s is cut off.
func (r *spaCyRules) periodEnds(s string) bool {
	c, size := r.classes.last(s)
	if c&settles != 0 {
		return true
	}
	before := s[:len(s)-size]
	if c&upper != 0 {
		if previous, _ := r.classes.last(before); previous&upper != 0 {
			return true
		}
	}
	// A degree of temperature, in Fahrenheit, Celsius or Kelvin.
	return size == 1 && strings.IndexByte("FCK", s[len(s)-1]) >= 0 && strings.HasSuffix(before, "°")
}

// cutInfixes appends the tokens of what is left of a chunk without its affixes.
func (c *cutter) cutInfixes(s Span) {
	start := s.Start
	var previous class
	for i := s.Start; i < s.Stop; {
		current, size := c.rules.classes.first(c.text[i:s.Stop])
		if current&joins == 0 {
			previous = current
			i += size
			continue
		}
		n := c.rules.infix(c.text[i:s.Stop], previous)
		if n == 0 {
			previous = current
			i += size
			continue
		}
		previous, _ = c.rules.classes.last(c.text[i : i+n])
		if i > s.Start {
			if start < i {
				c.tokens = append(c.tokens, Span{start, i})
			}
			c.tokens = append(c.tokens, Span{i, i + n})
			start = i + n
		}
		i += n
	}
	if start < s.Stop {
		c.tokens = append(c.tokens, Span{start, s.Stop})
	}
}

// infix returns the length of the infix that s begins with, given the properties
// of the character before it; 0 for none.
func (r *spaCyRules) infix(s string, previous class) int {
	c, size := r.classes.first(s)
	if c&icon != 0 {
		return size
	}
	next, _ := r.classes.first(s[size:])
	between := func(before, after class) bool { return previous&before != 0 && next&after != 0 }
	switch s[:size] {
	case "…":
		return size
	case ".":
		if n := periods(s); n > 1 {
			return n
		}
		if between(lower|quote, upper|quote) {
			return size
		}
	case ",":
		if between(letter, letter) {
			return size
		}
	case ":", "<", ">", "=", "/":
		if between(letter|digit, letter) {
			return size
		}
	case "+", "*", "^", "-":
		if previous&digit != 0 && (next&digit != 0 || strings.HasPrefix(s[size:], "-")) {
			return size
		}
		if s[0] == '-' {
			return r.hyphens(s, previous, 3)
		}
	case "—":
		return r.hyphens(s, previous, 2)
	case "–", "~":
		return r.hyphens(s, previous, 1)
	}
	return 0
}

// hyphens returns the length of the run of hyphens of one kind that s begins
// with, if it stands between letters and is no longer than most.
func (r *spaCyRules) hyphens(s string, previous class, most int) int {
	if previous&(letter|digit) == 0 {
		return 0
	}
	_, size := r.classes.first(s)
	n := size
	for n < most*size && strings.HasPrefix(s[n:], s[:size]) {
		n += size
	}
	if next, _ := r.classes.first(s[n:]); next&letter == 0 {
		return 0
	}
	return n
}
