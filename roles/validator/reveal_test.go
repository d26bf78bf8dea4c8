package validator_test

import (
	"context"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/internal/contract"
	"finest/roles/validator"
)

// TestCommitReveal: weights are committed to, the chain shows them in a later
// epoch, and only then the verdicts that they came from are published.
func TestCommitReveal(t *testing.T) {
	t.Parallel()
	const tempo = 15
	w := newWorld(t, func(s *runtime.Subnet) { s.Tempo, s.CommitReveal, s.RevealPeriod = tempo, true, 1 })
	w.change = append(w.change, func(o *validator.Options) { o.EveryBlocks = 2 * tempo })
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	anna.Honest()
	first := w.judged(workOf(tamper)(w, bert))
	if !first.WeightsSet || len(w.shown()) != 0 || len(w.board.verdicts) != 0 {
		t.Fatalf("weights set: %t (%s); shown %v, published %v", first.WeightsSet, first.WeightsReason, w.shown(), w.board.verdicts)
	}
	for w.Final().Number < first.WeightsBlock+4*tempo && len(w.board.verdicts) == 0 {
		// In the middle, it forgets what is not on disk.
		if w.Final().Number == first.WeightsBlock+5 {
			w.restart()
		}
		w.Blocks(1)
		shown := w.shown()
		w.once()
		if len(shown) == 0 && len(w.board.verdicts) > 0 {
			t.Fatalf("verdicts are published at block %d, the weights are hidden", w.Final().Number)
		}
	}
	if got := w.shown(); !slices.Equal(got, []chain.Weight{{UID: uidAnna, Value: 65535}}) {
		t.Errorf("the chain shows %v", got)
	}
	outcomes := make(map[string]string)
	for _, v := range w.board.verdicts {
		outcomes[v.Hotkey] = v.Outcome
	}
	if len(outcomes) != 2 || outcomes[anna.Key.Address()] != contract.VerdictAccepted || outcomes[bert.Key.Address()] != contract.VerdictRejected {
		t.Errorf("published %v", outcomes)
	}
	if !slices.Equal(w.board.scores, []uint64{first.WeightsBlock}) {
		t.Errorf("published with the weights of blocks %v, want %d", w.board.scores, first.WeightsBlock)
	}
}

// TestCommitmentThatIsNeverRevealed is reported, and its verdicts go with the
// next weights.
func TestCommitmentThatIsNeverRevealed(t *testing.T) {
	t.Parallel()
	const tempo = 10
	w := newWorld(t, func(s *runtime.Subnet) { s.Tempo, s.CommitReveal, s.RevealPeriod = tempo, true, 1 })
	w.change = append(w.change, func(o *validator.Options) { o.EveryBlocks = 10 * tempo })
	block, _ := w.Miner("//Anna").Honest()
	hidden := &hidingChain{Client: w.Chain, hides: true}
	w.change = append(w.change, func(o *validator.Options) { o.Chain = hidden })
	first := w.judged(block)
	for w.Final().Number < first.WeightsBlock+6*tempo {
		w.Blocks(5)
		w.once()
	}
	if len(w.board.verdicts) != 0 || strings.Count(w.log.String(), "did not reveal weights") != 1 {
		t.Fatalf("published %v, log %s", w.board.verdicts, w.log.String())
	}
	hidden.hides = false
	for w.Final().Number < first.WeightsBlock+16*tempo {
		w.Blocks(5)
		w.once()
	}
	if len(w.board.verdicts) != 1 || len(w.board.scores) != 1 || w.board.scores[0] <= first.WeightsBlock {
		t.Errorf("published %v with the weights of blocks %v", w.board.verdicts, w.board.scores)
	}
}

// hidingChain shows nobody's weights.
type hidingChain struct {
	chain.Client
	hides bool
}

func (c *hidingChain) Weights(ctx context.Context, netuid, uid uint16, at chain.Block) ([]chain.Weight, error) {
	if c.hides {
		return nil, nil
	}
	return c.Client.Weights(ctx, netuid, uid, at)
}

// shown are the weights of the validator that everybody can read, without those
// that are 0.
func (w *world) shown() []chain.Weight {
	w.t.Helper()
	ws, err := w.Chain.Weights(context.Background(), netuid, uidValidator, w.Final())
	if err != nil {
		w.t.Fatal(err)
	}
	return slices.DeleteFunc(ws, func(w chain.Weight) bool { return w.Value == 0 })
}
