package filter

import (
	"slices"
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"
)

// hostOf returns the host of a URL, found the lenient way of tldextract: after
// the scheme and any user, before port, path, query or fragment, without
// trailing dots. Its case is kept.
func hostOf(url string) string {
	if i := strings.Index(url, "//"); i >= 0 && isScheme(url[:i]) {
		url = url[i+2:]
	}
	if i := strings.IndexAny(url, "/?#"); i >= 0 {
		url = url[:i]
	}
	url = url[strings.LastIndexByte(url, '@')+1:]
	if i := strings.IndexByte(url, ':'); i >= 0 {
		url = url[:i]
	}
	return strings.TrimRight(strings.TrimSpace(url), labelDots)
}

// labelDots are the characters that separate labels in a host.
const labelDots = ".\u3002\uff0e\uff61"

// isScheme reports whether s is nothing, or a scheme and its colon.
func isScheme(s string) bool {
	if s == "" {
		return true
	}
	name, ok := strings.CutSuffix(s, ":")
	return ok && name != "" && strings.IndexFunc(name, func(r rune) bool {
		return !(r < 0x80 && (isAlnum(byte(r)) || strings.ContainsRune("+-.", r)))
	}) < 0
}

// domains returns the registered domain of a host, one label and its public
// suffix, and the whole host with dots between its labels. Both are empty where
// no ICANN suffix of the Public Suffix List matches, or nothing stands before
// it. The list is the one in the module golang.org/x/net.
func domains(host string) (registered, whole string) {
	labels := strings.FieldsFunc(host, func(r rune) bool { return strings.ContainsRune(labelDots, r) })
	n := icannLabels(canonicalEnd(labels))
	if n == 0 || n >= len(labels) {
		return "", ""
	}
	return strings.Join(labels[len(labels)-n-1:], "."), strings.Join(labels, ".")
}

const (
	// suffixLabels is more labels than any public suffix has.
	suffixLabels = 10
	// labelBytes is more than any label of one takes, in UTF-8.
	labelBytes = 252
)

// canonicalEnd returns the last labels of a host in lower case and Punycode. It
// bounds what Punycode, whose cost grows with the square of the length, has to
// do; a label that is too long stands in no list and is left as it is.
func canonicalEnd(labels []string) string {
	labels = slices.Clone(labels[max(0, len(labels)-suffixLabels):])
	for i, label := range labels {
		if len(label) > labelBytes {
			continue
		}
		if ascii, err := idna.Punycode.ToASCII(strings.ToLower(label)); err == nil {
			labels[i] = ascii
		}
	}
	return strings.Join(labels, ".")
}

// icannLabels returns how many labels of a host its ICANN suffix has; 0 without
// one. Suffixes of the list's private section are looked behind.
func icannLabels(host string) int {
	for host != "" {
		suffix, icann := publicsuffix.PublicSuffix(host)
		if icann {
			return strings.Count(suffix, ".") + 1
		}
		_, host, _ = strings.Cut(suffix, ".")
	}
	return 0
}

func isAlnum(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }
