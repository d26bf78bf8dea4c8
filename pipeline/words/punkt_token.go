package words

import (
	"iter"
	"strings"
	"unicode"
	"unicode/utf8"
)

// token is a word of the context of a possible end of a sentence.
type token struct {
	text                         string
	ends, abbreviation, ellipsis bool
}

// number is the kind of all numeric tokens.
const number = "##number##"

func (t *token) first() rune {
	r, _ := utf8.DecodeRuneInString(t.text)
	return r
}

func (t *token) periodFinal() bool { return strings.HasSuffix(t.text, ".") }

// initial reports whether the token is one letter and a period.
func (t *token) initial() bool {
	r, size := utf8.DecodeRuneInString(t.text)
	return t.text[size:] == "." && IsWord(r) && !unicode.IsDigit(r)
}

// kind is the type of the token: lower case, all numbers alike.
func (t *token) kind() string {
	if isNumber(t.text) {
		return number
	}
	return Lower(t.text)
}

func (t *token) kindWithoutPeriod() string {
	kind := t.kind()
	if len(kind) > 1 {
		return strings.TrimSuffix(kind, ".")
	}
	return kind
}

func (t *token) kindWithoutEnd() string {
	if t.ends {
		return t.kindWithoutPeriod()
	}
	return t.kind()
}

// isNumber reports whether s is a digit, perhaps after a minus and a point or a
// comma, followed by nothing but digits, points, commas and minuses.
func isNumber(s string) bool {
	s = strings.TrimPrefix(s, "-")
	if s != "" && (s[0] == '.' || s[0] == ',') {
		s = s[1:]
	}
	if r, _ := utf8.DecodeRuneInString(s); !unicode.IsDigit(r) {
		return false
	}
	return strings.IndexFunc(s, func(r rune) bool {
		return !unicode.IsDigit(r) && r != ',' && r != '.' && r != '-'
	}) < 0
}

// contextTokens yields the tokens of a context, line by line: Punkt's own coarse
// tokens, which keep a period with its word.
func contextTokens(context string) iter.Seq[token] {
	return func(yield func(token) bool) {
		for line := range strings.SplitSeq(context, "\n") {
			for i := 0; i < len(line); {
				r, _ := utf8.DecodeRuneInString(line[i:])
				if IsSpace(r) {
					i += utf8.RuneLen(r)
					continue
				}
				length := tokenLength(line[i:])
				if !yield(token{text: line[i : i+length]}) {
					return
				}
				i += length
			}
		}
	}
}

// tokenLength returns the length of the token that s begins with; s begins with
// no whitespace.
func tokenLength(s string) int {
	if n := punctuationRun(s); n > 0 {
		return n
	}
	r, size := utf8.DecodeRuneInString(s)
	if strings.ContainsRune("(\"`{[:;&#*@)}]-,", r) {
		return size
	}
	for size < len(s) && !atTokenEnd(s[size:]) {
		_, n := utf8.DecodeRuneInString(s[size:])
		size += n
	}
	return size
}

func atTokenEnd(s string) bool {
	if atBreak(s) {
		return true
	}
	return s[0] == ',' && (len(s) == 1 || atBreak(s[1:]))
}

func atBreak(s string) bool {
	r, _ := utf8.DecodeRuneInString(s)
	return IsSpace(r) || endsWord(r) || punctuationRun(s) > 0
}

// endsWord reports whether r cannot stand within a token.
func endsWord(r rune) bool {
	switch r {
	case ')', '"', ';', '}', ']', '*', ':', '@', '\'', '(', '{', '[', '!', '?':
		return true
	}
	return false
}

// punctuationRun returns the length of the run of dashes, of periods, or of three
// or more periods with one space between, that s begins with; 0 without one.
func punctuationRun(s string) int {
	if s == "" || s[0] != '-' && s[0] != '.' {
		return 0
	}
	n := 1
	for n < len(s) && s[n] == s[0] {
		n++
	}
	if n > 1 {
		return n
	}
	if s[0] == '-' {
		return 0
	}
	periods := 1
	for n < len(s) {
		r, size := utf8.DecodeRuneInString(s[n:])
		if !IsSpace(r) || !strings.HasPrefix(s[n+size:], ".") {
			break
		}
		periods++
		n += size + 1
	}
	if periods < 3 {
		return 0
	}
	return n
}
