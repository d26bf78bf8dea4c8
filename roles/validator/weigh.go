package validator

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/eval/weights"
	"finest/internal/contract"
)

// Round is what one call of Once came to.
type Round struct {
	// Block is the final block that everything was read at.
	Block uint64 `json:"block"`
	// WeightsBlock is the block that holds the weights set last; 0 without any.
	// WeightsSet says that this round set them, WeightsReason why it did not.
	WeightsBlock  uint64         `json:"weights_block"`
	WeightsSet    bool           `json:"weights_set"`
	WeightsReason string         `json:"weights_reason,omitempty"`
	Weights       []chain.Weight `json:"weights"`
	// Submissions by block, task, generation, hotkey; Pending of them wait.
	Submissions []Standing `json:"submissions"`
	Pending     int        `json:"pending"`
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
	// Elapsed in blocks, Work in compressed bytes of the WARC files.
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
		if c.Recipe == v.o.Protocol.ReferenceRecipe {
			s.Quality = 1
		}
		out = append(out, s)
	}
	return out
}

// weigh scores everything at the newest final block and sets weights if they
// are due.
func (v *Validator) weigh(ctx context.Context) (Round, error) {
	final, err := v.o.Chain.Finalized(ctx)
	if err != nil {
		return Round{}, fmt.Errorf("read the newest final block: %w", err)
	}
	neurons, err := v.o.Chain.Neurons(ctx, v.o.Netuid, final)
	if err != nil {
		return Round{}, fmt.Errorf("read the metagraph at block %d: %w", final.Number, err)
	}
	subnet, err := v.o.Chain.Subnet(ctx, v.o.Netuid, final)
	if err != nil {
		return Round{}, fmt.Errorf("read the subnet at block %d: %w", final.Number, err)
	}
	if err := v.recoverWeights(ctx); err != nil {
		return Round{}, err
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
		round.WeightsSet, round.WeightsReason, err = v.setWeights(ctx, ws, final, subnet)
		if err != nil {
			return round, err
		}
	}
	if !round.WeightsSet && round.WeightsReason != "" {
		v.o.Log.Info().Uint64("block", final.Number).Str("reason", round.WeightsReason).Msg("no weights set")
	}
	if w := v.store.state.Weights; w != nil {
		round.WeightsBlock, round.Weights = w.Block, w.Weights
	}
	v.standings(&round, scores, neurons)
	return round, nil
}

// emission turns scores into weights. Hotkeys that are not registered any more
// get none, whoever has their uid now.
func (v *Validator) emission(scores eval.Scores, neurons []chain.Neuron, subnet chain.Subnet) ([]chain.Weight, error) {
	var shares []weights.Share
	var uids []uint16
	owner := -1
	for _, n := range neurons {
		uids = append(uids, n.UID)
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
	for _, w := range weights.Pad(weights.Emit(normal), uids, int(subnet.MinWeights)) {
		out = append(out, chain.Weight(w))
	}
	return out, nil
}

// setWeights sets weights unless that was done too recently.
func (v *Validator) setWeights(ctx context.Context, ws []chain.Weight, final chain.Block, subnet chain.Subnet) (set bool, reason string, err error) {
	if last := v.store.state.Weights; last != nil && final.Number < last.Block+v.o.EveryBlocks {
		return false, fmt.Sprintf("set at block %d, due again at %d", last.Block, last.Block+v.o.EveryBlocks), nil
	}
	included, err := v.o.Chain.SetWeights(ctx, v.o.Signer, v.o.Netuid, ws, subnet.VersionKey)
	var limited *chain.RateLimitError
	switch {
	case errors.As(err, &limited):
		return false, limited.Error(), nil
	case err != nil:
		return false, "", fmt.Errorf("set weights: %w", err)
	}
	v.o.Log.Info().Uint64("block", included.Block.Number).Int("uids", len(ws)).Msg("weights set")
	return true, "", v.store.add(event{Weights: &weightsState{included.Block.Number, ws}})
}

// recoverWeights records weights that took effect just before a crash kept them
// from being recorded, so that they are not set twice.
func (v *Validator) recoverWeights(ctx context.Context) error {
	head, err := v.o.Chain.Head(ctx)
	if err != nil {
		return fmt.Errorf("read the newest block: %w", err)
	}
	neurons, err := v.o.Chain.Neurons(ctx, v.o.Netuid, head)
	if err != nil {
		return fmt.Errorf("read the metagraph at block %d: %w", head.Number, err)
	}
	var recorded uint64
	if v.store.state.Weights != nil {
		recorded = v.store.state.Weights.Block
	}
	for _, n := range neurons {
		if n.Hotkey != v.o.Signer.PublicKey() || n.LastUpdate <= recorded {
			continue
		}
		ws, err := v.o.Chain.Weights(ctx, v.o.Netuid, n.UID, head)
		if err != nil || len(ws) == 0 {
			return err
		}
		return v.store.add(event{Weights: &weightsState{n.LastUpdate, ws}})
	}
	return nil
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
			Outcome: d.Outcome, Settled: c.Settled, Reason: c.Verdict.Reason, Elapsed: d.Elapsed(), Work: d.Work,
			Timeliness: d.Timeliness, Quality: d.Quality, Pay: d.Pay, Score: scores.ByHotkey[d.Hotkey],
		}
		if c.Fraud != "" {
			s.Reason = c.Fraud
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

// publish tells the board the settled verdicts, once the weights they led to
// are on chain.
func (v *Validator) publish(ctx context.Context) error {
	last := v.store.state.Weights
	if v.o.Board == nil || last == nil {
		return nil
	}
	pay := make(map[caseKey]string)
	for _, d := range v.o.Protocol.Score(last.Block, v.submissions()).Details {
		pay[caseKey{d.Hotkey, d.Task, d.Generation}] = strconv.FormatFloat(d.Pay, 'f', 0, 64)
	}
	var verdicts []contract.Verdict
	var refs []caseKey
	flush := func() error {
		if len(verdicts) == 0 {
			return nil
		}
		if err := v.o.Board.Score(ctx, verdicts, last.Block); err != nil {
			return v.boardError(ctx, "publish verdicts", err)
		}
		err := v.store.add(event{Published: refs})
		verdicts, refs = nil, nil
		return err
	}
	for _, c := range v.store.state.Cases {
		if c.Published || !c.Weighed || c.Verdict == nil || c.Verdict.Fault == eval.FaultOwn {
			continue
		}
		verdicts = append(verdicts, contract.Verdict{
			Task: c.Line.Task, Generation: c.Line.Generation, Hotkey: c.Hotkey, Manifest: c.Line.Manifest,
			Outcome: string(c.Verdict.Outcome), Reason: shorten(c.Verdict.Reason, contract.MaxReason), Pay: pay[c.key()],
		})
		refs = append(refs, c.key())
		if len(verdicts) == contract.MaxVerdicts {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// shorten cuts a text to at most max bytes at a rune's border.
func shorten(s string, max int) string {
	if len(s) <= max {
		return s
	}
	const more = "…"
	return strings.ToValidUTF8(s[:max-len(more)], "") + more
}
