package sqlstore_test

import (
	"context"
	"crypto/sha256"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"testing"

	"finest/roles/taskserver/sqlstore/postgrestest"
)

// pgDatabase is a database of a test on a PostgreSQL server.
type pgDatabase struct{ url *url.URL }

func postgres(t testing.TB) pgDatabase {
	t.Helper()
	u, err := url.Parse(postgrestest.Database(t))
	if err != nil {
		t.Fatal(err)
	}
	return pgDatabase{u}
}

// schema returns the URL of a place in the database that goes by a name, empty
// when it is named first. A schema is made faster than a database.
func (d pgDatabase) schema(t testing.TB, name string) string {
	t.Helper()
	schema := fmt.Sprintf("s%.16x", sha256.Sum256([]byte(name)))
	execute(t, "pgx", d.url.String(), "CREATE SCHEMA IF NOT EXISTS "+schema)
	u := *d.url
	q := u.Query()
	q.Set("search_path", schema)
	u.RawQuery = q.Encode()
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

// lockFile keeps a SQLite file locked until release.
func lockFile(t testing.TB, path string) (release func()) {
	t.Helper()
	db, err := sql.Open("sqlite", path)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := db.Conn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := conn.ExecContext(t.Context(), "BEGIN IMMEDIATE"); err != nil {
		t.Fatal(err)
	}
	return func() {
		if _, err := conn.ExecContext(context.Background(), "ROLLBACK"); err != nil {
			t.Error(err)
		}
		if err := errors.Join(conn.Close(), db.Close()); err != nil {
			t.Error(err)
		}
	}
}

// count counts the rows of a table of a SQLite file.
func count(t testing.TB, path, table string) (n int) {
	t.Helper()
	db, err := sql.Open("sqlite", (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String())
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := db.Close(); err != nil {
			t.Error(err)
		}
	}()
	if err := db.QueryRowContext(t.Context(), "SELECT count(*) FROM "+table).Scan(&n); err != nil {
		t.Fatal(err)
	}
	return n
}
