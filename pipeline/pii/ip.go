package pii

import (
	"net/netip"
	"strconv"
	"strings"
)

// The pattern of an IPv4 address has no borders: it matches within longer
// numbers and version strings too.
//
//	OCTET = 25[0-5]|2[0-4][0-9]|[01]?[0-9][0-9]?
//	IP    = (?:OCTET\.){3}OCTET
//
// A scan from period to period finds the same matches: the first octet is the
// longest that ends at the period, the two next ones lie between periods, and
// the last is what the first fitting alternative takes.

// nextIP returns the leftmost match of IP that starts at or after from.
func nextIP(text string, from int) (start, end int, ok bool) {
	for dot := from; ; dot++ {
		i := strings.IndexByte(text[dot:], '.')
		if i < 0 {
			return 0, 0, false
		}
		dot += i
		start, ok := firstOctet(text, from, dot)
		if !ok {
			continue
		}
		if n := restLength(text[dot+1:]); n > 0 {
			return start, dot + 1 + n, true
		}
	}
}

// firstOctet returns the start of the longest octet that ends at a period.
func firstOctet(text string, from, dot int) (int, bool) {
	for start := max(from, dot-3); start < dot; start++ {
		if isOctet(text[start:dot]) {
			return start, true
		}
	}
	return 0, false
}

// restLength returns the length of the three octets that s begins with, where two
// periods stand between; 0 without them.
func restLength(s string) int {
	at := 0
	for range 2 {
		n := octetRun(s[at:])
		if n == 0 || !strings.HasPrefix(s[at+n:], ".") {
			return 0
		}
		at += n + 1
	}
	for n := min(3, len(s)-at); n > 0; n-- {
		if isOctet(s[at : at+n]) {
			return at + n
		}
	}
	return 0
}

// octetRun returns the length of the digits that s begins with if all of them are
// one octet.
func octetRun(s string) int {
	n := 0
	for n < len(s) && n < 4 && isDigit(s[n]) {
		n++
	}
	if !isOctet(s[:n]) {
		return 0
	}
	return n
}

// isOctet reports whether all of s matches OCTET.
func isOctet(s string) bool {
	if s == "" || len(s) > 3 {
		return false
	}
	for i := range len(s) {
		if !isDigit(s[i]) {
			return false
		}
	}
	return len(s) < 3 || s <= "255"
}

func isDigit(c byte) bool { return c >= '0' && c <= '9' }

// parseIP reads a match of IP; one with leading zeros is no address.
func parseIP(s string) (netip.Addr, bool) {
	var octets [4]byte
	for i, part := range strings.Split(s, ".") {
		n, err := strconv.ParseUint(part, 10, 8)
		if err != nil || len(part) > 1 && part[0] == '0' {
			return netip.Addr{}, false
		}
		octets[i] = byte(n)
	}
	return netip.AddrFrom4(octets), true
}

// notGlobal are the networks that Python 3.11's ipaddress does not call global:
// IANA's special-purpose registry, with multicast and 192.88.99.0/24 left out.
var notGlobal = []netip.Prefix{
	netip.MustParsePrefix("0.0.0.0/8"),
	netip.MustParsePrefix("10.0.0.0/8"),
	netip.MustParsePrefix("100.64.0.0/10"),
	netip.MustParsePrefix("127.0.0.0/8"),
	netip.MustParsePrefix("169.254.0.0/16"),
	netip.MustParsePrefix("172.16.0.0/12"),
	netip.MustParsePrefix("192.0.0.0/29"),
	netip.MustParsePrefix("192.0.0.170/31"),
	netip.MustParsePrefix("192.0.2.0/24"),
	netip.MustParsePrefix("192.168.0.0/16"),
	netip.MustParsePrefix("198.18.0.0/15"),
	netip.MustParsePrefix("198.51.100.0/24"),
	netip.MustParsePrefix("203.0.113.0/24"),
	netip.MustParsePrefix("240.0.0.0/4"),
}

func isGlobal(ip netip.Addr) bool {
	for _, network := range notGlobal {
		if network.Contains(ip) {
			return false
		}
	}
	return true
}
