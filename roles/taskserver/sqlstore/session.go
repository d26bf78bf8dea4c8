package sqlstore

import (
	"context"
	"database/sql"
	"database/sql/driver"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// session is one connection with the statements it has prepared. It is used by
// one goroutine at a time.
type session struct {
	db       dialect
	conn     *sql.Conn
	prepared map[string]*sql.Stmt
	// prepares says that statements of transactions are prepared, too.
	prepares bool
	// step is called before statements that write, and beat before all.
	step func(string)
	beat func()
	// writes counts statements that write.
	writes int
	// memory is that of the session that writes.
	memory memory
}

func newSession(ctx context.Context, db dialect, pool *sql.DB) (*session, error) {
	conn, err := pool.Conn(ctx)
	if err != nil {
		return nil, fmt.Errorf("connect to task store %s: %w", db.name(), db.explain(err))
	}
	return &session{db: db, conn: conn, prepared: make(map[string]*sql.Stmt), beat: func() {}}, nil
}

// begun returns a session in a new transaction: s, or another if s is nil or
// its connection was lost since.
func begun(ctx context.Context, db dialect, s *session, m mode) (*session, error) {
	if s != nil {
		err := db.begin(ctx, s, m)
		if err == nil {
			return s, nil
		}
		s.discard()
		if ctx.Err() != nil || !db.lost(err) {
			return nil, fmt.Errorf("begin in task store %s: %w", db.name(), db.explain(err))
		}
	}
	s, err := db.session(ctx, m)
	if err != nil {
		return nil, err
	}
	if err := db.begin(ctx, s, m); err != nil {
		s.discard()
		return nil, fmt.Errorf("begin in task store %s: %w", db.name(), db.explain(err))
	}
	return s, nil
}

func (s *session) stepped(what string) {
	if s.step != nil {
		s.step(what)
	}
}

func (s *session) statement(ctx context.Context, query string) (*sql.Stmt, error) {
	s.beat()
	if stmt, ok := s.prepared[query]; ok {
		return stmt, nil
	}
	stmt, err := s.conn.PrepareContext(ctx, s.db.bind(query))
	if err != nil {
		return nil, err
	}
	s.prepared[query] = stmt
	return stmt, nil
}

// exec runs a statement that writes and returns how many rows it changed.
func (s *session) exec(ctx context.Context, query string, args ...any) (int64, error) {
	if err := storable(args); err != nil {
		return 0, err
	}
	stmt, err := s.statement(ctx, query)
	if err != nil {
		return 0, err
	}
	s.stepped("write")
	s.writes++
	result, err := stmt.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return result.RowsAffected()
}

func (s *session) query(ctx context.Context, query string, args ...any) (*sql.Rows, error) {
	if err := storable(args); err != nil {
		return nil, err
	}
	stmt, err := s.statement(ctx, query)
	if err != nil {
		return nil, err
	}
	return stmt.QueryContext(ctx, args...)
}

// control begins or ends a transaction, or a part of one.
func (s *session) control(ctx context.Context, statement string) error {
	if !s.prepares {
		return s.plain(ctx, statement)
	}
	stmt, err := s.statement(ctx, statement)
	if err != nil {
		return err
	}
	_, err = stmt.ExecContext(ctx)
	return err
}

// plain runs statements without preparing them: settings, schemas.
func (s *session) plain(ctx context.Context, statements string) error {
	s.beat()
	_, err := s.conn.ExecContext(ctx, statements)
	return err
}

// close gives the connection back to be closed in order.
func (s *session) close() error { return errors.Join(s.forget(), s.conn.Close()) }

// discard closes a connection that is in an unknown state. What it was used for
// has failed already, so its errors say nothing new.
func (s *session) discard() {
	_ = s.forget()                                               // statements go before their connection
	_ = s.conn.Raw(func(any) error { return driver.ErrBadConn }) // has database/sql drop it
	_ = s.conn.Close()
}

// forget closes all prepared statements.
func (s *session) forget() error {
	var errs []error
	for _, stmt := range s.prepared {
		errs = append(errs, stmt.Close())
	}
	clear(s.prepared)
	return errors.Join(errs...)
}

// storable refuses texts that not every database keeps as they are: PostgreSQL
// takes neither NUL nor what is no UTF-8.
func storable(args []any) error {
	for _, a := range args {
		if text, ok := a.(string); ok && (!utf8.ValidString(text) || strings.IndexByte(text, 0) >= 0) {
			return fmt.Errorf("store text %.40q: it holds NUL or is not UTF-8", text)
		}
	}
	return nil
}
