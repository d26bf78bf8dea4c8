package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"
)

// byteOrderMark may begin a text in UTF-8.
var byteOrderMark = []byte("\uFEFF")

// readLines reads a JSON object a line. The text is a string; an id may be a
// number, and a URL may also lie in an object called metadata, as datatrove
// writes it. Empty lines are none.
func readLines(r *reading, in io.Reader) error {
	l := &lines{in: bufio.NewReaderSize(in, readBuffer)}
	for {
		line, long, err := l.next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", l.number, err)
		}
		if l.number == 1 {
			line = bytes.TrimPrefix(line, byteOrderMark)
		}
		if long {
			r.skip()
			continue
		}
		if len(bytes.TrimSpace(line)) == 0 {
			continue
		}
		d, err := parseLine(line, r.text)
		if errors.Is(err, errNoObject) && l.number == 1 {
			err = wholeFile(line, err)
		}
		if err != nil {
			return fmt.Errorf("line %d: %w", l.number, err)
		}
		if !utf8.Valid(line) {
			r.stats.Repaired++ // the decoder has done it
		}
		if err := r.take(d); err != nil {
			return err
		}
	}
}

var errNoObject = errors.New("no JSON object")

// wholeFile says of the first line of a file that is one JSON value what is wanted
// instead.
func wholeFile(line []byte, err error) error {
	switch line = bytes.TrimSpace(line); {
	case line[0] == '[':
		return fmt.Errorf("%w but an array: one object a line is wanted, as \"jq -c '.[]'\" writes it", errNoObject)
	case len(line) == 1 && line[0] == '{':
		return fmt.Errorf("%w but one of several lines: one object a line is wanted, as \"jq -c .\" writes it", errNoObject)
	}
	return err
}

// parseLine reads one JSON object. A text that is null counts as empty.
func parseLine(line []byte, text string) (row, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return row{}, fmt.Errorf("%w: %w", errNoObject, err)
	}
	raw, ok := fields[text]
	if !ok {
		return row{}, fmt.Errorf("has no field %q; those with strings: %s", text, someNames(stringFields(fields)))
	}
	var d row
	if err := json.Unmarshal(raw, &d.text); err != nil {
		return row{}, fmt.Errorf("field %q is not a string", text)
	}
	d.id = scalar(fields["id"])
	if d.url = scalar(fields["url"]); d.url == "" && len(fields["metadata"]) > 0 {
		var about struct {
			URL json.RawMessage `json:"url"`
		}
		if json.Unmarshal(fields["metadata"], &about) == nil {
			d.url = scalar(about.URL)
		}
	}
	return d, nil
}

// stringFields returns the names of the fields with strings.
func stringFields(fields map[string]json.RawMessage) (names []string) {
	for name, raw := range fields {
		if len(raw) > 0 && raw[0] == '"' {
			names = append(names, name)
		}
	}
	return names
}

// maxNames and maxName bound the names of columns in an error.
const maxNames, maxName = 20, 100

// someNames writes names in order.
func someNames(names []string) string {
	if len(names) == 0 {
		return "none"
	}
	slices.Sort(names)
	names = names[:min(len(names), maxNames)]
	for i, name := range names {
		names[i] = strings.ToValidUTF8(name[:min(len(name), maxName)], "")
	}
	return strings.Join(names, ", ")
}

// scalar returns a string or a number as text, "" for anything else.
func scalar(raw json.RawMessage) string {
	var s string
	if len(raw) == 0 || json.Unmarshal(raw, &s) == nil {
		return s
	}
	var n json.Number
	if json.Unmarshal(raw, &n) == nil {
		return n.String()
	}
	return ""
}

// readText reads a file that is one document, whose key is its name.
func readText(r *reading, name string, in io.Reader) error {
	b, err := io.ReadAll(io.LimitReader(in, MaxDocument+1))
	if err != nil {
		return err
	}
	if len(b) > MaxDocument {
		r.skip()
		return nil
	}
	return r.take(row{id: name, text: string(bytes.TrimPrefix(b, byteOrderMark))})
}
