package sqlstore_test

import (
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
	"finest/roles/taskserver/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// fileName has what a URI or a shell might misread.
const fileName = "task ?&#%41.sqlite"

func open(t testing.TB, where string) *sqlstore.Store {
	t.Helper()
	s, err := sqlstore.Open(t.Context(), where, sqlstore.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func openBackup(t testing.TB, path string) engine.Store { return open(t, path) }

func TestSQLite(t *testing.T) {
	storetest.Run(t, storetest.Traits{
		Durable:    true,
		OpenBackup: openBackup,
		Open:       func(t testing.TB, dir string) engine.Store { return open(t, filepath.Join(dir, fileName)) },
	})
}

func TestPostgreSQL(t *testing.T) {
	database := postgres(t)
	storetest.Run(t, storetest.Traits{
		Durable:    true,
		OpenBackup: openBackup,
		Rounds:     10,
		Open:       func(t testing.TB, dir string) engine.Store { return open(t, database.schema(t, dir)) },
	})
}
