package taskserver_test

import (
	"context"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

// Faults of the predecessor in how it leased tasks.

// FS-1: a task had no deadline, no count of attempts, no hash of its result.
func TestFS1RecordsAreComplete(t *testing.T) {
	e := newEnv(t, 1)
	e.lease("//Other")
	e.mine(deadline + 1)
	r := e.submitted("//Miner")
	view, err := e.client("//Other").Task(t.Context(), r.Task)
	check(t, err)
	equal(t, "attempts", view.Attempts, 1)
	equal(t, "generation", view.Generation, 2)
	equal(t, "deadline", view.DeadlineBlock, r.Block+deadline)
	equal(t, "submissions", len(view.Submissions), 1)
	equal(t, "submission", view.Submissions[0], contract.SubmissionView{Seq: 1, Task: r.Task, Generation: 2, Hotkey: r.Hotkey,
		Claim: claim, Manifest: sumA, Block: r.Block + 1, Bytes: r.Bytes()})
}

// drawCounter counts draws, and whatever reads more than one task at a time.
type drawCounter struct {
	engine.Store
	mu           sync.Mutex
	draws, lists int
}

type countedTx struct {
	engine.Tx
	of *drawCounter
}

func (s *drawCounter) Change(ctx context.Context, f func(engine.Tx) error) error {
	return s.Store.Change(ctx, func(tx engine.Tx) error { return f(countedTx{tx, s}) })
}

func (s *drawCounter) count(n *int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*n++
}

func (tx countedTx) Draw(point int64) (engine.Task, error) {
	tx.of.count(&tx.of.draws)
	return tx.Tx.Draw(point)
}

func (tx countedTx) Tasks(crawl, state, after string, limit int) ([]engine.Task, error) {
	tx.of.count(&tx.of.lists)
	return tx.Tx.Tasks(crawl, state, after, limit)
}

func (tx countedTx) Unready(point int64, limit int) ([]engine.Task, error) {
	tx.of.count(&tx.of.lists)
	return tx.Tx.Unready(point, limit)
}

// FS-3: the whole table was sorted by chance for a lease, and files went to one
// miner, once. Here one task is looked up, and goes to another miner when the
// first result was not good.
func TestFS3OneDrawIsOneTask(t *testing.T) {
	var counter *drawCounter
	e := newEnv(t, 1, func(o *taskserver.Options) {
		counter = &drawCounter{Store: o.Store}
		o.Store = counter
	})
	r := e.submitted("//Miner")
	equal(t, "draws", counter.draws, 1)
	equal(t, "lists of tasks", counter.lists, 0)
	check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictRejected, "0")}, firstHead))
	e.mine(2*deadline + 1)
	again := e.lease("//Other")
	equal(t, "task", again.Task, r.Task)
	equal(t, "generation", again.Generation, r.Generation+1)
}

// FS-4: the job that ended stale tasks read a column that was gone, and failed
// without a word. Here it runs over the schema of the database in use.
func TestFS4StaleLeasesEnd(t *testing.T) {
	store, err := sqlstore.Open(t.Context(), filepath.Join(t.TempDir(), "tasks.db"), sqlstore.Options{})
	check(t, err)
	e := newEnv(t, 1, func(o *taskserver.Options) { o.Store = store })
	t.Cleanup(func() { check(t, store.Close()) })
	r := e.lease("//Miner")
	e.mine(deadline + 1)
	report, err := e.server.Once(t.Context())
	check(t, err)
	equal(t, "leases ended", report.Ended, 1)
	equal(t, "state", e.state(r.Task), contract.TaskAvailable)
	equal(t, "generation", e.lease("//Other").Generation, 2)
}

// FS-5: there was no sign of life and no way to give a task back, and its files
// were saved one by one.
func TestFS5LeasesAreRenewedAndGivenBack(t *testing.T) {
	e := newEnv(t, 1)
	c, r := e.client("//Miner"), e.lease("//Miner")
	equal(t, "files of a task", len(r.Files), 2)
	e.mine(deadline / 2)
	check(t, c.Renew(t.Context(), r.Task, r.Generation))
	equal(t, "receipt after a sign of life", canonical(t, e.lease("//Miner")), canonical(t, r))
	check(t, c.Release(t.Context(), contract.ReleaseRequest{Task: r.Task, Generation: r.Generation, Reason: "no time"}))
	equal(t, "files of the next lease", canonical(t, e.lease("//Other").Files), canonical(t, r.Files))
}

// FS-9, CH-9: a signature had neither time nor purpose, so whoever saw one could
// use it for ever. Here each is good once, for one operation, for seconds.
func TestFS9SignaturesAreGoodOnce(t *testing.T) {
	e := newEnv(t, 2)
	signed := func() *http.Request { return e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1)) }
	old, first, again := signed(), signed(), signed()
	other := e.signedRequest("//Miner", "renew", []byte(leaseBody), uuidOf(2))
	equal(t, "first", e.problemOf(first), "")
	equal(t, "again", e.problemOf(again), contract.ProblemReplayed)
	equal(t, "for another operation", e.problemOf(other), contract.ProblemWrongOperation)
	e.pass(taskserver.DefaultTimestampWindow + time.Second)
	equal(t, "later", e.problemOf(old), contract.ProblemStale)
}

// FS-11: what was allowed in a day depended on the date, so 23:59 and 00:01 were
// two days, and failed tasks were not counted.
func TestFS11QuotaKnowsNoDate(t *testing.T) {
	e := newEnv(t, 3)
	e.pass(e.now.Truncate(24 * time.Hour).Add(24*time.Hour - time.Minute).Sub(e.now)) // 23:59
	c, r := e.client("//Miner"), e.lease("//Miner")
	check(t, c.Release(t.Context(), contract.ReleaseRequest{Task: r.Task, Generation: r.Generation}))
	for _, since := range []time.Duration{0, 2 * time.Minute, 24 * time.Hour} {
		e.pass(since)
		_, err := c.Lease(t.Context(), 1, "fineweb")
		wantProblem(t, "lease after a failed task, "+since.String()+" later", err, contract.ProblemQuota)
	}
	e.mine(deadline) // on the same date
	e.lease("//Miner")
}

// FS-12: nothing was locked while files were reserved, so two miners got the
// same, and the answer lacked task, deadline and block.
func TestFS12LeasesAreExclusive(t *testing.T) {
	e := newEnv(t, 1)
	receipts, errs := make([]contract.Receipt, len(registry)), make([]error, len(registry))
	var wait sync.WaitGroup
	for i, uri := range registry {
		c := e.client(uri)
		wait.Go(func() { receipts[i], errs[i] = c.Lease(t.Context(), 1, "fineweb") })
	}
	wait.Wait()
	granted := 0
	for i, r := range receipts {
		if errs[i] != nil {
			wantProblem(t, "lease of a task that is another's", errs[i], contract.ProblemNoTask)
			continue
		}
		granted++
		equal(t, "task", r.Task, contract.TaskID(crawl, 0))
		equal(t, "block", r.Block, firstHead)
		equal(t, "deadline", r.DeadlineBlock, firstHead+deadline)
	}
	equal(t, "leases granted", granted, 1)
}

// FS-13, CH-7: a task was finished with any text by anybody who had an old
// signature. Here only its holder can, with a pinned publication and a hash.
func TestFS13FinishedIsWhatWasPublished(t *testing.T) {
	e := newEnv(t, 1)
	ctx, r := t.Context(), e.lease("//Miner")
	e.mine(1)
	wantProblem(t, "another's task", e.client("//Other").Submit(ctx, submission(r)), contract.ProblemNotHolder)
	for name, change := range map[string]func(*contract.SubmitRequest){
		"no publication":     func(s *contract.SubmitRequest) { s.Claim = "" },
		"a name that moves":  func(s *contract.SubmitRequest) { s.Claim = "someone/data" },
		"a branch":           func(s *contract.SubmitRequest) { s.Claim = "someone/data@main" },
		"no hash of content": func(s *contract.SubmitRequest) { s.Manifest = "" },
	} {
		bad := submission(r)
		change(&bad)
		wantProblem(t, name, e.client("//Miner").Submit(ctx, bad), contract.ProblemMalformed)
	}
	early := submission(r)
	early.Block = r.Block
	if err := e.client("//Miner").Submit(ctx, early); err == nil {
		t.Error("a claim that is no later than the receipt was taken")
	}
	e.chain.set(func(c *fakeChain) { c.neurons = c.neurons[1:] })
	e.pass(taskserver.DefaultNeuronsAge)
	wantProblem(t, "a hotkey that left", e.client("//Miner").Submit(ctx, submission(r)), contract.ProblemNotRegistered)
	equal(t, "state", e.state(r.Task), contract.TaskLeased)
}

// FS-31: all hung on one server: it said what a miner did and when. Here a
// receipt stands by itself: with the chain alone anybody can check it.
func TestFS31ReceiptStandsAlone(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	raw, err := canon.Marshal(r.Unsigned())
	check(t, err)
	server, err := wallet.ParseAddress(r.Server)
	check(t, err)
	equal(t, "signed by the server's key", wallet.Verify(server, raw, signatureOf(t, r.Signature)), true)
	equal(t, "hash of the block", r.BlockHash, blockOf(r.Block).Hash.String())
	longer := r
	longer.DeadlineBlock++
	raw, err = canon.Marshal(longer.Unsigned())
	check(t, err)
	equal(t, "signed with another deadline", wallet.Verify(server, raw, signatureOf(t, r.Signature)), false)
}

// CH-8: what a uid had earned went to whoever got the uid next. Here nothing is
// known by uid.
func TestCH8NewOwnerOfAUidInheritsNothing(t *testing.T) {
	e := newEnv(t, 2)
	done, open := e.submitted("//Miner"), e.lease("//Miner")
	e.chain.set(func(c *fakeChain) { c.neurons = append([]chain.Neuron{neuron(t, 0, "//New", false)}, c.neurons[1:]...) })
	e.pass(taskserver.DefaultNeuronsAge)
	heir := e.client("//New")
	_, err := heir.Lease(t.Context(), 1, "fineweb")
	if !client.IsProblem(err, contract.ProblemNoTask) {
		t.Errorf("the new owner of a uid leases %s: got error %v", open.Task, err)
	}
	wantProblem(t, "result of the old owner's lease", heir.Submit(t.Context(), submission(open)), contract.ProblemNotHolder)
	standings, err := heir.Leaderboard(t.Context())
	check(t, err)
	equal(t, "standings", len(standings), 1)
	equal(t, "hotkey with work", standings[0].Hotkey, done.Hotkey)
}
