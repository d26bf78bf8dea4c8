package sqlstore_test

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// fill makes changes that write so many settings of a page each.
func fill(t *testing.T, s engine.Store, n int) {
	t.Helper()
	text := strings.Repeat("x", 4000)
	for from := 0; from < n; from += 500 {
		err := s.Change(t.Context(), func(tx engine.Tx) error {
			for i := from; i < min(from+500, n); i++ {
				if err := tx.PutSetting(fmt.Sprint(i), text); err != nil {
					return err
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestLongLog: a file whose write-ahead log is as long as it gets is ready soon
// after a crash, with all that was in the log.
func TestLongLog(t *testing.T) {
	dir := memoryDir(t)
	path, copied := filepath.Join(dir, "a.sqlite"), filepath.Join(dir, "b.sqlite")
	s := closing(t, open(t, path))
	if err := s.Limit(t.Context(), "PRAGMA wal_autocheckpoint = 0"); err != nil {
		t.Fatal(err)
	}
	fill(t, s, sqlstore.MaxLogPages/2) // the table's page and its index's, each time
	for _, end := range []string{"", "-wal"} {
		raw, err := os.ReadFile(path + end)
		if err != nil {
			t.Fatal(err)
		}
		if end != "" && len(raw) < sqlstore.MaxLogPages*2000 {
			t.Errorf("the log has %d bytes only", len(raw))
		}
		if err := os.WriteFile(copied+end, raw, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	begin := time.Now()
	crashed := closing(t, open(t, copied))
	if got := setting(t, crashed, fmt.Sprint(sqlstore.MaxLogPages/2-1)); got == "" {
		t.Error("the last change is lost")
	}
	if took := time.Since(begin); took > 2*time.Second {
		t.Errorf("it was ready after %s", took)
	}
}

// TestCheckpointThatFails is told by Ping, since every change succeeds.
func TestCheckpointThatFails(t *testing.T) {
	s := closing(t, open(t, filepath.Join(t.TempDir(), "tasks.sqlite")))
	if err := s.Ping(t.Context()); err != nil {
		t.Fatal(err)
	}
	s.FailCheckpoint(os.ErrPermission)
	if err := s.Ping(t.Context()); err == nil || !strings.Contains(err.Error(), "write-ahead log") {
		t.Errorf("got error %v", err)
	}
	s.Checkpoint()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("after one that succeeded: %v", err)
	}
}
