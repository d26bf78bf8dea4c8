package main

import (
	"strings"
	"unicode"
)

// shuffled gives the words of a text other places; white space stays where it is.
func shuffled(t text) string {
	words := strings.Fields(t.Text)
	for i := len(words) - 1; i > 0; i-- {
		j := t.Below(uint64(i) + 1)
		words[i], words[j] = words[j], words[i]
	}
	var out strings.Builder
	inWord := false
	for _, r := range t.Text {
		space := unicode.IsSpace(r)
		if space {
			out.WriteRune(r)
		} else if !inWord {
			out.WriteString(words[0])
			words = words[1:]
		}
		inWord = !space
	}
	return out.String()
}

// misreadRate is the share of letters that misread gets wrong.
const misreadRate = 0.04

// misread drops, doubles and replaces letters.
func misread(t text) string {
	var out strings.Builder
	for _, r := range t.Text {
		if !unicode.IsLetter(r) || t.Unit() >= misreadRate {
			out.WriteRune(r)
			continue
		}
		switch t.Below(3) {
		case 0:
			out.WriteRune(rune('a' + t.Below(26)))
		case 1:
			out.WriteRune(r)
			out.WriteRune(r)
		}
	}
	return out.String()
}

// repeated puts one sentence of the text over and over in the place of its second
// half.
func repeated(t text) string {
	half := head(t.Text, len(t.Text)/2)
	sentences := strings.SplitAfter(half, ". ")
	sentence := sentences[t.Below(uint64(len(sentences)))]
	return half + strings.Repeat(" "+strings.TrimSpace(sentence), max(1, len(half)/max(1, len(sentence))))
}

// enciphered moves each Latin letter 13 places on: words that no English text
// has, as frequent and as long as those of one.
func enciphered(t text) string {
	return strings.Map(func(r rune) rune {
		for _, first := range "aA" {
			if r >= first && r < first+26 {
				return first + (r-first+13)%26
			}
		}
		return r
	}, t.Text)
}

// flattened leaves letters in lower case, numbers and white space.
func flattened(t text) string {
	return strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsNumber(r) || unicode.IsSpace(r) {
			return unicode.ToLower(r)
		}
		return -1
	}, t.Text)
}
