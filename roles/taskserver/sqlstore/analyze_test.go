package sqlstore_test

import (
	"database/sql"
	"fmt"
	"path/filepath"
	"testing"

	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/sqlstore"
)

// imported is a store with so many tasks, whose tables are analysed.
func imported(t *testing.T, where string, tasks int) *sqlstore.Store {
	t.Helper()
	s := closing(t, open(t, where))
	crawl, all := enginetest.Tasks(scriptCrawl, tasks, true)
	if _, err := newEngine(t, s).Import(t.Context(), 1, crawl, all); err != nil {
		t.Fatal(err)
	}
	if err := s.Analyze(t.Context()); err != nil {
		t.Fatal(err)
	}
	return s
}

// number reads one number of a database.
func number(t *testing.T, driver, where, query string) (n int) {
	t.Helper()
	db, err := sql.Open(driver, where)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.QueryRowContext(t.Context(), query).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}

// TestAnalyzePostgreSQL: right after an import the planner knows how many tasks
// there are.
func TestAnalyzePostgreSQL(t *testing.T) {
	const tasks = 700
	where := postgres(t).schema(t, "")
	imported(t, where, tasks)
	got := number(t, "pgx", where, "SELECT CAST(reltuples AS INTEGER) FROM pg_class WHERE oid = CAST('tasks' AS regclass)")
	if got != tasks {
		t.Errorf("the planner reckons with %d tasks, not %d", got, tasks)
	}
}

// TestAnalyzeLeavesPlansOfSQLite: they follow from the schema alone, as long as
// there are no statistics.
func TestAnalyzeLeavesPlansOfSQLite(t *testing.T) {
	path := filepath.Join(t.TempDir(), "tasks.sqlite")
	imported(t, path, 700)
	const statistics = "SELECT count(*) FROM sqlite_schema WHERE name LIKE 'sqlite_stat%'"
	if n := number(t, "sqlite", fmt.Sprintf("file:%s", path), statistics); n > 0 {
		t.Errorf("it keeps %d tables of statistics", n)
	}
}
