package validator

import (
	"context"
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/eval/weights"
)

// Round is what one call of Once came to.
type Round struct {
	// Block is the final block that everything was read at.
	Block uint64 `json:"block"`
	// WeightsBlock is the block that holds the weights set last; 0 without any.
	// WeightsSet says that this round set them, WeightsReason why it did not.
	WeightsBlock  uint64   `json:"weights_block"`
	WeightsSet    bool     `json:"weights_set"`
	WeightsReason string   `json:"weights_reason,omitempty"`
	Weights       []Weight `json:"weights"`
	// Submissions by block, task, generation, hotkey; Pending of them wait.
	Submissions []Standing `json:"submissions"`
	Pending     int        `json:"pending"`
}

// Weight is one entry of the weights set last.
type Weight struct {
	UID   uint16 `json:"uid"`
	Value uint16 `json:"value"`
}

// Standing is one submission as a leaderboard shows it.
type Standing struct {
	Hotkey string `json:"hotkey"`
	// UID is −1 when the hotkey is not registered any more.
	UID        int          `json:"uid"`
	Task       string       `json:"task"`
	Generation int64        `json:"generation"`
	Block      uint64       `json:"block"`
	Outcome    eval.Outcome `json:"outcome"`
	// Settled says that the outcome is final.
	Settled bool   `json:"settled"`
	Reason  string `json:"reason"`
	// Elapsed in blocks, Work in compressed bytes of the WARC files; 0 where the
	// receipt could not be read.
	Elapsed    uint64  `json:"elapsed"`
	Work       int64   `json:"work"`
	Timeliness float64 `json:"timeliness"`
	Quality    float64 `json:"quality"`
	Pay        float64 `json:"pay"`
	// Score and Weight are the hotkey's, over all its tasks.
	Score  float64 `json:"score"`
	Weight uint16  `json:"weight"`
}

// submissions returns the cases as the score needs them.
func (v *Validator) submissions() []eval.Submission {
	var out []eval.Submission
	for _, c := range v.store.state.Cases {
		if c.Verdict == nil {
			continue
		}
		s := eval.Submission{
			Hotkey: c.Hotkey, Task: c.Line.Task, Generation: c.Line.Generation, Block: c.Block, Leased: c.Leased,
			Work: c.Work, Outcome: c.Verdict.Outcome, Fraud: c.Fraud != "",
		}
		s.Quality = v.qualityOf(c)
		out = append(out, s)
	}
	return out
}

// weigh scores everything at block final and sets weights if they are due. The
// metagraph is that of the newest block, so that no uid is weighed for a hotkey
// that has just lost it.
func (v *Validator) weigh(ctx context.Context, final chain.Block) (Round, error) {
	head, err := v.o.Chain.Head(ctx)
	if err != nil {
		return Round{}, fmt.Errorf("read the newest block: %w", err)
	}
	neurons, err := v.o.Chain.Neurons(ctx, v.o.Netuid, head)
	if err != nil {
		return Round{}, fmt.Errorf("read the metagraph at block %d: %w", head.Number, err)
	}
	subnet, err := v.o.Chain.Subnet(ctx, v.o.Netuid, head)
	if err != nil {
		return Round{}, fmt.Errorf("read the subnet at block %d: %w", head.Number, err)
	}
	scores := v.o.Protocol.Score(final.Number, v.submissions())
	round := Round{Block: final.Number}
	ws, err := v.emission(scores, neurons, subnet)
	switch {
	case errors.Is(err, weights.ErrNothing):
		round.WeightsReason = err.Error()
	case err != nil:
		return round, err
	default:
		round.WeightsReason, err = v.setWeights(ctx, ws, head, subnet)
		if err != nil {
			return round, err
		}
		round.WeightsSet = round.WeightsReason == ""
	}
	if round.WeightsReason != v.told {
		v.told = round.WeightsReason
		if v.told != "" {
			v.o.Log.Info().Uint64("block", final.Number).Str("reason", v.told).Msg("no weights set")
		}
	}
	if w := v.store.state.Weights; w != nil {
		round.WeightsBlock = w.Block
		for _, entry := range w.Weights {
			round.Weights = append(round.Weights, Weight(entry))
		}
	}
	v.standings(&round, scores, neurons)
	return round, nil
}

// emission turns scores into weights. Hotkeys that are not registered any more
// get none, whoever has their uid now.
func (v *Validator) emission(scores eval.Scores, neurons []chain.Neuron, subnet chain.Subnet) ([]chain.Weight, error) {
	var shares []weights.Share
	owner := -1
	for _, n := range neurons {
		if n.Hotkey == subnet.Owner {
			owner = int(n.UID)
		}
		if score := scores.ByHotkey[wallet.Address(n.Hotkey)]; score > 0 {
			shares = append(shares, weights.Share{UID: n.UID, Value: score})
		}
	}
	if v.o.Burn && owner >= 0 && scores.Unearned > 0 {
		shares = weights.Burn(shares, uint16(owner), scores.Unearned)
	}
	normal, err := weights.Normalize(shares)
	if err != nil {
		return nil, err
	}
	var out []chain.Weight
	for _, w := range weights.Emit(normal) {
		out = append(out, chain.Weight(w))
	}
	return out, nil
}

// inFlight is for how many blocks an extrinsic that was sent before a crash may
// still be included, the era it was signed for; until then nothing is sent again.
const inFlight = 64

// setWeights sets weights, or says why that is not done now. What it is about to
// do is on disk before it is done, so that a crash leads neither to a second
// setting nor to a lost one.
func (v *Validator) setWeights(ctx context.Context, ws []chain.Weight, head chain.Block, subnet chain.Subnet) (reason string, err error) {
	next := head.Number + 1
	if on := v.store.state.Setting; on != nil {
		return fmt.Sprintf("weights sent at block %d may still be included, up to block %d", on.Head, on.Head+inFlight), nil
	}
	if last := v.store.state.Weights; last != nil && next < last.Block+v.o.EveryBlocks {
		return fmt.Sprintf("set at block %d, due again at block %d", last.Block, last.Block+v.o.EveryBlocks), nil
	}
	if next < v.retryAt {
		return (&chain.RateLimitError{RetryAt: v.retryAt}).Error(), nil
	}
	if err := v.store.add(event{Setting: &settingState{head.Number, ws}}); err != nil {
		return "", err
	}
	included, err := v.o.Chain.SetWeights(ctx, v.o.Signer, v.o.Netuid, ws, subnet.VersionKey)
	if ctx.Err() != nil && err != nil {
		return "", context.Cause(ctx) // recoverWeights finds out
	}
	if err != nil {
		if err := v.store.add(event{Unset: true}); err != nil {
			return "", err
		}
		if limited := (*chain.RateLimitError)(nil); errors.As(err, &limited) {
			v.retryAt = limited.RetryAt
			return limited.Error(), nil
		}
		return "", fmt.Errorf("set weights: %w", err)
	}
	v.o.Log.Info().Uint64("block", included.Block.Number).Int("uids", len(ws)).Msg("weights set")
	return "", v.store.add(event{Weights: &weightsState{included.Block.Number, ws, subnet.CommitReveal}})
}

// recoverWeights finds out what became of weights that were about to be set when
// the last run ended.
func (v *Validator) recoverWeights(ctx context.Context) error {
	setting := v.store.state.Setting
	if setting == nil {
		return nil
	}
	head, err := v.o.Chain.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the newest block: %w", err)
	}
	neurons, err := v.o.Chain.Neurons(ctx, v.o.Netuid, head)
	if err != nil {
		return fmt.Errorf("read the metagraph at block %d: %w", head.Number, err)
	}
	for _, n := range neurons {
		if n.Hotkey != v.o.Signer.PublicKey() || n.LastUpdate <= setting.Head {
			continue
		}
		subnet, err := v.o.Chain.Subnet(ctx, v.o.Netuid, head)
		if err != nil {
			return fmt.Errorf("read the subnet at block %d: %w", head.Number, err)
		}
		ws := setting.Weights // what is hidden cannot be read
		if !subnet.CommitReveal {
			if ws, err = v.o.Chain.Weights(ctx, v.o.Netuid, n.UID, head); err != nil {
				return fmt.Errorf("read weights of uid %d at block %d: %w", n.UID, head.Number, err)
			}
		}
		if len(ws) > 0 {
			v.o.Log.Info().Uint64("block", n.LastUpdate).Int("uids", len(ws)).Msg("weights of the last run are set")
			return v.store.add(event{Weights: &weightsState{n.LastUpdate, ws, subnet.CommitReveal}})
		}
	}
	if head.Number > setting.Head+inFlight {
		return v.store.add(event{Unset: true})
	}
	return nil
}

// reason says in a sentence why a case pays what it pays.
func reason(c *caseState, d eval.Paid) string {
	switch {
	case c.Fraud != "":
		return c.Fraud
	case d.Outcome == eval.Accepted && !d.Pays:
		return "accepted, but " + d.Reason
	case d.Outcome == eval.Accepted:
		return c.Verdict.Reason + qualityReason(*c.Verdict)
	}
	return c.Verdict.Reason
}

func (v *Validator) standings(round *Round, scores eval.Scores, neurons []chain.Neuron) {
	uid := make(map[string]int)
	for _, n := range neurons {
		uid[wallet.Address(n.Hotkey)] = int(n.UID)
	}
	weight := make(map[uint16]uint16)
	for _, w := range round.Weights {
		weight[w.UID] = w.Value
	}
	for _, d := range scores.Details {
		c := v.store.state.index[caseKey{d.Hotkey, d.Task, d.Generation}]
		s := Standing{
			Hotkey: d.Hotkey, UID: -1, Task: d.Task, Generation: d.Generation, Block: d.Block,
			Outcome: d.Outcome, Settled: c.Settled, Reason: reason(c, d), Work: d.Work,
			Quality: d.Quality, Pay: d.Pay, Score: scores.ByHotkey[d.Hotkey],
		}
		if c.Leased > 0 {
			s.Elapsed, s.Timeliness = d.Elapsed(), d.Timeliness
		}
		if n, registered := uid[d.Hotkey]; registered {
			s.UID, s.Weight = n, weight[uint16(n)]
		}
		round.Submissions = append(round.Submissions, s)
	}
	for _, c := range v.store.state.Cases {
		if !c.Settled {
			round.Pending++
		}
	}
}
