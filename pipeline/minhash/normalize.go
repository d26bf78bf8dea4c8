package minhash

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"finest/pipeline/words"
)

// Normalize simplifies a text before it is cut into shingles, so that copies
// that differ in case, punctuation, accents, numbers or spacing are equal. It is
// the simplify_text of datatrove 0.2: lower case; white space to single spaces;
// punctuation deleted; accents removed, which leaves text decomposed; each run of
// decimal digits to "0".
func Normalize(text string) string {
	text = deletePunctuation(words.Lower(text))
	if !isASCII(text) {
		text = norm.NFD.String(text)
	}
	return words.TrimSpace(zeroDigits(text))
}

// deletePunctuation deletes punctuation and turns each run of white space in the
// text as it came into one space; the spaces around deleted punctuation stay.
func deletePunctuation(text string) string {
	var b strings.Builder
	b.Grow(len(text))
	inSpace := false
	for _, r := range text {
		switch {
		case words.IsSpace(r):
			if !inSpace {
				b.WriteByte(' ')
			}
			inSpace = true
			continue
		case !words.IsPunctuation(r):
			b.WriteRune(r)
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
	for _, r := range text {
		switch {
		case isMark(r):
			continue
		case !isDigit(r):
			b.WriteRune(r)
			inDigits = false
		case !inDigits:
			b.WriteByte('0')
			inDigits = true
		}
	}
	return b.String()
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
