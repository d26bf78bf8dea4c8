package pii

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// The pattern of an e-mail address, with Perl's rules for the choice between
// alternatives and a word border that knows all of Unicode:
//
//	ATOM  = [A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+
//	LABEL = [A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?
//	EMAIL = \bATOM(?:\.ATOM)*@(?:(?:LABEL\.)+LABEL|\[LITERAL])
//	LITERAL = (?:OCTET\.){3}(?:OCTET|[A-Za-z0-9-]*[A-Za-z0-9]:)
//
// A scan from @ to @ finds the same matches: what may stand before an @ holds no
// other one, so the leftmost match belongs to the first @ that has any.

// nextEmail returns the leftmost match of EMAIL that starts at or after from.
func nextEmail(text string, from int) (start, end int, ok bool) {
	for at := from; ; at++ {
		i := strings.IndexByte(text[at:], '@')
		if i < 0 {
			return 0, 0, false
		}
		at += i
		length := domainLength(text[at+1:])
		if length == 0 {
			continue
		}
		if start, ok := localStart(text, from, at); ok {
			return start, at + 1 + length, true
		}
	}
}

// localStart returns the leftmost start, at or after from, of atoms with single
// periods between that end at an @.
func localStart(text string, from, at int) (int, bool) {
	first := at
	for first > from && isAtom(text[first-1]) {
		first--
		if first-1 > from && text[first-1] == '.' && isAtom(text[first-2]) {
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
func domainLength(s string) int {
	if strings.HasPrefix(s, "[") {
		return literalLength(s)
	}
	at := 0
	for labels := 0; ; labels++ {
		run := at + labelRun(s[at:])
		if isLabel(s[at:run]) && run+1 < len(s) && s[run] == '.' && isAlnum(s[run+1]) {
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
func labelRun(s string) int {
	n := 0
	for n < len(s) && (isAlnum(s[n]) || s[n] == '-') {
		n++
	}
	return n
}

// isLabel reports whether a run of letters, digits and hyphens is a label.
func isLabel(s string) bool { return s != "" && isAlnum(s[0]) && isAlnum(s[len(s)-1]) }

// literalLength returns the length of the bracketed address that s begins with.
func literalLength(s string) int {
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
	tag := labelRun(s[at:])
	if tag > 0 && isAlnum(s[at+tag-1]) && strings.HasPrefix(s[at+tag:], ":]") {
		return at + tag + 2
	}
	return 0
}

const atomSigns = "!#$%&'*+/=?^_`{|}~-"

func isAlnum(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }

func isAtom(c byte) bool { return isAlnum(c) || strings.IndexByte(atomSigns, c) >= 0 }

// atWordBorder reports whether exactly one of the characters before and at an
// offset is a word character: Python's \b.
func atWordBorder(text string, at int) bool {
	before, _ := utf8.DecodeLastRuneInString(text[:at])
	after, _ := utf8.DecodeRuneInString(text[at:])
	return isWord(before) != isWord(after)
}

func isWord(r rune) bool { return r == '_' || unicode.IsLetter(r) || unicode.IsNumber(r) }
