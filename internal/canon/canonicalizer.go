package canon

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// canonicalizer writes the canonical form of in, which is valid JSON, to out.
type canonicalizer struct {
	in  []byte
	at  int // of the next byte of in
	out []byte
}

// value writes the next value.
func (c *canonicalizer) value(depth int) error {
	if depth > MaxDepth {
		return fmt.Errorf("nested deeper than %d", MaxDepth)
	}
	switch b := c.next(); {
	case b == '{':
		return c.object(depth)
	case b == '[':
		return c.array(depth)
	case b == '"':
		_, err := c.string()
		return err
	case b == '-' || '0' <= b && b <= '9':
		return c.number()
	}
	c.out = append(c.out, c.word()...) // true, false or null
	return nil
}

// next skips white space and returns the byte after it, which stays the next.
func (c *canonicalizer) next() byte {
	for {
		switch b := c.in[c.at]; b {
		case ' ', '\t', '\r', '\n':
			c.at++
		default:
			return b
		}
	}
}

// word takes what reaches up to white space, a delimiter or the end.
func (c *canonicalizer) word() []byte {
	rest := c.in[c.at:]
	n := bytes.IndexAny(rest, " \t\r\n,]}")
	if n < 0 {
		n = len(rest)
	}
	c.at += n
	return rest[:n]
}

func (c *canonicalizer) number() error {
	text := c.word()
	n, err := strconv.ParseInt(string(text), 10, 64)
	if err != nil || n > maxInteger || n < -maxInteger {
		return fmt.Errorf("number %.40s is not an integer below 2^53", text)
	}
	c.out = strconv.AppendInt(c.out, n, 10)
	return nil
}

// string writes a string and returns what it says.
func (c *canonicalizer) string() ([]byte, error) {
	begin, escaped := c.at, false
	for c.at++; c.in[c.at] != '"'; c.at++ {
		if c.in[c.at] == '\\' {
			escaped = true
			c.at++
		}
	}
	c.at++
	quoted := c.in[begin:c.at]
	if !escaped {
		c.out = append(c.out, quoted...)
		return quoted[1 : len(quoted)-1], nil
	}
	var s string
	if err := json.Unmarshal(quoted, &s); err != nil {
		return nil, err
	}
	c.out = appendString(c.out, s)
	return []byte(s), nil
}

func (c *canonicalizer) array(depth int) error {
	c.take('[')
	for i := 0; c.next() != ']'; i++ {
		if i > 0 {
			c.take(',')
		}
		if err := c.value(depth + 1); err != nil {
			return err
		}
	}
	c.take(']')
	return nil
}

// take takes a delimiter, writes it, and skips white space.
func (c *canonicalizer) take(delimiter byte) {
	c.next()
	c.at++
	c.out = append(c.out, delimiter)
}

// member is one of an object: its key, and where it is in out.
type member struct {
	key        []byte
	begin, end int
}

func (c *canonicalizer) object(depth int) error {
	begin := len(c.out)
	c.take('{')
	members := make([]member, 0, 16)
	sorted := true
	for i := 0; c.next() != '}'; i++ {
		if i > 0 {
			c.take(',')
			c.next()
		}
		m := member{begin: len(c.out)}
		var err error
		if m.key, err = c.string(); err != nil {
			return err
		}
		c.take(':')
		if err := c.value(depth + 1); err != nil {
			return err
		}
		m.end = len(c.out)
		sorted = sorted && (i == 0 || compareUTF16(members[i-1].key, m.key) < 0)
		members = append(members, m)
	}
	c.take('}')
	if sorted {
		return nil
	}
	return c.sort(members, begin)
}

// sort brings the members of the object that out ends with into their order.
func (c *canonicalizer) sort(members []member, begin int) error {
	slices.SortFunc(members, func(a, b member) int { return compareUTF16(a.key, b.key) })
	object := make([]byte, 0, len(c.out)-begin)
	for i, m := range members {
		delimiter := byte(',')
		if i == 0 {
			delimiter = '{'
		} else if bytes.Equal(m.key, members[i-1].key) {
			return fmt.Errorf("duplicate key %.40q", m.key)
		}
		object = append(append(object, delimiter), c.out[m.begin:m.end]...)
	}
	c.out = append(append(c.out[:begin], object...), '}')
	return nil
}

// compareUTF16 orders keys by UTF-16 code units, as RFC 8785 section 3.2.3 wants.
func compareUTF16(a, b []byte) int {
	n := 0
	for n < min(len(a), len(b)) && a[n] == b[n] && a[n] < utf8.RuneSelf {
		n++
	}
	a, b = a[n:], b[n:]
	if len(a) == 0 || len(b) == 0 || a[0] < utf8.RuneSelf || b[0] < utf8.RuneSelf {
		return bytes.Compare(a, b) // they differ here, in ASCII
	}
	return slices.Compare(utf16.Encode(bytes.Runes(a)), utf16.Encode(bytes.Runes(b)))
}

// appendString writes s with the escapes of RFC 8785 section 3.2.2.2.
func appendString(out []byte, s string) []byte {
	const hexDigits = "0123456789abcdef"
	out = append(out, '"')
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\':
			out = append(out, '\\', c)
		case c == '\b':
			out = append(out, `\b`...)
		case c == '\f':
			out = append(out, `\f`...)
		case c == '\n':
			out = append(out, `\n`...)
		case c == '\r':
			out = append(out, `\r`...)
		case c == '\t':
			out = append(out, `\t`...)
		case c < 0x20:
			out = append(out, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&15])
		default:
			out = append(out, c)
		}
	}
	return append(out, '"')
}
