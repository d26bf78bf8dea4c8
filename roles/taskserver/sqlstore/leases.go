package sqlstore

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"reflect"

	"finest/roles/taskserver/engine"
)

const selectLease = `SELECT receipt, task, generation, hotkey, coldkey, slot, state, renewed_block, ended_block, reason, excuse, excused, hotkey_strikes, coldkey_strikes FROM leases`

// scanLease reads a lease. What a receipt says that is a column, too, is read
// from there, so that no lease is found by one name and shows another.
func scanLease(rows *sql.Rows) (l engine.Lease, err error) {
	var receipt, task, hotkey string
	var generation int64
	if err := rows.Scan(&receipt, &task, &generation, &hotkey, &l.Coldkey, &l.Slot, &l.State, &l.RenewedBlock, &l.EndedBlock, &l.Reason, &l.Excuse, &l.Excused,
		&l.HotkeyStrikes, &l.ColdkeyStrikes); err != nil {
		return engine.Lease{}, err
	}
	err = decode("receipt of a lease", receipt, &l.Receipt)
	l.Receipt.Task, l.Receipt.Generation, l.Receipt.Hotkey = task, generation, hotkey
	return l, err
}

// Lease returns one lease.
func (v *view) Lease(task string, generation int64) (engine.Lease, error) {
	return one(v, fmt.Sprintf("generation %d of the task", generation), scanLease,
		selectLease+" WHERE task = ? AND generation = ?", task, generation)
}

// Leases returns those of a task, oldest first.
func (v *view) Leases(task string) ([]engine.Lease, error) {
	return many(v, scanLease, selectLease+" WHERE task = ? ORDER BY generation", task)
}

// SlotLease returns the live lease of a slot.
func (v *view) SlotLease(hotkey string, slot int) (engine.Lease, error) {
	return one(v, "lease of the slot", scanLease, selectLease+" WHERE hotkey = ? AND slot = ? AND state = 'live'", hotkey, slot)
}

// LiveLeases counts the live leases of a hotkey, and of a coldkey.
func (v *view) LiveLeases(hotkey, coldkey string) (hot, cold int, err error) {
	counts, err := one(v, "counts", func(rows *sql.Rows) (c [2]int, err error) {
		err = rows.Scan(&c[0], &c[1])
		return c, err
	}, `SELECT (SELECT count(*) FROM leases WHERE hotkey = ? AND state = 'live'),
		(SELECT count(*) FROM leases WHERE coldkey = ? AND state = 'live')`, hotkey, coldkey)
	return counts[0], counts[1], err
}

// Excuses returns released leases whose excuse is not decided.
func (v *view) Excuses(limit int) ([]engine.Lease, error) {
	return many(v, scanLease, selectLease+" WHERE excused = 'pending' ORDER BY ended_block, task, generation LIMIT ?", limit)
}

// PutLease replaces or adds a lease. Its receipt, most of the row, stays as it is
// once granted; it is written only if it is another.
func (t *tx) PutLease(l engine.Lease) error {
	if t.s == nil {
		return errOver
	}
	r := l.Receipt
	if old, ok := t.s.memory.leases.get(keyOf(l)); ok && reflect.DeepEqual(old.Receipt, r) {
		if err := t.execOne(`UPDATE leases SET coldkey = ?, slot = ?, state = ?, renewed_block = ?, ended_block = ?, reason = ?, excuse = ?,
			excused = ?, hotkey_strikes = ?, coldkey_strikes = ? WHERE task = ? AND generation = ?`,
			l.Coldkey, l.Slot, l.State, l.RenewedBlock, l.EndedBlock, l.Reason, l.Excuse, l.Excused, l.HotkeyStrikes, l.ColdkeyStrikes,
			r.Task, r.Generation); err != nil {
			return fmt.Errorf("put lease %d of task %s: %w", r.Generation, r.Task, err)
		}
		t.s.memory.wrote(l)
		return nil
	}
	receipt, err := json.Marshal(r)
	if err != nil {
		return err
	}
	_, err = t.exec(`INSERT INTO leases (task, generation, hotkey, coldkey, slot, state, receipt, renewed_block, ended_block, reason, excuse, excused,
			hotkey_strikes, coldkey_strikes)
		VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
		ON CONFLICT (task, generation) DO UPDATE SET hotkey = excluded.hotkey, coldkey = excluded.coldkey, slot = excluded.slot,
		state = excluded.state, receipt = excluded.receipt, renewed_block = excluded.renewed_block, ended_block = excluded.ended_block,
		reason = excluded.reason, excuse = excluded.excuse, excused = excluded.excused,
		hotkey_strikes = excluded.hotkey_strikes, coldkey_strikes = excluded.coldkey_strikes`,
		r.Task, r.Generation, r.Hotkey, l.Coldkey, l.Slot, l.State, string(receipt), l.RenewedBlock, l.EndedBlock, l.Reason, l.Excuse, l.Excused,
		l.HotkeyStrikes, l.ColdkeyStrikes)
	if err != nil {
		return fmt.Errorf("put lease %d of task %s: %w", r.Generation, r.Task, err)
	}
	t.s.memory.wrote(l)
	return nil
}
