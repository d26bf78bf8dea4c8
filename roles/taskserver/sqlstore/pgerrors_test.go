package sqlstore_test

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// TestPostgresErrorsKeepTheirNature: only a server that cannot be reached, or is
// too slow, is unavailable: then clients try again later. A row that cannot be
// read will not be better then.
func TestPostgresErrorsKeepTheirNature(t *testing.T) {
	code := func(c string) error { return &pgconn.PgError{Code: c} }
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	_, giveUp := pgconn.Connect(canceled, "postgres://finest@127.0.0.1:1/tasks")
	_, refused := pgconn.Connect(t.Context(), "postgres://finest@127.0.0.1:1/tasks?sslmode=disable")
	_, number := strconv.ParseUint("-1", 10, 64)
	for name, c := range map[string]struct {
		err  error
		want error // nil: none of those that callers tell apart
	}{
		"nobody listens":         {refused, engine.ErrUnavailable},
		"reset":                  {&net.OpError{Op: "read", Err: syscall.ECONNRESET}, engine.ErrUnavailable},
		"broken pipe":            {syscall.EPIPE, engine.ErrUnavailable},
		"cut off":                {io.ErrUnexpectedEOF, engine.ErrUnavailable},
		"hung up":                {io.EOF, engine.ErrUnavailable},
		"closed here":            {net.ErrClosed, engine.ErrUnavailable},
		"closed by the driver":   {pgconn.ErrConnClosed, engine.ErrUnavailable},
		"bad connection":         {driver.ErrBadConn, engine.ErrUnavailable},
		"connection given back":  {sql.ErrConnDone, engine.ErrUnavailable},
		"no such host":           {&net.DNSError{IsNotFound: true}, engine.ErrUnavailable},
		"too slow":               {context.DeadlineExceeded, engine.ErrUnavailable},
		"connection exception":   {code("08006"), engine.ErrUnavailable},
		"too many connections":   {code("53300"), engine.ErrUnavailable},
		"shuts down":             {code("57P01"), engine.ErrUnavailable},
		"disk failed":            {code("58030"), engine.ErrUnavailable},
		"read-only":              {code("25006"), engine.ErrUnavailable},
		"unavailable already":    {engine.ErrUnavailable, engine.ErrUnavailable},
		"there already":          {code("23505"), engine.ErrConflict},
		"belongs to nothing":     {code("23503"), engine.ErrNotFound},
		"caller gave up":         {context.Canceled, context.Canceled},
		"gave up while dialling": {giveUp, context.Canceled},
		"not allowed":            {code("42501"), nil},
		"no such table":          {code("42P01"), nil},
		"no code":                {code(""), nil},
		"row cannot be scanned":  {fmt.Errorf("sql: Scan error on column index 8: %w", number), nil},
		"text is no JSON":        {json.Unmarshal([]byte("{"), new(int)), nil},
		"argument is not known":  {errors.New("failed to encode args[0]: unable to encode"), nil},
		"no row":                 {sql.ErrNoRows, nil},
	} {
		t.Run(name, func(t *testing.T) {
			got := sqlstore.ExplainPostgres(fmt.Errorf("a statement: %w", c.err))
			if !errors.Is(got, c.err) {
				t.Errorf("%v is not what it was, %v", got, c.err)
			}
			for _, known := range []error{engine.ErrUnavailable, engine.ErrConflict, engine.ErrNotFound, context.Canceled} {
				if errors.Is(got, known) != errors.Is(c.want, known) {
					t.Errorf("%v: is it %q? %t", got, known, errors.Is(got, known))
				}
			}
		})
	}
	if err := sqlstore.ExplainPostgres(nil); err != nil {
		t.Errorf("nothing is explained as %v", err)
	}
}

// TestSilentDatabaseIsUnavailable: when a batch ends because no answer comes,
// nobody gave up.
func TestSilentDatabaseIsUnavailable(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, beat, cancel := sqlstore.PostgresBatch()
		defer cancel()
		for range 3 {
			time.Sleep(sqlstore.StatementTimeout - time.Millisecond)
			if beat(); ctx.Err() != nil {
				t.Fatalf("while answers come: %v", ctx.Err())
			}
		}
		time.Sleep(sqlstore.StatementTimeout)
		<-ctx.Done()
		if err := ctx.Err(); !errors.Is(err, engine.ErrUnavailable) || errors.Is(err, context.Canceled) {
			t.Errorf("when none comes: %v", err)
		}
	})
}
