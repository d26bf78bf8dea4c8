package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net"
	"strconv"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/stdlib"

	"finest/roles/taskserver/engine"
)

// postgresDB is a database of a PostgreSQL server. All who write take one
// advisory lock for the length of their transaction.
type postgresDB struct {
	where string
	pool  *sql.DB
}

const (
	// lockWriter takes the advisory lock: "fine", and the schema, so that stores
	// in schemas of one database leave each other alone.
	lockWriter = "SELECT pg_advisory_xact_lock(x'66696e65'::int, hashtext(current_schema()))"
	// statementTimeout is how long a change waits for one answer, and for its turn
	// among the changes of other replicas.
	statementTimeout = 30 * time.Second
	connectTimeout   = 10 * time.Second
	// idleTimeout is after how long PostgreSQL ends a transaction whose client
	// has gone silent, so that a replica that hangs does not hold the others up.
	idleTimeout = "15s"
	// resolveTimeout is how long a lost answer to a commit is asked for again.
	resolveTimeout = 10 * time.Second
	resolvePause   = 50 * time.Millisecond
	// oldestPostgres has everything that is used, as server_version_num.
	oldestPostgres = 130_000
)

func openPostgres(ctx context.Context, where string) (dialect, error) {
	config, err := pgx.ParseConfig(where)
	if err != nil {
		return nil, fmt.Errorf("open task store: the URL of the database is not understood: %w", err)
	}
	for name, value := range map[string]string{
		"application_name":                    "finest task-server",
		"client_encoding":                     "UTF8",
		"synchronous_commit":                  "on",
		"idle_in_transaction_session_timeout": idleTimeout,
	} {
		config.RuntimeParams[name] = value
	}
	config.ConnectTimeout = connectTimeout
	d := &postgresDB{
		where: fmt.Sprintf("postgres://%s/%s", net.JoinHostPort(config.Host, strconv.Itoa(int(config.Port))), config.Database),
		pool:  stdlib.OpenDB(*config),
	}
	if err := d.suitable(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open task store %s: %w", d.where, err), d.pool.Close())
	}
	return d, nil
}

func (d *postgresDB) suitable(ctx context.Context) error {
	var version int
	var encoding string
	err := d.pool.QueryRowContext(ctx, "SELECT CAST(current_setting('server_version_num') AS INTEGER), current_setting('server_encoding')").
		Scan(&version, &encoding)
	switch {
	case err != nil:
		return d.explain(err)
	case version < oldestPostgres:
		return fmt.Errorf("the server is PostgreSQL %d, the oldest that will do is %d", version/10_000, oldestPostgres/10_000)
	case encoding != "UTF8":
		return fmt.Errorf("the encoding of the database is %s, it must be UTF8", encoding)
	}
	return nil
}

func (d *postgresDB) name() string { return d.where }

func (d *postgresDB) session(ctx context.Context, _ mode) (*session, error) {
	return newSession(ctx, d, d.pool)
}

func (d *postgresDB) begin(ctx context.Context, s *session, m mode) error {
	if m == forReading {
		return s.control(ctx, "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
	}
	// At this level every statement sees what was committed before it, so all
	// after the lock see all batches before.
	if err := s.control(ctx, "BEGIN ISOLATION LEVEL READ COMMITTED"); err != nil {
		return err
	}
	return s.control(ctx, lockWriter)
}

// commit commits. When the connection is lost meanwhile nobody has told whether
// the transaction is durable; the server knows it by its number.
func (d *postgresDB) commit(ctx context.Context, s *session) error {
	var id string
	if err := s.conn.QueryRowContext(ctx, "SELECT CAST(pg_current_xact_id() AS TEXT)").Scan(&id); err != nil {
		return err
	}
	err := s.control(ctx, "COMMIT")
	if err == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), resolveTimeout)
	defer cancel()
	for {
		status, statusErr := d.status(ctx, id)
		switch {
		case statusErr == nil && status == "committed":
			return nil // begun connects again
		case statusErr == nil && status == "aborted":
			return err
		}
		select {
		case <-time.After(resolvePause):
		case <-ctx.Done():
			return fmt.Errorf("%w: whether it was committed is not known: %w", engine.ErrUnavailable, err)
		}
	}
}

// status says what became of a transaction: committed, aborted or in progress.
func (d *postgresDB) status(ctx context.Context, id string) (status string, err error) {
	err = d.pool.QueryRowContext(ctx, "SELECT coalesce(pg_xact_status(CAST($1 AS xid8)), '')", id).Scan(&status)
	return status, err
}

func (d *postgresDB) bind(query string) string {
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(query, "?") {
		if n > 0 {
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

var postgresDDL = strings.NewReplacer(
	"TEXT", `TEXT COLLATE "C"`, "INTEGER", "BIGINT", "BLOB", "BYTEA", ") STRICT, WITHOUT ROWID;", ");", ") STRICT;", ");")

func (d *postgresDB) ddl(schema string) string { return postgresDDL.Replace(schema) }

func (d *postgresDB) version(ctx context.Context, s *session) (version int, err error) {
	if err := s.plain(ctx, "CREATE TABLE IF NOT EXISTS finest_schema (version BIGINT NOT NULL)"); err != nil {
		return 0, err
	}
	err = s.conn.QueryRowContext(ctx, "SELECT coalesce(max(version), 0) FROM finest_schema").Scan(&version)
	return version, err
}

func (d *postgresDB) trouble() error { return nil }

func (d *postgresDB) revision(context.Context, *session) (int64, bool, error) { return 0, false, nil }

func (d *postgresDB) setVersion(ctx context.Context, s *session, version int) error {
	return s.plain(ctx, fmt.Sprintf("DELETE FROM finest_schema; INSERT INTO finest_schema (version) VALUES (%d)", version))
}

func (d *postgresDB) lost(error) bool { return true }

func (d *postgresDB) statementContext(ctx context.Context) context.Context { return ctx }

func (d *postgresDB) batchContext() (ctx context.Context, beat func(), cancel context.CancelFunc) {
	ctx, end := context.WithCancelCause(context.Background())
	timer := time.AfterFunc(statementTimeout, func() { end(errSilent) })
	return watched{ctx}, func() { timer.Reset(statementTimeout) }, func() {
		timer.Stop()
		end(nil)
	}
}

// watched is the context of a batch. It ends because the database is silent, not
// because anybody gave up, and says so.
type watched struct{ context.Context }

func (w watched) Err() error {
	if w.Context.Err() == nil {
		return nil
	}
	return context.Cause(w.Context)
}

var errSilent = fmt.Errorf("the database did not answer for %v: %w", statementTimeout, engine.ErrUnavailable)

func (d *postgresDB) close() error { return d.pool.Close() }
