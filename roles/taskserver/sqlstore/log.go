package sqlstore

import (
	"crypto/sha256"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

const statementColumns = "sha256, validator, signed_for, uuid, timestamp_ms, signature, body"

func scanStatement(rows *sql.Rows) (s contract.Statement, err error) {
	var body string
	err = rows.Scan(&s.SHA256, &s.Validator, &s.SignedFor, &s.UUID, &s.Timestamp, &s.Signature, &body)
	s.Body = json.RawMessage(body)
	return s, err
}

// Statement returns a signed request.
func (v *view) Statement(sha256 string) (contract.Statement, error) {
	return one(v, "statement", scanStatement, "SELECT "+statementColumns+" FROM statements WHERE sha256 = ?", sha256)
}

// AddStatement keeps a signed request.
func (t *tx) AddStatement(s contract.Statement) error {
	_, err := t.exec(`INSERT INTO statements (sha256, validator, signed_for, uuid, timestamp_ms, signature, body)
		VALUES (?, ?, ?, ?, ?, ?, ?) ON CONFLICT (sha256) DO NOTHING`,
		s.SHA256, s.Validator, s.SignedFor, s.UUID, s.Timestamp, s.Signature, string(s.Body))
	return err
}

// Proofs returns a page of proofs.
func (v *view) Proofs(since int64, limit, maxBytes int) ([]contract.ProofView, error) {
	return many(v, func(rows *sql.Rows) (p contract.ProofView, err error) {
		var proof string
		err = rows.Scan(&p.Seq, &p.Sender, &p.SHA256, &proof)
		p.Proof = json.RawMessage(proof)
		return p, err
	}, `SELECT seq, sender, sha256, proof FROM (
			SELECT seq, sender, sha256, proof, CAST(sum(octet_length(proof)) OVER (ORDER BY seq) AS BIGINT) AS total FROM
				(SELECT seq, sender, sha256, proof FROM proofs WHERE seq > ? ORDER BY seq LIMIT ?) AS page) AS summed
		WHERE total <= ? OR total = octet_length(proof) ORDER BY seq`, since, limit, maxBytes)
}

// AddProof keeps a proof that is not there.
func (t *tx) AddProof(sender, sha256 string, proof json.RawMessage) (added bool, err error) {
	n, err := t.exec("INSERT INTO proofs (seq, sender, sha256, proof) VALUES ("+next("proofs")+", ?, ?, ?) ON CONFLICT (sha256) DO NOTHING",
		sender, sha256, string(proof))
	return n == 1, err
}

const selectAudit = "SELECT seq, op, block, actor, task, generation, from_state, to_state, detail, previous, hash FROM audit"

func scanAudit(rows *sql.Rows) (e books.Entry, err error) {
	var detail string
	err = rows.Scan(&e.Seq, &e.Op, &e.Block, &e.Actor, &e.Task, &e.Generation, &e.From, &e.To, &detail, &e.Previous, &e.Hash)
	if detail != "" {
		e.Detail = json.RawMessage(detail)
	}
	return e, err
}

// AuditHead returns the newest entry.
func (v *view) AuditHead() (books.Entry, error) {
	e, err := one(v, "entry", scanAudit, selectAudit+" ORDER BY seq DESC LIMIT 1")
	if errors.Is(err, engine.ErrNotFound) {
		return books.Entry{}, nil
	}
	return e, err
}

// Audit returns a page of entries.
func (v *view) Audit(since int64, limit int) ([]books.Entry, error) {
	return many(v, scanAudit, selectAudit+" WHERE seq > ? ORDER BY seq LIMIT ?", since, limit)
}

// AuditHead returns the newest entry. Only this batch adds any, so it is read
// once.
func (t *tx) AuditHead() (books.Entry, error) {
	if t.batch.head == nil {
		e, err := t.view.AuditHead()
		if err != nil {
			return books.Entry{}, err
		}
		t.batch.head = &e
	}
	return *t.batch.head, nil
}

// AddAudit adds the entry after the newest.
func (t *tx) AddAudit(e books.Entry) error {
	head, err := t.AuditHead()
	if err != nil {
		return err
	}
	if e.Seq != head.Seq+1 {
		return fmt.Errorf("add audit entry %d after %d: %w", e.Seq, head.Seq, engine.ErrConflict)
	}
	if head.Seq > 0 && e.Previous != head.Hash {
		return fmt.Errorf("add audit entry %d: it follows another entry than the newest: %w", e.Seq, engine.ErrConflict)
	}
	if _, err := t.exec(`INSERT INTO audit (seq, op, block, actor, task, generation, from_state, to_state, detail, previous, hash)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
		e.Seq, e.Op, e.Block, e.Actor, e.Task, e.Generation, e.From, e.To, string(e.Detail), e.Previous, e.Hash); err != nil {
		return err
	}
	t.batch.head = &e
	return nil
}

// UseUUID notes that signer used uuid.
func (t *tx) UseUUID(signer, uuid string, until time.Time) error {
	id := sha256.Sum256([]byte(signer + " " + uuid)) // a short key is quicker than two long ones
	n, err := t.exec("INSERT INTO uuids (id, until_ms) VALUES (?, ?) ON CONFLICT (id) DO NOTHING", id[:16], until.UnixMilli())
	if err == nil && n == 0 {
		err = engine.ErrReplayed
	}
	return err
}

// ForgetUUIDs forgets those whose time is over.
func (t *tx) ForgetUUIDs(now time.Time) error {
	t.batch.late.before = now.UnixMilli()
	n, err := t.exec(forgetUUIDs, t.batch.late.before, forgetNow)
	t.batch.late.more = n == forgetNow
	return err
}

// Setting returns a named text.
func (v *view) Setting(name string) (string, error) {
	text, err := one(v, "setting", func(rows *sql.Rows) (text string, err error) {
		err = rows.Scan(&text)
		return text, err
	}, "SELECT text FROM settings WHERE name = ?", name)
	if errors.Is(err, engine.ErrNotFound) {
		return "", nil
	}
	return text, err
}

// PutSetting replaces or adds a named text.
func (t *tx) PutSetting(name, text string) error {
	_, err := t.exec("INSERT INTO settings (name, text) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET text = excluded.text", name, text)
	return err
}

// tx reads and writes the tables within a batch.
type tx struct {
	view
	batch *batchState
}

var _ engine.Tx = (*tx)(nil)

func (t *tx) exec(query string, args ...any) (int64, error) {
	if t.s == nil {
		return 0, errOver
	}
	n, err := t.s.exec(t.ctx, query, args...)
	if err != nil {
		return 0, t.fail(err)
	}
	return n, nil
}

// execOne runs a statement that changes one row.
func (t *tx) execOne(query string, args ...any) error {
	n, err := t.exec(query, args...)
	if err == nil && n != 1 {
		err = fmt.Errorf("task store %s: %d rows were changed, not 1", t.s.db.name(), n)
	}
	return err
}

// next is SQL for the sequence number after the highest of a table. Rows are
// never deleted there, so it is never given twice, and none is left out.
func next(table string) string { return "(SELECT coalesce(max(seq), 0) + 1 FROM " + table + ")" }
