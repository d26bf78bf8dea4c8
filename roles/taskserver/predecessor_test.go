package taskserver_test

import (
	"fmt"
	"strings"
	"sync"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
)

// The task server that this one replaces had faults, which are numbered FS (of
// the server) and CH (ways to cheat). Each that a server can have is a test
// here, unless another test of this package is one.

// FS-6: a hotkey that moves to another coldkey or uid was locked out. Here it
// is what the newest metagraph says, and keeps its lease.
func TestFS6HotkeyMoves(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	moved := neuron(t, 200, "//Miner", false)
	moved.Coldkey = key(t, "//Buyer").PublicKey()
	e.chain.set(func(c *fakeChain) { c.neurons[0] = moved })
	e.pass(taskserver.DefaultNeuronsAge)
	equal(t, "lease after the move", canonical(t, e.lease("//Miner")), canonical(t, r))
	e.mine(1)
	check(t, e.client("//Miner").Submit(t.Context(), submission(r)))
}

// FS-7: when a hotkey left the subnet its history went and its task was stuck.
// Here the history stays and the task is issued again.
func TestFS7HotkeyLeaves(t *testing.T) {
	e := newEnv(t, 2)
	done := e.submitted("//Miner")
	open := e.lease("//Miner")
	e.chain.set(func(c *fakeChain) { c.neurons = c.neurons[1:] })
	e.pass(taskserver.DefaultNeuronsAge)
	wantProblem(t, "renew by who left", e.client("//Miner").Renew(t.Context(), open.Task, open.Generation), contract.ProblemNotRegistered)
	e.mine(deadline + 1)
	again := e.lease("//Other")
	equal(t, "task issued again", again.Task, open.Task)
	list, _, err := e.client("//Other").Submissions(t.Context(), 0)
	check(t, err)
	equal(t, "submissions kept", len(list), 1)
	equal(t, "submission kept", list[0].Task, done.Task)
}

// FS-8: nearly every refusal was a 404 with a raw exception. Here each has a
// type, and a status that says whose turn it is.
func TestFS8RefusalsDiffer(t *testing.T) {
	e := newEnv(t, 1)
	kinds := make(map[string]bool)
	for i, r := range []struct{ uri, op, body string }{
		{"//Stranger", "lease", leaseBody}, {"//Miner", "lease", "{"}, {"//Miner", "renew", leaseBody}, {"//Miner", "renew", renewBody},
		{"//Miner", "lease", `{"op":"lease","recipe":"other","slot":1}`},
	} {
		kinds[e.problemOf(e.signedRequest(r.uri, r.op, []byte(r.body), uuidOf(i)))] = true
	}
	if len(kinds) != 5 || kinds[""] {
		t.Errorf("five refusals have the types %v", kinds)
	}
}

// FS-14: anybody could ask what a uid works on. Here nothing public names who
// holds an open lease (see also TestOpenLeasesAreNotListedByHotkey), and all
// that is public of a result names the hotkey, which no new owner inherits.
func TestFS14NothingTellsOpenLeases(t *testing.T) {
	e := newEnv(t, 2)
	r := e.lease("//Miner")
	for path := range e.document().Paths {
		path = strings.NewReplacer("{id}", r.Task, "{sha256}", sumA).Replace(path)
		if _, body := e.get(path); strings.Contains(body, r.Hotkey) {
			t.Errorf("%s tells who holds an open lease: %s", path, body)
		}
	}
	_, metrics := e.get("/metrics")
	if strings.Contains(metrics, r.Hotkey) {
		t.Error("/metrics tells who holds an open lease")
	}
}

// A validator that names hotkeys for an open lease is told nothing by any page:
// what it says is shown when the lease is over, after all that was shown before.
func TestVerdictsTellNoOpenLease(t *testing.T) {
	e := newEnv(t, 2)
	ctx := t.Context()
	done, r := e.submitted("//Other"), e.lease("//Miner")
	validator := e.client("//Validator")
	check(t, validator.Score(ctx, []contract.Verdict{verdictOn(done, contract.VerdictAccepted, "1")}, firstHead))
	before := e.summary()
	for _, uri := range []string{"//Other", "//Miner"} {
		named := r
		named.Hotkey = key(t, uri).Address()
		check(t, validator.Score(ctx, []contract.Verdict{verdictOn(named, contract.VerdictRejected, "0")}, firstHead))
		equal(t, "what is public after "+uri, e.summary(), before)
		_, task := e.get("/v1/tasks/" + r.Task)
		_, leaders := e.get("/v1/leaderboard")
		if strings.Contains(task+leaders, key(t, "//Miner").Address()) {
			t.Errorf("after %s it is told who holds the lease: %s%s", uri, task, leaders)
		}
	}
	_, next, err := validator.Verdicts(ctx, "", 0)
	check(t, err)
	check(t, e.client("//Miner").Release(ctx, contract.ReleaseRequest{Task: r.Task, Generation: r.Generation, Reason: "no time"}))
	late, _, err := validator.Verdicts(ctx, "", next)
	check(t, err)
	equal(t, "verdicts after the lease", len(late), 1)
	equal(t, "hotkey of the verdict", late[0].Hotkey, r.Hotkey)
	_, err = e.client("//Other").Statement(ctx, late[0].Statement)
	check(t, err)
}

// FS-15, FV-54: the signature of a score did not cover the score.
func TestFS15SignatureCoversTheScore(t *testing.T) {
	e := newEnv(t, 1)
	m := e.submitted("//Miner")
	body := func(pay string) string {
		return fmt.Sprintf(`{"op":"score","verdicts":[{"generation":1,"hotkey":%q,"manifest":%q,"outcome":"accepted","pay":%q,"reason":"","task":%q}],"weights_block":%d}`,
			m.Hotkey, sumA, pay, m.Task, firstHead)
	}
	signed := e.signedRequest("//Validator", "score", []byte(body("1")), uuidOf(1))
	changed := e.signedRequest("//Validator", "score", []byte(body("9")), uuidOf(1))
	changed.Header = signed.Header
	equal(t, "with another score", e.problemOf(changed), contract.ProblemBadSignature)
	equal(t, "as signed", e.problemOf(signed), "")
}

// FS-16, FV-53: zero was no score.
func TestFS16ZeroIsAScore(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictRejected, "0")}, firstHead))
	list, _, err := e.client("//Other").Verdicts(t.Context(), r.Hotkey, 0)
	check(t, err)
	equal(t, "verdicts", len(list), 1)
	equal(t, "pay", list[0].Pay, "0")
}

// FS-17, CH-10: a new validator could not report, a miner once could, of itself
// too. Here the permit decides, whatever a validator has earned.
func TestFS17PermitDecides(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	e.chain.set(func(c *fakeChain) { c.neurons = append(c.neurons, neuron(t, 9, "//New", true)) })
	e.mine(1)
	verdicts := []contract.Verdict{verdictOn(r, contract.VerdictAccepted, "1")}
	check(t, e.client("//New").Score(t.Context(), verdicts, firstHead))
	for _, miner := range []string{"//Miner", "//Other"} {
		wantProblem(t, miner, e.client(miner).Score(t.Context(), verdicts, firstHead), contract.ProblemNoPermit)
	}
}

// FS-18, FS-23: lists had no pages, a bad count was a crash, an unknown task an
// empty list. Here a page has an end, whatever is asked for.
func TestFS18ListsHavePages(t *testing.T) {
	e := newEnv(t, 600)
	for path, want := range map[string]int{"/v1/tasks": 100, "/v1/tasks?limit=500": 500, "/v1/tasks?limit=7": 7} {
		_, body := e.get(path)
		equal(t, "tasks of "+path, strings.Count(body, `"task":`), want)
	}
	for path, want := range map[string]int{"/v1/tasks?limit=501": 400, "/v1/tasks?limit=0": 400, "/v1/submissions?limit=abc": 400,
		"/v1/verdicts?since=9007199254740992": 400, "/v1/tasks/" + crawl + "-999999": 404} {
		status, _ := e.get(path)
		equal(t, "status of "+path, status, want)
	}
}

// FS-20: only the last score of a miner was kept. Here the history is, in the
// order it arrived.
func TestFS20HistoryIsKept(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	outcomes := []string{contract.VerdictUndecided, contract.VerdictRejected, contract.VerdictAccepted}
	for i, outcome := range outcomes {
		check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, outcome, fmt.Sprint(i))}, firstHead))
	}
	view, err := e.client("//Other").Task(t.Context(), r.Task)
	check(t, err)
	equal(t, "verdicts", len(view.Verdicts), len(outcomes))
	for i, v := range view.Verdicts {
		equal(t, "outcome", v.Outcome, outcomes[i])
	}
	equal(t, "state", view.State, contract.TaskAccepted)
}

// FS-26: finished work was handed out again.
func TestFS26FinishedWorkStaysFinished(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictAccepted, "1")}, firstHead))
	e.importCrawl(crawl, 2) // the same again
	e.mine(100 * deadline)
	_, err := e.client("//Other").Lease(t.Context(), 1, "fineweb")
	wantProblem(t, "lease when all is done", err, contract.ProblemNoTask)
}

// FS-10, FS-29: every request read the whole metagraph, inside a transaction.
// Here a hundred at once, some of strangers, read it once.
func TestFS10ChainIsReadOnce(t *testing.T) {
	e := newEnv(t, 1)
	var wait sync.WaitGroup
	for i := range 100 {
		uri := []string{"//Miner", "//Other", "//Stranger"}[i%3]
		c := e.client(uri)
		wait.Go(func() { _, _ = c.Lease(t.Context(), 1, "fineweb") }) // refused or not
	}
	wait.Wait()
	e.chain.set(func(c *fakeChain) {
		equal(t, "reads of the head", c.heads, 1)
		equal(t, "reads of the neurons", c.members, 1)
	})
}

// CH-6: a miner could lease, look, drop the task and ask again. Here each time
// costs a pause, twice as long as the one before.
func TestCH6LookingForANiceTask(t *testing.T) {
	e := newEnv(t, 64)
	c := e.client("//Miner")
	seen := 0
	for range 4 * deadline { // one try in each block
		if r, err := c.Lease(t.Context(), 1, "fineweb"); err == nil {
			seen++
			check(t, c.Release(t.Context(), contract.ReleaseRequest{Task: r.Task, Generation: r.Generation, Reason: "not nice"}))
		} else {
			wantProblem(t, "lease during a pause", err, contract.ProblemQuota)
		}
		e.mine(1)
	}
	if seen > 12 {
		t.Errorf("%d tasks looked at in four deadlines", seen)
	}
}

// CH-9: many hotkeys of one owner could lease all tasks and drop them. Here a
// coldkey has a quota of its own, which shrinks too.
func TestCH9OneOwnerCannotTakeAll(t *testing.T) {
	const hotkeys, tasks = 30, 20
	e := newEnv(t, tasks, func(o *taskserver.Options) { o.Rules.ColdkeySlots = 8 })
	owner := key(t, "//Owner").PublicKey()
	e.chain.set(func(c *fakeChain) {
		for i := range hotkeys {
			n := neuron(t, 10+i, fmt.Sprint("//Sybil", i), false)
			n.Coldkey = owner
			c.neurons = append(c.neurons, n)
		}
	})
	grab := func() (got int) {
		for i := range hotkeys {
			if _, err := e.client(fmt.Sprint("//Sybil", i)).Lease(t.Context(), 1, "fineweb"); err == nil {
				got++
			}
		}
		return got
	}
	equal(t, "leases of one owner", grab(), 8)
	e.lease("//Miner")
	e.mine(deadline + 1)
	equal(t, "leases of one owner who let eight lapse", grab(), 0)
	e.mine(2 * deadline)
	equal(t, "leases after a pause", grab(), 1)
}

// CH-11: the operator chose who got what. Here everybody who knows what was
// available draws the same task from block hash and hotkey.
func TestCH11DrawCanBeRepeated(t *testing.T) {
	const tasks = 32
	for block, uri := range map[uint64]string{0: "//Miner", 1: "//Other", 2: "//Validator"} {
		e := newEnv(t, tasks)
		e.mine(block)
		r := e.lease(uri)
		point := engine.DrawPoint(blockOf(firstHead+block).Hash, key(t, uri).PublicKey())
		want, least := "", int64(-1)
		for n := range tasks {
			id := contract.TaskID(crawl, n)
			distance := (engine.TaskPoint(id) - point) & (1<<63 - 1)
			if least < 0 || distance < least {
				want, least = id, distance
			}
		}
		equal(t, "task drawn", r.Task, want)
	}
}
