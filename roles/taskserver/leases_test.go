package taskserver_test

import (
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"finest/chain/wallet"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
)

func canonical(t testing.TB, v any) string {
	t.Helper()
	raw, err := canon.Marshal(v)
	check(t, err)
	return string(raw)
}

func TestLeaseReceipt(t *testing.T) {
	e := newEnv(t, 3)
	r := e.lease("//Miner")
	check(t, r.Validate())
	task, err := e.client("//Other").Task(t.Context(), r.Task)
	check(t, err)
	want := contract.Receipt{
		V: 1, Task: task.Task, Crawl: crawl, CatalogueSHA256: task.CatalogueSHA256, Files: task.Files, Recipe: fineweb,
		Hotkey: key(t, "//Miner").Address(), Generation: 1, Block: firstHead, BlockHash: blockOf(firstHead).Hash.String(),
		DeadlineBlock: firstHead + deadline, Server: e.signer.Address(), Signature: r.Signature,
	}
	equal(t, "receipt", canonical(t, r), canonical(t, want))

	signature := signatureOf(t, r.Signature)
	if !wallet.Verify(e.signer.PublicKey(), []byte(canonical(t, r.Unsigned())), signature) {
		t.Error("the signature is not the server's")
	}
}

func TestLeaseOfSlotIsRepeatable(t *testing.T) {
	e := newEnv(t, 3)
	first := canonical(t, e.lease("//Miner"))
	e.mine(5)
	equal(t, "lease asked for again", canonical(t, e.lease("//Miner")), first)
	e.start()
	equal(t, "lease asked for after a restart", canonical(t, e.lease("//Miner")), first)
	e.mine(deadline - 5)
	equal(t, "lease at its deadline", canonical(t, e.lease("//Miner")), first)
}

func TestLeaseRefused(t *testing.T) {
	e := newEnv(t, 1)
	for _, c := range []struct {
		name, uri string
		slot      int
		recipe    string
		want      string
	}{
		{"slot beyond the quota", "//Miner", 2, "fineweb", contract.ProblemSlot},
		{"slot 0", "//Miner", 0, "fineweb", contract.ProblemMalformed},
		{"unknown recipe", "//Miner", 1, "finest", contract.ProblemUnknownRecipe},
		{"no recipe", "//Miner", 1, "", contract.ProblemMalformed},
		{"unregistered hotkey", "//Stranger", 1, "fineweb", contract.ProblemNotRegistered},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := e.client(c.uri).Lease(t.Context(), c.slot, c.recipe)
			wantProblem(t, c.name, err, c.want)
		})
	}
	e.lease("//Miner")
	_, err := e.client("//Other").Lease(t.Context(), 1, "fineweb")
	if !errors.Is(err, client.ErrNoTask) || client.RetryAfter(err) != taskserver.DefaultRetryAfter {
		t.Errorf("lease without tasks: got error %v with retry after %s", err, client.RetryAfter(err))
	}
}

func TestTaskIsIssuedAgainAfterDeadline(t *testing.T) {
	e := newEnv(t, 1)
	old := e.lease("//Miner")
	e.mine(deadline)
	_, err := e.client("//Other").Lease(t.Context(), 1, "fineweb")
	if !errors.Is(err, client.ErrNoTask) {
		t.Fatalf("lease at the deadline block: got error %v", err)
	}
	e.mine(1)
	again := e.lease("//Other")
	equal(t, "task", again.Task, old.Task)
	equal(t, "generation", again.Generation, 2)

	// The first holder wakes up and is fenced, whatever it tries.
	c := e.client("//Miner")
	for name, err := range map[string]error{
		"submit":  c.Submit(t.Context(), submission(old)),
		"renew":   c.Renew(t.Context(), old.Task, old.Generation),
		"release": c.Release(t.Context(), contract.ReleaseRequest{Task: old.Task, Generation: old.Generation}),
	} {
		if !errors.Is(err, client.ErrFenced) {
			t.Errorf("%s by the first holder: got error %v", name, err)
		}
	}
	check(t, e.client("//Other").Renew(t.Context(), again.Task, again.Generation))
}

func TestLateSubmissionOfTimelyClaim(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	e.mine(10 * deadline)
	check(t, e.client("//Miner").Submit(t.Context(), submission(r)))
}

func TestRelease(t *testing.T) {
	e := newEnv(t, 1)
	r := e.lease("//Miner")
	for range 2 { // a lost answer may be asked for again
		check(t, e.client("//Miner").Release(t.Context(), contract.ReleaseRequest{Task: r.Task, Generation: r.Generation, Reason: "disk is full"}))
	}
	again := e.lease("//Other")
	equal(t, "task", again.Task, r.Task)
	equal(t, "generation", again.Generation, 2)
}

func TestSubmit(t *testing.T) {
	e := newEnv(t, 2)
	r := e.lease("//Miner")
	c := e.client("//Miner")
	wantProblem(t, "claim that is not final", c.Submit(t.Context(), submission(r)), contract.ProblemAhead)
	e.mine(1)
	for _, bad := range []struct {
		name   string
		change func(*contract.SubmitRequest)
		want   string
	}{
		{"claim of the receipt's block", func(s *contract.SubmitRequest) { s.Block = r.Block }, contract.ProblemMalformed},
		{"claim after the deadline", func(s *contract.SubmitRequest) { s.Block = r.DeadlineBlock + 1 }, contract.ProblemFenced},
		{"claim without a commit", func(s *contract.SubmitRequest) { s.Claim = "someone/data" }, contract.ProblemMalformed},
		{"unknown generation", func(s *contract.SubmitRequest) { s.Generation = 2 }, contract.ProblemUnknownTask},
		{"unknown task", func(s *contract.SubmitRequest) { s.Task = crawl + "-000099" }, contract.ProblemUnknownTask},
	} {
		s := submission(r)
		bad.change(&s)
		wantProblem(t, bad.name, c.Submit(t.Context(), s), bad.want)
	}
	wantProblem(t, "another's task", e.client("//Other").Submit(t.Context(), submission(r)), contract.ProblemNotHolder)

	for range 2 {
		check(t, c.Submit(t.Context(), submission(r)))
	}
	other := submission(r)
	other.Manifest = sumB
	wantProblem(t, "another result", c.Submit(t.Context(), other), contract.ProblemAlreadySubmitted)

	page, next, err := e.client("//Validator").Submissions(t.Context(), 0)
	check(t, err)
	equal(t, "submissions", len(page), 1)
	equal(t, "submission", page[0], contract.SubmissionView{Seq: next, Task: r.Task, Generation: 1, Hotkey: r.Hotkey,
		Claim: claim, Manifest: sumA, Block: r.Block + 1, Bytes: r.Bytes()})
	page, again, err := e.client("//Validator").Submissions(t.Context(), next)
	check(t, err)
	equal(t, "submissions after the last", len(page), 0)
	equal(t, "next after the last", again, next)

	second := e.lease("//Miner")
	if second.Task == r.Task {
		t.Error("a submitted task was leased again")
	}
}

// TestOpenLeasesAreNotListedByHotkey, nor is their deadline told, from which
// everybody could learn the block and repeat the draw of each hotkey.
func TestOpenLeasesAreNotListedByHotkey(t *testing.T) {
	e := newEnv(t, 2)
	r := e.lease("//Miner")
	e.mine(7)
	for _, path := range []string{"/v1/tasks", "/v1/tasks?state=leased", "/v1/tasks/" + r.Task, "/v1/submissions", "/v1/leaderboard"} {
		status, body := e.get(path)
		equal(t, "status of "+path, status, 200)
		if strings.Contains(body, r.Hotkey) {
			t.Errorf("%s tells who holds an open lease: %s", path, body)
		}
		if strings.Contains(body, fmt.Sprint(r.DeadlineBlock)) {
			t.Errorf("%s tells the deadline of an open lease: %s", path, body)
		}
	}
	view, err := e.client("//Other").Task(t.Context(), r.Task)
	check(t, err)
	equal(t, "state", view.State, contract.TaskLeased)
	equal(t, "deadline", view.DeadlineBlock, 0)
	check(t, e.client("//Miner").Submit(t.Context(), submission(r)))
	view, err = e.client("//Other").Task(t.Context(), r.Task)
	check(t, err)
	equal(t, "deadline of a lease with a result", view.DeadlineBlock, r.DeadlineBlock)
}

// TestConcurrentLeases has more hotkeys than tasks ask at once.
func TestConcurrentLeases(t *testing.T) {
	const hotkeys, tasks = 12, 9
	e := newEnv(t, tasks)
	for i := range hotkeys {
		e.chain.neurons = append(e.chain.neurons, neuron(t, 100+i, fmt.Sprint("//Many", i), false))
	}
	receipts := make([]contract.Receipt, hotkeys)
	errs := make([]error, hotkeys)
	var wait sync.WaitGroup
	for i := range hotkeys {
		c := e.client(fmt.Sprint("//Many", i))
		wait.Go(func() { receipts[i], errs[i] = c.Lease(t.Context(), 1, "fineweb") })
	}
	wait.Wait()
	granted := make(map[string]bool)
	for i, err := range errs {
		switch {
		case err == nil && granted[receipts[i].Task]:
			t.Errorf("task %s was leased twice", receipts[i].Task)
		case err == nil:
			granted[receipts[i].Task] = true
		case !errors.Is(err, client.ErrNoTask):
			t.Error(err)
		}
	}
	equal(t, "tasks leased", len(granted), tasks)
}

// TestDrawDependsOnBlockAndHotkey: the same hotkey meets other tasks at other
// blocks, other hotkeys meet other tasks at the same block.
func TestDrawDependsOnBlockAndHotkey(t *testing.T) {
	const tasks = 64
	drawn := make(map[string]bool)
	for block := range uint64(4) {
		e := newEnv(t, tasks)
		e.mine(block)
		for _, uri := range registry {
			drawn[e.lease(uri).Task] = true
		}
	}
	if len(drawn) < 8 { // 12 draws of 64; fewer than 8 different ones once in millions
		t.Errorf("12 draws met only %d different tasks", len(drawn))
	}
}

func TestRateLimit(t *testing.T) {
	e := newEnv(t, 1, func(o *taskserver.Options) { o.Rate, o.Burst = 2, 3 })
	for range 3 {
		e.lease("//Miner")
	}
	_, err := e.client("//Miner").Lease(t.Context(), 1, "fineweb")
	var throttled *client.Throttled
	if !errors.As(err, &throttled) || throttled.RetryAfter != 500*time.Millisecond {
		t.Fatalf("fourth request at once: got error %v", err)
	}
	_, err = e.client("//Other").Lease(t.Context(), 1, "fineweb")
	if !errors.Is(err, client.ErrNoTask) {
		t.Errorf("request of another hotkey: got error %v", err)
	}
	e.pass(throttled.RetryAfter)
	e.lease("//Miner")
}
