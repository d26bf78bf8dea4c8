package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/roles/taskserver"
)

const (
	modelTasks   = 4
	modelHotkeys = 3
	modelSlots   = 2
)

// model is what a store ought to hold.
type model struct {
	block  uint64
	state  [modelTasks]string
	leases [modelTasks][]modelLease // generation g at index g-1
}

type modelLease struct {
	hotkey   string
	slot     int
	state    string
	deadline uint64
	manifest string
}

// randomOperations compares a store with a model of it after random operations,
// and checks that no task is lost or doubled.
func randomOperations(t *testing.T, e *env) {
	round := 0
	rapid.Check(t, func(rt *rapid.T) {
		round++
		s := e.open(t, fmt.Sprintf("%s/%d", e.dir, round))
		defer func() { check(t, s.Close()) }()
		_, err := s.AddCrawl(context.Background(), taskserver.Crawl{Name: crawl, CatalogueSHA256: sumA, FilesPerTask: 2}, newTasks(modelTasks))
		check(t, err)
		m := &model{block: 1}
		for i := range m.state {
			m.state[i] = contract.TaskAvailable
		}
		rt.Repeat(map[string]func(*rapid.T){
			"grant":   func(rt *rapid.T) { m.grant(rt, s) },
			"advance": func(rt *rapid.T) { m.advance(rt, s) },
			"renew": func(rt *rapid.T) {
				m.onLease(rt, func(key taskserver.LeaseKey, number int, l *modelLease) {
					_, err := s.Renew(context.Background(), key, m.block)
					expect(rt, "renew", err, l.state == contract.LeaseLive, taskserver.ErrFenced)
				})
			},
			"release": func(rt *rapid.T) {
				m.onLease(rt, func(key taskserver.LeaseKey, number int, l *modelLease) {
					_, err := s.Release(context.Background(), key, "", m.block)
					expect(rt, "release", err, l.state == contract.LeaseLive || l.state == contract.LeaseReleased, taskserver.ErrFenced)
					if l.state == contract.LeaseLive {
						l.state, m.state[number] = contract.LeaseReleased, contract.TaskAvailable
					}
				})
			},
			"submit": func(rt *rapid.T) { m.submit(rt, s) },
			"":       func(rt *rapid.T) { m.compare(rt, s) },
		})
	})
}

func (m *model) grant(rt *rapid.T, s taskserver.Store) {
	number := rapid.IntRange(0, modelTasks-1).Draw(rt, "task")
	hotkey := fmt.Sprint("hotkey", rapid.IntRange(1, modelHotkeys).Draw(rt, "hotkey"))
	slot := rapid.IntRange(1, modelSlots).Draw(rt, "slot")
	next := int64(len(m.leases[number])) + 1
	generation := next + rapid.SampledFrom([]int64{0, 0, 0, 1, -1}).Draw(rt, "generation off by")
	free := true
	for _, leases := range m.leases {
		for _, l := range leases {
			free = free && (l.state != contract.LeaseLive || l.hotkey != hotkey || l.slot != slot)
		}
	}
	l := lease(number, generation, hotkey, slot, m.block)
	err := s.Grant(context.Background(), l)
	ok := m.state[number] == contract.TaskAvailable && generation == next && free
	expect(rt, "grant", err, ok, taskserver.ErrConflict)
	if ok {
		m.state[number] = contract.TaskLeased
		m.leases[number] = append(m.leases[number], modelLease{hotkey: hotkey, slot: slot, state: contract.LeaseLive, deadline: l.Receipt.DeadlineBlock})
	}
}

func (m *model) advance(rt *rapid.T, s taskserver.Store) {
	m.block += rapid.Uint64Range(1, deadline).Draw(rt, "blocks")
	want := 0
	for number, leases := range m.leases {
		for i := range leases {
			if l := &leases[i]; l.state == contract.LeaseLive && l.deadline < m.block {
				l.state, m.state[number] = contract.LeaseExpired, contract.TaskAvailable
				want++
			}
		}
	}
	ended, err := s.Expire(context.Background(), m.block)
	if err != nil || ended != want {
		rt.Fatalf("expire: got %d leases and error %v, want %d", ended, err, want)
	}
}

func (m *model) submit(rt *rapid.T, s taskserver.Store) {
	m.onLease(rt, func(key taskserver.LeaseKey, number int, l *modelLease) {
		manifest := rapid.SampledFrom([]string{sumA, sumB}).Draw(rt, "manifest")
		_, err := s.Submit(context.Background(), key, result(manifest, m.block))
		newest := int(key.Generation) == len(m.leases[number])
		switch {
		case l.state == contract.LeaseSubmitted:
			expect(rt, "submit again", err, manifest == l.manifest, taskserver.ErrSubmitted)
		case l.state == contract.LeaseLive, l.state == contract.LeaseExpired && newest:
			expect(rt, "submit", err, true, nil)
			l.state, l.manifest, m.state[number] = contract.LeaseSubmitted, manifest, contract.TaskSubmitted
		default:
			expect(rt, "submit", err, false, taskserver.ErrFenced)
		}
	})
}

// onLease calls do with a lease that was granted, or skips.
func (m *model) onLease(rt *rapid.T, do func(taskserver.LeaseKey, int, *modelLease)) {
	number := rapid.IntRange(0, modelTasks-1).Draw(rt, "task")
	if len(m.leases[number]) == 0 {
		rt.Skip("never leased")
	}
	generation := rapid.IntRange(1, len(m.leases[number])).Draw(rt, "generation")
	l := &m.leases[number][generation-1]
	do(taskserver.LeaseKey{Task: contract.TaskID(crawl, number), Generation: int64(generation), Hotkey: l.hotkey}, number, l)
}

func (m *model) compare(rt *rapid.T, s taskserver.Store) {
	counts, err := s.TaskCounts(context.Background())
	if err != nil {
		rt.Fatal(err)
	}
	var total int64
	for _, n := range counts {
		total += n
	}
	if total != modelTasks {
		rt.Fatalf("%d tasks of %d are left: %v", total, modelTasks, counts)
	}
	for number, want := range m.state {
		task, err := s.Task(context.Background(), contract.TaskID(crawl, number))
		if err != nil || task.State != want || task.Generation != int64(len(m.leases[number])) {
			rt.Fatalf("task %d: got %s of generation %d and error %v, want %s of %d", number, task.State, task.Generation, err, want, len(m.leases[number]))
		}
		for i, l := range m.leases[number] {
			key := taskserver.LeaseKey{Task: task.ID, Generation: int64(i + 1), Hotkey: l.hotkey}
			got, err := s.Lease(context.Background(), key)
			if err != nil || got.State != l.state {
				rt.Fatalf("lease %+v: got %s and error %v, want %s", key, got.State, err, l.state)
			}
		}
	}
}

func expect(rt *rapid.T, what string, err error, ok bool, otherwise error) {
	switch {
	case ok && err != nil:
		rt.Fatalf("%s: %v", what, err)
	case !ok && !errors.Is(err, otherwise):
		rt.Fatalf("%s: got error %v, want %v", what, err, otherwise)
	}
}
