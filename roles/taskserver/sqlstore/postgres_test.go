package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"sync"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// pgServer is a PostgreSQL server on which tests make databases.
type pgServer struct {
	url   string
	mu    sync.Mutex
	known map[string]bool
}

// postgres returns the server that FINEST_POSTGRES names.
func postgres(t testing.TB) *pgServer {
	t.Helper()
	where := os.Getenv("FINEST_POSTGRES")
	if where == "" {
		t.Skip("FINEST_POSTGRES names no PostgreSQL server; .ci/postgres starts one")
	}
	return &pgServer{url: where, known: make(map[string]bool)}
}

// database returns the URL of the database for name, a new one at first. It is
// dropped when the test ends.
func (s *pgServer) database(t testing.TB, name string) string {
	t.Helper()
	u, err := url.Parse(s.url)
	if err != nil {
		t.Fatal("FINEST_POSTGRES is no URL") // without what it may hold of a password
	}
	database := fmt.Sprintf("finest_test_%x", sha256.Sum256(fmt.Append(nil, os.Getpid(), name)))[:40]
	u.Path = "/" + database
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.known[database] {
		s.known[database] = true
		execute(t, "pgx", s.url, fmt.Sprintf("CREATE DATABASE %s TEMPLATE template0 ENCODING 'UTF8'", database))
		t.Cleanup(func() {
			execute(t, "pgx", s.url, fmt.Sprintf("DROP DATABASE %s WITH (FORCE)", database))
		})
	}
	return u.String()
}

// execute runs statements on a connection of its own.
func execute(t testing.TB, driver, where string, statements ...string) {
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
	for _, q := range statements {
		if _, err := db.ExecContext(context.Background(), q); err != nil {
			t.Fatalf("%s: %v", q, err)
		}
	}
}
