package main

import (
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/iotest"

	"finest/internal/contract"
)

const (
	leased   = `{"v":1,"task":"C-000001","files":[{"path":"a","bytes":1}],"generation":2,"block":7}`
	noTask   = `{"type":"` + contract.ProblemNoTask + `","title":"No task","status":404,"detail":"none is left"}`
	jsonType = "Content-Type: application/json\r\n"
)

// sized is a message with its Content-Length.
func sized(status, headers, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\n%sContent-Length: %d\r\n\r\n%s", status, headers, len(body), body)
}

// largestPadding makes an answer as large as may be: its length has five digits,
// that of a lease two.
var largestPadding = strings.Repeat(" ", maxAnswer-len(sized("200 OK", jsonType, leased))-len("000"))

func TestAnswers(t *testing.T) {
	chunked := fmt.Sprintf("HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n8\r\n%s\r\n%x\r\n%s\r\n0\r\n\r\n", leased[:8], len(leased)-8, leased[8:])
	problem := "Content-Type: " + contract.ProblemMediaType + "; charset=utf-8\r\n"
	for _, c := range []struct {
		name, wire string
		failure    string // what failureOf says; "" for the lease
		says       string
		last       bool
	}{
		{name: "Content-Length", wire: sized("200 OK", jsonType, leased)},
		{name: "chunked", wire: chunked},
		{name: "until the connection ends", wire: "HTTP/1.1 200 OK\r\n\r\n" + leased, last: true},
		{name: "Connection: close", wire: sized("200 OK", "Connection: close\r\n", leased), last: true},
		{name: "HTTP/1.0", wire: strings.Replace(sized("200 OK", "", leased), "1.1", "1.0", 1), last: true},
		{name: "more than was asked for", wire: sized("200 OK", "", leased) + "HTTP/1.1 408 ", last: true},
		{name: "as large as may be", wire: sized("200 OK", jsonType, leased+largestPadding)},

		{name: "problem", wire: sized("404 Not Found", problem, noTask), failure: contract.ProblemNoTask, says: "No task (404): none is left"},
		{name: "problem, which ends the connection", wire: sized("404 Not Found", problem+"Connection: close\r\n", noTask), failure: contract.ProblemNoTask, last: true},
		{name: "problem of another status than it says", wire: sized("503 Service Unavailable", problem, noTask), failure: contract.ProblemNoTask, says: "(503)"},
		{name: "problem of another media type", wire: sized("404 Not Found", jsonType, noTask), failure: "status 404", says: "Not Found (404)"},
		{name: "problem that is no JSON", wire: sized("502 Bad Gateway", problem, "<html>"), failure: "status 502"},
		{name: "refusal without a body", wire: "HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n", failure: "status 400", last: true},
		{name: "interim answer", wire: "HTTP/1.1 100 Continue\r\n\r\n", failure: "status 100", last: true},
		{name: "no content", wire: "HTTP/1.1 204 No Content\r\n\r\n", failure: failureNoAnswer, says: "decode the answer"},
		{name: "no JSON", wire: sized("200 OK", jsonType, "leased"), failure: failureNoAnswer, says: "decode the answer"},
		{name: "no lease", wire: sized("200 OK", jsonType, "{}"), failure: failureNoAnswer, says: "names no lease"},
		{name: "no generation", wire: sized("200 OK", jsonType, `{"task":"C-000001"}`), failure: failureNoAnswer, says: "names no lease"},
	} {
		t.Run(c.name, func(t *testing.T) {
			// A byte at a time, but for what comes after: that must have come at once.
			var wire io.Reader = strings.NewReader(c.wire)
			if !strings.HasSuffix(c.wire, "408 ") {
				wire = iotest.OneByteReader(wire)
			}
			a, err := newAnswers(wire).next()
			if err != nil {
				t.Fatal(err)
			}
			if a.last != c.last {
				t.Errorf("last %t, want %t", a.last, c.last)
			}
			l, err := a.lease()
			if c.failure == "" {
				if want := (lease{Task: "C-000001", Generation: 2, Block: 7}); err != nil || l != want {
					t.Errorf("got %+v, %v", l, err)
				}
				return
			}
			if err == nil || failureOf(err) != c.failure || !strings.Contains(err.Error(), c.says) {
				t.Errorf("got %v, want %s that says %q", err, c.failure, c.says)
			}
		})
	}
}

func TestAnswersThatCannotBeRead(t *testing.T) {
	large := strings.Repeat("x", maxAnswer)
	for _, c := range []struct{ name, wire, says string }{
		{"nothing", "", "EOF"},
		{"ends in the headers", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", "unexpected EOF"},
		{"ends in the body", sized("200 OK", "", leased)[:80], "unexpected EOF"},
		{"ends in a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nff\r\n{", "unexpected EOF"},
		{"no length of a chunk", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n", "chunk"},
		{"garbage", "\x16\x03\x01\x02\x00\x01\n\n", "malformed"},
		{"no status", "HTTP/1.1 ok\r\n\r\n", "malformed"},
		{"negative length", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n", "Content-Length"},
		{"a byte too large", sized("200 OK", jsonType, leased+largestPadding+" "), "more than 65536 bytes"},
		{"large body", sized("200 OK", "", large), "more than 65536 bytes"},
		{"large body without a length", "HTTP/1.1 200 OK\r\n\r\n" + large, "more than 65536 bytes"},
		{"large refusal", sized("500 Internal Server Error", "", large), "more than 65536 bytes"},
		{"large header", "HTTP/1.1 200 OK\r\nX: " + large, "more than 65536 bytes"},
		{"many headers", "HTTP/1.1 200 OK\r\n" + strings.Repeat("X: y\r\n", maxAnswer/6+1), "more than 65536 bytes"},
		{"a line without an end", large + large, "more than 65536 bytes"},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newAnswers(strings.NewReader(c.wire)).next()
			if err == nil || !strings.Contains(err.Error(), c.says) || failureOf(err) != failureNoAnswer {
				t.Errorf("got %v, want that it says %q", err, c.says)
			}
		})
	}
}

// Answers of a connection come one after another; each may be as large as the
// limit.
func TestAnswersInTurn(t *testing.T) {
	ours, theirs := io.Pipe()
	failed := errors.New("cut off")
	go func() {
		for i := range 3 {
			body := fmt.Sprintf(`{"task":"C-00000%d","generation":1}`, i) + strings.Repeat(" ", maxAnswer/2)
			_, _ = io.WriteString(theirs, sized("200 OK", "", body))
		}
		_ = theirs.CloseWithError(failed)
	}()
	in := newAnswers(ours)
	for i := range 3 {
		a, err := in.next()
		if err != nil {
			t.Fatal(err)
		}
		if l, err := a.lease(); err != nil || a.last || l.Task != fmt.Sprintf("C-00000%d", i) {
			t.Errorf("answer %d: %+v, last %t, %v", i, l, a.last, err)
		}
	}
	if _, err := in.next(); !errors.Is(err, failed) {
		t.Errorf("got %v", err)
	}
}
