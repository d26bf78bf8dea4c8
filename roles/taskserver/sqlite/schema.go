package sqlite

import (
	"context"
	"database/sql"
	"fmt"
)

// migrations bring a database from one version of the schema to the next; its
// version is the number of those applied. They are never changed, only added
// to.
var migrations = []string{`
CREATE TABLE crawls (
	name             TEXT PRIMARY KEY,
	catalogue_sha256 TEXT NOT NULL,
	files_per_task   INTEGER NOT NULL
) STRICT;

CREATE TABLE tasks (
	id             TEXT PRIMARY KEY,
	crawl          TEXT NOT NULL REFERENCES crawls(name),
	files          TEXT NOT NULL, -- JSON
	bytes          INTEGER NOT NULL,
	point          INTEGER NOT NULL,
	state          TEXT NOT NULL CHECK (state IN ('available', 'leased', 'submitted')),
	generation     INTEGER NOT NULL DEFAULT 0,
	deadline_block INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE INDEX tasks_by_draw ON tasks(state, point);
CREATE INDEX tasks_by_crawl ON tasks(crawl, id);

CREATE TABLE leases (
	task           TEXT NOT NULL REFERENCES tasks(id),
	generation     INTEGER NOT NULL,
	hotkey         TEXT NOT NULL,
	slot           INTEGER NOT NULL,
	state          TEXT NOT NULL CHECK (state IN ('live', 'released', 'expired', 'submitted')),
	block          INTEGER NOT NULL,
	deadline_block INTEGER NOT NULL,
	receipt        TEXT NOT NULL, -- canonical JSON
	renewed_block  INTEGER NOT NULL DEFAULT 0,
	ended_block    INTEGER NOT NULL DEFAULT 0,
	reason         TEXT NOT NULL DEFAULT '',
	PRIMARY KEY (task, generation)
) STRICT, WITHOUT ROWID;
CREATE UNIQUE INDEX live_lease_of_slot ON leases(hotkey, slot) WHERE state = 'live';
CREATE UNIQUE INDEX live_lease_of_task ON leases(task) WHERE state = 'live';
CREATE INDEX live_leases_by_deadline ON leases(deadline_block) WHERE state = 'live';

CREATE TABLE submissions (
	seq        INTEGER PRIMARY KEY AUTOINCREMENT,
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

CREATE TABLE verdicts (
	seq           INTEGER PRIMARY KEY AUTOINCREMENT,
	validator     TEXT NOT NULL,
	weights_block INTEGER NOT NULL,
	task          TEXT NOT NULL,
	generation    INTEGER NOT NULL,
	hotkey        TEXT NOT NULL,
	manifest      TEXT NOT NULL,
	outcome       TEXT NOT NULL,
	reason        TEXT NOT NULL,
	pay           TEXT NOT NULL,
	UNIQUE (task, generation, validator, weights_block, manifest, outcome, reason, pay)
) STRICT;

CREATE TABLE proofs (
	seq    INTEGER PRIMARY KEY AUTOINCREMENT,
	sender TEXT NOT NULL,
	sha256 TEXT NOT NULL UNIQUE,
	proof  TEXT NOT NULL
) STRICT;

CREATE TABLE uuids (
	signer   TEXT NOT NULL,
	uuid     TEXT NOT NULL,
	until_ms INTEGER NOT NULL,
	PRIMARY KEY (signer, uuid)
) STRICT, WITHOUT ROWID;
CREATE INDEX uuids_by_until ON uuids(until_ms);
`}

// migrate brings the schema up to date, each step in a transaction of its own.
func migrate(ctx context.Context, db *sql.DB) error {
	for {
		done, err := migrateOnce(ctx, db)
		if done || err != nil {
			return err
		}
	}
}

func migrateOnce(ctx context.Context, db *sql.DB) (done bool, err error) {
	err = inTx(ctx, db, func(tx *sql.Tx) error {
		var version int
		if err := tx.QueryRowContext(ctx, "PRAGMA user_version").Scan(&version); err != nil {
			return err
		}
		if version > len(migrations) {
			return fmt.Errorf("the database has schema %d, this program knows %d: a newer version wrote it", version, len(migrations))
		}
		if done = version == len(migrations); done {
			return nil
		}
		if _, err := tx.ExecContext(ctx, migrations[version]); err != nil {
			return fmt.Errorf("migrate schema %d: %w", version, err)
		}
		_, err := tx.ExecContext(ctx, fmt.Sprintf("PRAGMA user_version = %d", version+1))
		return err
	})
	return done, err
}
