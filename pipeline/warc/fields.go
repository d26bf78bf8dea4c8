package warc

import (
	"bytes"
	"strings"
)

// parseFields reads "Name: value" lines that end in CRLF or LF up to the end
// of raw. A line that starts with white space continues the value before it,
// joined by one space; a line without a colon is left out, as other readers do.
func parseFields(raw []byte) []Field {
	var fields []Field
	for len(raw) > 0 {
		var line []byte
		line, raw, _ = bytes.Cut(raw, []byte{'\n'})
		line = bytes.TrimSuffix(line, []byte{'\r'})
		if folded := len(line) > 0 && (line[0] == ' ' || line[0] == '\t'); folded && len(fields) > 0 {
			if more := validText(line); more != "" {
				last := &fields[len(fields)-1]
				last.Value = strings.TrimLeft(last.Value+" "+more, " ")
			}
			continue
		}
		name, value, ok := bytes.Cut(line, []byte{':'})
		if ok && len(bytes.TrimSpace(name)) > 0 {
			fields = append(fields, Field{Name: validText(name), Value: validText(value)})
		}
	}
	return fields
}

// validText returns b without surrounding white space, each run of bytes that
// is not UTF-8 replaced by U+FFFD.
func validText(b []byte) string {
	return strings.ToValidUTF8(string(bytes.TrimSpace(b)), "\uFFFD")
}
