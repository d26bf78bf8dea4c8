package sqlstore_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// TestConnectionLost has the server end the connections of a store between
// changes, and while one is made.
func TestConnectionLost(t *testing.T) {
	where := postgres(t).schema(t, "")
	s := closing(t, open(t, where))
	endAll := func() {
		execute(t, "pgx", where, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE datname = current_database() AND pid <> pg_backend_pid() AND application_name = 'finest task-server'`)
	}
	if err := errors.Join(s.Change(t.Context(), put("a", "1")), s.Ping(t.Context())); err != nil {
		t.Fatal(err)
	}
	endAll()
	if err := errors.Join(s.Change(t.Context(), put("a", "2")), s.Ping(t.Context())); err != nil {
		t.Errorf("after the connections were lost: %v", err)
	}
	err := s.Change(t.Context(), func(tx engine.Tx) error {
		err := tx.PutSetting("a", "3")
		endAll()
		return errors.Join(err, tx.PutSetting("b", "3"))
	})
	if !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("while a change was made: got error %v", err)
	}
	if a, b := setting(t, s, "a"), setting(t, s, "b"); a != "2" || b != "" {
		t.Errorf("the change that was cut off left %q and %q", a, b)
	}
	if err := s.Change(t.Context(), put("a", "4")); err != nil {
		t.Errorf("the change after it: %v", err)
	}
}

// wire is a line to a server that can be cut when a message passes.
type wire struct {
	listener net.Listener
	server   string
	group    sync.WaitGroup
	// cut has a connection end at the next COMMIT: before it reaches the server,
	// or before its answer reaches the client.
	cut atomic.Int32
}

const (
	cutNothing = iota
	cutRequest
	cutAnswer
)

// wireTo returns a wire, and where without it in between.
func wireTo(t *testing.T, where string) (*wire, string) {
	t.Helper()
	u, err := url.Parse(where)
	if err != nil {
		t.Fatal(err)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w := &wire{listener: listener, server: u.Host}
	u.Host = listener.Addr().String()
	w.group.Go(w.serve)
	t.Cleanup(func() {
		_ = listener.Close()
		w.group.Wait()
	})
	return w, u.String()
}

func (w *wire) serve() {
	for {
		client, err := w.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", w.server)
		if err != nil {
			_ = client.Close()
			continue
		}
		var lost atomic.Bool
		w.group.Go(func() { w.forward(server, client, &lost) })
		w.group.Go(func() {
			buf := make([]byte, 64<<10)
			for {
				n, err := server.Read(buf)
				if err != nil || lost.Load() {
					break
				}
				if _, err := client.Write(buf[:n]); err != nil {
					break
				}
			}
			_ = client.Close()
			_ = server.Close()
		})
	}
}

func (w *wire) forward(server, client net.Conn, lost *atomic.Bool) {
	defer func() { _ = server.(*net.TCPConn).CloseWrite() }() // it answers what it has
	buf := make([]byte, 64<<10)
	for {
		n, err := client.Read(buf)
		if err != nil {
			return
		}
		if bytes.Contains(buf[:n], []byte("COMMIT\x00")) {
			switch w.cut.Swap(cutNothing) {
			case cutRequest:
				_ = client.Close()
				return
			case cutAnswer:
				lost.Store(true)
			}
		}
		if _, err := server.Write(buf[:n]); err != nil {
			return
		}
	}
}

// TestAnswerToCommitLost: the store finds out what became of the change.
func TestAnswerToCommitLost(t *testing.T) {
	w, where := wireTo(t, postgres(t).schema(t, ""))
	s := closing(t, open(t, where))
	w.cut.Store(cutAnswer)
	if err := s.Change(t.Context(), put("a", "1")); err != nil {
		t.Errorf("the answer was lost: %v", err)
	}
	if got := setting(t, s, "a"); got != "1" {
		t.Errorf("after it: %q", got)
	}
	w.cut.Store(cutRequest)
	if err := s.Change(t.Context(), put("a", "2")); !errors.Is(err, engine.ErrUnavailable) {
		t.Errorf("the commit was lost: got error %v", err)
	}
	if got := setting(t, s, "a"); got != "1" {
		t.Errorf("after that: %q", got)
	}
	if err := s.Change(t.Context(), put("a", "3")); err != nil {
		t.Errorf("the change after it: %v", err)
	}
	if w.cut.Load() != cutNothing {
		t.Error("no COMMIT was seen")
	}
}

func TestServerThatIsAway(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := listener.Close(); err != nil {
		t.Fatal(err)
	}
	refused(t, "postgres://finest:s3cret@"+listener.Addr().String()+"/tasks?sslmode=disable", sqlstore.Options{},
		listener.Addr().String()+"/tasks", engine.ErrUnavailable)
}

// TestPasswordStaysOutOfErrors opens what cannot be opened in many ways.
func TestPasswordStaysOutOfErrors(t *testing.T) {
	silent, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	group.Go(func() {
		for {
			c, err := silent.Accept()
			if err != nil {
				return
			}
			_, _ = io.WriteString(c, "this is not PostgreSQL")
			_ = c.Close()
		}
	})
	defer group.Wait()
	defer func() { _ = silent.Close() }()
	for _, where := range []string{
		"postgres://finest:s3cret@" + silent.Addr().String() + "/tasks?sslmode=disable",
		"postgres://finest:s3cret@127.0.0.1:1/tasks",
		"postgres://finest:s3cret@127.0.0.1:1/tasks?password=s3cret",
		"postgres://finest:s3cret@127.0.0.1:notaport/tasks",
		"postgres://finest:s3cret@[::1/tasks",
		"postgres://finest@127.0.0.1:notaport/tasks?password=s3cret",
		"postgres://finest@127.0.0.1/tasks?password=s3cret&sslmode=none",
		"postgresql://finest:s3cret@/tasks?host=127.0.0.1:1\x7f",
		"postgres://finest:s3cret%zz@127.0.0.1/tasks",
		"postgres://finest:s3cret@127.0.0.1/tasks?sslmode=none",
	} {
		s, err := sqlstore.Open(context.Background(), where, sqlstore.Options{})
		if err == nil {
			t.Fatal(errors.Join(errors.New("it was opened"), s.Close()))
		}
		if strings.Contains(err.Error(), "s3cret") {
			t.Errorf("an error says the password: %v", err)
		}
	}
}
