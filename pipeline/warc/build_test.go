package warc_test

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"finest/pipeline/warc"
)

// record returns a record with its trailing line ends.
func record(kind, uri, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:test:%s>\r\nWARC-Target-URI: %s\r\n"+
		"WARC-Date: 2026-01-02T03:04:05Z\r\nContent-Type: application/http; msgtype=response\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
		kind, uri, uri, len(block), block)
}

// page returns a response record of an HTML page.
func page(uri, body string) string {
	return record("response", uri, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"+body)
}

// member returns data as one gzip member.
func member(data string) string {
	var buf bytes.Buffer
	z := gzip.NewWriter(&buf)
	_, _ = io.WriteString(z, data)
	_ = z.Close()
	return buf.String()
}

// readAll reads everything from offset start of file on.
func readAll(t testing.TB, file string, start int64, o warc.Options) ([]*warc.Record, error) {
	t.Helper()
	r := warc.NewReader(strings.NewReader(file[start:]), start, o)
	var all []*warc.Record
	for {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) {
			return all, nil
		}
		if err != nil {
			return all, err
		}
		if all = append(all, rec); len(all) > len(file)+1 {
			t.Fatal("more records than bytes")
		}
	}
}

// outline describes records in one line each: what, where and how long.
func outline(records []*warc.Record) []string {
	lines := make([]string, 0, len(records))
	for _, r := range records {
		what := strings.TrimSpace(r.Type + " " + r.TargetURI)
		switch {
		case r.Damage != "":
			what = "damage " + r.Damage
		case r.Shared && r.Offset >= 0:
			what = "shared"
		}
		lines = append(lines, fmt.Sprintf("%s @%d+%d", what, r.Offset, r.Length))
	}
	return lines
}

// ignoreEnd returns err unless it says that a file has ended.
func ignoreEnd(err error) error {
	if errors.Is(err, io.EOF) || errors.Is(err, warc.ErrNotWARC) {
		return nil
	}
	return err
}
