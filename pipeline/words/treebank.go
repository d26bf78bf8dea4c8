package words

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// treebank cuts sentences into tokens with the rules of NLTK 3.8's word
// tokenizer: substitutions in a fixed order that put spaces around what is to be
// a token, then a cut at whitespace. Each rule is a linear pass, left out where
// nothing in the sentence can match it. The order matters: later rules see the
// spaces of earlier ones.
//
// The second of the two rules for a final period is left out: it matches only
// where the first has already set the period apart.
type treebank struct {
	// src holds the sentence between two passes, dst what a pass writes.
	src, dst []byte
}

// space returns sentence with its tokens spaced. The result is valid until the
// next call.
func (t *treebank) space(sentence string) []byte {
	has := signsIn(sentence)
	t.src = append(t.src[:0], sentence...)

	// Opening quotes.
	t.passIf(has&(backtick|wide) != 0, padOpeningQuotes)
	t.passIf(has&double != 0, openFirstQuote)
	t.passIf(has&(backtick|double) != 0, padDoubleBackticks)
	t.passIf(has&(single|double) != 0, openQuoteAfterSpace)
	t.passIf(has&single != 0, cutQuoteBeforeLetter)
	// Punctuation.
	t.passIf(has&period != 0, cutFinalPeriod)
	t.passIf(has&comma != 0, cutCommas)
	t.passIf(has&(period|symbol) != 0, padPeriodsAndSymbols)
	t.passIf(has&single != 0, cutQuoteBeforeSpace)
	t.passIf(has&bracket != 0, padBrackets)
	t.passIf(has&dash != 0, padDoubleDashes)
	t.pass(addMargins)
	// Closing quotes.
	t.passIf(has&wide != 0, padClosingQuotes)
	t.passIf(has&single != 0, padDoubleApostrophes)
	t.passIf(has&double != 0, closeQuotes)
	t.passIf(has&single != 0, cutShortClitics)
	t.passIf(has&single != 0, cutLongClitics)
	// Contractions.
	t.pass(cutContractions)
	t.passIf(has&single != 0, cutTis)
	t.passIf(has&single != 0, cutTwas)
	return t.src
}

func (t *treebank) passIf(needed bool, rule func(dst, src []byte) []byte) {
	if needed {
		t.pass(rule)
	}
}

func (t *treebank) pass(rule func(dst, src []byte) []byte) {
	t.dst = rule(t.dst[:0], t.src)
	t.src, t.dst = t.dst, t.src
}

// sign is a set of kinds of characters that rules look for.
type sign uint16

const (
	backtick sign = 1 << iota
	single        // apostrophe
	double        // double quote
	period
	comma   // or colon
	symbol  // what is always a token of its own
	bracket // or asterisk
	dash
	starter // a letter that a contraction starts with
	wide    // a byte of a character beyond ASCII
)

// signs holds the kinds that each byte is of.
var signs = func() (table [256]sign) {
	for set, kind := range map[string]sign{
		"`": backtick, "'": single, `"`: double, ".": period, ",:": comma,
		";@#$%&?!": symbol, "[](){}<>*": bracket, "-": dash, "cdglmwCDGLMW": starter,
	} {
		for i := range len(set) {
			table[set[i]] |= kind
		}
	}
	for b := utf8.RuneSelf; b < len(table); b++ {
		table[b] = wide
	}
	return table
}()

func signsIn(s string) (has sign) {
	for i := range len(s) {
		has |= signs[s[i]]
	}
	return has
}

// next returns the offset of the first byte of a kind in want that is not before
// i, or the length of s.
func next(s []byte, i int, want sign) int {
	for i < len(s) && signs[s[i]]&want == 0 {
		i++
	}
	return i
}

// padMatches puts a space on either side of each match. Match returns the length
// of the match that its argument, which begins with a byte of a kind in want,
// begins with, and what to write for it.
func padMatches(dst, src []byte, want sign, match func([]byte) (int, []byte)) []byte {
	for i := 0; i < len(src); {
		at := next(src, i, want)
		dst = append(dst, src[i:at]...)
		if i = at; i == len(src) {
			break
		}
		n, token := match(src[i:])
		if n == 0 {
			_, n = utf8.DecodeRune(src[i:])
			dst = append(dst, src[i:i+n]...)
		} else {
			dst = pad(dst, token)
		}
		i += n
	}
	return dst
}

// run returns the bytes of s that equal its first.
func run(s []byte) []byte {
	n := 1
	for n < len(s) && s[n] == s[0] {
		n++
	}
	return s[:n]
}

// one matches the first byte.
func one(s []byte) (int, []byte) { return 1, s[:1] }

// pair matches two equal bytes.
func pair(s []byte) (int, []byte) {
	if len(s) > 1 && s[0] == s[1] {
		return 2, s[:2]
	}
	return 0, nil
}

// oneOf matches a character beyond ASCII that is in set.
func oneOf(s []byte, set string) (int, []byte) {
	if r, size := utf8.DecodeRune(s); strings.ContainsRune(set, r) {
		return size, s[:size]
	}
	return 0, nil
}

func padDoubleDashes(dst, src []byte) []byte { return padMatches(dst, src, dash, pair) }

func padBrackets(dst, src []byte) []byte { return padMatches(dst, src, bracket, one) }

// addMargins puts a space at either end.
func addMargins(dst, src []byte) []byte { return pad(dst, src) }

// cutFinalPeriod sets a single period at the end apart, and the closing brackets
// and quotes after it.
func cutFinalPeriod(dst, src []byte) []byte {
	closes := func(r rune) bool { return strings.ContainsRune(`])}>"' »”’`, r) }
	body := bytes.TrimRightFunc(bytes.TrimRightFunc(src, IsSpace), closes)
	n := len(body)
	if n < 2 || body[n-1] != '.' || body[n-2] == '.' {
		return append(dst, src...)
	}
	tail := src[n:]
	tail = tail[:len(tail)-len(bytes.TrimLeftFunc(tail, closes))]
	dst = append(dst, src[:n-1]...)
	dst = append(dst, " . "...)
	dst = append(dst, tail...)
	return append(dst, ' ')
}

// cutCommas sets commas and colons apart that no digit follows. The character
// after one is spent: of two commas within a sentence the second stays.
func cutCommas(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		at := next(src, i, comma)
		dst = append(dst, src[i:at]...)
		if i = at; i == len(src) {
			break
		}
		c := src[i]
		i++
		r, size := utf8.DecodeRune(src[i:])
		if unicode.IsDigit(r) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, ' ', c, ' ')
		if size > 0 && (i+size < len(src) || r != ',' && r != ':') {
			dst = append(dst, src[i:i+size]...)
			i += size
		}
	}
	return dst
}

// padPeriodsAndSymbols sets runs of periods and each symbol apart.
func padPeriodsAndSymbols(dst, src []byte) []byte {
	return padMatches(dst, src, period|symbol, func(s []byte) (int, []byte) {
		if s[0] != '.' {
			return one(s)
		}
		if periods := run(s); len(periods) > 1 {
			return len(periods), periods
		}
		return 0, nil
	})
}

func pad(dst, token []byte) []byte {
	dst = append(dst, ' ')
	dst = append(dst, token...)
	return append(dst, ' ')
}

func isOneOf(c byte, set string) bool { return strings.IndexByte(set, c) >= 0 }

// wordAt reports whether s begins with a word character.
func wordAt(s []byte) bool {
	r, _ := utf8.DecodeRune(s)
	return IsWord(r)
}

// foldPrefix returns the length of the prefix of s that equals want, which is
// lower case, without regard to case; 0 if s does not begin with it. As in
// Python, four letters beyond ASCII fold to i, k and s.
func foldPrefix(s []byte, want string) int {
	n := 0
	for i := range len(want) {
		r, size := utf8.DecodeRune(s[n:])
		switch {
		case r >= 'A' && r <= 'Z':
			r += 'a' - 'A'
		case r == 'İ' || r == 'ı':
			r = 'i'
		case r == 'ſ':
			r = 's'
		case r == '\u212a':
			r = 'k'
		}
		if size == 0 || r != rune(want[i]) {
			return 0
		}
		n += size
	}
	return n
}
