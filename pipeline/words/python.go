package words

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/cases"
	"golang.org/x/text/language"
)

// IsSpace reports whether Python's str.isspace, str.strip, str.split and the
// regular expression \s hold r for whitespace. It differs from unicode.IsSpace
// by the four information separators U+001C to U+001F.
func IsSpace(r rune) bool {
	switch {
	case r < 0x80:
		return r == ' ' || r >= '\t' && r <= '\r' || r >= 0x1c && r <= 0x1f
	case r < 0x1680:
		return r == 0x85 || r == 0xa0
	}
	return r == 0x1680 || r >= 0x2000 && r <= 0x200a || r == 0x2028 || r == 0x2029 ||
		r == 0x202f || r == 0x205f || r == 0x3000
}

// TrimSpace is str.strip.
func TrimSpace(s string) string { return strings.TrimFunc(s, IsSpace) }

// TrimLeft is str.lstrip.
func TrimLeft(s string) string { return strings.TrimLeftFunc(s, IsSpace) }

// TrimRight is str.rstrip.
func TrimRight(s string) string { return strings.TrimRightFunc(s, IsSpace) }

// Fields is str.split without arguments.
func Fields(s string) []string { return strings.FieldsFunc(s, IsSpace) }

// Lines is str.splitlines: \r\n is one break, a break at the end opens no
// further line, and the empty text has no line.
func Lines(s string) []string {
	var lines []string
	start := 0
	for i := 0; i < len(s); {
		r, size := utf8.DecodeRuneInString(s[i:])
		if !isLineBreak(r) {
			i += size
			continue
		}
		lines = append(lines, s[start:i])
		i += size
		if r == '\r' && i < len(s) && s[i] == '\n' {
			i++
		}
		start = i
	}
	if start < len(s) {
		lines = append(lines, s[start:])
	}
	return lines
}

func isLineBreak(r rune) bool {
	return r >= '\n' && r <= '\r' || r >= 0x1c && r <= 0x1e || r == 0x85 || r == 0x2028 || r == 0x2029
}

// IsAlpha is str.isalpha of one character: a letter of any kind.
func IsAlpha(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z'
	}
	return unicode.IsLetter(r)
}

// Lower is str.lower: the full Unicode mapping, in which İ becomes two
// characters and a capital sigma at the end of a word its final form.
func Lower(s string) string {
	// ContainsAny would look at every byte twice.
	if strings.Contains(s, "İ") || strings.Contains(s, "Σ") {
		return cases.Lower(language.Und).String(s)
	}
	return strings.ToLower(s)
}

// IsWord is the regular expression \w: a letter, a number of any kind, or the
// underscore.
func IsWord(r rune) bool {
	if r < utf8.RuneSelf {
		return r|0x20 >= 'a' && r|0x20 <= 'z' || r >= '0' && r <= '9' || r == '_'
	}
	return unicode.IsLetter(r) || unicode.IsNumber(r)
}

// isUpper is str.isupper of one character.
func isUpper(r rune) bool { return unicode.IsUpper(r) || unicode.Is(unicode.Other_Uppercase, r) }

// isLower is str.islower of one character.
func isLower(r rune) bool { return unicode.IsLower(r) || unicode.Is(unicode.Other_Lowercase, r) }

// widePunctuation is the part of the release profile's punctuation set beyond
// ASCII and the control characters; one full-width digit is in it.
const widePunctuation = "´«»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"

// IsPunctuation reports whether r is in the 129 characters that the release
// profile holds for punctuation: control characters too, but no tab, line feed
// or space.
func IsPunctuation(r rune) bool {
	switch {
	case r < ' ':
		return r != '\t' && r != '\n'
	case r < utf8.RuneSelf:
		return !(r == ' ' || r >= '0' && r <= '9' || r|0x20 >= 'a' && r|0x20 <= 'z')
	case r < 0xa0:
		return true
	}
	return strings.ContainsRune(widePunctuation, r)
}
