package extract

import "strings"

// token is a kind of token.
type token int

const (
	textToken token = iota
	startTag        // self-closing ones too: outside of foreign content they are no different
	endTag
	otherToken // comments, doctypes, processing instructions
)

// scanner goes through the tokens of a page as the tokenizer of the HTML
// standard does (section 13.2.5), without decoding or copying anything: raw text
// is one token, a tag cut off at the end of the page is none.
type scanner struct {
	page string
	// noscript says that the content of noscript elements is markup, as where
	// nothing runs scripts.
	noscript   bool
	start, end int // of the token in page
	kind       token
	name       string // of a tag, lower case
	// attributes are those of the tag, at most maxAttributes of them; most is how
	// many a tag had at most so far, and total how many all of them.
	attributes  []attribute
	most, total int
	// rawText is the name of the element just opened whose content is text.
	rawText string
}

// attribute is an attribute as it stands in the page.
type attribute struct {
	name, value string
	quote       string // around the value, or nothing
	valued      bool   // whether there is a value
}

// maxAttributes is how many attributes of a tag are looked at.
const maxAttributes = 1000

// next goes to the next token and reports whether there is one.
func (s *scanner) next() bool {
	s.start, s.kind, s.name = s.end, textToken, ""
	if s.rawText != "" {
		s.end = s.endOfRawText(s.rawText)
		if s.rawText = ""; s.end > s.start {
			return true
		}
	}
	at := s.markup(s.start)
	if at > s.start {
		s.end = at
		return true
	}
	if at == len(s.page) {
		return false
	}
	switch c := s.page[at+1]; {
	case c == '/' && isLetter(s.page[at+2]):
		return s.tag(endTag, at+2)
	case isLetter(c):
		return s.tag(startTag, at+1)
	case strings.HasPrefix(s.page[at:], "<!--"):
		s.kind, s.end = otherToken, s.endOfComment(at+4)
		return true
	default:
		s.kind, s.end = otherToken, s.after(at+2, ">")
		return true
	}
}

// raw returns the token as it stands in the page.
func (s *scanner) raw() string { return s.page[s.start:s.end] }

// markup returns where the next token that is not text begins, at or behind at.
func (s *scanner) markup(at int) int {
	for {
		i := strings.IndexByte(s.page[at:], '<')
		if i < 0 {
			return len(s.page)
		}
		at += i
		switch rest := s.page[at+1:]; {
		case rest == "", rest == "/":
			return len(s.page)
		case isLetter(rest[0]), rest[0] == '/', rest[0] == '!', rest[0] == '?':
			return at
		}
		at++
	}
}

// after returns the place after the next mark at or behind at, or the end of the
// page.
func (s *scanner) after(at int, mark string) int {
	if i := strings.Index(s.page[at:], mark); i >= 0 {
		return at + i + len(mark)
	}
	return len(s.page)
}

// endOfComment returns the place after a comment whose text begins at at.
func (s *scanner) endOfComment(at int) int {
	for _, abrupt := range []string{">", "->"} {
		if strings.HasPrefix(s.page[at:], abrupt) {
			return at + len(abrupt)
		}
	}
	for {
		i := strings.Index(s.page[at:], "--")
		if i < 0 {
			return len(s.page)
		}
		for at += i; at < len(s.page) && s.page[at] == '-'; {
			at++
		}
		for _, end := range []string{">", "!>"} {
			if strings.HasPrefix(s.page[at:], end) {
				return at + len(end)
			}
		}
	}
}

// tag reads a tag whose name begins at at and reports whether it is whole.
func (s *scanner) tag(kind token, at int) bool {
	end := at
	for end < len(s.page) && s.page[end] != '/' && s.page[end] != '>' && !isSpace(s.page[end]) {
		end++
	}
	name := lower(s.page[at:end])
	s.attributes = s.attributes[:0]
	count := 0
	for at = s.skipSpace(end); at < len(s.page); at = s.skipSpace(at) {
		if s.page[at] == '>' {
			s.end, s.kind, s.name = at+1, kind, name
			if kind == startTag && isRawText(name) && !(s.noscript && name == "noscript") {
				s.rawText = name
			}
			return true
		}
		var a attribute
		a, at = s.attribute(at)
		if a.name == "" {
			continue
		}
		s.total++
		count++
		s.most = max(s.most, count)
		if count <= maxAttributes {
			s.attributes = append(s.attributes, a)
		}
	}
	s.start, s.end = len(s.page), len(s.page)
	return false
}

// attribute reads the attribute, or the slash, at at and returns the place after
// it.
func (s *scanner) attribute(at int) (a attribute, end int) {
	end = at
	if s.page[end] == '=' { // belongs to the name
		end++
	}
	for end < len(s.page) && s.page[end] != '=' && s.page[end] != '/' && s.page[end] != '>' && !isSpace(s.page[end]) {
		end++
	}
	a.name = s.page[at:end]
	end = s.skipSpace(end)
	if end == len(s.page) {
		return a, end
	}
	switch s.page[end] {
	case '/':
		return a, end + 1
	case '=':
	default:
		return a, end
	}
	if end = s.skipSpace(end + 1); end == len(s.page) {
		return a, end
	}
	a.valued = true
	switch c := s.page[end]; c {
	case '>':
		a.valued = false
	case '"', '\'':
		from := end + 1
		end = s.after(from, s.page[end:from])
		a.quote, a.value = string(c), s.page[from:max(from, end-1)]
	default:
		from := end
		for end < len(s.page) && s.page[end] != '>' && !isSpace(s.page[end]) {
			end++
		}
		a.value = s.page[from:end]
	}
	return a, end
}

func (s *scanner) skipSpace(at int) int {
	for at < len(s.page) && isSpace(s.page[at]) {
		at++
	}
	return at
}

// endOfRawText returns where the content of an element that holds only text
// ends: before its end tag.
func (s *scanner) endOfRawText(name string) int {
	if name == "script" {
		return s.endOfScript()
	}
	for at := s.end; ; at++ {
		i := strings.IndexByte(s.page[at:], '<')
		if i < 0 || name == "plaintext" {
			return len(s.page)
		}
		if at += i; s.tagAt(at, "</", name) {
			return at
		}
	}
}

// endOfScript returns where a script ends. "<!--" may hide a script in the
// script, whose end tag does not count (13.2.5.15 ff.).
func (s *scanner) endOfScript() int {
	hidden, inner := false, false
	for at := s.end; ; at++ {
		marks := "<"
		if hidden {
			marks = "<-"
		}
		i := strings.IndexAny(s.page[at:], marks)
		if i < 0 {
			return len(s.page)
		}
		at += i
		switch {
		case s.page[at] == '-':
			hidden = !strings.HasPrefix(s.page[at:], "-->")
		case inner:
			inner = !s.tagAt(at, "</", "script")
		case s.tagAt(at, "</", "script"):
			return at
		case hidden:
			inner = s.tagAt(at, "<", "script")
		case strings.HasPrefix(s.page[at:], "<!--"):
			hidden = true
			at++ // the dashes may begin the end, too
		}
		inner = inner && hidden
	}
}

// tagAt reports whether a tag of that name, opened by mark, stands at at.
func (s *scanner) tagAt(at int, mark, name string) bool {
	rest := s.page[at:]
	n := len(mark) + len(name)
	if len(rest) <= n || !strings.HasPrefix(rest, mark) || !strings.EqualFold(rest[len(mark):n], name) {
		return false
	}
	c := rest[n]
	return c == '/' || c == '>' || isSpace(c)
}

// isRawText reports whether an element holds text that may look like markup.
func isRawText(name string) bool {
	switch name {
	case "iframe", "noembed", "noframes", "noscript", "plaintext", "script", "style", "textarea", "title", "xmp":
		return true
	}
	return false
}

func isLetter(c byte) bool { return 'a' <= c|0x20 && c|0x20 <= 'z' }

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\r' || c == '\t' || c == '\f' }

// lower returns a name in lower case, of ASCII letters only.
func lower(name string) string {
	for i := range len(name) {
		if c := name[i]; 'A' <= c && c <= 'Z' {
			b := []byte(name)
			for j, c := range b {
				if 'A' <= c && c <= 'Z' {
					b[j] = c + 'a' - 'A'
				}
			}
			return string(b)
		}
	}
	return name
}
