// Package postgrestest gives tests databases of their own on a PostgreSQL server.
package postgrestest

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"fmt"
	"net/url"
	"os"
	"testing"

	_ "github.com/jackc/pgx/v5/stdlib" // the driver "pgx"
)

// Variable names the environment variable with the URL of a server on which
// tests may make databases.
const Variable = "FINEST_POSTGRES"

// Database makes a database, which is dropped when the test ends, and returns
// its URL. The test is skipped where there is no server.
func Database(t testing.TB) string {
	t.Helper()
	where, drop := Create(t.Name())
	if where == "" {
		t.Skip(Variable + " names no PostgreSQL server; .ci/postgres starts one")
	}
	t.Cleanup(func() {
		if err := drop(); err != nil {
			t.Error(err)
		}
	})
	return where
}

// Create makes a database for the test of a name and returns its URL, and what
// drops it; "" where there is no server. It panics if the server is of no use.
func Create(test string) (where string, drop func() error) {
	server := os.Getenv(Variable)
	if server == "" {
		return "", nil
	}
	u, err := url.Parse(server)
	if err != nil {
		panic(Variable + " is no URL") // without what it may hold of a password
	}
	name := fmt.Sprintf("finest_%.16x", sha256.Sum256(fmt.Append(nil, os.Getpid(), test)))
	if err := execute(server, "CREATE DATABASE "+name+" TEMPLATE template0 ENCODING 'UTF8'"); err != nil {
		panic(err)
	}
	u.Path = "/" + name
	return u.String(), func() error { return execute(server, "DROP DATABASE "+name+" WITH (FORCE)") }
}

func execute(where, statement string) error {
	db, err := sql.Open("pgx", where)
	if err != nil {
		return err
	}
	defer func() { _ = db.Close() }()
	if _, err := db.ExecContext(context.Background(), statement); err != nil {
		return fmt.Errorf("%s: %w", statement, err)
	}
	return nil
}
