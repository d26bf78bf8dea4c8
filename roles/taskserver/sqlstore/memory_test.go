package sqlstore_test

import (
	"errors"
	"path/filepath"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
)

// TestWriterSeesOtherProcesses: what a writer remembers of the tables is forgotten
// when another connection wrote to the file.
func TestWriterSeesOtherProcesses(t *testing.T) {
	path := filepath.Join(t.TempDir(), fileName)
	a, b := closing(t, open(t, path)), closing(t, open(t, path))
	crawl, tasks := enginetest.Tasks(scriptCrawl, 2, true)
	if _, err := newEngine(t, a).Import(t.Context(), 1, crawl, tasks); err != nil {
		t.Fatal(err)
	}
	for i, s := range []engine.Store{a, b, a, b} {
		err := s.Change(t.Context(), func(tx engine.Tx) error {
			k, err := tx.Task(tasks[0].ID)
			if err != nil {
				return err
			}
			l, err := tx.SlotLease(miner1, 1)
			switch {
			case i == 0 && !errors.Is(err, engine.ErrNotFound):
				t.Errorf("change 0 finds lease %v, %v", l, err)
			case i > 0 && (err != nil || l.RenewedBlock != uint64(i)):
				t.Errorf("change %d finds a lease of block %d, %v", i, l.RenewedBlock, err)
			}
			r, err := tx.Record(engine.Holder{Kind: engine.HolderHotkey, Address: miner1})
			if err != nil || r.Accepted != i || k.Attempts != i {
				t.Errorf("change %d finds %d accepted and %d attempts, %v", i, r.Accepted, k.Attempts, err)
			}
			k.Attempts++
			l = engine.Lease{Receipt: contract.Receipt{Task: k.ID, Hotkey: miner1, Generation: 1}, Slot: 1, State: contract.LeaseLive, RenewedBlock: uint64(i) + 1}
			r.Holder = engine.Holder{Kind: engine.HolderHotkey, Address: miner1}
			r.Accepted++
			return errors.Join(tx.PutTask(k), tx.PutLease(l), tx.PutRecord(r))
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// TestWriterForgetsWhatWasTakenBack: a change that fails leaves nothing, also
// beside others that succeed.
func TestWriterForgetsWhatWasTakenBack(t *testing.T) {
	s := newSQLite(t)
	crawl, tasks := enginetest.Tasks(scriptCrawl, 2, true)
	if _, err := newEngine(t, s).Import(t.Context(), 1, crawl, tasks); err != nil {
		t.Fatal(err)
	}
	holder := engine.Holder{Kind: engine.HolderHotkey, Address: miner1}
	failed := errors.New("changed its mind")
	together(8, func(i int) error {
		return s.Change(t.Context(), func(tx engine.Tx) error {
			k, err := tx.Task(tasks[i%2].ID)
			if err != nil {
				return err
			}
			_, err = tx.SlotLease(miner1, 1)
			if !errors.Is(err, engine.ErrNotFound) {
				t.Errorf("change %d finds a lease that was taken back: %v", i, err)
			}
			r, err := tx.Record(holder)
			if err != nil || r.Strikes != 0 || k.Attempts != 0 {
				t.Errorf("change %d finds %d strikes and %d attempts, %v", i, r.Strikes, k.Attempts, err)
			}
			if i%2 == 0 {
				return tx.PutSetting("even", "there")
			}
			k.Attempts, r.Holder, r.Strikes = 1, holder, 1
			l := engine.Lease{Receipt: contract.Receipt{Task: k.ID, Hotkey: miner1, Generation: 1}, Slot: 1, State: contract.LeaseLive}
			return errors.Join(tx.PutTask(k), tx.PutLease(l), tx.PutRecord(r), failed)
		})
	})
}
