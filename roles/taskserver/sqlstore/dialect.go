package sqlstore

import "context"

// dialect is what differs between databases.
type dialect interface {
	// name is where the store is, without secrets, for errors.
	name() string
	// session connects.
	session(ctx context.Context, m mode) (*session, error)
	// begin begins a transaction. One for writing keeps all others that write
	// out until it ends, those of other processes, too.
	begin(ctx context.Context, s *session, m mode) error
	// commit commits it. When the answer is lost it finds out what became of it.
	commit(ctx context.Context, s *session) error
	// bind writes the places of arguments, each a question mark, as the database
	// wants them.
	bind(query string) string
	// ddl does the same for a schema.
	ddl(schema string) string
	// version reads the version of the schema, 0 in an empty database, within a
	// transaction for writing; setVersion changes it.
	version(ctx context.Context, s *session) (int, error)
	setVersion(ctx context.Context, s *session, version int) error
	// revision is a number that stays the same while no other connection than that
	// of the session commits; not ok if the database has none.
	revision(ctx context.Context, s *session) (n int64, ok bool, err error)
	// explain says what an error of a statement means for the store.
	explain(err error) error
	// lost says whether a begin that failed may succeed on a new connection.
	lost(err error) bool
	// statementContext is what statements run under that belong to ctx.
	statementContext(ctx context.Context) context.Context
	// batchContext is what a batch of changes runs under. It may end when beat is
	// not called for long.
	batchContext() (ctx context.Context, beat func(), cancel context.CancelFunc)
	// trouble is what is wrong with the database though statements succeed.
	trouble() error
	// analyze counts the rows of tables for the plans of statements.
	analyze(ctx context.Context) error
	close() error
}

// mode is what a session is for.
type mode bool

const (
	forReading mode = false
	forWriting mode = true
)
