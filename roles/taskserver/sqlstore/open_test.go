package sqlstore_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	_ "modernc.org/sqlite" // the driver "sqlite"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/sqlstore"
)

// refused opens a store that must not open, and checks what the error says and
// is.
func refused(t *testing.T, where string, o sqlstore.Options, says string, is ...error) {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), where, o)
	if err == nil {
		t.Fatal(errors.Join(errors.New("it was opened"), s.Close()))
	}
	if !strings.Contains(err.Error(), says) {
		t.Errorf("got error %v, want it to say %q", err, says)
	}
	for _, target := range is {
		if !errors.Is(err, target) {
			t.Errorf("got error %v, want %v", err, target)
		}
	}
}

func TestDatabaseOfAnotherKindIsRefused(t *testing.T) {
	for name, c := range map[string]struct{ statement, says string }{
		"of a newer version":  {"PRAGMA user_version = 1000", "a newer version wrote it"},
		"of the skeleton":     {"CREATE TABLE tasks (id TEXT); PRAGMA user_version = 1", "import the crawls into a new database"},
		"of another program":  {"CREATE TABLE birds (name TEXT)", "another program"},
		"that is no database": {"", "no database"},
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tasks.sqlite")
			if c.statement == "" {
				if err := os.WriteFile(path, []byte(strings.Repeat("no database ", 100)), 0o600); err != nil {
					t.Fatal(err)
				}
			} else {
				execute(t, "sqlite", path, c.statement)
			}
			before, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			refused(t, path, sqlstore.Options{}, c.says)
			if after, err := os.ReadFile(path); err != nil || string(after[100:]) != string(before[100:]) {
				t.Errorf("the file was changed: %v", err)
			}
		})
	}
	t.Run("that is a folder", func(t *testing.T) { refused(t, t.TempDir(), sqlstore.Options{}, "cannot be") })
}

func TestStoreThatMustExistIsNotMade(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	refused(t, path, sqlstore.Options{Existing: true}, path, os.ErrNotExist)
	if _, err := os.Stat(path); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a file was made: %v", err)
	}
	if err := open(t, path).Close(); err != nil {
		t.Fatal(err)
	}
	s, err := sqlstore.Open(t.Context(), path, sqlstore.Options{Existing: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestFileIsItsOwnersOnly: it says who works on what.
// TestMisspeltURLMakesNoFile: nor does the error tell what may be a password.
func TestMisspeltURLMakesNoFile(t *testing.T) {
	dir := t.TempDir()
	t.Chdir(dir)
	for _, where := range []string{
		"Postgres://finest:s3cret@127.0.0.1/tasks", "postgres:/finest:s3cret@127.0.0.1/tasks", "postgresql:finest:s3cret@127.0.0.1/tasks",
		"mysql://finest:s3cret@127.0.0.1/tasks", "host=127.0.0.1 user=finest password=s3cret",
	} {
		for _, existing := range []bool{false, true} {
			s, err := sqlstore.Open(t.Context(), where, sqlstore.Options{Existing: existing})
			if err == nil {
				t.Fatal(errors.Join(fmt.Errorf("%q was opened", where), s.Close()))
			}
			if strings.Contains(err.Error(), "s3cret") || !strings.Contains(err.Error(), "postgres://") {
				t.Errorf("%q: error %v", where, err)
			}
		}
	}
	if files, err := os.ReadDir(dir); err != nil || len(files) > 0 {
		t.Errorf("files %v were made, error %v", files, err)
	}
}

func TestFileIsItsOwnersOnly(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "made", "too")
	s := closing(t, open(t, filepath.Join(dir, fileName)))
	if err := s.Change(t.Context(), func(tx engine.Tx) error { return tx.PutSetting("a", "b") }); err != nil {
		t.Fatal(err)
	}
	if err := s.Backup(t.Context(), filepath.Join(dir, "backup.sqlite")); err != nil {
		t.Fatal(err)
	}
	files, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(files) != 4 {
		t.Errorf("got %d files, want those of the store, its log and its index, and the backup", len(files))
	}
	for _, f := range files {
		info, err := f.Info()
		if err != nil {
			t.Fatal(err)
		}
		if info.Mode().Perm() != 0o600 {
			t.Errorf("%s has mode %v", f.Name(), info.Mode())
		}
	}
}

// openAtOnce opens a new store many times at once: one makes the schema.
func openAtOnce(t *testing.T, where string) {
	t.Helper()
	var group sync.WaitGroup
	for range 6 {
		group.Go(func() {
			s, err := sqlstore.Open(context.Background(), where, sqlstore.Options{})
			if err != nil {
				t.Error(err)
				return
			}
			if err := errors.Join(s.Ping(context.Background()), s.Close()); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}

func TestStoreIsMadeOnceSQLite(t *testing.T) { openAtOnce(t, filepath.Join(t.TempDir(), fileName)) }

func TestStoreIsMadeOncePostgreSQL(t *testing.T) { openAtOnce(t, postgres(t).schema(t, "")) }

// reopened opens a store again whose schema was set back to version 2, and draws
// from it.
func reopened(t *testing.T, driver, where, setVersion string) {
	t.Helper()
	s := open(t, where)
	crawl, tasks := enginetest.Tasks(scriptCrawl, 10, true)
	if _, err := newEngine(t, s).Import(t.Context(), 1, crawl, tasks); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	execute(t, driver, where, "DROP INDEX tasks_to_draw",
		"CREATE INDEX tasks_to_draw ON tasks(point, id) WHERE state = 'available' AND ready = 1", setVersion)
	for range 2 { // the second time there is nothing to do
		s = open(t, where)
		if err := s.View(t.Context(), func(v engine.View) error { return second(v.Draw(7)) }); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestOlderSchemaIsBroughtUpToDateSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	reopened(t, "sqlite", path, "PRAGMA user_version = 2")
	s := closing(t, open(t, path))
	plans, err := s.Plans(t.Context(), func(v engine.View) error { return second(v.Draw(7)) })
	if err != nil || len(plans) != 1 || !strings.Contains(plans[0].Plan, "tasks_to_draw (crawl=? AND point>?)") {
		t.Errorf("draws are run by %v, error %v", plans, err)
	}
}

func TestOlderSchemaIsBroughtUpToDatePostgreSQL(t *testing.T) {
	reopened(t, "pgx", postgres(t).schema(t, ""), "UPDATE finest_schema SET version = 2")
}
