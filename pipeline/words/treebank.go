package words

import (
	"bytes"
	"strings"
	"unicode"
	"unicode/utf8"
)

// treebank cuts one sentence into tokens with the rules of NLTK 3.8's word
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

// appendTokens appends the tokens of a sentence.
func (t *treebank) appendTokens(tokens []string, sentence string) []string {
	has := signsIn(sentence)
	t.src = append(t.src[:0], sentence...)

	// Opening quotes.
	t.passIf(has.backtick || has.wide, padOpeningQuotes)
	t.passIf(has.double, openFirstQuote)
	t.passIf(has.backtick || has.double, padDoubleBackticks)
	t.passIf(has.single || has.double, openQuoteAfterSpace)
	t.passIf(has.single, cutQuoteBeforeLetter)
	// Punctuation.
	t.passIf(has.period, cutFinalPeriod)
	t.passIf(has.comma, cutCommas)
	t.passIf(has.period || has.symbol, padPeriodsAndSymbols)
	t.passIf(has.single, cutQuoteBeforeSpace)
	t.passIf(has.bracket, padBrackets)
	t.passIf(has.dash, padDoubleDashes)
	t.pass(addMargins)
	// Closing quotes.
	t.passIf(has.wide, padClosingQuotes)
	t.passIf(has.single, padDoubleApostrophes)
	t.passIf(has.double, closeQuotes)
	t.passIf(has.single, cutShortClitics)
	t.passIf(has.single, cutLongClitics)
	// Contractions.
	t.pass(cutContractions)
	t.passIf(has.single, cutTis)
	return append(tokens, Fields(string(t.src))...)
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

// signs says which characters that any rule looks for occur in a sentence.
type signs struct {
	backtick, single, double, period, comma, symbol, bracket, dash bool
	wide                                                           bool // any character beyond ASCII
}

func signsIn(s string) (has signs) {
	for i := range len(s) {
		switch s[i] {
		case '`':
			has.backtick = true
		case '\'':
			has.single = true
		case '"':
			has.double = true
		case '.':
			has.period = true
		case ',', ':':
			has.comma = true
		case ';', '@', '#', '$', '%', '&', '?', '!':
			has.symbol = true
		case '[', ']', '(', ')', '{', '}', '<', '>', '*':
			has.bracket = true
		case '-':
			has.dash = true
		default:
			has.wide = has.wide || s[i] >= utf8.RuneSelf
		}
	}
	return has
}

// padOpeningQuotes sets opening quotes and runs of backticks apart.
func padOpeningQuotes(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		_, size := utf8.DecodeRune(src[i:])
		switch string(src[i : i+size]) {
		case "`":
			for i+size < len(src) && src[i+size] == '`' {
				size++
			}
			dst = pad(dst, src[i:i+size])
		case "«", "“", "‘", "„":
			dst = pad(dst, src[i:i+size])
		default:
			dst = append(dst, src[i:i+size]...)
		}
		i += size
	}
	return dst
}

// openFirstQuote turns a double quote at the start into two backticks.
func openFirstQuote(dst, src []byte) []byte {
	if src[0] == '"' {
		dst = append(dst, "``"...)
		src = src[1:]
	}
	return append(dst, src...)
}

func padDoubleBackticks(dst, src []byte) []byte { return padPairs(dst, src, '`') }

func padDoubleApostrophes(dst, src []byte) []byte { return padPairs(dst, src, '\'') }

func padDoubleDashes(dst, src []byte) []byte { return padPairs(dst, src, '-') }

// padPairs sets each two of the same character in a row apart.
func padPairs(dst, src []byte, c byte) []byte {
	for i := 0; i < len(src); i++ {
		if src[i] == c && i+1 < len(src) && src[i+1] == c {
			dst = pad(dst, src[i:i+2])
			i++
			continue
		}
		dst = append(dst, src[i])
	}
	return dst
}

// openQuoteAfterSpace turns a double quote or two apostrophes after a space or an
// opening bracket into two backticks.
func openQuoteAfterSpace(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		dst = append(dst, src[i])
		if !isOneOf(src[i], " ([{<") || i+1 == len(src) {
			continue
		}
		switch {
		case src[i+1] == '"':
			dst = append(dst, " `` "...)
			i++
		case bytes.HasPrefix(src[i+1:], []byte("''")):
			dst = append(dst, " `` "...)
			i += 2
		}
	}
	return dst
}

// cutQuoteBeforeLetter puts a space between an apostrophe and a lone word
// character, unless it starts like a clitic.
func cutQuoteBeforeLetter(dst, src []byte) []byte {
	for i, c := range src {
		dst = append(dst, c)
		if c != '\'' {
			continue
		}
		rest := src[i+1:]
		if r, size := utf8.DecodeRune(rest); isWord(r) && !wordAt(rest[size:]) && !startsClitic(rest) {
			dst = append(dst, ' ')
		}
	}
	return dst
}

// startsClitic reports whether s starts like 're, 've, 'll, 'm, 't, 's, 'd or
// n't without its apostrophe.
func startsClitic(s []byte) bool {
	for _, clitic := range [...]string{"re", "ve", "ll", "m", "t", "s", "d", "n"} {
		if foldPrefix(s, clitic) > 0 {
			return true
		}
	}
	return false
}

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
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c != ',' && c != ':' {
			dst = append(dst, c)
			continue
		}
		r, size := utf8.DecodeRune(src[i+1:])
		if unicode.IsDigit(r) {
			dst = append(dst, c)
			continue
		}
		dst = append(dst, ' ', c, ' ')
		if size > 0 && (i+1+size < len(src) || r != ',' && r != ':') {
			dst = append(dst, src[i+1:i+1+size]...)
			i += size
		}
	}
	return dst
}

// padPeriodsAndSymbols sets runs of periods and each of ;@#$%&?! apart.
func padPeriodsAndSymbols(dst, src []byte) []byte {
	for i := 0; i < len(src); i++ {
		c := src[i]
		if c == '.' && i+1 < len(src) && src[i+1] == '.' {
			end := i + 2
			for end < len(src) && src[end] == '.' {
				end++
			}
			dst = pad(dst, src[i:end])
			i = end - 1
			continue
		}
		if isOneOf(c, ";@#$%&?!") {
			dst = append(dst, ' ', c, ' ')
			continue
		}
		dst = append(dst, c)
	}
	return dst
}
