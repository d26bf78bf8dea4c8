package validator_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/rpc"
	"finest/chain/subtensor"
	"finest/eval"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

// passing lets a block pass every few milliseconds, whoever waits for it, until
// stop.
func (w *world) passing() (stop func()) {
	done, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		tick := time.NewTicker(5 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-done:
				return
			case <-tick.C:
				w.Node.Seal(1)
			}
		}
	}()
	return func() {
		close(done)
		<-ended
	}
}

// impatient makes the validator's own client, which asks often whether it missed
// something, and returns it.
func (w *world) impatient() chain.Client {
	w.t.Helper()
	client := devchaintest.Eager(w.Node, devchaintest.Dial(w.t, w.Endpoint, func(o *subtensor.Options) { o.Poll = 20 * time.Millisecond }))
	w.change = append(w.change, func(o *validator.Options) { o.Chain = client })
	return client
}

// heads tells of every new block of the chain.
func (w *world) heads() *rpc.Subscription {
	w.t.Helper()
	node, err := rpc.New(rpc.Options{Endpoints: []string{w.Endpoint}})
	if err != nil {
		w.t.Fatal(err)
	}
	w.t.Cleanup(func() { _ = node.Close() })
	heads, err := node.Subscribe(w.t.Context(), "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	if err != nil {
		w.t.Fatal(err)
	}
	return heads
}

// TestConnectionCutWhileWeightsAreSent: whatever the moment, the weights are set
// once, and the validator knows in which block.
func TestConnectionCutWhileWeightsAreSent(t *testing.T) {
	t.Parallel()
	for name, fault := range map[string]func(*devchain.Faults){
		"in the pool":     func(f *devchain.Faults) { f.DelayInclusion(4); f.DropAfterSubmit(1) },
		"in a block":      func(f *devchain.Faults) { f.DropAfterSubmit(1) },
		"again and again": func(f *devchain.Faults) { f.DelayInclusion(8); f.DropAfterSubmit(3) },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.impatient()
			block, _ := w.Miner("//Anna").Honest()
			w.AwaitFinal(w.Protocol.SeedBlock(block))
			fault(w.Node.Faults())
			stop := w.passing()
			round := w.once()
			stop()
			if got := w.settings(); len(got) != 1 || !round.WeightsSet || round.WeightsBlock != got[0] {
				t.Errorf("weights are set in blocks %v, the round says %d (%s)", got, round.WeightsBlock, round.WeightsReason)
			}
		})
	}
}

// TestUpgradeOfTheRuntime: pallets, calls, events and errors get other indices
// while a validator and a miner are at work, and neither is started again.
func TestUpgradeOfTheRuntime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	block, _ := anna.Honest()
	first := w.judged(block)
	bert.Honest() // claimed before the upgrade, read after it
	w.Node.Faults().Upgrade(runtime.V2)
	w.Blocks(3)
	lease := w.Lease(anna.Key)
	anna.Publish(w.Refine(lease))
	round := w.judged(anna.Claim())
	if len(round.Submissions) != 3 || slices.ContainsFunc(round.Submissions, func(s validator.Standing) bool { return s.Outcome != eval.Accepted }) {
		t.Errorf("submissions %+v", round.Submissions)
	}
	if got := w.settings(); !slices.Equal(got, []uint64{first.WeightsBlock, round.WeightsBlock}) || !round.WeightsSet {
		t.Errorf("weights are set in blocks %v: %+v", got, round)
	}
	// A refusal keeps its name.
	w.Node.Edit(func(s *runtime.State) { s.SetPermit(netuid, w.validatorKey(), false) })
	w.Blocks(10)
	if _, err := w.try(); !errors.Is(err, chain.ErrNoPermit) {
		t.Errorf("without its permit: %v", err)
	}
}

// TestReorganisation: a claim counts at its final block, and weights that were on
// a fork are set once on the chain.
func TestReorganisation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.impatient()
	anna := w.Miner("//Anna")
	anna.Publish(w.Refine(w.Lease(anna.Key)))
	faults := w.Node.Faults()

	// fork replaces the block that holds what write writes, and others on it.
	fork := func(write func()) {
		t.Helper()
		faults.HoldFinality(true)
		before := w.Node.Head()
		heads := w.heads()
		defer heads.Close()
		done := make(chan struct{})
		go func() {
			defer close(done)
			write()
		}()
		for w.Node.Head().Number == before.Number {
			if _, err := heads.Next(t.Context()); err != nil {
				t.Error(err)
				break
			}
		}
		if err := faults.Reorg(int(w.Node.Head().Number - before.Number)); err != nil {
			t.Error(err)
		}
		faults.HoldFinality(false)
		stop := w.passing()
		<-done
		stop()
	}
	var claimed uint64
	fork(func() { claimed = anna.Claim() })
	at, err := w.Chain.BlockAt(t.Context(), claimed)
	if err != nil {
		t.Fatal(err)
	}
	if events, err := w.Chain.CommitmentEvents(t.Context(), netuid, at); err != nil || len(events) != 1 {
		t.Fatalf("block %d of the claim has the commitments %v, %v", claimed, events, err)
	}
	w.AwaitFinal(w.Protocol.SeedBlock(claimed))
	var round validator.Round
	fork(func() { round = w.once() })
	s := standing(t, round, anna)
	want(t, s, eval.Accepted, true, "")
	if s.Block != claimed {
		t.Errorf("block of the task is %d, want %d", s.Block, claimed)
	}
	if got := w.settings(); len(got) != 1 || round.WeightsBlock != got[0] {
		t.Errorf("weights are set in blocks %v, the round says %d", got, round.WeightsBlock)
	}
}

// TestRateLimitAfterALoss: a validator whose state is lost is told by the chain
// which block accepts its weights, and sets them in that one.
func TestRateLimitAfterALoss(t *testing.T) {
	t.Parallel()
	const limit = 30
	w := newWorld(t, func(s *runtime.Subnet) { s.WeightsRateLimit = limit })
	anna := w.Miner("//Anna")
	block, _ := anna.Honest()
	first := w.judged(block).WeightsBlock
	w.restart()
	w.dataDir = filepath.Join(t.TempDir(), "state")
	round := w.once()
	if want := (&chain.RateLimitError{RetryAt: first + limit}).Error(); round.WeightsSet || round.WeightsReason != want {
		t.Errorf("weights set: %t, %q, want %q", round.WeightsSet, round.WeightsReason, want)
	}
	for !round.WeightsSet && w.Node.Head().Number < first+2*limit {
		w.Blocks(1)
		round = w.once()
	}
	if got := w.settings(); !slices.Equal(got, []uint64{first, first + limit}) {
		t.Errorf("weights are set in blocks %v", got)
	}
}

// TestGapOfAThousandBlocks: a validator that was away reads what it missed; from
// an archive where its node has forgotten it, and without one it says what it
// leaves out.
func TestGapOfAThousandBlocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	w.once()
	claimed, _ := anna.Honest()
	w.Blocks(1000)
	block, _ := bert.Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	// A node that follows the same chain and keeps the state of a hundred blocks.
	dir := filepath.Join(t.TempDir(), "pruned")
	if err := os.CopyFS(dir, os.DirFS(w.ChainDir)); err != nil {
		t.Fatal(err)
	}
	pruned := devchaintest.Listen(t, devchaintest.Reopen(t, dir, func(o *devchain.Options) { o.Keep = 100 }))
	followed := w.dataDir
	for name, client := range map[string]*subtensor.Client{
		"node that keeps all": w.Client,
		"with an archive":     devchaintest.Dial(t, pruned, func(o *subtensor.Options) { o.Archive = []string{w.Endpoint} }),
		"pruned":              devchaintest.Dial(t, pruned),
	} {
		w.restart()
		w.dataDir = filepath.Join(t.TempDir(), "state")
		if err := os.CopyFS(w.dataDir, os.DirFS(followed)); err != nil {
			t.Fatal(err)
		}
		w.log.Reset()
		// Nobody sets weights: the nodes go their own ways from here.
		w.change = []func(*validator.Options){func(o *validator.Options) { o.Chain = &readOnly{client} }}
		round := w.once()
		a, b := standing(t, round, anna), standing(t, round, bert)
		want(t, b, eval.Accepted, true, "")
		if name != "pruned" {
			want(t, a, eval.Accepted, true, "")
			if a.Block != claimed {
				t.Errorf("%s: block of the task is %d, want %d", name, a.Block, claimed)
			}
			continue
		}
		want(t, a, eval.Undecided, true, "nobody here knows when")
		if !strings.Contains(w.log.String(), "has forgotten blocks") {
			t.Error("the gap is not reported")
		}
	}
}

// readOnly is a chain on which weights come too early.
type readOnly struct{ chain.Client }

func (c *readOnly) SetWeights(context.Context, chain.Signer, uint16, []chain.Weight, uint64) (chain.Inclusion, error) {
	return chain.Inclusion{}, &chain.RateLimitError{RetryAt: 1 << 40}
}

func (w *world) validatorKey() chain.PublicKey { return submissiontest.Key(w.t, w.key).PublicKey() }

// TestUIDThatIsRecycledBetweenTwoReads: between what a validator reads at the
// final block and the metagraph that weights go by, a uid is given to somebody
// else; who has it now earns nothing for the work of who had it.
func TestUIDThatIsRecycledBetweenTwoReads(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	anna.Honest()
	block, _ := bert.Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	zoe := submissiontest.Key(t, "//Zoe").PublicKey()
	between := &betweenReads{Client: w.Chain, once: func() {
		w.Node.Edit(func(s *runtime.State) { s.Replace(netuid, uidAnna, zoe, zoe) })
		w.Blocks(1)
	}}
	w.change = append(w.change, func(o *validator.Options) { o.Chain = between })
	round := w.once()
	if between.once != nil {
		t.Fatal("nothing was read at the head")
	}
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
	s := standing(t, round, anna)
	want(t, s, eval.Accepted, true, "")
	if s.UID != -1 || s.Weight != 0 {
		t.Errorf("standing %+v", s)
	}
	if shown := w.shown(); !slices.Equal(shown, []chain.Weight{{UID: uidBert, Value: 65535}}) {
		t.Errorf("the chain shows %v", shown)
	}
}

// betweenReads does something once, before the head is read.
type betweenReads struct {
	chain.Client
	once func()
}

func (c *betweenReads) Head(ctx context.Context) (chain.Block, error) {
	if c.once != nil {
		c.once()
		c.once = nil
	}
	return c.Client.Head(ctx)
}
