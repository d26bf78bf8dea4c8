package tokens

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// next returns the length of the piece that text begins with. GPT-2 cuts text
// into pieces before it merges bytes, with the pattern
//
//	's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+
//
// of OpenAI's gpt-2 encoder; \s is Unicode's White_Space. Text is not empty.
func next(text string) int {
	if n := contraction(text); n > 0 {
		return n
	}
	lead := 0
	if text[0] == ' ' {
		lead = 1
	}
	if c := classAt(text[lead:]); c != space && c != end {
		return lead + run(text[lead:], c)
	}
	// White space leaves its last character to the word that follows, unless it
	// is that one character.
	n := run(text, space)
	if n == len(text) {
		return n
	}
	if _, last := utf8.DecodeLastRuneInString(text[:n]); last < n {
		return n - last
	}
	return n
}

// contraction returns the length of the English ending that text begins with,
// or 0.
func contraction(text string) int {
	if text[0] != '\'' || len(text) < 2 {
		return 0
	}
	switch text[1] {
	case 's', 't', 'm', 'd':
		return 2
	}
	for _, ending := range [...]string{"'re", "'ve", "'ll"} {
		if strings.HasPrefix(text, ending) {
			return len(ending)
		}
	}
	return 0
}

// class is the kind of a character as the pattern tells them apart.
type class uint8

const (
	end class = iota
	space
	letter
	number
	other
)

// ascii holds the classes of the characters below 128.
var ascii = func() (table [utf8.RuneSelf]class) {
	for c := range table {
		table[c] = classOf(rune(c))
	}
	return table
}()

func classOf(r rune) class {
	switch {
	case unicode.IsLetter(r):
		return letter
	case unicode.IsNumber(r):
		return number
	case unicode.IsSpace(r):
		return space
	}
	return other
}

func classAt(text string) class {
	if text == "" {
		return end
	}
	if text[0] < utf8.RuneSelf {
		return ascii[text[0]]
	}
	r, _ := utf8.DecodeRuneInString(text)
	return classOf(r)
}

// run returns the length of the longest prefix of text of one class.
func run(text string, want class) int {
	i := 0
	for i < len(text) {
		if text[i] < utf8.RuneSelf {
			if ascii[text[i]] != want {
				break
			}
			i++
			continue
		}
		r, size := utf8.DecodeRuneInString(text[i:])
		if classOf(r) != want {
			break
		}
		i += size
	}
	return i
}
