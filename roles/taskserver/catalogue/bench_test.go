package catalogue_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// openStore opens a new SQLite store in a folder of TMPDIR, which should be on
// a disk that counts.
func openStore(b *testing.B) *sqlstore.Store {
	b.Helper()
	store, err := sqlstore.Open(b.Context(), filepath.Join(b.TempDir(), "tasks.db"), sqlstore.Options{})
	check(b, err)
	b.Cleanup(func() { check(b, store.Close()) })
	return store
}

// list is a warc.paths.gz of so many files, with paths as long as Common
// Crawl's, and with sizes if asked for.
func list(b *testing.B, n int, sizes bool) []byte {
	b.Helper()
	var text bytes.Buffer
	for i := range n {
		fmt.Fprintf(&text, "crawl-data/CC-MAIN-2024-10/segments/1707947473347.%02d/warc/CC-MAIN-20240220211055-20240221001055-%05d.warc.gz", i%100, i)
		if sizes {
			fmt.Fprintf(&text, "\t%d", 1_000_000_000+i)
		}
		text.WriteByte('\n')
	}
	return members(b, text.String())
}

// load reads a list and imports it, four files a task as serve does or one.
func load(b *testing.B, e *engine.Engine, name string, list []byte, perTask int) int {
	b.Helper()
	c, err := catalogue.Read(bytes.NewReader(list))
	check(b, err)
	division, tasks, err := catalogue.Tasks(name, c, perTask)
	check(b, err)
	added, err := e.Import(b.Context(), 1, division, tasks)
	check(b, err)
	return added
}

// BenchmarkImport imports a crawl of 100,000 files, from the bytes of its
// warc.paths.gz to tasks that are durable; "again" is the same once more.
func BenchmarkImport(b *testing.B) {
	paths := list(b, 100_000, false)
	b.Run("new", func(b *testing.B) {
		e := newEngine(b, openStore(b))
		for i := 0; b.Loop(); i++ {
			equal(b, "added", load(b, e, fmt.Sprintf("CC-MAIN-%d", i), paths, catalogue.DefaultFilesPerTask), 25_000)
		}
	})
	b.Run("again", func(b *testing.B) {
		e := newEngine(b, openStore(b))
		load(b, e, crawl, paths, catalogue.DefaultFilesPerTask)
		for b.Loop() {
			equal(b, "added", load(b, e, crawl, paths, catalogue.DefaultFilesPerTask), 0)
		}
	})
}

// BenchmarkLease grants leases, one after the other, each to a new hotkey; what
// runs out is given back by deadlines meanwhile. It needs a good number of them
// for its percentiles: -benchtime 5000x.
func BenchmarkLease(b *testing.B) {
	for _, n := range []int{10_000, 1_000_000} {
		b.Run(fmt.Sprintf("tasks=%d", n), func(b *testing.B) {
			store := openStore(b)
			e := newEngine(b, store)
			equal(b, "tasks", load(b, e, crawl, list(b, n, true), 1), n)
			granter := granter{b: b, e: e, head: 1}
			for range 100 { // statements are prepared, pages are read
				granter.grant()
			}
			granter.took = nil
			for b.Loop() {
				if len(granter.took)%(n/2) == n/2-1 {
					b.StopTimer()
					granter.expire()
					b.StartTimer()
				}
				granter.grant()
			}
			granter.report()
		})
	}
}

// granter has one hotkey after the other ask for a lease.
type granter struct {
	b    *testing.B
	e    *engine.Engine
	head uint64
	next uint64
	took []time.Duration
}

func (g *granter) grant() {
	g.next++
	var key chain.PublicKey
	binary.BigEndian.PutUint64(key[:], g.next)
	name := fmt.Sprintf("%s%08d", miner[:40], g.next)
	begin := time.Now()
	_, granted, err := g.e.Lease(g.b.Context(), engine.Request{
		Head: chain.Block{Number: g.head, Hash: chain.Hash{byte(g.head)}}, Hotkey: name, Coldkey: name, Key: key, UUID: name, Until: begin.Add(time.Minute),
	}, contract.LeaseRequest{Op: contract.OpLease, Slot: 1, Recipe: fineweb.Name})
	g.took = append(g.took, time.Since(begin))
	if err != nil || !granted {
		g.b.Fatalf("lease %d: %t, %v", g.next, granted, err)
	}
}

func (g *granter) expire() {
	g.head += 101
	_, err := g.e.Advance(g.b.Context(), g.head)
	check(g.b, err)
}

func (g *granter) report() {
	slices.Sort(g.took)
	for _, p := range []int{50, 99} {
		at := g.took[len(g.took)*p/100]
		g.b.ReportMetric(float64(at.Microseconds()), fmt.Sprintf("p%d-µs", p))
	}
}

// BenchmarkRetire retires a crawl of 100,000 tasks: others wait for so long.
func BenchmarkRetire(b *testing.B) {
	const tasks = 100_000
	e := newEngine(b, openStore(b))
	paths := list(b, tasks, true)
	for i := 0; b.Loop(); i++ {
		b.StopTimer()
		name := fmt.Sprintf("CC-MAIN-%d", i)
		equal(b, "added", load(b, e, name, paths, 1), tasks)
		b.StartTimer()
		check(b, e.Retire(b.Context(), 1, name))
	}
}
