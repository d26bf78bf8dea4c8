package warc

import (
	"bytes"
	"strings"
)

// message is an HTTP response as a crawler stored it.
type message struct {
	fields []Field
	body   []byte
}

// parseMessage splits a content block into HTTP fields and body. Lines may end
// in CRLF or LF; interim responses (status 1xx) are skipped; a block without a
// status line is all body.
func parseMessage(block []byte) message {
	for {
		if !hasPrefixFold(block, "HTTP/") {
			return message{body: block}
		}
		head, body := cutHead(block)
		status, fields, _ := bytes.Cut(head, []byte{'\n'})
		if isInterim(status) && hasPrefixFold(body, "HTTP/") {
			block = body
			continue
		}
		return message{fields: parseFields(fields), body: body}
	}
}

// cutHead cuts block behind its first empty line; without one it is all head.
func cutHead(block []byte) (head, body []byte) {
	for at := 0; ; {
		i := bytes.IndexByte(block[at:], '\n')
		if i < 0 {
			return block, nil
		}
		line := block[at : at+i]
		if len(line) == 0 || len(line) == 1 && line[0] == '\r' {
			return block[:at], block[at+i+1:]
		}
		at += i + 1
	}
}

// isInterim reports whether a status line announces that another response
// follows in the same block.
func isInterim(status []byte) bool {
	words := bytes.Fields(status)
	return len(words) > 1 && len(words[1]) == 3 && words[1][0] == '1'
}

func hasPrefixFold(b []byte, prefix string) bool {
	return len(b) >= len(prefix) && strings.EqualFold(string(b[:len(prefix)]), prefix)
}

// field returns the first field of that name.
func (m message) field(name string) string {
	for _, f := range m.fields {
		if strings.EqualFold(f.Name, name) {
			return f.Value
		}
	}
	return ""
}

// codings returns the comma-separated lower-case words of all fields of that
// name, in order, without parameters and without identity.
func (m message) codings(name string) []string {
	var codings []string
	for _, f := range m.fields {
		if !strings.EqualFold(f.Name, name) {
			continue
		}
		for word := range strings.SplitSeq(f.Value, ",") {
			word, _, _ = strings.Cut(word, ";")
			word = strings.ToLower(strings.Trim(word, " \t\""))
			if word != "" && word != "identity" {
				codings = append(codings, word)
			}
		}
	}
	return codings
}

// mediaType returns a Content-Type without parameters, in lower case.
func mediaType(contentType string) string {
	contentType = strings.TrimSpace(contentType)
	if i := strings.IndexAny(contentType, "; ,\t"); i >= 0 {
		contentType = contentType[:i]
	}
	return strings.ToLower(contentType)
}

// isHTMLType reports whether a media type is one of those the reference
// pipeline reads.
func isHTMLType(mediaType string) bool {
	return mediaType == "text/html" || mediaType == "application/xhtml+xml"
}
