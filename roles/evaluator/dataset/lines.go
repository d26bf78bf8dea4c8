package dataset

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

// parseLine reads one JSON object. A text that is null counts as empty.
func parseLine(line []byte, text string) (row, error) {
	var fields map[string]json.RawMessage
	if err := json.Unmarshal(line, &fields); err != nil {
		return row{}, fmt.Errorf("no JSON object: %w", err)
	}
	raw, ok := fields[text]
	if !ok {
		return row{}, fmt.Errorf("has no field %q", text)
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
