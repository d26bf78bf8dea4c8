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
	const tasks, most = 20_000, 250 // bytes a task that was leased
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	s := story{t, books.New()}
	s.must(books.Entry{Op: books.OpImport, Actor: books.ActorOperator},
		books.Import{Crawl: "crawl", FilesPerTask: 1, Files: tasks, Tasks: tasks})
	for n := range tasks {
		e := lease(10)
		e.Task, e.Actor = contract.TaskID("crawl", n), enginetest.Address(fmt.Sprint(n/100))
		detail := leased(20)
		detail.Slot, detail.Receipt = 1+n%100, strings.Repeat("ab", 32)
		s.must(e, detail)
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if got := (int64(after.HeapAlloc) - int64(before.HeapAlloc)) / tasks; got > most {
		t.Errorf("%d bytes a task, want at most %d", got, most)
	} else {
		t.Logf("%d bytes a task", got)
	}
	runtime.KeepAlive(s)
}
