package words

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// isWebAddress reports whether the whole of s looks like a URL, a host name, an
// e-mail address or a public IPv4 address, with the odd parts of the pattern that
// spaCy has from Diego Perini's (gist 729294):
//
//	[scheme://] [anything@] (IPv4 | label.label…tld) [:port] [/?# anything]
//
// A host cannot hold what may follow or precede it, so each possible start of it
// is looked at once, up to the character that ends it.
func isWebAddress(classes *classTable, s string) bool {
	if strings.IndexByte(s, '.') < 0 {
		return false
	}
	if isHostAndRest(classes, s) {
		return true
	}
	if n := schemeLength(s); n > 0 && isHostAndRest(classes, s[n:]) {
		return true
	}
	for at := 0; ; {
		i := strings.IndexByte(s[at:], '@')
		if i < 0 {
			return false
		}
		at += i + 1
		if at > 1 && isHostAndRest(classes, s[at:]) {
			return true
		}
	}
}

// schemeLength returns the length of the scheme that s begins with, up to and
// with its slashes.
func schemeLength(s string) int {
	scheme, _, ok := strings.Cut(s, "://")
	if !ok || utf8.RuneCountInString(scheme) < 2 {
		return 0
	}
	for _, r := range scheme {
		if !IsWord(r) && r != '+' && r != '-' && r != '.' {
			return 0
		}
	}
	return len(scheme) + len("://")
}

func isHostAndRest(classes *classTable, s string) bool {
	n := strings.IndexAny(s, ":/?#@")
	if n < 0 {
		n = len(s)
	}
	return isPortAndPath(s[n:]) && (isDomain(classes, s[:n]) || isPublicIPv4(s[:n]))
}

func isPortAndPath(s string) bool {
	if strings.HasPrefix(s, ":") {
		digits := 0
		for _, r := range s[1:] {
			if digits > 5 || !unicode.IsDigit(r) {
				break
			}
			digits++
			s = s[utf8.RuneLen(r):]
		}
		s = s[1:]
		if digits < 2 || digits > 5 {
			return false
		}
	}
	return s == "" || s[0] == '/' || s[0] == '?' || s[0] == '#'
}

// isDomain reports whether s is labels and a top-level domain, which is in lower
// case.
func isDomain(classes *classTable, s string) bool {
	dot := strings.LastIndexByte(s, '.')
	if dot < 0 {
		return false
	}
	top := s[dot+1:]
	letters := 0
	for len(top) > 0 {
		c, size := classes.first(top)
		if letters++; c&lower == 0 || letters > 63 {
			return false
		}
		top = top[size:]
	}
	if letters < 2 {
		return false
	}
	for label := range strings.SplitSeq(s[:dot], ".") {
		if !isLabel(label) {
			return false
		}
	}
	return true
}

// isLabel reports whether s is 1 to 64 characters that may stand in a host name;
// a hyphen or an underscore only within.
func isLabel(s string) bool {
	n := 0
	for i, r := range s {
		if n++; n > 64 {
			return false
		}
		edge := i == 0 || i+utf8.RuneLen(r) == len(s)
		switch {
		case r|0x20 >= 'a' && r|0x20 <= 'z', r >= '0' && r <= '9', r >= 0xa1 && r <= 0xffff:
		case (r == '-' || r == '_') && !edge:
		default:
			return false
		}
	}
	return n > 0
}

// isPublicIPv4 reports whether s is an IPv4 address that is not of a private,
// loopback, link-local, multicast or reserved network. Decimal digits of other
// scripts count wherever any digit may stand.
func isPublicIPv4(s string) bool {
	var octets [4]string
	n := 0
	for part := range strings.SplitSeq(s, ".") {
		if n == len(octets) {
			return false
		}
		octet, ok := asDigits(part)
		if !ok {
			return false
		}
		octets[n] = octet
		n++
	}
	if n < len(octets) {
		return false
	}
	a, b, c, d := octets[0], octets[1], octets[2], octets[3]
	if !isOctet(a, "223", true) || !isOctet(b, "255", false) || !isOctet(c, "255", false) || !isOctet(d, "254", true) {
		return false
	}
	switch a {
	case "10", "127":
		return false
	case "169":
		return b != "254"
	case "192":
		return b != "168"
	case "172":
		return !(len(b) == 2 && (b[0] == '1' && b[1] >= '6' && b[1] <= '9' || b[0] == '2' || b[0] == '3' && b[1] <= '1'))
	}
	return true
}

// asDigits returns s with a tilde, which sorts behind the digits, for each digit
// of another script; s must be 1 to 3 digits.
func asDigits(s string) (string, bool) {
	var digits [3]byte
	n := 0
	for _, r := range s {
		if n == len(digits) || !unicode.IsDigit(r) {
			return "", false
		}
		digits[n] = '~'
		if r < utf8.RuneSelf {
			digits[n] = byte(r)
		}
		n++
	}
	return string(digits[:n]), n > 0
}

// isOctet reports whether s is a number of at most limit, which is 200 or more.
// Three digits start with 1 or 2; one or two digits start with none of 0 or
// another script's if first is set.
func isOctet(s, limit string, first bool) bool {
	if len(s) < 3 {
		return !first || s[0] >= '1' && s[0] <= '9'
	}
	if s[0] != '2' {
		return s[0] == '1'
	}
	if s[1] == limit[1] {
		return s[2] <= limit[2]
	}
	return s[1] < limit[1]
}
