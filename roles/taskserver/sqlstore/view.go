package sqlstore

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"finest/roles/taskserver/engine"
)

// view reads the tables within a transaction.
type view struct {
	ctx, caller context.Context
	// s is nil when the transaction is over.
	s *session
	// failed is the first error of the database.
	failed error
}

var errOver = errors.New("the transaction is over")

// fail notes an error of the database and says where it was.
func (v *view) fail(err error) error {
	err = fmt.Errorf("task store %s: %w", v.s.db.name(), v.s.db.explain(err))
	if v.failed == nil {
		v.failed = err
	}
	return err
}

// many reads all rows of a query.
func many[T any](v *view, scan func(*sql.Rows) (T, error), query string, args ...any) (out []T, err error) {
	if v.s == nil {
		return nil, errOver
	}
	if err := v.caller.Err(); err != nil {
		return nil, err
	}
	rows, err := v.s.query(v.ctx, query, args...)
	if err != nil {
		return nil, v.fail(err)
	}
	for rows.Next() {
		t, err := scan(rows)
		if err != nil {
			_ = rows.Close() // the reason is err
			return nil, v.fail(err)
		}
		out = append(out, t)
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		return nil, v.fail(err)
	}
	return out, nil
}

// one reads the only row of a query.
func one[T any](v *view, what string, scan func(*sql.Rows) (T, error), query string, args ...any) (T, error) {
	out, err := many(v, scan, query, args...)
	if err == nil && len(out) == 0 {
		err = fmt.Errorf("%s: %w", what, engine.ErrNotFound)
	}
	if err != nil {
		var zero T
		return zero, err
	}
	return out[0], nil
}

// number reads one integer.
func (v *view) number(query string, args ...any) (int64, error) {
	return one(v, "number", func(rows *sql.Rows) (n int64, err error) {
		err = rows.Scan(&n)
		return n, err
	}, query, args...)
}

// where collects conditions with their arguments.
type where struct {
	text string
	args []any
}

func (w *where) and(condition string, arg any) {
	if w.text == "" {
		w.text = " WHERE "
	} else {
		w.text += " AND "
	}
	w.text += condition
	w.args = append(w.args, arg)
}

func decode(what, text string, into any) error {
	if err := json.Unmarshal([]byte(text), into); err != nil {
		return fmt.Errorf("read %s: %w", what, err)
	}
	return nil
}
