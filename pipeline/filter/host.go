package filter

import (
	"strings"

	"golang.org/x/net/idna"
	"golang.org/x/net/publicsuffix"

	"finest/pipeline/words"
)

// hostOf returns the host of a URL, found the lenient way of tldextract: after
// the scheme and any user, before port, path, query or fragment, without
// trailing dots. Its case is kept, and so are the brackets of an IPv6 address.
func hostOf(url string) string {
	if i := strings.Index(url, "//"); i >= 0 && isScheme(url[:i]) {
		url = url[i+2:]
	}
	if i := strings.IndexAny(url, "/?#"); i >= 0 {
		url = url[:i]
	}
	url = url[strings.LastIndexByte(url, '@')+1:]
	if strings.HasPrefix(url, "[") {
		if i := strings.IndexByte(url, ']'); i >= 0 {
			return url[:i+1]
		}
	}
	if i := strings.IndexByte(url, ':'); i >= 0 {
		url = url[:i]
	}
	return strings.TrimRight(words.TrimSpace(url), ".\u3002\uff0e\uff61")
}

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

// dots are the characters that separate labels in a host, apart from the point.
var dots = strings.NewReplacer("\u3002", ".", "\uff0e", ".", "\uff61", ".")

// domains returns the registered domain of a host, one label and its public
// suffix, and the whole host with points between its labels. Both are empty
// where no ICANN suffix of the Public Suffix List matches, or no label, or an
// empty one, stands before it. The list is the one in the module
// golang.org/x/net.
func domains(host string) (registered, whole string) {
	host = dots.Replace(host)
	end, _ := cutEnd(host, suffixLabels)
	n := icannLabels(canonical(end))
	if n == 0 {
		return "", ""
	}
	suffix, before := cutEnd(host, n)
	label, _ := cutEnd(before, 1)
	if label == "" {
		return "", ""
	}
	registered = label + "." + suffix
	// Of an empty label in front alone nothing is left, not even its point.
	if host == "."+registered {
		return registered, registered
	}
	return registered, host
}

// cutEnd returns the last n labels of a host and, without the point between, the
// labels before them.
func cutEnd(host string, n int) (end, before string) {
	at := len(host)
	for range n {
		point := strings.LastIndexByte(host[:at], '.')
		if point < 0 {
			return host, ""
		}
		at = point
	}
	return host[at+1:], host[:at]
}

const (
	// suffixLabels is more labels than any public suffix has.
	suffixLabels = 10
	// labelBytes is more than any label of one takes, in UTF-8.
	labelBytes = 252
)

// canonical returns labels in lower case and Punycode, as the list is compared
// with. It bounds what Punycode, whose cost grows with the square of the length,
// has to do; a label that is too long stands in no list and is left as it is.
func canonical(host string) string {
	labels := strings.Split(host, ".")
	for i, label := range labels {
		if len(label) > labelBytes {
			continue
		}
		if ascii, err := idna.Punycode.ToASCII(words.Lower(label)); err == nil {
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
			// Where a rule of more labels fits but for its first, the answer is
			// that rule's and not the suffix's own. Of an exception's suffix,
			// which is no rule itself, there is no own.
			own, itself := publicsuffix.PublicSuffix(suffix)
			icann = itself || own != suffix || !strings.Contains(suffix, ".")
		}
		if icann {
			return strings.Count(suffix, ".") + 1
		}
		_, host, _ = strings.Cut(suffix, ".")
	}
	return 0
}

func isAlnum(c byte) bool { return c|0x20 >= 'a' && c|0x20 <= 'z' || c >= '0' && c <= '9' }
