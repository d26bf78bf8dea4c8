package minhash

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"finest/pipeline/words"
)

// Normalization is how a text is simplified before it is cut into shingles, so
// that copies that differ in case, punctuation, accents, numbers or spacing are
// equal: the simplify_text of a version of datatrove.
type Normalization string

const (
	// Release is that of datatrove 0.2: lower case; white space to single
	// spaces; punctuation deleted; accents removed, which leaves text
	// decomposed; each run of decimal digits to "0".
	Release Normalization = "release"
	// Head is that of datatrove 0.10: lower case; each number, with one decimal
	// part at most, to "0"; punctuation to spaces; white space to single spaces;
	// accents removed.
	Head Normalization = "head"
)

// Apply returns the simplified text. Its work is linear in the text's length.
func (n Normalization) Apply(text string) string {
	if strings.Contains(text, "İ") || strings.Contains(text, "Σ") {
		text = words.Lower(text) // two letters that are more than one, or depend on others
	}
	if n == Head {
		return words.TrimSpace(withoutMarks(numbersAndSpaces(text)))
	}
	return words.TrimSpace(zeroDigits(decompose(deletePunctuation(text))))
}

// deletePunctuation turns letters to lower case, deletes punctuation and turns
// each run of white space in the text as it came into one space; the spaces
// around deleted punctuation stay.
func deletePunctuation(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	inSpace := false
	for i := 0; i < len(text); {
		if end := endOfLetters(text, i); end > i {
			b.WriteString(text[i:end])
			i, inSpace = end, false
			continue
		}
		r, size := next(text, i)
		i += size
		switch {
		case words.IsSpace(r):
			if !inSpace {
				b.WriteByte(' ')
			}
			inSpace = true
			continue
		case !words.IsPunctuation(r):
			writeLower(&b, r)
		}
		inSpace = false
	}
	return b.String()
}

// zeroDigits replaces each run of decimal digits of any script by "0", and
// deletes nonspacing marks, which end no run.
func zeroDigits(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	inDigits := false
	for i := 0; i < len(text); {
		if end := endOfLetters(text, i); end > i {
			b.WriteString(text[i:end])
			i, inDigits = end, false
			continue
		}
		r, size := next(text, i)
		i += size
		switch {
		case isMark(r):
			continue
		case !isDigit(r):
			write(&b, r)
			inDigits = false
		case !inDigits:
			b.WriteByte('0')
			inDigits = true
		}
	}
	return b.String()
}

// numbersAndSpaces turns letters to lower case, numbers to "0", and each run of
// white space and punctuation to one space.
func numbersAndSpaces(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	inSpace := true
	for i := 0; i < len(text); {
		if end := endOfLetters(text, i); end > i {
			b.WriteString(text[i:end])
			i, inSpace = end, false
			continue
		}
		r, size := next(text, i)
		switch {
		case isDigit(r):
			i = endOfNumber(text, i+size)
			b.WriteByte('0')
			inSpace = false
			continue
		case !words.IsSpace(r) && !words.IsPunctuation(r):
			writeLower(&b, r)
			inSpace = false
		case !inSpace:
			b.WriteByte(' ')
			inSpace = true
		}
		i += size
	}
	return b.String()
}

// endOfLetters returns where the run of small ASCII letters at i ends, which stay
// as they are in every step: most of a text.
func endOfLetters(text string, i int) int {
	for i < len(text) && 'a' <= text[i] && text[i] <= 'z' {
		i++
	}
	return i
}

// endOfNumber returns where the number ends whose first digit ends at i: after
// its digits, and a separator and more digits if they follow.
func endOfNumber(text string, i int) int {
	i = endOfDigits(text, i)
	if i == len(text) {
		return i
	}
	r, size := next(text, i)
	if !isDecimalSeparator(r) {
		return i
	}
	if end := endOfDigits(text, i+size); end > i+size {
		return end
	}
	return i
}

func endOfDigits(text string, i int) int {
	for i < len(text) {
		r, size := next(text, i)
		if !isDigit(r) {
			break
		}
		i += size
	}
	return i
}

func isDecimalSeparator(r rune) bool {
	switch r {
	case '.', ',', '،', '٫', '⎖', '⎗', '⎘':
		return true
	}
	return false
}

// withoutMarks removes accents.
func withoutMarks(text string) string {
	if isASCII(text) {
		return text
	}
	return strings.Map(func(r rune) rune {
		if isMark(r) {
			return -1
		}
		return r
	}, decompose(text))
}

// decompose is Unicode's normal form D.
func decompose(text string) string {
	if isASCII(text) {
		return text
	}
	return norm.NFD.String(text)
}

// next returns the character at i and its length.
func next(text string, i int) (rune, int) {
	if c := text[i]; c < utf8.RuneSelf {
		return rune(c), 1
	}
	return utf8.DecodeRuneInString(text[i:])
}

func write(b *strings.Builder, r rune) {
	if r < utf8.RuneSelf {
		b.WriteByte(byte(r))
		return
	}
	b.WriteRune(r)
}

func writeLower(b *strings.Builder, r rune) {
	switch {
	case 'A' <= r && r <= 'Z':
		b.WriteByte(byte(r) | 0x20)
	case r < utf8.RuneSelf:
		b.WriteByte(byte(r))
	default:
		b.WriteRune(unicode.ToLower(r))
	}
}

func isMark(r rune) bool { return r >= utf8.RuneSelf && unicode.Is(unicode.Mn, r) }

func isDigit(r rune) bool {
	return '0' <= r && r <= '9' || r >= utf8.RuneSelf && unicode.Is(unicode.Nd, r)
}

func isASCII(text string) bool {
	for i := range len(text) {
		if text[i] >= utf8.RuneSelf {
			return false
		}
	}
	return true
}
