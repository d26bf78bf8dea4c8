package sqlstore

import (
	"database/sql"
	"errors"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

const selectRecord = "SELECT kind, address, strikes, struck_block, unjudged, accepted, ban FROM records"

func scanRecord(rows *sql.Rows) (r engine.Record, err error) {
	err = rows.Scan(&r.Kind, &r.Address, &r.Strikes, &r.StruckBlock, &r.Unjudged, &r.Accepted, &r.Ban)
	return r, err
}

// Record returns that of a holder.
func (v *view) Record(h engine.Holder) (engine.Record, error) {
	r, err := one(v, "record", scanRecord, selectRecord+" WHERE kind = ? AND address = ?", h.Kind, h.Address)
	if errors.Is(err, engine.ErrNotFound) {
		return engine.Record{Holder: h}, nil
	}
	return r, err
}

// Bans returns the records with a ban.
func (v *view) Bans() ([]engine.Record, error) {
	return many(v, scanRecord, selectRecord+" WHERE ban <> '' ORDER BY kind, address")
}

// PutRecord replaces or adds a record.
func (t *tx) PutRecord(r engine.Record) error {
	_, err := t.exec(`INSERT INTO records (kind, address, strikes, struck_block, unjudged, accepted, ban) VALUES (?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (kind, address) DO UPDATE SET strikes = excluded.strikes, struck_block = excluded.struck_block,
		unjudged = excluded.unjudged, accepted = excluded.accepted, ban = excluded.ban`,
		r.Kind, r.Address, r.Strikes, r.StruckBlock, r.Unjudged, r.Accepted, r.Ban)
	if err == nil {
		t.s.memory.records.put(r.Holder, r)
	}
	return err
}

const selectSubmission = "SELECT seq, task, generation, hotkey, claim, manifest, block, bytes FROM submissions"

func scanSubmission(rows *sql.Rows) (v contract.SubmissionView, err error) {
	err = rows.Scan(&v.Seq, &v.Task, &v.Generation, &v.Hotkey, &v.Claim, &v.Manifest, &v.Block, &v.Bytes)
	return v, err
}

// Submission returns the result of a lease.
func (v *view) Submission(task string, generation int64) (contract.SubmissionView, error) {
	return one(v, "submission", scanSubmission, selectSubmission+" WHERE task = ? AND generation = ?", task, generation)
}

// Submissions returns a page of results.
func (v *view) Submissions(task string, since int64, limit int) ([]contract.SubmissionView, error) {
	var w where
	if task != "" {
		w.and("task = ?", task)
	}
	w.and("seq > ?", since)
	return many(v, scanSubmission, selectSubmission+w.text+" ORDER BY seq LIMIT ?", append(w.args, limit)...)
}

// AddSubmission adds a result.
func (t *tx) AddSubmission(s contract.SubmissionView) error {
	_, err := t.exec("INSERT INTO submissions (seq, task, generation, hotkey, claim, manifest, block, bytes) VALUES ("+
		next("submissions")+", ?, ?, ?, ?, ?, ?, ?)", s.Task, s.Generation, s.Hotkey, s.Claim, s.Manifest, s.Block, s.Bytes)
	return err
}

const selectVerdict = `SELECT seq, task, generation, hotkey, manifest, outcome, reason, pay, validator, weights_block, statement, stake FROM verdicts`

func scanVerdict(rows *sql.Rows) (v engine.Verdict, err error) {
	err = rows.Scan(&v.Seq, &v.Task, &v.Generation, &v.Hotkey, &v.Manifest, &v.Outcome, &v.Reason, &v.Pay, &v.Validator,
		&v.WeightsBlock, &v.Statement, &v.Stake)
	return v, err
}

// Verdicts returns a page of verdicts.
func (v *view) Verdicts(task, hotkey string, since int64, limit int) ([]engine.Verdict, error) {
	var w where
	if task != "" {
		w.and("task = ?", task)
	}
	if hotkey != "" {
		w.and("hotkey = ?", hotkey)
	}
	w.and("seq > ?", since)
	return many(v, scanVerdict, selectVerdict+w.text+" ORDER BY seq LIMIT ?", append(w.args, limit)...)
}

// NewestVerdicts returns the newest verdict of each validator on a lease.
func (v *view) NewestVerdicts(task string, generation int64) ([]engine.Verdict, error) {
	return many(v, scanVerdict, selectVerdict+` WHERE seq IN
		(SELECT max(seq) FROM verdicts WHERE task = ? AND generation = ? GROUP BY validator) ORDER BY seq`, task, generation)
}

// AddVerdict adds a verdict that was not given before.
func (t *tx) AddVerdict(v engine.Verdict) (added bool, err error) {
	key, err := v.Key()
	if err != nil {
		return false, err
	}
	n, err := t.exec(`INSERT INTO verdicts (seq, task, generation, hotkey, manifest, outcome, reason, pay, validator, weights_block,
		statement, stake, content_sha256) VALUES (`+next("verdicts")+`, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (content_sha256) DO NOTHING`, v.Task, v.Generation, v.Hotkey, v.Manifest, v.Outcome, v.Reason, v.Pay, v.Validator, v.WeightsBlock,
		v.Statement, v.Stake, key)
	return n == 1, err
}

// PutEarly keeps a verdict on a live lease.
func (t *tx) PutEarly(v engine.Verdict) error {
	_, err := t.exec(`INSERT INTO early_verdicts (task, generation, hotkey, manifest, outcome, reason, pay, validator, weights_block,
		statement, stake) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (task, generation, validator) DO UPDATE SET
		hotkey = excluded.hotkey, manifest = excluded.manifest, outcome = excluded.outcome, reason = excluded.reason, pay = excluded.pay,
		weights_block = excluded.weights_block, statement = excluded.statement, stake = excluded.stake`,
		v.Task, v.Generation, v.Hotkey, v.Manifest, v.Outcome, v.Reason, v.Pay, v.Validator, v.WeightsBlock, v.Statement, v.Stake)
	return err
}

// TakeEarly returns and forgets the verdicts on a live lease.
func (t *tx) TakeEarly(task string, generation int64) ([]engine.Verdict, error) {
	said, err := many(&t.view, scanVerdict, `SELECT 0, task, generation, hotkey, manifest, outcome, reason, pay, validator, weights_block,
		statement, stake FROM early_verdicts WHERE task = ? AND generation = ? ORDER BY validator`, task, generation)
	if err != nil || len(said) == 0 {
		return nil, err
	}
	_, err = t.exec("DELETE FROM early_verdicts WHERE task = ? AND generation = ?", task, generation)
	return said, err
}

// Standings sums up by hotkey.
func (v *view) Standings() ([]contract.Standing, error) {
	return many(v, func(rows *sql.Rows) (s contract.Standing, err error) {
		err = rows.Scan(&s.Hotkey, &s.Submitted, &s.Bytes, &s.Accepted, &s.Rejected, &s.Undecided, &s.LastBlock)
		return s, err
	}, `WITH
		work AS (
			SELECT hotkey, count(*) AS submitted, CAST(sum(bytes) AS BIGINT) AS bytes, max(block) AS last_block
			FROM submissions GROUP BY hotkey),
		newest AS (
			SELECT max(seq) AS seq FROM verdicts GROUP BY task, generation, validator),
		judged AS (
			SELECT v.hotkey, count(*) FILTER (WHERE v.outcome = 'accepted') AS accepted,
				count(*) FILTER (WHERE v.outcome = 'rejected') AS rejected,
				count(*) FILTER (WHERE v.outcome = 'undecided') AS undecided
			FROM newest JOIN verdicts v ON v.seq = newest.seq GROUP BY v.hotkey)
		SELECT hotkey, coalesce(submitted, 0), coalesce(bytes, 0), coalesce(accepted, 0), coalesce(rejected, 0),
			coalesce(undecided, 0), coalesce(last_block, 0)
		FROM work FULL JOIN judged USING (hotkey) ORDER BY 4 DESC, 3 DESC, 1`)
}
