package overlap

import (
	"iter"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"
)

// word is a word of a text: its hash, and the bytes it stands at in the
// normalised text.
type word struct {
	hash       uint64
	first, end int
}

// Constants of FNV-1a with 64 bits.
const (
	fnvOffset = 14695981039346656037
	fnvPrime  = 1099511628211
)

// normal returns the form of a text that words are taken from: compatible
// spellings of a letter become one.
func normal(text string) string { return norm.NFKC.String(text) }

// words yields the words of a normalised text: runs of letters, marks and
// digits in lower case. Invisible characters are passed over, so that none of
// them parts a word. Of scripts without spaces each letter is a word.
func words(text string) iter.Seq[word] {
	return func(yield func(word) bool) {
		w := word{hash: fnvOffset}
		open := false
		for i, r := range text {
			kind := kindOf(r)
			if open && (kind == alone || kind == between) {
				if !yield(w.finish()) {
					return
				}
				open = false
			}
			if kind == between || kind == invisible {
				continue
			}
			if !open {
				w, open = word{hash: fnvOffset, first: i}, true
			}
			w.add(unicode.ToLower(r))
			w.end = i + utf8.RuneLen(r)
			if kind == alone {
				if !yield(w.finish()) {
					return
				}
				open = false
			}
		}
		if open {
			yield(w.finish())
		}
	}
}

// kind is what a character is to words.
type kind int

const (
	between kind = iota
	inside
	alone
	invisible
)

func kindOf(r rune) kind {
	switch {
	case 'a' <= r && r <= 'z', 'A' <= r && r <= 'Z', '0' <= r && r <= '9':
		return inside
	case r < utf8.RuneSelf, r == utf8.RuneError:
		return between
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Other_Default_Ignorable_Code_Point):
		return invisible
	case unicode.In(r, unicode.Han, unicode.Hiragana, unicode.Katakana, unicode.Thai, unicode.Lao, unicode.Khmer, unicode.Myanmar):
		return alone
	case unicode.IsLetter(r), unicode.IsDigit(r), unicode.Is(unicode.M, r):
		return inside
	}
	return between
}

func (w *word) add(r rune) {
	for ; r > 0; r >>= 8 {
		w.hash = (w.hash ^ uint64(r&0xff)) * fnvPrime
	}
}

// finish spreads the hash over all bits.
func (w word) finish() word {
	w.hash = mix(w.hash)
	return w
}

// mix is the finaliser of SplitMix64 (Steele, Lea, Flood 2014).
func mix(h uint64) uint64 {
	h ^= h >> 30
	h *= 0xbf58476d1ce4e5b9
	h ^= h >> 27
	h *= 0x94d049bb133111eb
	return h ^ h>>31
}
