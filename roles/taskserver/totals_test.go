package taskserver_test

import (
	"testing"

	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
)

// TestRetiredTasksAreNotReady: what is told as ready can be leased.
func TestRetiredTasksAreNotReady(t *testing.T) {
	const other = "CC-OTHER-2024-18"
	e := newEnv(t, 3)
	e.importCrawl(other, 8)
	ready := func() (all int64, of map[string]int64) {
		t.Helper()
		e.pass(taskserver.DefaultHeadAge)
		stats, err := e.client("//Miner").Stats(t.Context())
		check(t, err)
		crawls, err := e.client("//Miner").Crawls(t.Context())
		check(t, err)
		of = make(map[string]int64)
		for _, c := range crawls {
			of[c.Crawl] = c.Tally.Ready
			equal(t, "available of "+c.Crawl, c.Tally.Available, int64(c.Tasks))
		}
		return stats.Tally.Ready, of
	}
	all, of := ready()
	equal(t, "ready", all, of[crawl]+of[other])
	equal(t, "ready of the other", of[other], 4)
	check(t, engine.ForOperator(e.store).Retire(t.Context(), firstHead, crawl))
	all, of = ready()
	equal(t, "ready", all, 4)
	equal(t, "ready of the retired", of[crawl], 0)
}
