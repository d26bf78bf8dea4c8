package warc

import (
	"bytes"
	"strings"
)

// sniffLength is how many bytes of a body are looked at.
const sniffLength = 512

// htmlTags start HTML documents when a space or > follows (WHATWG MIME
// Sniffing, 7.1).
var htmlTags = strings.Fields("!DOCTYPE HTML HEAD SCRIPT IFRAME H1 DIV FONT TABLE A STYLE TITLE B BODY BR P")

// looksLikeHTML reports whether b starts an HTML document.
func looksLikeHTML(b []byte) bool {
	b = bytes.TrimLeft(bytes.TrimPrefix(b, []byte("\uFEFF")), " \t\r\n\f")
	if len(b) == 0 || b[0] != '<' {
		return false
	}
	b = b[1:min(len(b), sniffLength)]
	if bytes.HasPrefix(b, []byte("!--")) {
		return true
	}
	for _, tag := range htmlTags {
		if hasPrefixFold(b, tag) && len(b) > len(tag) && (b[len(tag)] == ' ' || b[len(tag)] == '>') {
			return tag != "!DOCTYPE" || hasPrefixFold(b[len(tag)+1:], "HTML")
		}
	}
	return false
}

// looksLikeText reports whether b starts like text in some encoding: without
// the control characters that text does not have (WHATWG MIME Sniffing, 7.2).
func looksLikeText(b []byte) bool {
	if bytes.HasPrefix(b, []byte("\xff\xfe")) || bytes.HasPrefix(b, []byte("\xfe\xff")) {
		return true
	}
	for _, c := range b[:min(len(b), sniffLength)] {
		if c < ' ' && c != '\t' && c != '\n' && c != '\f' && c != '\r' && c != 0x1b {
			return false
		}
	}
	return true
}
