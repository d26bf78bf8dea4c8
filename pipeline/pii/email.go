package pii

import (
	"strings"
	"unicode/utf8"

	"finest/pipeline/words"
)

// The pattern of an e-mail address, with Perl's rules for the choice between
// alternatives and a word border that knows all of Unicode:
//
//	ATOM  = [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+
//	LABEL = [A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?
//	EMAIL = \bATOM(?:\.ATOM)*@(?:(?:LABEL\.)+LABEL|\[LITERAL])
//	LITERAL = (?:OCTET\.){3}(?:OCTET|[A-Za-z0-9-]*[A-Za-z0-9]:)
//
// FineWeb's release had the same without A-Z.
//
// A scan from @ to @ finds the same matches: what may stand before an @ holds no
// other one, so the leftmost match belongs to the first @ that has any.

// emailPattern finds addresses.
type emailPattern struct {
	// letter says which letters and digits labels and atoms consist of, atom which
	// characters atoms do.
	letter, atom [256]bool
}

func newEmailPattern(upperCase bool) *emailPattern {
	p := &emailPattern{}
	set := func(from, to byte) {
		for c := from; c <= to; c++ {
			p.letter[c] = true
		}
	}
	set('a', 'z')
	set('0', '9')
	if upperCase {
		set('A', 'Z')
	}
	p.atom = p.letter
	for _, c := range []byte("!#$%&'*+/=?^_`{|}~-") {
		p.atom[c] = true
	}
	return p
}

// next returns the leftmost match of EMAIL that starts at or after from.
func (p *emailPattern) next(text string, from int) (start, end int, ok bool) {
	for at := from; ; at++ {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return 0, 0, false
		}
		at += i
		length := p.domainLength(text[at+1:])
		if length == 0 {
			continue
		}
		if start, ok := p.localStart(text, from, at); ok {
			return start, at + 1 + length, true
		}
	}
}

// localStart returns the leftmost start, at or after from, of atoms with single
// periods between that end at an @.
func (p *emailPattern) localStart(text string, from, at int) (int, bool) {
	first := at
	for first > from && p.atom[text[first-1]] {
		first--
		if first-1 > from && text[first-1] == '.' && p.atom[text[first-2]] {
			first--
		}
	}
	for ; first < at; first++ {
		if text[first] != '.' && atWordBorder(text, first) {
			return first, true
		}
	}
	return 0, false
}

// domainLength returns the length of the domain that s begins with: two labels
// or more, or an address in brackets; 0 without one.
func (p *emailPattern) domainLength(s string) int {
	if strings.HasPrefix(s, "[") {
		return p.literalLength(s)
	}
	at := 0
	for labels := 0; ; labels++ {
		run := at + p.labelRun(s[at:])
		if p.isLabel(s[at:run]) && run+1 < len(s) && s[run] == '.' && p.letter[s[run+1]] {
			at = run + 1
			continue
		}
		if labels == 0 {
			return 0
		}
		return len(strings.TrimRight(s[:run], "-"))
	}
}

// labelRun returns the length of the letters, digits and hyphens that s begins
// with.
func (p *emailPattern) labelRun(s string) int {
	n := 0
	for n < len(s) && (p.letter[s[n]] || s[n] == '-') {
		n++
	}
	return n
}

// isLabel reports whether a run of letters, digits and hyphens is a label.
func (p *emailPattern) isLabel(s string) bool {
	return s != "" && p.letter[s[0]] && p.letter[s[len(s)-1]]
}

// literalLength returns the length of the bracketed address that s begins with.
func (p *emailPattern) literalLength(s string) int {
	at := 1
	for range 3 {
		n := octetRun(s[at:])
		if n == 0 || !strings.HasPrefix(s[at+n:], ".") {
			return 0
		}
		at += n + 1
	}
	if n := octetRun(s[at:]); n > 0 && strings.HasPrefix(s[at+n:], "]") {
		return at + n + 1
	}
	tag := p.labelRun(s[at:])
	if tag > 0 && p.letter[s[at+tag-1]] && strings.HasPrefix(s[at+tag:], ":]") {
		return at + tag + 2
	}
	return 0
}

// atWordBorder reports whether exactly one of the characters before and at an
// offset is a word character: Python's \b.
func atWordBorder(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return words.IsWord(before) != words.IsWord(after)
}
