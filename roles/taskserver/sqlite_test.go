package taskserver_test

import (
	"path/filepath"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/sqlstore"
)

// TestOverSQLite goes once through the life of a task over the database that is
// the default, with a restart at every step.
func TestOverSQLite(t *testing.T) {
	e := newEnv(t, 0)
	path := filepath.Join(t.TempDir(), "tasks.db")
	restart := func() {
		t.Helper()
		check(t, e.store.Close())
		store, err := sqlstore.Open(t.Context(), path, sqlstore.Options{})
		check(t, err)
		e.store = store
		e.start()
	}
	restart()
	e.importCrawl(crawl, 2)
	restart()
	r := e.lease("//Miner")
	restart()
	equal(t, "lease after a restart", canonical(t, e.lease("//Miner")), canonical(t, r))
	e.mine(1)
	used := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	equal(t, "problem", e.problemOf(used), "")
	check(t, e.client("//Miner").Submit(t.Context(), submission(r)))
	restart()
	equal(t, "replay after a restart", e.problemOf(e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))), contract.ProblemReplayed)
	equal(t, "state", e.state(r.Task), contract.TaskSubmitted)
	check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictAccepted, "7")}, firstHead))
	restart()
	equal(t, "state", e.state(r.Task), contract.TaskAccepted)
	verdicts, _, err := e.client("//Other").Verdicts(t.Context(), r.Hotkey, 0)
	check(t, err)
	_, err = e.client("//Other").Statement(t.Context(), verdicts[0].Statement)
	check(t, err)
	stats, err := e.client("//Other").Stats(t.Context())
	check(t, err)
	equal(t, "accepted", stats.Tally.Accepted, 1)
	equal(t, "bytes", stats.Bytes, r.Bytes())
}
