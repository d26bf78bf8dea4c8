package sqlstore_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// TestDueTaskThatCannotBeRead: what was written over a row keeps no other task
// from being issued again.
func TestDueTaskThatCannotBeRead(t *testing.T) {
	const tasks, block = 3, 1000
	ids := make([]string, tasks)
	for i := range ids {
		ids[i] = contract.TaskID(scriptCrawl, i)
	}
	for name, statement := range map[string]string{
		"files are no JSON":   "UPDATE tasks SET files = 'x' WHERE id = '" + ids[0] + "'",
		"files are something": "UPDATE tasks SET files = '7' WHERE id = '" + ids[0] + "'",
		"of no crawl":         "UPDATE tasks SET crawl = 'x' WHERE id = '" + ids[0] + "'",
	} {
		t.Run(name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "tasks.sqlite")
			s := closing(t, open(t, path))
			e := newEngine(t, s)
			crawl, all := enginetest.Tasks(scriptCrawl, tasks, true)
			if _, err := e.Import(t.Context(), 1, crawl, all); err != nil {
				t.Fatal(err)
			}
			if err := s.Change(t.Context(), func(tx engine.Tx) (err error) {
				for _, id := range ids {
					k, readErr := tx.Task(id)
					k.State, k.Generation, k.DueBlock = contract.TaskSubmitted, 1, block-1
					l := engine.Lease{Receipt: contract.Receipt{V: 1, Task: id, Hotkey: miner1, Generation: 1}, Coldkey: owner, State: contract.LeaseSubmitted}
					err = errors.Join(err, readErr, tx.PutTask(k), tx.PutLease(l))
				}
				return err
			}); err != nil {
				t.Fatal(err)
			}
			execute(t, "sqlite", path, statement)
			ended, err := e.Advance(t.Context(), block)
			var damaged *engine.DamagedError
			if !errors.As(err, &damaged) || len(damaged.Tasks) != 1 || !strings.Contains(err.Error(), ids[0]) {
				t.Fatalf("moved %d, error %v", ended, err)
			}
			if ended != tasks-1 {
				t.Errorf("moved %d tasks, want %d", ended, tasks-1)
			}
		})
	}
}
