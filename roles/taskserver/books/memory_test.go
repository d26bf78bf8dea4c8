package books_test

import (
	"fmt"
	"runtime"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine/enginetest"
)

// A check of a million tasks must fit beside a server.
func TestMemoryOfBooks(t *testing.T) {
	const tasks, ofLease, ofVerdict = 20_000, 250, 80 // bytes, at most
	heap := func() int64 {
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		return int64(m.HeapAlloc)
	}
	start := heap()
	s := story{t, books.New()}
	s.must(books.Entry{Op: books.OpImport, Actor: books.ActorOperator},
		books.Import{Crawl: "crawl", FilesPerTask: 1, Files: tasks, Tasks: tasks})
	holder := func(n int) string { return enginetest.Address(fmt.Sprint(n / 100)) }
	for n := range tasks {
		e := lease(10)
		e.Task, e.Actor = contract.TaskID("crawl", n), holder(n)
		detail := leased(20)
		detail.Slot, detail.Receipt = 1+n%100, strings.Repeat("ab", 32)
		s.must(e, detail)
	}
	leases := heap()
	for n := range tasks {
		e := at(books.OpSubmit, 15, holder(n), contract.TaskLeased, waits)
		e.Task = contract.TaskID("crawl", n)
		s.must(e, books.Submit{After: books.After{Due: 30}, Manifest: strings.Repeat("m", 64), Block: 15})
		said := verdict(unsure, 5)
		said.Task, said.Hotkey = e.Task, e.Actor
		e = at(books.OpVerdict, 16, bob, waits, waits)
		e.Task = said.Task
		s.must(e, said)
	}
	verdicts := heap()
	for _, c := range []struct {
		what      string
		got, most int64
	}{{"a task that was leased", leases - start, ofLease}, {"a result with a verdict", verdicts - leases, ofVerdict}} {
		if got := c.got / tasks; got > c.most {
			t.Errorf("%d bytes for %s, want at most %d", got, c.what, c.most)
		} else {
			t.Logf("%d bytes for %s", got, c.what)
		}
	}
	runtime.KeepAlive(s)
}
