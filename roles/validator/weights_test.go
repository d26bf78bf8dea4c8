package validator_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/eval"
	"finest/roles/submission/submissiontest"
	"finest/roles/validator"
)

func TestWeightsFollowWorkAndTime(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	lease := w.Lease(bert.Key)
	anna.Honest()
	w.Blocks(int(w.Protocol.Deadline) / 2)
	bert.Publish(w.Refine(lease))
	round := w.judged(bert.Claim())
	a, b := standing(t, round, anna), standing(t, round, bert)
	if b.Timeliness >= 1 || b.Timeliness <= 0 || b.Pay >= float64(b.Work) {
		t.Errorf("the slow one is paid %v of %d at timeliness %v", b.Pay, b.Work, b.Timeliness)
	}
	// Old work counts less than new.
	if a.Score >= a.Pay || len(round.Weights) != 2 || max(a.Weight, b.Weight) != 65535 || min(a.Weight, b.Weight) == 0 {
		t.Errorf("weights %v for %+v and %+v", round.Weights, a, b)
	}
}

// TestRateLimitOfTheChain: weights are set in the first block that accepts them.
func TestRateLimitOfTheChain(t *testing.T) {
	t.Parallel()
	const limit = 30
	w := newWorld(t, func(s *runtime.Subnet) { s.WeightsRateLimit = limit })
	w.change = append(w.change, func(o *validator.Options) { o.EveryBlocks = 1 })
	counted := &countingChain{Client: w.Chain}
	w.change = append(w.change, func(o *validator.Options) { o.Chain = counted })
	block, _ := w.Miner("//Anna").Honest()
	first := w.judged(block).WeightsBlock
	for w.Final().Number < first+2*limit {
		round := w.once()
		if !round.WeightsSet && !strings.Contains(round.WeightsReason, "weights were set too recently") {
			t.Errorf("at block %d: %q", round.Block, round.WeightsReason)
		}
		w.Blocks(1)
	}
	if got := w.settings(); !slices.Equal(got, []uint64{first, first + limit, first + 2*limit}) {
		t.Errorf("weights are set in blocks %v", got)
	}
	if counted.calls > 6 {
		t.Errorf("%d calls for 3 settings", counted.calls)
	}
}

type countingChain struct {
	chain.Client
	calls int
}

func (c *countingChain) SetWeights(ctx context.Context, by chain.Signer, netuid uint16, ws []chain.Weight, key uint64) (chain.Inclusion, error) {
	c.calls++
	return c.Client.SetWeights(ctx, by, netuid, ws, key)
}

func TestEveryBlocks(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.change = append(w.change, func(o *validator.Options) { o.EveryBlocks = 7 })
	block, _ := w.Miner("//Anna").Honest()
	first := w.judged(block).WeightsBlock
	for w.Final().Number < first+18 {
		w.once()
		w.Blocks(1)
	}
	if got := w.settings(); !slices.Equal(got, []uint64{first, first + 7, first + 14}) {
		t.Errorf("weights are set in blocks %v", got)
	}
}

func TestBurn(t *testing.T) {
	t.Parallel()
	for _, registered := range []bool{true, false} {
		w := newWorld(t, func(s *runtime.Subnet) {
			if !registered {
				s.Neurons = s.Neurons[1:]
			}
		})
		w.change = append(w.change, func(o *validator.Options) { o.Burn = true })
		anna := w.Miner("//Anna")
		lease := w.Lease(anna.Key)
		w.Blocks(int(w.Protocol.Deadline) - 10)
		anna.Publish(w.Refine(lease))
		round := w.judged(anna.Claim())
		s := standing(t, round, anna)
		if !registered {
			wantWeights(t, round, validator.Weight{UID: uidAnna - 1, Value: 65535})
			continue
		}
		// The owner gets what timeliness took.
		share := float64(s.Work)/s.Pay - 1
		if len(round.Weights) != 2 || round.Weights[0].UID != uidServer || round.Weights[1] != (validator.Weight{UID: uidAnna, Value: 65535}) ||
			float64(round.Weights[0].Value)-65535*share > 1 || 65535*share-float64(round.Weights[0].Value) > 1 {
			t.Errorf("weights %v, the owner's share is %v of Anna's", round.Weights, share)
		}
	}
}

func TestMinWeightsArePadded(t *testing.T) {
	t.Parallel()
	w := newWorld(t, func(s *runtime.Subnet) { s.MinWeights = 3 })
	block, _ := w.Miner("//Anna").Honest()
	round := w.judged(block)
	wantWeights(t, round, validator.Weight{UID: uidAnna, Value: 65535})
	head, err := w.Chain.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got, err := w.Chain.Weights(t.Context(), netuid, uidValidator, head)
	if want := []chain.Weight{{UID: uidServer}, {UID: uidValidator}, {UID: uidAnna, Value: 65535}}; err != nil || !slices.Equal(got, want) {
		t.Errorf("the chain holds %v (%v), want %v", got, err, want)
	}
}

// TestRecycledUID: the uid of a hotkey that was deregistered earns nothing for
// the hotkey that has it now, and the one that left is paid again when it is
// back under another uid.
func TestRecycledUID(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	recycled := &recycledChain{Client: w.Chain, from: 1 << 40, uid: uidAnna, to: submissiontest.Key(t, "//Zoe").PublicKey()}
	w.change = append(w.change, func(o *validator.Options) { o.Chain = recycled })
	anna.Honest()
	block, _ := bert.Honest()
	before := w.judged(block)
	if len(before.Weights) != 2 {
		t.Fatalf("weights %v", before.Weights)
	}
	w.Blocks(20)
	recycled.from = w.Final().Number // at blocks before, Anna is registered
	round := w.once()
	want(t, standing(t, round, anna), eval.Accepted, true, "")
	if s := standing(t, round, anna); s.UID != -1 || s.Weight != 0 {
		t.Errorf("standing %+v", s)
	}
	wantWeights(t, round, validator.Weight{UID: uidBert, Value: 65535})
	// What Anna claims now is not hers to claim.
	block, _ = anna.Honest()
	round = w.judged(block)
	if last := round.Submissions[len(round.Submissions)-1]; last.Outcome != eval.Rejected || !strings.Contains(last.Reason, "was not registered") {
		t.Errorf("standing %+v", last)
	}
}

// recycledChain gives a uid to another hotkey from a block on.
type recycledChain struct {
	chain.Client
	from uint64
	uid  uint16
	to   chain.PublicKey
}

func (c *recycledChain) Neurons(ctx context.Context, netuid uint16, at chain.Block) ([]chain.Neuron, error) {
	neurons, err := c.Client.Neurons(ctx, netuid, at)
	if err == nil && at.Number >= c.from {
		neurons[c.uid].Hotkey, neurons[c.uid].RegisteredAt = c.to, c.from
	}
	return neurons, err
}

func TestValidatorWithoutPermit(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	block, _ := w.Miner("//Anna").Honest()
	w.AwaitFinal(w.Protocol.SeedBlock(block))
	w.key = "//Bert"
	if _, err := w.try(); !errors.Is(err, chain.ErrNoPermit) {
		t.Fatalf("round ends with %v", err)
	}
	w.restart()
	w.key = "//Nobody"
	if _, err := w.try(); !errors.Is(err, chain.ErrNotRegistered) {
		t.Fatalf("round ends with %v", err)
	}
}

// TestRun goes on through failures of the chain and refusals of weights.
func TestRun(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	anna := w.Miner("//Anna")
	anna.Honest()
	ctx, cancel := context.WithCancelCause(t.Context())
	done := errors.New("enough")
	flaky := &flakyChain{Client: w.Chain}
	w.change = append(w.change, func(o *validator.Options) { o.Chain = flaky })
	v, err := validator.New(w.options())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = v.Close() })
	var blocks []uint64
	err = v.Run(ctx, func(r validator.Round) {
		blocks = append(blocks, r.Block)
		if r.WeightsSet {
			cancel(done)
		}
	})
	if !errors.Is(err, done) || len(w.settings()) != 1 {
		t.Errorf("ended with %v, weights set in blocks %v", err, w.settings())
	}
	if !slices.IsSorted(blocks) || len(slices.Compact(slices.Clone(blocks))) != len(blocks) {
		t.Errorf("rounds at blocks %v", blocks)
	}
	for _, text := range []string{"cannot follow the chain", "round failed", "refuses the weights"} {
		if !strings.Contains(w.log.String(), text) {
			t.Errorf("the log does not tell that %q", text)
		}
	}
}

// flakyChain fails every other time, in turn as one that cannot be reached and
// as one that refuses weights.
type flakyChain struct {
	chain.Client
	waits, finals, sets int
}

func (c *flakyChain) WaitFinalized(ctx context.Context, number uint64) (chain.Block, error) {
	if c.waits++; c.waits%2 == 0 {
		return chain.Block{}, chain.ErrUnavailable
	}
	return c.Client.WaitFinalized(ctx, number)
}

func (c *flakyChain) Finalized(ctx context.Context) (chain.Block, error) {
	if c.finals++; c.finals%2 == 0 {
		return chain.Block{}, chain.ErrUnavailable
	}
	return c.Client.Finalized(ctx)
}

func (c *flakyChain) SetWeights(ctx context.Context, by chain.Signer, netuid uint16, ws []chain.Weight, key uint64) (chain.Inclusion, error) {
	if c.sets++; c.sets == 1 {
		return chain.Inclusion{}, chain.ErrNoPermit
	}
	return c.Client.SetWeights(ctx, by, netuid, ws, key)
}
