package words

import "unicode/utf8"

// contractions are the words of MacIntyre's list that are cut in two.
var contractions = [...]struct{ head, tail string }{
	{"can", "not"}, {"d", "'ye"}, {"gim", "me"}, {"gon", "na"}, {"got", "ta"}, {"lem", "me"}, {"more", "'n"}, {"wan", "na"},
}

// cutContractions cuts the words of contractions in any case.
func cutContractions(dst, src []byte) []byte {
	done := 0
	for i := next(src, 0, starter); i < len(src); i = next(src, i, starter) {
		if i > 0 && endsInWord(src[:i]) {
			i++
			continue
		}
		head, tail := contraction(src[i:])
		if tail == 0 {
			i++
			continue
		}
		dst = append(dst, src[done:i]...)
		dst = pad(dst, src[i:i+head])
		i += head + tail
		dst = append(append(dst, src[i-tail:i]...), ' ')
		done = i
	}
	return append(dst, src[done:]...)
}

// endsInWord reports whether s ends with a word character.
func endsInWord(s []byte) bool {
	r, _ := utf8.DecodeLastRune(s)
	return IsWord(r)
}

// contraction returns the lengths of the two parts of the contraction that s
// begins with.
func contraction(s []byte) (head, tail int) {
	for _, c := range contractions {
		if s[0]|0x20 != c.head[0] {
			continue
		}
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

func cutTis(dst, src []byte) []byte { return cutArchaic(dst, src, "is") }

func cutTwas(dst, src []byte) []byte { return cutArchaic(dst, src, "was") }

// cutArchaic cuts 't and the verb after it in two. The margins put a character
// before each apostrophe.
func cutArchaic(dst, src []byte, verb string) []byte {
	done := 0
	for i := next(src, 0, single); i < len(src); i = next(src, i, single) {
		head := foldPrefix(src[i:], "'t")
		rest := src[i+head:]
		tail := foldPrefix(rest, verb)
		if src[i-1] != ' ' || head == 0 || tail == 0 || wordAt(rest[tail:]) {
			i++
			continue
		}
		dst = append(dst, src[done:i-1]...)
		dst = pad(dst, src[i:i+head])
		i += head + tail
		dst = append(append(dst, rest[:tail]...), ' ')
		done = i
	}
	return append(dst, src[done:]...)
}
