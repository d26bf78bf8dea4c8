package sqlstore_test

import (
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/goleak"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
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

// modelSteps are those of the model test of the engine, which makes many more in
// memory.
const modelSteps = 2000

func TestModelSQLite(t *testing.T) {
	enginetest.Run(t, func(t *testing.T) engine.Store { return open(t, filepath.Join(memoryDir(t), fileName)) }, modelSteps, 7)
}

func TestModelPostgreSQL(t *testing.T) {
	database := postgres(t)
	enginetest.Run(t, func(t *testing.T) engine.Store { return open(t, database.schema(t, t.TempDir())) }, modelSteps, 7)
}

// memoryDir is a folder in memory where there is one, for tests that make many
// changes and need none of them to outlive the machine.
func memoryDir(t testing.TB) string {
	t.Helper()
	dir, err := os.MkdirTemp("/dev/shm", "finest-test-")
	if err != nil {
		return t.TempDir()
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(dir); err != nil {
			t.Error(err)
		}
	})
	return dir
}

// closing closes a store when its test ends.
func closing(t testing.TB, s *sqlstore.Store) *sqlstore.Store {
	t.Helper()
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestReplicasSQLite(t *testing.T) {
	path := filepath.Join(memoryDir(t), fileName)
	enginetest.Crowd(t, []engine.Store{closing(t, open(t, path)), closing(t, open(t, path))})
}

func TestReplicasPostgreSQL(t *testing.T) {
	where := postgres(t).schema(t, "")
	enginetest.Crowd(t, []engine.Store{closing(t, open(t, where)), closing(t, open(t, where)), closing(t, open(t, where))})
}
