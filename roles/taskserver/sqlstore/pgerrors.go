package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"io"
	"net"

	"github.com/jackc/pgx/v5/pgconn"

	"finest/roles/taskserver/engine"
)

// explain says of an answer to a statement what it means, and of the way to the
// server whether it is broken. What else goes wrong, such as a row that cannot
// be read or a caller who gave up, stays what it is.
func (d *postgresDB) explain(err error) error {
	var answer *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, engine.ErrUnavailable):
		return err
	case errors.As(err, &answer):
		return explainAnswer(answer.Code, err)
	case !errors.Is(err, context.Canceled) && isAway(err):
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return err
}

// explainAnswer explains an error by its code (PostgreSQL, appendix A).
func explainAnswer(code string, err error) error {
	switch code {
	case "23505": // unique_violation
		return fmt.Errorf("%w: %w", engine.ErrConflict, err)
	case "23503": // foreign_key_violation
		return fmt.Errorf("what it belongs to: %w: %w", engine.ErrNotFound, err)
	}
	if len(code) < 2 {
		return err
	}
	switch code[:2] {
	case "08", "53", "57", "58", "25": // connection, resources, operator, system, state of the transaction
		return fmt.Errorf("%w: %w", engine.ErrUnavailable, err)
	}
	return err
}

// isAway reports whether err says that the server cannot be reached, or did not
// answer in time.
func isAway(err error) bool {
	for _, lost := range []error{
		io.EOF, io.ErrUnexpectedEOF, net.ErrClosed, driver.ErrBadConn, sql.ErrConnDone, pgconn.ErrConnClosed, context.DeadlineExceeded,
	} {
		if errors.Is(err, lost) {
			return true
		}
	}
	var connect *pgconn.ConnectError
	var network net.Error // also errors of the operating system
	return errors.As(err, &connect) || errors.As(err, &network) || pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}
