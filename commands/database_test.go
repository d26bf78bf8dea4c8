package commands_test

import (
	"database/sql"
	"net/url"

	"github.com/rogpeppe/go-internal/testscript"
	_ "modernc.org/sqlite" // the driver "sqlite"

	"finest/roles/taskserver/sqlstore/postgrestest"
)

// databasePassword is in the URL of databases. The server of the tests asks
// nobody for one.
const databasePassword = "NobodyMayReadThisPassword"

// postgres is the script command
//
//	postgres VARIABLE
//
// It makes a database and sets the variable to its URL.
func postgres(ts *testscript.TestScript, _ bool, args []string) {
	where, drop := postgrestest.Create(ts.Name())
	ts.Defer(func() { ts.Check(drop()) })
	u, err := url.Parse(where)
	ts.Check(err)
	u.User = url.UserPassword(u.User.Username(), databasePassword)
	ts.Setenv(args[0], u.String())
}

// damage is the script command
//
//	damage FILE STATEMENT
//
// It changes a SQLite database behind the back of its owner.
func damage(ts *testscript.TestScript, _ bool, args []string) {
	db, err := sql.Open("sqlite", ts.MkAbs(args[0]))
	ts.Check(err)
	defer func() { _ = db.Close() }()
	result, err := db.Exec(args[1]) //nolint:noctx // it ends by itself
	ts.Check(err)
	if n, err := result.RowsAffected(); err != nil || n == 0 {
		ts.Fatalf("%s: %d rows, error %v", args[1], n, err)
	}
}
