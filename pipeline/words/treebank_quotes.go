package words

import (
	"strings"
	"unicode/utf8"
)

// cutQuoteBeforeSpace cuts an apostrophe off what it ends.
func cutQuoteBeforeSpace(dst, src []byte) []byte {
	return cutSuffixes(dst, src, func(s []byte) int { return 1 }, "'")
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

// cutLongClitics cuts 'll, 're, 've and n't off, in lower or upper case.
func cutLongClitics(dst, src []byte) []byte {
	var spent int
	for i := 0; i < len(src); {
		n := longClitic(src[i:])
		if n == 0 || i == spent || isOneOf(src[i-1], "' ") {
			dst = append(dst, src[i])
			i++
			continue
		}
		dst = append(append(dst, ' '), src[i:i+n+1]...)
		i += n + 1
		spent = i
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

// cutSuffixes puts a space before each apostrophe with what belongs to it, of the
// length that length says, if a space follows and the character before is none
// of not. That character and the space are spent: no other match may use them.
func cutSuffixes(dst, src []byte, length func([]byte) int, not string) []byte {
	var spent int
	for i := 0; i < len(src); {
		if src[i] != '\'' || i == spent || isOneOf(src[i-1], not) {
			dst = append(dst, src[i])
			i++
			continue
		}
		n := length(src[i:])
		if i+n >= len(src) || src[i+n] != ' ' {
			dst = append(dst, src[i])
			i++
			continue
		}
		dst = append(append(dst, ' '), src[i:i+n+1]...)
		i += n + 1
		spent = i
	}
	return dst
}

func padBrackets(dst, src []byte) []byte {
	for _, c := range src {
		if isOneOf(c, "[](){}<>*") {
			dst = append(dst, ' ', c, ' ')
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// addMargins puts a space at either end.
func addMargins(dst, src []byte) []byte { return pad(dst, src) }

func padClosingQuotes(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		_, size := utf8.DecodeRune(src[i:])
		switch string(src[i : i+size]) {
		case "»", "”", "’":
			dst = pad(dst, src[i:i+size])
		default:
			dst = append(dst, src[i:i+size]...)
		}
		i += size
	}
	return dst
}

// closeQuotes turns the double quotes that are left into two apostrophes.
func closeQuotes(dst, src []byte) []byte {
	for _, c := range src {
		if c == '"' {
			dst = append(dst, " '' "...)
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// contractions are the words of MacIntyre's list that are cut in two.
var contractions = [...]struct{ head, tail string }{
	{"can", "not"}, {"d", "'ye"}, {"gim", "me"}, {"gon", "na"}, {"got", "ta"}, {"lem", "me"}, {"more", "'n"}, {"wan", "na"},
}

// cutContractions cuts the words of contractions in any case.
func cutContractions(dst, src []byte) []byte {
	inWord := false
	for i := 0; i < len(src); {
		r, size := utf8.DecodeRune(src[i:])
		if !inWord && isOneOf(src[i]|0x20, "cdglmw") {
			if head, tail := contraction(src[i:]); tail > 0 {
				dst = pad(dst, src[i:i+head])
				dst = append(append(dst, src[i+head:i+head+tail]...), ' ')
				i += head + tail
				inWord = true
				continue
			}
		}
		inWord = isWord(r)
		dst = append(dst, src[i:i+size]...)
		i += size
	}
	return dst
}

// contraction returns the lengths of the two parts of the contraction that s
// begins with.
func contraction(s []byte) (head, tail int) {
	for _, c := range contractions {
		head = foldPrefix(s, c.head)
		if head == 0 {
			continue
		}
		tail = foldPrefix(s[head:], c.tail)
		rest := s[head+tail:]
		if tail == 0 || wordAt(rest) {
			continue
		}
		if r, _ := utf8.DecodeRune(rest); c.head == "wan" && !IsSpace(r) {
			continue // this one needs whitespace after it
		}
		return head, tail
	}
	return 0, 0
}

// cutTis cuts 'tis and 'twas in two.
func cutTis(dst, src []byte) []byte {
	for i := 0; i < len(src); {
		if src[i] != ' ' || i+1 == len(src) || src[i+1] != '\'' {
			dst = append(dst, src[i])
			i++
			continue
		}
		head := foldPrefix(src[i+1:], "'t")
		rest := src[i+1+head:]
		tail := max(foldPrefix(rest, "is"), foldPrefix(rest, "was"))
		if head == 0 || tail == 0 || wordAt(rest[tail:]) {
			dst = append(dst, src[i])
			i++
			continue
		}
		dst = pad(dst, src[i+1:i+1+head])
		dst = append(append(dst, rest[:tail]...), ' ')
		i += 1 + head + tail
	}
	return dst
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
	return isWord(r)
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
