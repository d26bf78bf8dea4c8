package enginetest

import (
	"fmt"
	"math/rand/v2"
	"sync"
	"sync/atomic"
	"testing"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// Sizes of a crowd.
const (
	crowdMiners = 12
	crowdTasks  = 30
	crowdSteps  = 40
)

// Crowd lets many miners work at once through several servers, each with its own
// handle on one empty store and its own idea of the newest block. In the end the
// log must tell a legal story, and the tables the same.
func Crowd(t *testing.T, replicas []engine.Store) {
	t.Helper()
	servers := make([]*engine.Engine, len(replicas))
	for i, store := range replicas {
		var err error
		if servers[i], err = engine.New(store, Rules(), Sign); err != nil {
			t.Fatal(err)
		}
	}
	crawl, tasks := Tasks("crawl-0", crowdTasks, true)
	if _, err := servers[0].Import(t.Context(), 1000, crawl, tasks); err != nil {
		t.Fatal(err)
	}
	var head atomic.Uint64
	head.Store(1000)
	var all sync.WaitGroup
	for n := range crowdMiners {
		m := &crowdMiner{t: t, n: n, head: &head, server: servers[n%len(servers)], r: rand.New(rand.NewPCG(1, uint64(n)))}
		all.Go(m.work)
	}
	all.Wait()
	report, err := engine.Check(t.Context(), replicas[0])
	if err != nil || !report.OK() {
		t.Fatalf("check: %v, %v", report.Faults, err)
	}
	if report.Submissions == 0 || report.Leases < crowdTasks {
		t.Errorf("only %d leases and %d results", report.Leases, report.Submissions)
	}
}

type crowdMiner struct {
	t      *testing.T
	n      int
	head   *atomic.Uint64
	server *engine.Engine
	r      *rand.Rand
	uuids  int
}

func (m *crowdMiner) request() engine.Request {
	m.uuids++
	p := newPerson(fmt.Sprintf("miner %d", m.n), fmt.Sprintf("owner %d", m.n/hotkeysPerOwner))
	head := m.head.Load() - uint64(m.r.IntN(3))
	return engine.Request{Head: chain.Block{Number: head, Hash: BlockHash(head)}, Hotkey: p.hotkey, Coldkey: p.coldkey, Key: p.key,
		UUID: fmt.Sprint(m.uuids)}
}

func (m *crowdMiner) work() {
	for step := range crowdSteps {
		receipt, _, err := m.server.Lease(m.t.Context(), m.request(), contract.LeaseRequest{Op: contract.OpLease, Slot: 1 + step%2, Recipe: recipe})
		if err == nil {
			err = m.use(receipt)
		}
		if err != nil && !refusal(err) {
			m.t.Errorf("miner %d: %v", m.n, err)
			return
		}
		if _, err := m.server.Advance(m.t.Context(), m.head.Add(uint64(m.r.IntN(4)))); err != nil {
			m.t.Errorf("advance: %v", err)
			return
		}
	}
}

func (m *crowdMiner) use(receipt contract.Receipt) error {
	var err error
	switch who := m.request(); m.r.IntN(4) {
	case 0:
		_, err = m.server.Release(m.t.Context(), who, contract.ReleaseRequest{Op: contract.OpRelease, Task: receipt.Task, Generation: receipt.Generation})
	case 1:
		_, err = m.server.Renew(m.t.Context(), who, contract.RenewRequest{Op: contract.OpRenew, Task: receipt.Task, Generation: receipt.Generation})
	case 2:
		req := submission(&random{m.r}, receipt)
		req.Block = min(receipt.DeadlineBlock, who.Head.Number)
		_, err = m.server.Submit(m.t.Context(), who, req)
	}
	return err
}
