package miner_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/chain"
	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/miner"
)

// submitsTask makes sure that the next unit of work submits a task.
func (w *world) submitsTask(number int, change ...func(*miner.Options)) miner.Outcome {
	w.t.Helper()
	out, err := w.once(change...)
	if err != nil {
		w.t.Fatal(err)
	}
	if out.Status != miner.Submitted || out.Task != contract.TaskID(crawl, number) || out.Reason != "" {
		w.t.Fatalf("outcome is %+v", out)
	}
	return out
}

func TestOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.submitsTask(0)
	if got := w.submitted[out.Task]; got.Claim != out.Claim || got.Manifest != out.Manifest || got.Block != out.Block {
		t.Errorf("outcome %+v, submission %+v", out, got)
	}
	w.submitsTask(1)
	if err := w.check(); err != nil {
		t.Error(err)
	}
	if out, err := w.once(); err != nil || out.Status != miner.NoTask {
		t.Errorf("without a task: %+v, %v", out, err)
	}
	if left, err := os.ReadDir(filepath.Join(w.dataDir, "slot-1", "lease")); err != nil || len(left) > 1 {
		t.Errorf("work is left behind: %v, %v", left, err)
	}
}

func TestBadOptions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for name, change := range map[string]func(*miner.Options){
		"long repository name": func(o *miner.Options) { o.Repo = "owner/" + strings.Repeat("n", 90) },
		"no owner":             func(o *miner.Options) { o.Repo = "data" },
		"slot":                 func(o *miner.Options) { o.Slot = -1 },
		"many slots":           func(o *miner.Options) { o.Slot = 1 << 20 },
	} {
		o := w.options()
		change(&o)
		if m, err := miner.New(o); err == nil {
			t.Errorf("%s: accepted", name)
			_ = m.Close()
		}
	}
}

func TestOneMinerPerSlot(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first, err := miner.New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := miner.New(w.options()); !errors.Is(err, durable.ErrLocked) {
		t.Errorf("second miner: %v", err)
	}
	o := w.options()
	o.Slot = 2
	other, err := miner.New(o)
	if err != nil {
		t.Fatalf("miner of another slot: %v", err)
	}
	if err := errors.Join(first.Close(), other.Close()); err != nil {
		t.Error(err)
	}
}

// TestHubComesBack: a hub that is away is asked again; if it is away for long
// the work is kept and published later. Regression of FM-7.
func TestHubComesBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	fails := 3
	w.hubErr = func(op string) error {
		if op == "publish" && fails > 0 {
			fails--
			return fmt.Errorf("503: %w", hub.ErrUnavailable)
		}
		return nil
	}
	w.submitsTask(0)
	fails = 1 << 20
	started := w.clock.Now()
	if out, err := w.once(); !errors.Is(err, hub.ErrUnavailable) {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if waited := w.clock.Now().Sub(started); waited < miner.DefaultPatience/2 || waited > miner.DefaultPatience*3/2 {
		t.Errorf("it waited for %s", waited)
	}
	fails = 0
	w.submitsTask(1)
	if err := w.check(); err != nil {
		t.Error(err)
	}
}

// TestBranchMoved: somebody commits to the repository while a task is published.
func TestBranchMoved(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	moved := false
	w.hubErr = func(op string) error {
		if op == "publish" && !moved {
			moved = true
			w.commitByHand(repo, map[string][]byte{"notes.txt": []byte("by hand")})
		}
		return nil
	}
	w.submitsTask(0)
	if all := w.commits(repo); len(all) != 2 || all[1].parent != all[0].sha || all[1].files["notes.txt"] == nil {
		t.Errorf("%d commits", len(all))
	}
}

// writeClaim writes a claim that this miner knows nothing of.
func (w *world) writeClaim(c contract.Claim) {
	w.t.Helper()
	if _, err := w.openChain().SetCommitment(context.Background(), w.hotkey, netuid, c.Fields()); err != nil {
		w.t.Fatal(err)
	}
}

// claimElsewhere publishes and claims a log in another repository.
func (w *world) claimElsewhere(log []byte) contract.Claim {
	w.t.Helper()
	sha := w.commitByHand("owner/other", map[string][]byte{contract.LogPath: log})
	c := contract.Claim{Repo: "owner/other", Commit: sha, LogSHA256: canon.Sum(log)}
	w.writeClaim(c)
	return c
}

func TestAnotherProgramClaims(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submitsTask(0)
	w.claimElsewhere(contract.LogLine{Task: "x-000001", Generation: 1, Manifest: canon.Sum(nil)}.Encode())
	if _, err := w.once(); !errors.Is(err, miner.ErrHotkeyInUse) {
		t.Errorf("error %v", err)
	}
}

// TestLogOfTheLastClaim: a miner in a new folder continues the log of the last
// claim, wherever it was published; if it cannot be read nothing is claimed, as
// the claim would be void.
func TestLogOfTheLastClaim(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	old := contract.LogLine{Task: "x-000001", Generation: 1, Manifest: canon.Sum(nil)}.Encode()
	w.writeClaim(contract.Claim{Repo: "owner/gone", Commit: strings.Repeat("cd", 20), LogSHA256: canon.Sum(old)})
	if _, err := w.once(); !errors.Is(err, miner.ErrLogLost) {
		t.Errorf("without the log: %v", err)
	}
	c := w.claimElsewhere(append(old, old...))
	w.writeClaim(contract.Claim{Repo: c.Repo, Commit: c.Commit, LogSHA256: canon.Sum(old)})
	if _, err := w.once(); !errors.Is(err, miner.ErrLogLost) {
		t.Errorf("with another log: %v", err)
	}
	w.claimElsewhere(old)
	w.submitsTask(0)
	if log := w.head(repo).files[contract.LogPath]; !strings.HasPrefix(string(log), string(old)) || strings.Count(string(log), "\n") != 2 {
		t.Errorf("log is %s", log)
	}
}

// TestForeignCommitment: what another program committed is no claim.
func TestForeignCommitment(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.openChain().SetCommitment(t.Context(), w.hotkey, netuid, [][]byte{[]byte("hello")}); err != nil {
		t.Fatal(err)
	}
	w.submitsTask(0)
}

// TestOtherSlotClaimsFirst: between publishing and claiming the log grew, which
// the lock between slots prevents unless a miner was killed there.
func TestOtherSlotClaimsFirst(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.fault.name, w.fault.way = "hub publish", after
	if err, killed := w.live(func(m *miner.Miner) error { _, err := m.Once(t.Context()); return err }); !killed {
		t.Fatalf("not killed: %v", err)
	}
	other := contract.LogLine{Task: "x-000001", Generation: 1, Manifest: canon.Sum(nil)}.Encode()
	w.claimElsewhere(other)
	w.submitsTask(0)
	if log := w.head(repo).files[contract.LogPath]; !strings.HasPrefix(string(log), string(other)) || strings.Count(string(log), "\n") != 2 {
		t.Errorf("log is %s", log)
	}
}

// TestFolderLost: a miner whose folder was lost after its claim gets the same
// lease again, and finds the claim rather than making another.
func TestFolderLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.tasks = 1
	w.fault.name, w.fault.way = "submit", before
	if err, killed := w.live(func(m *miner.Miner) error { _, err := m.Once(t.Context()); return err }); !killed {
		t.Fatalf("not killed: %v", err)
	}
	if err := os.RemoveAll(w.dataDir); err != nil {
		t.Fatal(err)
	}
	w.submitsTask(0)
	if err := w.check(); err != nil {
		t.Error(err)
	}
}

// TestClaimLost: a claim that a fork took with it is made again.
func TestClaimLost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	var reads int
	w.submitsTask(0, func(o *miner.Options) { o.Chain = &forkingChain{o.Chain, &reads} })
	if reads < 2 {
		t.Errorf("%d reads after the claim", reads)
	}
}

// forkingChain forgets the first claim once it is written.
type forkingChain struct {
	chain.Client
	reads *int
}

func (c *forkingChain) Commitment(ctx context.Context, netuid uint16, hotkey chain.PublicKey, at chain.Block) (*chain.Commitment, error) {
	got, err := c.Client.Commitment(ctx, netuid, hotkey, at)
	if got != nil {
		if *c.reads++; *c.reads == 1 {
			return nil, nil
		}
	}
	return got, err
}

func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	failures := 2
	w.refineErr = func(context.Context) error {
		if failures > 0 {
			failures--
			return errors.New("boom")
		}
		return nil
	}
	ctx, cancel := context.WithCancel(t.Context())
	w.clock.tick = func(name string, op func()) {
		op()
		if len(w.submitted) == w.tasks {
			cancel()
		}
	}
	err, _ := w.live(func(m *miner.Miner) error { return m.Run(ctx) })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("error %v", err)
	}
	if err := w.check(); err != nil {
		t.Error(err)
	}
}

func TestRunEndsForTheOperator(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.commitByHand(repo, map[string][]byte{contract.LogPath: []byte("x\n")})
	if err, _ := w.live(func(m *miner.Miner) error { return m.Run(t.Context()) }); !errors.Is(err, miner.ErrRepoInUse) {
		t.Errorf("error %v", err)
	}
}

// TestDamagedJournal: a journal that no crash explains is reported, with what to
// do about it.
func TestDamagedJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := filepath.Join(w.dataDir, "slot-1", "lease", "journal")
	if err := durable.WriteBytes(path, 0o600, []byte("00000000 x\n00000000 y\n")); err != nil {
		t.Fatal(err)
	}
	if _, err := w.once(); !errors.Is(err, durable.ErrCorrupt) || !strings.Contains(err.Error(), "asks for its lease again") {
		t.Errorf("error %v", err)
	}
}

// TestSlotsTakeTurns: while one slot extends the log, another waits.
func TestSlotsTakeTurns(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other, err := durable.TryLock(filepath.Join(w.dataDir, "log.lock"))
	if err != nil {
		t.Fatal(err)
	}
	waited := false
	w.clock.tick = func(name string, op func()) {
		op()
		if !waited {
			waited = true
			if len(w.refined) == 0 || len(w.commits(repo)) > 0 {
				t.Error("the log was waited for at the wrong time")
			}
			_ = other.Unlock()
		}
	}
	w.submitsTask(0)
	if !waited {
		t.Error("the log was not waited for")
	}
}
