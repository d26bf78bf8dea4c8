package sqlstore_test

import (
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/sqlstore"
)

// BenchmarkLeaseAndSubmit measures pairs of a lease and its result, of many
// hotkeys at a time.
func BenchmarkLeaseAndSubmit(b *testing.B) {
	var batches, changes atomic.Int64
	s, err := sqlstore.Open(b.Context(), filepath.Join(b.TempDir(), "tasks.sqlite"), sqlstore.Options{Observe: func(n int, _ time.Duration) {
		batches.Add(1)
		changes.Add(int64(n))
	}})
	if err != nil {
		b.Fatal(err)
	}
	defer func() {
		b.ReportMetric(float64(changes.Load())/float64(batches.Load()), "changes/batch")
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	}()
	rules := enginetest.Rules()
	rules.Slots, rules.ColdkeySlots = contract.MaxSlot, contract.MaxSlot // nobody judges the results
	e, err := engine.New(s, rules, enginetest.Sign)
	if err != nil {
		b.Fatal(err)
	}
	crawl, tasks := enginetest.Tasks(scriptCrawl, max(b.N, 1000), true)
	if _, err := e.Import(b.Context(), 1, crawl, tasks); err != nil {
		b.Fatal(err)
	}
	var requests, people atomic.Int64
	b.SetParallelism(16)
	b.ReportAllocs()
	b.ResetTimer()
	b.RunParallel(func(pb *testing.PB) {
		hotkey := enginetest.Address(fmt.Sprint("miner ", people.Add(1)))
		ask := func(head uint64) engine.Request {
			n := requests.Add(1)
			return engine.Request{Head: chain.Block{Number: head, Hash: enginetest.BlockHash(head)}, Hotkey: hotkey, Coldkey: hotkey,
				Key: chain.PublicKey{byte(n), byte(n >> 8)}, UUID: uuidOf(0, int(n)), Until: time.UnixMilli(1_700_000_000_000)}
		}
		for pb.Next() {
			r, _, err := e.Lease(b.Context(), ask(10), contract.LeaseRequest{Op: contract.OpLease, Slot: 1, Recipe: "fineweb"})
			if err != nil {
				b.Error(err)
				return
			}
			if _, err := e.Submit(b.Context(), ask(11), contract.SubmitRequest{Op: contract.OpSubmit, Task: r.Task, Generation: r.Generation,
				Claim: "someone/data@" + fmt.Sprintf("%040x", 7), Manifest: fmt.Sprintf("%064x", requests.Add(1)), Block: 11}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}
