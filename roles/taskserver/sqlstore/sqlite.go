package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"modernc.org/sqlite"
	sqlite3 "modernc.org/sqlite/lib"

	"finest/internal/durable"
	"finest/roles/taskserver/engine"
)

// sqliteDB is a SQLite file in write-ahead mode with a sync for every commit.
// One transaction writes at a time, others read beside it; several processes
// may open the file.
type sqliteDB struct {
	path        string
	pool        *sql.DB
	checkpoints *checkpoints
}

// busyMillis is how long a statement waits for another process's lock, and
// lockedMillis how long a connection that could not be made, until it is tried
// again.
const (
	busyMillis   = 10_000
	lockedMillis = 20
)

// cacheKiB bounds the pages a connection keeps in memory.
const cacheKiB = 8 << 10

func openSQLite(path string, existing bool) (dialect, error) {
	if err := createFile(path, existing); err != nil {
		return nil, fmt.Errorf("open task store: %w", err)
	}
	pool, err := sql.Open("sqlite", sqliteSource(path)+
		"&_pragma=journal_mode(WAL)&_pragma=synchronous(FULL)&_pragma=foreign_keys(1)&_pragma=temp_store(MEMORY)"+
		fmt.Sprintf("&_pragma=cache_size(-%d)&_pragma=wal_autocheckpoint(%d)", cacheKiB, maxLogPages))
	if err != nil {
		return nil, fmt.Errorf("open task store %s: %w", path, err)
	}
	return &sqliteDB{path: path, pool: pool, checkpoints: newCheckpoints(pool)}, nil
}

// sqliteSource is a path as the driver wants it, whatever characters it has.
func sqliteSource(path string) string {
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath()}).String() +
		fmt.Sprintf("?_pragma=busy_timeout(%d)", busyMillis)
}

// createFile makes an empty file, which is an empty database, that only its
// owner reads: it says who holds what.
func createFile(path string, existing bool) error {
	if existing {
		_, err := os.Stat(path)
		return err
	}
	if err := durable.MkdirAll(filepath.Dir(path)); err != nil {
		return err
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return errors.Join(f.Close(), durable.SyncDir(filepath.Dir(path)))
}

func (d *sqliteDB) name() string { return d.path }

func (d *sqliteDB) session(ctx context.Context, m mode) (*session, error) {
	s, err := d.connect(ctx)
	if err != nil {
		return nil, err
	}
	s.prepares = true
	if m == forReading {
		if err := s.plain(ctx, "PRAGMA query_only = 1"); err != nil {
			s.discard()
			return nil, err
		}
	}
	return s, nil
}

// connect tries again while the file is locked: SQLite waits for other connections,
// but not for one that begins or ends the write-ahead log.
func (d *sqliteDB) connect(ctx context.Context) (*session, error) {
	for waited := 0; ; waited += lockedMillis {
		s, err := newSession(ctx, d, d.pool)
		var e *sqlite.Error
		if err == nil || waited >= busyMillis || !errors.As(err, &e) || e.Code()&0xff != sqlite3.SQLITE_BUSY {
			return s, err
		}
		select {
		case <-time.After(lockedMillis * time.Millisecond):
		case <-ctx.Done():
			return nil, err
		}
	}
}

func (d *sqliteDB) begin(ctx context.Context, s *session, m mode) error {
	if m == forWriting {
		return s.control(ctx, "BEGIN IMMEDIATE")
	}
	return s.control(ctx, "BEGIN")
}

func (d *sqliteDB) commit(ctx context.Context, s *session) error {
	if err := s.control(ctx, "COMMIT"); err != nil {
		return err
	}
	if s.writes >= checkpointWrites {
		s.writes = 0
		d.checkpoints.soon()
	}
	return nil
}

func (d *sqliteDB) bind(query string) string { return query }
func (d *sqliteDB) ddl(schema string) string { return schema }

func (d *sqliteDB) version(ctx context.Context, s *session) (version int, err error) {
	if err := s.conn.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil || version > 0 {
		return version, err
	}
	var tables int
	if err := s.conn.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_schema").Scan(&tables); err != nil {
		return 0, err
	}
	if tables > 0 {
		return 0, errors.New("the file is a database of another program")
	}
	return 0, nil
}

func (d *sqliteDB) setVersion(ctx context.Context, s *session, version int) error {
	return s.plain(ctx, fmt.Sprintf("PRAGMA user_version = %d", version))
}

func (d *sqliteDB) revision(ctx context.Context, s *session) (n int64, ok bool, err error) {
	stmt, err := s.statement(ctx, "PRAGMA data_version")
	if err != nil {
		return 0, false, err
	}
	err = stmt.QueryRowContext(ctx).Scan(&n)
	return n, err == nil, err
}

func (d *sqliteDB) explain(err error) error {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return err
	}
	switch e.Code() {
	case sqlite3.SQLITE_CONSTRAINT_UNIQUE, sqlite3.SQLITE_CONSTRAINT_PRIMARYKEY:
		return fmt.Errorf("%w: %w", engine.ErrConflict, err)
	case sqlite3.SQLITE_CONSTRAINT_FOREIGNKEY:
		return fmt.Errorf("what it belongs to: %w: %w", engine.ErrNotFound, err)
	}
	switch e.Code() & 0xff {
	case sqlite3.SQLITE_FULL:
		return fmt.Errorf("%w: %w: free space on the disk: %w", engine.ErrUnavailable, syscall.ENOSPC, err)
	case sqlite3.SQLITE_IOERR:
		return fmt.Errorf("%w: the disk failed: %w", engine.ErrUnavailable, err)
	case sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED:
		return fmt.Errorf("%w: another process keeps the file locked: %w", engine.ErrUnavailable, err)
	case sqlite3.SQLITE_READONLY, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_PERM:
		return fmt.Errorf("%w: the file, or its folder, cannot be written: %w", engine.ErrUnavailable, err)
	case sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB:
		return fmt.Errorf("%w: the file is damaged or no database: restore a backup: %w", engine.ErrUnavailable, err)
	}
	return err
}

func (d *sqliteDB) lost(error) bool { return false }

// statementContext has no end: the driver would start a goroutine for every
// statement to watch it, and none takes long.
func (d *sqliteDB) statementContext(ctx context.Context) context.Context {
	return context.WithoutCancel(ctx)
}

func (d *sqliteDB) batchContext() (ctx context.Context, beat func(), cancel context.CancelFunc) {
	return context.Background(), func() {}, func() {}
}

func (d *sqliteDB) trouble() error { return d.checkpoints.err() }

func (d *sqliteDB) close() error {
	d.checkpoints.close()
	return d.pool.Close()
}
