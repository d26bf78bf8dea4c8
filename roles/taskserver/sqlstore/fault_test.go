package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"testing"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

func put(name, text string) func(engine.Tx) error {
	return func(tx engine.Tx) error { return tx.PutSetting(name, text) }
}

func setting(t testing.TB, s engine.Store, name string) (text string) {
	t.Helper()
	err := s.View(t.Context(), func(v engine.View) (err error) {
		text, err = v.Setting(name)
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func newSQLite(t testing.TB) *sqlstore.Store {
	t.Helper()
	return closing(t, open(t, filepath.Join(t.TempDir(), fileName)))
}

// TestFullDisk has the database say that its disk is full: a bound of pages is
// the same to it.
func TestFullDisk(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	s := closing(t, open(t, path))
	if err := s.Change(t.Context(), put("a", "small")); err != nil {
		t.Fatal(err)
	}
	fill := func() {
		if err := s.Limit(t.Context(), "PRAGMA max_page_count = 60"); err != nil {
			t.Fatal(err)
		}
	}
	fill()
	err := s.Change(t.Context(), put("a", strings.Repeat("large", 100_000)))
	if !errors.Is(err, syscall.ENOSPC) || !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	if got := setting(t, s, "a"); got != "small" {
		t.Errorf("after the disk was full: %.20q", got)
	}
	// In a batch it is the fault of one; the others are made again.
	const others = 8
	fill() // the connection is another since
	errs := together(others+1, func(i int) error {
		if i == others {
			return s.Change(t.Context(), put("a", strings.Repeat("large", 100_000)))
		}
		return s.Change(t.Context(), put(fmt.Sprint(i), "there"))
	})
	for i, err := range errs {
		if i == others {
			if !errors.Is(err, syscall.ENOSPC) {
				t.Errorf("too large a change: got error %v", err)
			}
			continue
		}
		if got := setting(t, s, fmt.Sprint(i)); (err == nil) != (got == "there") {
			t.Errorf("change %d returned error %v, and left %q", i, err, got)
		}
	}
	if err := s.Change(t.Context(), put("a", "small again")); err != nil {
		t.Errorf("when there is room: %v", err)
	}
}

// together calls f in n goroutines at once.
func together(n int, f func(i int) error) []error {
	errs := make([]error, n)
	var group sync.WaitGroup
	for i := range n {
		group.Go(func() { errs[i] = f(i) })
	}
	group.Wait()
	return errs
}

func TestFileLockedByAnotherProcess(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	s := closing(t, open(t, path))
	if err := s.Limit(t.Context(), "PRAGMA busy_timeout = 1"); err != nil {
		t.Fatal(err)
	}
	release := lockFile(t, path)
	err := s.Change(t.Context(), put("a", "b"))
	if !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "locked") || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
	if got := setting(t, s, "a"); got != "" {
		t.Errorf("reading while it is locked: %q", got)
	}
	release()
	if err := s.Change(t.Context(), put("a", "b")); err != nil {
		t.Errorf("when it is free: %v", err)
	}
}

func TestFileThatCannotBeWritten(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	s := closing(t, open(t, path))
	if err := s.Limit(t.Context(), "PRAGMA query_only = 1"); err != nil {
		t.Fatal(err)
	}
	err := s.Change(t.Context(), put("a", "b"))
	if !errors.Is(err, engine.ErrUnavailable) || !strings.Contains(err.Error(), "cannot be written") || !strings.Contains(err.Error(), path) {
		t.Errorf("got error %v", err)
	}
}

func TestDamagedFile(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	s := open(t, path)
	if err := s.Change(t.Context(), put("a", strings.Repeat("large", 10_000))); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	for i := 4096; i < len(raw); i++ {
		raw[i] = 0xff
	}
	if err := os.WriteFile(path, raw, 0o600); err != nil {
		t.Fatal(err)
	}
	refused(t, path, sqlstore.Options{}, path+": store is unavailable: the file is damaged", engine.ErrUnavailable)
}

// TestTextThatNotAllDatabasesKeep is refused by all.
func TestTextThatNotAllDatabasesKeep(t *testing.T) {
	s := newSQLite(t)
	for _, text := range []string{"a\x00b", "a\xffb"} {
		if err := s.Change(t.Context(), put("a", text)); err == nil {
			t.Errorf("text %q was kept", text)
		}
	}
}

func TestTransactionThatIsOver(t *testing.T) {
	s := newSQLite(t)
	var tx engine.Tx
	var view engine.View
	if err := s.Change(t.Context(), func(t engine.Tx) error { tx = t; return t.PutSetting("a", "b") }); err != nil {
		t.Fatal(err)
	}
	if err := s.View(t.Context(), func(v engine.View) error { view = v; return nil }); err != nil {
		t.Fatal(err)
	}
	if err := tx.PutSetting("a", "c"); err == nil {
		t.Error("a change was written to after its end")
	}
	if _, err := view.Setting("a"); err == nil {
		t.Error("a view was read after its end")
	}
}

// TestChangeThatOverlooksAnError fails all the same: PostgreSQL keeps nothing of
// a transaction after an error.
func TestChangeThatOverlooksAnError(t *testing.T) {
	s := newSQLite(t)
	err := s.Change(t.Context(), func(tx engine.Tx) error {
		_ = tx.AddTasks([]engine.Task{{ID: "no-crawl-000000", Crawl: "no-crawl", State: "available"}})
		return tx.PutSetting("a", "b")
	})
	if !errors.Is(err, engine.ErrNotFound) {
		t.Errorf("got error %v", err)
	}
	if got := setting(t, s, "a"); got != "" {
		t.Errorf("it kept %q", got)
	}
}

// TestChangeWhoseGoroutineEnds holds nobody up.
func TestChangeWhoseGoroutineEnds(t *testing.T) {
	s := newSQLite(t)
	together(8, func(i int) error {
		return s.Change(context.Background(), func(tx engine.Tx) error {
			if err := tx.PutSetting(fmt.Sprint(i), "there"); err != nil {
				return err
			}
			if i%2 == 1 {
				runtime.Goexit()
			}
			return nil
		})
	})
	for i := range 8 {
		if got, want := setting(t, s, fmt.Sprint(i)), []string{"there", ""}[i%2]; got != want {
			t.Errorf("change %d left %q, want %q", i, got, want)
		}
	}
}

// TestCallerThatLeaves takes its change back while it waits, and not while it is
// made.
func TestCallerThatLeaves(t *testing.T) {
	s := newSQLite(t)
	running, release := make(chan struct{}), make(chan struct{})
	ctx, cancel := context.WithCancel(t.Context())
	first := make(chan error, 1)
	go func() {
		first <- s.Change(ctx, func(tx engine.Tx) error {
			close(running)
			<-release
			return tx.PutSetting("first", "there")
		})
	}()
	<-running
	left := make(chan error, 1)
	go func() { left <- s.Change(ctx, put("second", "there")) }()
	for s.Waiting() == 0 {
		runtime.Gosched()
	}
	cancel()
	if err := <-left; !errors.Is(err, context.Canceled) {
		t.Errorf("the one that waits: got error %v", err)
	}
	close(release)
	if err := <-first; err != nil {
		t.Errorf("the one that was being made: %v", err)
	}
	if a, b := setting(t, s, "first"), setting(t, s, "second"); a != "there" || b != "" {
		t.Errorf("the first left %q, the second %q", a, b)
	}
}

func TestViewsWaitForTheirTurn(t *testing.T) {
	s := newSQLite(t)
	var entered sync.WaitGroup
	entered.Add(sqlstore.Readers)
	release := make(chan struct{})
	var group sync.WaitGroup
	for range sqlstore.Readers {
		group.Go(func() {
			err := s.View(context.Background(), func(engine.View) error { entered.Done(); <-release; return nil })
			if err != nil {
				t.Error(err)
			}
		})
	}
	entered.Wait()
	ctx, cancel := context.WithCancel(t.Context())
	more := make(chan error, 1)
	go func() { more <- s.View(ctx, func(engine.View) error { return nil }) }()
	cancel()
	if err := <-more; !errors.Is(err, context.Canceled) {
		t.Errorf("one more than there may be: got error %v", err)
	}
	close(release)
	group.Wait()
	if err := s.Ping(t.Context()); err != nil {
		t.Error(err)
	}
}
