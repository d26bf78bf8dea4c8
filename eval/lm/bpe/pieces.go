package bpe

import (
	"unicode"
	"unicode/utf8"
)

// maxPiece is the length of the longest piece in bytes.
const maxPiece = 32

// kind is what runs of characters are told apart by. White-space characters
// have the kind space plus their code point.
type kind int32

const (
	other kind = iota
	letter
	number
	space
)

var asciiKinds = func() (kinds [utf8.RuneSelf]kind) {
	for c := range kinds {
		kinds[c] = runeKind(rune(c))
	}
	return kinds
}()

func runeKind(r rune) kind {
	switch {
	case unicode.In(r, unicode.L, unicode.M):
		return letter
	case unicode.Is(unicode.N, r):
		return number
	case unicode.IsSpace(r):
		return space + kind(r)
	}
	return other
}

// kindAt returns the kind of the character at i and its length in bytes, 0 at
// the end of the text.
func kindAt(text []byte, i int) (kind, int) {
	if i >= len(text) {
		return other, 0
	}
	if c := text[i]; c < utf8.RuneSelf {
		return asciiKinds[c], 1
	}
	r, size := utf8.DecodeRune(text[i:])
	if r == utf8.RuneError && size == 1 {
		return other, 1
	}
	return runeKind(r), size
}

// piece is a part of a text; the zero value is before the first one.
type piece struct {
	start, end int
	letters    bool
}

// next moves on to the next piece, and reports whether there is one.
func (p *piece) next(text []byte) bool {
	p.start = p.end
	if p.start >= len(text) {
		return false
	}
	p.end, p.letters = pieceEnd(text, p.start, p.letters)
	return true
}

// pieceEnd returns the end of the piece that begins at i < len(text), after a
// piece of letters or not, and whether it is one of letters.
func pieceEnd(text []byte, i int, afterLetters bool) (end int, letters bool) {
	k, size := kindAt(text, i)
	first := i
	switch {
	case k == space+' ':
		end = runEnd(text, i, i, k)
		next, n := kindAt(text, end)
		if n == 0 || next >= space {
			return end, false
		}
		if end > i+1 {
			return end - 1, false
		}
		k, first = next, end
	case k == other && afterLetters:
		if n := apostrophe(text, i, size); n > 0 {
			k, first = letter, i+n
		}
	}
	return runEnd(text, i, first, k), k == letter
}

// apostrophe returns the length of the apostrophe at i if a letter follows, else
// 0.
func apostrophe(text []byte, i, size int) int {
	if text[i] != '\'' && string(text[i:i+size]) != "’" {
		return 0
	}
	if next, n := kindAt(text, i+size); n == 0 || next != letter {
		return 0
	}
	return size
}

// runEnd returns where the characters of kind k from first on end, or the last
// border between characters within maxPiece bytes of i.
func runEnd(text []byte, i, first int, k kind) int {
	end := first
	for {
		next, n := kindAt(text, end)
		if n == 0 || next != k || end+n-i > maxPiece {
			return end
		}
		end += n
	}
}
