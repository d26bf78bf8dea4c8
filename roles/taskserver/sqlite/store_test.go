package sqlite_test

import (
	"database/sql"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/roles/taskserver"
	"finest/roles/taskserver/sqlite"
	"finest/roles/taskserver/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// name has what a URI or a shell might misread.
const name = "task ?&#%41.sqlite"

func open(t testing.TB, dir string) taskserver.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestSuite(t *testing.T) { storetest.Suite(t, open) }

func exec(t testing.TB, path, query string) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatal(err)
	}
}

func TestSchemaOfNewerVersionIsRefused(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	exec(t, path, "PRAGMA user_version = 1000")
	if _, err := sqlite.Open(t.Context(), path); err == nil || !strings.Contains(err.Error(), "newer version") {
		t.Errorf("got error %v", err)
	}
}

func TestFileThatIsNoDatabaseIsRefused(t *testing.T) {
	dir := t.TempDir()
	if _, err := sqlite.Open(t.Context(), dir); err == nil {
		t.Error("a folder was opened")
	}
}

// TestUsedUUIDsAreForgotten keeps the table from growing without end.
func TestUsedUUIDsAreForgotten(t *testing.T) {
	s := open(t, t.TempDir())
	defer func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	}()
	now := time.UnixMilli(1_700_000_000_000)
	for _, at := range []time.Time{now, now.Add(2 * time.Minute)} {
		if err := s.UseUUID(t.Context(), "signer", "uuid", at.Add(time.Minute), at); err != nil {
			t.Fatal(err)
		}
	}
}
