package main

import (
	"bufio"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"finest/chain/wallet"
	"finest/internal/contract"
)

// script listens on loopback and hands each connection to the next of the
// functions, which is to return; a connection beyond them is a failure.
func script(t *testing.T, connections ...func(net.Conn)) *sender {
	t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for i := 0; ; i++ {
			conn, err := listener.Accept()
			switch {
			case err != nil:
				return
			case i < len(connections):
				connections[i](conn)
			default:
				t.Errorf("connection %d was opened", i+1)
			}
			_ = conn.Close()
		}
	}()
	key, err := wallet.FromURI("//Load//0")
	if err != nil {
		t.Fatal(err)
	}
	s := newSender(newPool(listener.Addr().String(), 1), key, key.Address())
	t.Cleanup(func() {
		s.pool.close()
		_ = listener.Close()
		<-done
	})
	return s
}

// answering reads so many requests and answers each.
func answering(t *testing.T, n int, wire string) func(net.Conn) {
	return func(conn net.Conn) {
		in := bufio.NewReader(conn)
		for range n {
			r, err := http.ReadRequest(in)
			if err != nil {
				t.Error(err)
				return
			}
			_, _ = io.Copy(io.Discard, r.Body)
			_, _ = io.WriteString(conn, wire)
		}
	}
}

// The server's own readers of headers take what is sent.
func TestRequestOnTheWire(t *testing.T) {
	body := `{"op":"lease"}`
	s := script(t, func(conn net.Conn) {
		r, err := http.ReadRequest(bufio.NewReader(conn))
		if err != nil {
			t.Error(err)
			return
		}
		raw, err := io.ReadAll(r.Body)
		if err != nil || string(raw) != body || r.Method != http.MethodPost || r.URL.Path != "/v1/lease" || r.Host != conn.LocalAddr().String() {
			t.Errorf("%s %s at %s: %q, %v", r.Method, r.URL, r.Host, raw, err)
		}
		if r.Header.Get("Content-Type") != "application/json" || r.Header.Get(contract.HeaderClient) != "1" {
			t.Errorf("headers %v", r.Header)
		}
		signed, err := contract.ParseSignedHeaders(r.Header)
		if err != nil {
			t.Error(err)
			return
		}
		public, err := wallet.ParseAddress(signed.SignedBy)
		if err != nil || signed.SignedFor != signed.SignedBy || !wallet.Verify(public, signed.Message(raw), signed.Signature) {
			t.Errorf("signed %+v, %v", signed, err)
		}
		_, _ = io.WriteString(conn, sized("200 OK", jsonType, leased))
	})
	if l, err := s.post(t.Context(), contract.OpLease, []byte(body)); err != nil || l.Task != "C-000001" {
		t.Errorf("got %+v, %v", l, err)
	}
}

// A connection carries one request after another, those refused, too; one that an
// answer or a failure ends is replaced; no request is sent twice.
func TestConnectionsAreKept(t *testing.T) {
	ok, refused := sized("200 OK", "", leased), sized("404 Not Found", "Content-Type: "+contract.ProblemMediaType+"\r\n", noTask)
	for _, c := range []struct {
		name        string
		connections []func(net.Conn)
		want        []string // what failureOf says of each request
	}{
		{"answered", []func(net.Conn){answering(t, 3, ok)}, []string{"", "", ""}},
		{"refused", []func(net.Conn){answering(t, 2, refused)}, []string{contract.ProblemNoTask, contract.ProblemNoTask}},
		{"closed by an answer", []func(net.Conn){answering(t, 1, sized("200 OK", "Connection: close\r\n", leased)), answering(t, 1, ok)}, []string{"", ""}},
		{"closed without an answer", []func(net.Conn){answering(t, 1, ""), answering(t, 1, ok)}, []string{failureNoAnswer, ""}},
		{"answered with garbage", []func(net.Conn){answering(t, 1, "garbage\r\n\r\n"), answering(t, 1, ok)}, []string{failureNoAnswer, ""}},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := script(t, c.connections...)
			for i, want := range c.want {
				got := ""
				if _, err := s.post(t.Context(), contract.OpLease, []byte("{}")); err != nil {
					got = failureOf(err)
				}
				if got != want {
					t.Errorf("request %d: got %q, want %q", i+1, got, want)
				}
			}
			if n := len(s.pool.places); n != 0 {
				t.Errorf("%d places are taken", n)
			}
		})
	}
}

// A server may close a connection between two requests: the next takes another.
func TestClosedWhileIdle(t *testing.T) {
	if runtime.GOOS == "windows" {
		t.Skip("cannot be told there")
	}
	ok := sized("200 OK", "", leased)
	s := script(t, answering(t, 1, ok), answering(t, 1, ok))
	if _, err := s.post(t.Context(), contract.OpLease, []byte("{}")); err != nil {
		t.Fatal(err)
	}
	// The server closes it; when that has arrived here is known once it can be read.
	idle := s.pool.pop()
	if _, err := idle.Read(make([]byte, 1)); !errors.Is(err, io.EOF) {
		t.Fatalf("read %v", err)
	}
	s.pool.idle = append(s.pool.idle, idle)
	if _, err := s.post(t.Context(), contract.OpLease, []byte("{}")); err != nil {
		t.Error(err)
	}
}

// There are no more connections than places; who waits for one waits until its
// deadline.
func TestPlaces(t *testing.T) {
	s := script(t, func(conn net.Conn) { _, _ = conn.Read(make([]byte, 1)) })
	c, err := s.pool.take(t.Context(), time.Now().Add(time.Minute))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.pool.take(t.Context(), time.Now()); !errors.Is(err, context.DeadlineExceeded) || !strings.Contains(err.Error(), "wait for a connection") {
		t.Errorf("got %v", err)
	}
	s.pool.give(c, true)
	again, err := s.pool.take(t.Context(), time.Now())
	if err != nil || again != c {
		t.Fatalf("got %v, %v", again, err)
	}
	s.pool.give(again, false)
}

// A server that does not answer is given up at the deadline.
func TestDeadline(t *testing.T) {
	s := script(t, func(conn net.Conn) { _, _ = io.Copy(io.Discard, conn) })
	if _, err := s.exchange(t.Context(), contract.OpLease, contract.SignedHeaders{}, nil, time.Now().Add(20*time.Millisecond)); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if len(s.pool.idle) != 0 {
		t.Error("its connection is kept")
	}
}

func TestNoServer(t *testing.T) {
	s := script(t)
	s.pool.addr = "127.0.0.1:1"
	if _, err := s.post(t.Context(), contract.OpLease, nil); err == nil || failureOf(err) != failureNoAnswer {
		t.Errorf("got %v", err)
	}
	if len(s.pool.places) != 0 {
		t.Error("its place is taken")
	}
}
