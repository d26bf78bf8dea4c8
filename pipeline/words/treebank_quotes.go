package words

import (
	"bytes"
	"unicode/utf8"
)

// padOpeningQuotes sets opening quotes and runs of backticks apart.
func padOpeningQuotes(dst, src []byte) []byte {
	return padMatches(dst, src, backtick|wide, func(s []byte) (int, []byte) {
		if s[0] == '`' {
			ticks := run(s)
			return len(ticks), ticks
		}
		return oneOf(s, "«“‘„")
	})
}

// openFirstQuote turns a double quote at the start into two backticks.
func openFirstQuote(dst, src []byte) []byte {
	if src[0] == '"' {
		dst = append(dst, "``"...)
		src = src[1:]
	}
	return append(dst, src...)
}

func padDoubleBackticks(dst, src []byte) []byte { return padMatches(dst, src, backtick, pair) }

// openQuoteAfterSpace turns a double quote or two apostrophes after a space or an
// opening bracket into two backticks.
func openQuoteAfterSpace(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		at := next(src, i, single|double)
		dst = append(dst, src[i:at]...)
		if i = at; i == len(src) {
			break
		}
		opens := i > 0 && isOneOf(src[i-1], " ([{<")
		switch {
		case opens && src[i] == '"':
			dst = append(dst, " `` "...)
			i++
		case opens && bytes.HasPrefix(src[i:], []byte("''")):
			dst = append(dst, " `` "...)
			i += 2
		default:
			dst = append(dst, src[i])
			i++
		}
	}
	return dst
}

// cutQuoteBeforeLetter puts a space between an apostrophe and a lone word
// character, unless it starts like a clitic.
func cutQuoteBeforeLetter(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		at := next(src, i, single)
		if at == len(src) {
			return append(dst, src[i:]...)
		}
		dst = append(dst, src[i:at+1]...)
		i = at + 1
		rest := src[i:]
		if r, size := utf8.DecodeRune(rest); IsWord(r) && !wordAt(rest[size:]) && !startsClitic(rest) {
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

// cutQuoteBeforeSpace cuts an apostrophe off what it ends.
func cutQuoteBeforeSpace(dst, src []byte) []byte {
	return cutSuffixes(dst, src, func([]byte) int { return 1 }, "'")
}

// cutShortClitics cuts 's, 'm, 'd and a single apostrophe off.
func cutShortClitics(dst, src []byte) []byte {
	return cutSuffixes(dst, src, func(s []byte) int {
		if len(s) > 1 && isOneOf(s[1], "sSmMdD") {
			return 2
		}
		return 1
	}, "' ")
}

// cutSuffixes puts a space before each apostrophe with what belongs to it, of the
// length that length says, if a space follows and the character before is none
// of not. That character and the space are spent: no other match may use them.
func cutSuffixes(dst, src []byte, length func([]byte) int, not string) []byte {
	spent := 0
	for i := 0; i < len(src); {
		at := next(src, i, single)
		dst = append(dst, src[i:at]...)
		if i = at; i == len(src) {
			break
		}
		n := 1
		if i != spent && !isOneOf(src[i-1], not) {
			if end := i + length(src[i:]); end < len(src) && src[end] == ' ' {
				dst = append(dst, ' ')
				n = end + 1 - i
				spent = end + 1
			}
		}
		dst = append(dst, src[i:i+n]...)
		i += n
	}
	return dst
}

// cutLongClitics cuts 'll, 're, 've and n't off, in lower or upper case.
func cutLongClitics(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		at := next(src, i, single)
		if at == len(src) {
			return append(dst, src[i:]...)
		}
		start := max(i, at-1) // where n't would start
		if longClitic(src[start:]) == 0 {
			start = at
		}
		end := at + 1
		dst = append(dst, src[i:start]...)
		if n := longClitic(src[start:]); n > 0 && !isOneOf(src[start-1], "' ") {
			dst = append(dst, ' ')
			end = start + n + 1
		}
		dst = append(dst, src[start:end]...)
		i = end
	}
	return dst
}

// longClitic returns the length of the clitic that s begins with if a space
// follows it.
func longClitic(s []byte) int {
	if len(s) < 4 || s[3] != ' ' {
		return 0
	}
	switch string(s[:3]) {
	case "'ll", "'LL", "'re", "'RE", "'ve", "'VE", "n't", "N'T":
		return 3
	}
	return 0
}

func padClosingQuotes(dst, src []byte) []byte {
	return padMatches(dst, src, wide, func(s []byte) (int, []byte) { return oneOf(s, "»”’") })
}

func padDoubleApostrophes(dst, src []byte) []byte { return padMatches(dst, src, single, pair) }

// closeQuotes turns the double quotes that are left into two apostrophes.
func closeQuotes(dst, src []byte) []byte {
	return padMatches(dst, src, double, func([]byte) (int, []byte) { return 1, []byte("''") })
}
