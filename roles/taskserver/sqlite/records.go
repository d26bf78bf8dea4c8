package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"

	"finest/internal/contract"
)

// Submissions returns a page of submissions.
func (s *Store) Submissions(ctx context.Context, task string, since int64, limit int) ([]contract.SubmissionView, error) {
	where, args := "WHERE seq > ? ", []any{since}
	if task != "" {
		where, args = where+"AND task = ? ", append(args, task)
	}
	scan := func(rows *sql.Rows) (v contract.SubmissionView, err error) {
		err = rows.Scan(&v.Seq, &v.Task, &v.Generation, &v.Hotkey, &v.Claim, &v.Manifest, &v.Block, &v.Bytes)
		return v, err
	}
	return collect(ctx, s.read, scan, "SELECT seq, task, generation, hotkey, claim, manifest, block, bytes FROM submissions "+
		where+"ORDER BY seq LIMIT ?", append(args, limit)...)
}

// AddVerdicts adds to the history of verdicts.
func (s *Store) AddVerdicts(ctx context.Context, validator string, weightsBlock uint64, verdicts []contract.Verdict) error {
	return inTx(ctx, s.write, func(tx *sql.Tx) error {
		for _, v := range verdicts {
			if _, err := tx.ExecContext(ctx, `INSERT INTO verdicts (validator, weights_block, task, generation, hotkey, manifest, outcome, reason, pay)
				SELECT ?, ?, task, generation, hotkey, ?, ?, ?, ? FROM leases WHERE task = ? AND generation = ? AND hotkey = ?
				ON CONFLICT DO NOTHING`,
				validator, weightsBlock, v.Manifest, v.Outcome, v.Reason, v.Pay, v.Task, v.Generation, v.Hotkey); err != nil {
				return err
			}
		}
		return nil
	})
}

// Verdicts returns the verdicts on one task.
func (s *Store) Verdicts(ctx context.Context, task string, block uint64) ([]contract.VerdictView, error) {
	scan := func(rows *sql.Rows) (v contract.VerdictView, err error) {
		err = rows.Scan(&v.Validator, &v.WeightsBlock, &v.Task, &v.Generation, &v.Hotkey, &v.Manifest, &v.Outcome, &v.Reason, &v.Pay)
		return v, err
	}
	return collect(ctx, s.read, scan, `SELECT validator, weights_block, task, generation, hotkey, manifest, outcome, reason, pay
		FROM verdicts WHERE task = ? AND weights_block <= ? ORDER BY seq`, task, block)
}

// Standings sums up submissions and verdicts by hotkey.
func (s *Store) Standings(ctx context.Context, block uint64) ([]contract.Standing, error) {
	scan := func(rows *sql.Rows) (v contract.Standing, err error) {
		err = rows.Scan(&v.Hotkey, &v.Submitted, &v.Bytes, &v.Accepted, &v.Rejected, &v.Undecided, &v.LastBlock)
		return v, err
	}
	return collect(ctx, s.read, scan, `
		WITH
		work AS (
			SELECT hotkey, count(*) AS submitted, sum(bytes) AS bytes, max(block) AS last_block FROM submissions GROUP BY hotkey),
		newest AS (
			SELECT max(seq) AS seq FROM verdicts WHERE weights_block <= ? GROUP BY task, generation, validator),
		judged AS (
			SELECT v.hotkey, sum(v.outcome = 'accepted') AS accepted, sum(v.outcome = 'rejected') AS rejected,
				sum(v.outcome = 'undecided') AS undecided
			FROM newest JOIN verdicts v USING (seq) GROUP BY v.hotkey)
		SELECT hotkey, coalesce(submitted, 0), coalesce(bytes, 0), coalesce(accepted, 0), coalesce(rejected, 0),
			coalesce(undecided, 0), coalesce(last_block, 0)
		FROM work FULL JOIN judged USING (hotkey) ORDER BY 4 DESC, 3 DESC, 1`, block)
}

// AddProof keeps a proof.
func (s *Store) AddProof(ctx context.Context, sender, sha256 string, proof json.RawMessage) error {
	return inTx(ctx, s.write, func(tx *sql.Tx) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO proofs (sender, sha256, proof) VALUES (?, ?, ?) ON CONFLICT DO NOTHING", sender, sha256, string(proof))
		return err
	})
}

// Proofs returns a page of proofs.
func (s *Store) Proofs(ctx context.Context, since int64, limit, maxBytes int) ([]contract.ProofView, error) {
	scan := func(rows *sql.Rows) (v contract.ProofView, err error) {
		var proof string
		err = rows.Scan(&v.Seq, &v.Sender, &v.SHA256, &proof)
		v.Proof = json.RawMessage(proof)
		return v, err
	}
	return collect(ctx, s.read, scan, `
		SELECT seq, sender, sha256, proof FROM (
			SELECT *, sum(octet_length(proof)) OVER (ORDER BY seq) AS total FROM
				(SELECT seq, sender, sha256, proof FROM proofs WHERE seq > ? ORDER BY seq LIMIT ?))
		WHERE total <= ? OR total = octet_length(proof) ORDER BY seq`, since, limit, maxBytes)
}
