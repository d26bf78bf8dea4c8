package sqlstore

import (
	"database/sql"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// What only a check of the books reads: whole tables, in pages.

// Records returns a page of the records of a kind.
func (v *view) Records(kind, after string, limit int) ([]engine.Record, error) {
	return many(v, scanRecord, selectRecord+" WHERE kind = ? AND address > ? ORDER BY address LIMIT ?", kind, after, limit)
}

// VerdictKeys returns the keys that verdicts are stored with.
func (v *view) VerdictKeys(since int64, limit int) ([]string, error) {
	return many(v, func(rows *sql.Rows) (key string, err error) {
		err = rows.Scan(&key)
		return key, err
	}, "SELECT content_sha256 FROM verdicts WHERE seq > ? ORDER BY seq LIMIT ?", since, limit)
}

// Statements returns a page of statements.
func (v *view) Statements(after string, limit, maxBytes int) ([]contract.Statement, error) {
	return many(v, scanStatement, "SELECT "+statementColumns+` FROM (
			SELECT `+statementColumns+`, CAST(sum(octet_length(body)) OVER (ORDER BY sha256) AS BIGINT) AS total FROM
				(SELECT `+statementColumns+` FROM statements WHERE sha256 > ? ORDER BY sha256 LIMIT ?) AS page) AS summed
		WHERE total <= ? OR total = octet_length(body) ORDER BY sha256`, after, limit, maxBytes)
}
