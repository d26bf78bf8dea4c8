package sqlstore

import (
	"context"
	"fmt"

	"finest/roles/taskserver/engine"
)

// firstVersion is that of the oldest schema this program brings up to date.
// Version 1 kept no audit log, so that nobody could prove what it holds.
const firstVersion = 2

// migrations bring a database from one version of the schema to the next, the
// first an empty one to firstVersion. They are never changed, only added to.
// They are written for SQLite; dialect.ddl says the same to others.
var migrations = []string{`
CREATE TABLE crawls (
	name             TEXT PRIMARY KEY,
	catalogue_sha256 TEXT NOT NULL,
	files_per_task   INTEGER NOT NULL,
	files            INTEGER NOT NULL,
	tasks            INTEGER NOT NULL,
	retired          INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
	id             TEXT PRIMARY KEY,
	crawl          TEXT NOT NULL REFERENCES crawls(name),
	files          TEXT NOT NULL,
	point          INTEGER NOT NULL,
	state          TEXT NOT NULL CHECK (state IN ('available', 'leased', 'submitted', 'accepted', 'rejected', 'quarantined')),
	ready          INTEGER NOT NULL,
	generation     INTEGER NOT NULL,
	deadline_block INTEGER NOT NULL,
	due_block      INTEGER NOT NULL,
	attempts       INTEGER NOT NULL,
	evidence       TEXT NOT NULL
) STRICT;
CREATE INDEX tasks_by_crawl ON tasks(crawl, id);
CREATE INDEX tasks_by_state ON tasks(crawl, state, id);
CREATE INDEX tasks_to_draw ON tasks(point, id) WHERE state = 'available' AND ready = 1;
CREATE INDEX tasks_unready ON tasks(crawl, point, id) WHERE state = 'available' AND ready = 0;
CREATE INDEX tasks_due ON tasks(due_block, id) WHERE due_block > 0;

CREATE TABLE task_counts (
	crawl TEXT NOT NULL,
	state TEXT NOT NULL,
	ready INTEGER NOT NULL,
	tasks INTEGER NOT NULL,
	PRIMARY KEY (crawl, state, ready)
) STRICT, WITHOUT ROWID;

CREATE TABLE leases (
	task          TEXT NOT NULL REFERENCES tasks(id),
	generation    INTEGER NOT NULL,
	hotkey        TEXT NOT NULL,
	coldkey       TEXT NOT NULL,
	slot          INTEGER NOT NULL,
	state         TEXT NOT NULL CHECK (state IN ('live', 'released', 'expired', 'submitted')),
	receipt       TEXT NOT NULL,
	renewed_block INTEGER NOT NULL,
	ended_block   INTEGER NOT NULL,
	reason        TEXT NOT NULL,
	excuse        TEXT NOT NULL,
	excused       TEXT NOT NULL,
	hotkey_strikes  INTEGER NOT NULL,
	coldkey_strikes INTEGER NOT NULL,
	PRIMARY KEY (task, generation)
) STRICT;
CREATE UNIQUE INDEX live_lease_of_slot ON leases(hotkey, slot) WHERE state = 'live';
CREATE UNIQUE INDEX live_lease_of_task ON leases(task) WHERE state = 'live';
CREATE INDEX live_leases_of_coldkey ON leases(coldkey) WHERE state = 'live';
CREATE INDEX leases_to_excuse ON leases(ended_block, task, generation) WHERE excused = 'pending';

CREATE TABLE records (
	kind         TEXT NOT NULL,
	address      TEXT NOT NULL,
	strikes      INTEGER NOT NULL,
	struck_block INTEGER NOT NULL,
	unjudged     INTEGER NOT NULL,
	accepted     INTEGER NOT NULL,
	ban          TEXT NOT NULL,
	PRIMARY KEY (kind, address)
) STRICT;
CREATE INDEX records_with_ban ON records(kind, address) WHERE ban <> '';

CREATE TABLE submissions (
	seq        INTEGER PRIMARY KEY,
	task       TEXT NOT NULL,
	generation INTEGER NOT NULL,
	hotkey     TEXT NOT NULL,
	claim      TEXT NOT NULL,
	manifest   TEXT NOT NULL,
	block      INTEGER NOT NULL,
	bytes      INTEGER NOT NULL,
	UNIQUE (task, generation),
	FOREIGN KEY (task, generation) REFERENCES leases(task, generation)
) STRICT;
CREATE INDEX submissions_of_task ON submissions(task, seq);

CREATE TABLE verdicts (
	seq            INTEGER PRIMARY KEY,
	task           TEXT NOT NULL,
	generation     INTEGER NOT NULL,
	hotkey         TEXT NOT NULL,
	manifest       TEXT NOT NULL,
	outcome        TEXT NOT NULL,
	reason         TEXT NOT NULL,
	pay            TEXT NOT NULL,
	validator      TEXT NOT NULL,
	weights_block  INTEGER NOT NULL,
	statement      TEXT NOT NULL,
	stake          INTEGER NOT NULL,
	content_sha256 TEXT NOT NULL UNIQUE
) STRICT;
CREATE INDEX verdicts_of_task ON verdicts(task, seq);
CREATE INDEX verdicts_of_hotkey ON verdicts(hotkey, seq);
CREATE INDEX verdicts_of_lease ON verdicts(task, generation, validator, seq);

CREATE TABLE early_verdicts (
	task          TEXT NOT NULL,
	generation    INTEGER NOT NULL,
	hotkey        TEXT NOT NULL,
	manifest      TEXT NOT NULL,
	outcome       TEXT NOT NULL,
	reason        TEXT NOT NULL,
	pay           TEXT NOT NULL,
	validator     TEXT NOT NULL,
	weights_block INTEGER NOT NULL,
	statement     TEXT NOT NULL,
	stake         INTEGER NOT NULL,
	PRIMARY KEY (task, generation, validator)
) STRICT;

CREATE TABLE statements (
	sha256       TEXT PRIMARY KEY,
	validator    TEXT NOT NULL,
	signed_for   TEXT NOT NULL,
	uuid         TEXT NOT NULL,
	timestamp_ms INTEGER NOT NULL,
	signature    TEXT NOT NULL,
	body         TEXT NOT NULL
) STRICT;

CREATE TABLE proofs (
	seq    INTEGER PRIMARY KEY,
	sender TEXT NOT NULL,
	sha256 TEXT NOT NULL UNIQUE,
	proof  TEXT NOT NULL
) STRICT;

CREATE TABLE audit (
	seq        INTEGER PRIMARY KEY,
	op         TEXT NOT NULL,
	block      INTEGER NOT NULL,
	actor      TEXT NOT NULL,
	task       TEXT NOT NULL,
	generation INTEGER NOT NULL,
	from_state TEXT NOT NULL,
	to_state   TEXT NOT NULL,
	detail     TEXT NOT NULL,
	previous   TEXT NOT NULL,
	hash       TEXT NOT NULL
) STRICT;

CREATE TABLE uuids (
	id       BLOB PRIMARY KEY,
	until_ms INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX uuids_by_until ON uuids(until_ms);

CREATE TABLE settings (
	name TEXT PRIMARY KEY,
	text TEXT NOT NULL
) STRICT;
`, `
-- Draws look into each crawl, so that one is retired without a word to its tasks.
DROP INDEX tasks_to_draw;
CREATE INDEX tasks_to_draw ON tasks(crawl, point, id) WHERE state = 'available' AND ready = 1;
`}

// migrate brings the schema up to date, all of it in one transaction.
func migrate(ctx context.Context, db dialect, o Options) (err error) {
	s, err := begun(ctx, db, nil, forWriting)
	if err != nil {
		return err
	}
	s.step = o.step
	defer func() {
		if err != nil {
			s.discard() // which rolls back
			return
		}
		err = s.close()
	}()
	version, err := db.version(ctx, s)
	newest := firstVersion + len(migrations) - 1
	switch {
	case err != nil:
		return db.explain(err)
	case version > newest:
		return fmt.Errorf("the database has schema %d, this program knows %d: a newer version wrote it", version, newest)
	case version == 0 && o.Existing:
		return fmt.Errorf("there is no task store: %w", engine.ErrNotFound)
	case version > 0 && version < firstVersion:
		return fmt.Errorf("the database has schema %d, which kept no audit log, so nothing proves what it holds: import the crawls into a new database", version)
	case version == newest:
		return s.control(ctx, "ROLLBACK")
	}
	for _, m := range migrations[max(0, version-firstVersion+1):] {
		s.stepped("migrate")
		if err := s.plain(ctx, db.ddl(m)); err != nil {
			return fmt.Errorf("migrate schema %d: %w", version, db.explain(err))
		}
		version = max(firstVersion, version+1)
	}
	if err := db.setVersion(ctx, s, version); err != nil {
		return fmt.Errorf("migrate to schema %d: %w", version, db.explain(err))
	}
	s.stepped("commit")
	if err := db.commit(ctx, s); err != nil {
		return fmt.Errorf("migrate to schema %d: %w", version, db.explain(err))
	}
	s.stepped("committed")
	return nil
}
