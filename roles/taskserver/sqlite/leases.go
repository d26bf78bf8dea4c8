package sqlite

import (
	"context"
	"database/sql"
	"encoding/json"
	"errors"
	"fmt"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver"
)

// Expire ends the live leases whose deadline lies before block.
func (s *Store) Expire(ctx context.Context, block uint64) (ended int, err error) {
	var due int
	err = s.read.QueryRowContext(ctx, "SELECT count(*) FROM leases WHERE state = 'live' AND deadline_block < ?", block).Scan(&due)
	if err != nil || due == 0 {
		return 0, err
	}
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		freed, err := changes(tx.ExecContext(ctx, `UPDATE tasks SET state = 'available' WHERE state = 'leased' AND id IN
			(SELECT task FROM leases WHERE state = 'live' AND deadline_block < ?)`, block))
		if err != nil {
			return err
		}
		n, err := changes(tx.ExecContext(ctx,
			"UPDATE leases SET state = 'expired', ended_block = ? WHERE state = 'live' AND deadline_block < ?", block, block))
		if err == nil && n != freed {
			err = fmt.Errorf("%d leases expired, but %d tasks were leased by them", n, freed)
		}
		ended = int(n)
		return err
	})
	if err != nil {
		return 0, err
	}
	return ended, nil
}

// Held returns the live lease of a slot.
func (s *Store) Held(ctx context.Context, hotkey string, slot int) (taskserver.Lease, error) {
	var raw string
	err := s.read.QueryRowContext(ctx, "SELECT receipt FROM leases WHERE hotkey = ? AND slot = ? AND state = 'live'", hotkey, slot).Scan(&raw)
	if err != nil {
		return taskserver.Lease{}, absent(err, "lease of the slot")
	}
	l := taskserver.Lease{Slot: slot}
	if err := json.Unmarshal([]byte(raw), &l.Receipt); err != nil {
		return taskserver.Lease{}, fmt.Errorf("receipt of slot %d: %w", slot, err)
	}
	return l, nil
}

// Draw returns the first available task from point on.
func (s *Store) Draw(ctx context.Context, point int64) (taskserver.Task, error) {
	for _, from := range []int64{point, 0} {
		row := s.read.QueryRowContext(ctx, selectTask+"WHERE t.state = 'available' AND t.point >= ? ORDER BY t.point, t.id LIMIT 1", from)
		t, err := scanTask(row.Scan)
		if !errors.Is(err, sql.ErrNoRows) {
			return t, err
		}
	}
	return taskserver.Task{}, fmt.Errorf("available task: %w", taskserver.ErrNotFound)
}

// Grant makes a lease live.
func (s *Store) Grant(ctx context.Context, l taskserver.Lease) error {
	r := l.Receipt
	raw, err := canon.Marshal(r)
	if err != nil {
		return err
	}
	return inTx(ctx, s.write, func(tx *sql.Tx) error {
		taken, err := changes(tx.ExecContext(ctx, `UPDATE tasks SET state = 'leased', generation = ?, deadline_block = ?
			WHERE id = ? AND state = 'available' AND generation = ?`, r.Generation, r.DeadlineBlock, r.Task, r.Generation-1))
		if err != nil {
			return err
		}
		if taken == 0 {
			return fmt.Errorf("grant generation %d of task %s: it is not available: %w", r.Generation, r.Task, taskserver.ErrConflict)
		}
		added, err := changes(tx.ExecContext(ctx, `INSERT INTO leases (task, generation, hotkey, slot, state, block, deadline_block, receipt)
			VALUES (?, ?, ?, ?, 'live', ?, ?, ?) ON CONFLICT DO NOTHING`,
			r.Task, r.Generation, r.Hotkey, l.Slot, r.Block, r.DeadlineBlock, string(raw)))
		if err == nil && added == 0 {
			err = fmt.Errorf("grant generation %d of task %s: slot %d is taken: %w", r.Generation, r.Task, l.Slot, taskserver.ErrConflict)
		}
		return err
	})
}

// Renew notes a sign of life.
func (s *Store) Renew(ctx context.Context, key taskserver.LeaseKey, block uint64) (taskserver.LeaseState, error) {
	return s.change(ctx, key, func(tx *sql.Tx, l *taskserver.LeaseState) error {
		if l.State != contract.LeaseLive {
			return taskserver.ErrFenced
		}
		_, err := tx.ExecContext(ctx, "UPDATE leases SET renewed_block = max(renewed_block, ?) WHERE task = ? AND generation = ?",
			block, key.Task, key.Generation)
		return err
	})
}

// Release ends a live lease.
func (s *Store) Release(ctx context.Context, key taskserver.LeaseKey, reason string, block uint64) (taskserver.LeaseState, error) {
	return s.change(ctx, key, func(tx *sql.Tx, l *taskserver.LeaseState) error {
		switch l.State {
		case contract.LeaseReleased:
			return nil
		case contract.LeaseLive:
			return end(ctx, tx, l, contract.LeaseReleased, contract.TaskAvailable, reason, block)
		}
		return taskserver.ErrFenced
	})
}

// Submit ends a lease with a result.
func (s *Store) Submit(ctx context.Context, key taskserver.LeaseKey, r taskserver.Result) (taskserver.LeaseState, error) {
	return s.change(ctx, key, func(tx *sql.Tx, l *taskserver.LeaseState) error {
		switch l.State {
		case contract.LeaseSubmitted:
			return sameResult(ctx, tx, key, r)
		case contract.LeaseReleased:
			return taskserver.ErrFenced
		case contract.LeaseExpired:
			var newest int64
			if err := tx.QueryRowContext(ctx, "SELECT generation FROM tasks WHERE id = ?", key.Task).Scan(&newest); err != nil {
				return err
			}
			if newest != key.Generation {
				return taskserver.ErrFenced
			}
		}
		if err := end(ctx, tx, l, contract.LeaseSubmitted, contract.TaskSubmitted, "", r.Block); err != nil {
			return err
		}
		_, err := tx.ExecContext(ctx, `INSERT INTO submissions (task, generation, hotkey, claim, manifest, block, bytes)
			SELECT id, ?, ?, ?, ?, ?, bytes FROM tasks WHERE id = ?`,
			key.Generation, key.Hotkey, r.Claim, r.Manifest, r.Block, key.Task)
		return err
	})
}

// Lease returns the state of a lease.
func (s *Store) Lease(ctx context.Context, key taskserver.LeaseKey) (taskserver.LeaseState, error) {
	return readLease(ctx, s.read, key)
}

// change reads a lease, changes it in the same transaction and returns it as
// it stands then.
func (s *Store) change(ctx context.Context, key taskserver.LeaseKey, apply func(*sql.Tx, *taskserver.LeaseState) error) (l taskserver.LeaseState, err error) {
	err = inTx(ctx, s.write, func(tx *sql.Tx) error {
		if l, err = readLease(ctx, tx, key); err != nil {
			return err
		}
		if err := apply(tx, &l); err != nil {
			return fmt.Errorf("generation %d of task %s (%s): %w", key.Generation, key.Task, l.State, err)
		}
		return nil
	})
	if err != nil {
		return taskserver.LeaseState{}, err
	}
	return l, nil
}

func readLease(ctx context.Context, q interface {
	QueryRowContext(context.Context, string, ...any) *sql.Row
}, key taskserver.LeaseKey) (taskserver.LeaseState, error) {
	l := taskserver.LeaseState{LeaseKey: key}
	err := q.QueryRowContext(ctx, "SELECT hotkey, slot, state, block, deadline_block FROM leases WHERE task = ? AND generation = ?",
		key.Task, key.Generation).Scan(&l.Hotkey, &l.Slot, &l.State, &l.Block, &l.DeadlineBlock)
	if err != nil {
		return taskserver.LeaseState{}, absent(err, fmt.Sprintf("generation %d of task %s", key.Generation, key.Task))
	}
	if l.Hotkey != key.Hotkey {
		return taskserver.LeaseState{}, fmt.Errorf("generation %d of task %s: %w", key.Generation, key.Task, taskserver.ErrNotHolder)
	}
	return l, nil
}

// end moves a lease, the newest of its task, to its last state, and its task
// with it.
func end(ctx context.Context, tx *sql.Tx, l *taskserver.LeaseState, leaseState, taskState, reason string, block uint64) error {
	if _, err := tx.ExecContext(ctx, "UPDATE leases SET state = ?, reason = ?, ended_block = ? WHERE task = ? AND generation = ?",
		leaseState, reason, block, l.Task, l.Generation); err != nil {
		return err
	}
	moved, err := changes(tx.ExecContext(ctx, "UPDATE tasks SET state = ? WHERE id = ? AND generation = ? AND state IN ('leased', 'available')",
		taskState, l.Task, l.Generation))
	if err == nil && moved != 1 {
		err = fmt.Errorf("task %s is not in the state of its lease", l.Task)
	}
	l.State = leaseState
	return err
}

func sameResult(ctx context.Context, tx *sql.Tx, key taskserver.LeaseKey, r taskserver.Result) error {
	var manifest string
	err := tx.QueryRowContext(ctx, "SELECT manifest FROM submissions WHERE task = ? AND generation = ?", key.Task, key.Generation).Scan(&manifest)
	if err == nil && manifest != r.Manifest {
		err = taskserver.ErrSubmitted
	}
	return err
}
