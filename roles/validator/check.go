package validator

import (
	"context"
	"fmt"
	"math"

	"finest/chain"
	"finest/eval"
	"finest/roles/submission"
)

// never is a block that does not come.
const never = math.MaxUint64

// check judges every case whose seed is final and whose time has come.
func (v *Validator) check(ctx context.Context, final chain.Block) error {
	var due []*caseState
	for _, c := range v.store.state.Cases {
		if !c.Settled && v.o.Protocol.SeedBlock(c.Block) <= final.Number && c.NextTry <= final.Number {
			due = append(due, c)
		}
	}
	for i, c := range due {
		v.o.Progress(i, len(due))
		if err := v.checkCase(ctx, *c, final); err != nil {
			return fmt.Errorf("check task %s generation %d of %s: %w", c.Line.Task, c.Line.Generation, c.Hotkey, err)
		}
	}
	return nil
}

func (v *Validator) checkCase(ctx context.Context, c caseState, final chain.Block) error {
	seed, err := v.o.Chain.BlockAt(ctx, v.o.Protocol.SeedBlock(c.Block))
	if err != nil {
		return err // no seed, no check: never a number of our own
	}
	target, err := v.target(c)
	if err != nil {
		return err
	}
	result, err := v.resolver.Check(ctx, target, submission.Chance{
		Block: seed, Validator: v.o.Signer.PublicKey(), Accepted: v.store.state.Streak[c.Hotkey],
	})
	if err != nil {
		return err
	}
	v.o.Metrics.checked(result.Verdict)
	before := c.Verdict
	v.judge(&c, result.Verdict, final)
	if s := result.Submission; s != nil && s.Manifest.Receipt != nil {
		r := s.Manifest.Receipt
		c.Leased, c.Work, c.Recipe, c.RecipeHash = r.Block, r.Bytes(), r.Recipe.Name, r.Recipe.Hash
	}
	e := event{Case: &c}
	if c.Settled {
		streak := v.streakAfter(c.Hotkey, *c.Verdict)
		e.Streak = &streak
	}
	if err := v.store.add(e); err != nil {
		return err
	}
	v.logVerdict(c, before)
	return nil
}

// judge records what a check came to, and when it is tried again.
func (v *Validator) judge(c *caseState, verdict eval.Verdict, final chain.Block) {
	deadline := max(c.Block, c.Seen)
	expired := v.o.Protocol.Expired(deadline, final.Number)
	if verdict.Outcome == eval.Undecided && expired {
		verdict = verdict.Settle()
	}
	c.Verdict = &verdict
	c.Tries++
	c.NextTry = 0
	switch {
	case verdict.Outcome != eval.Undecided:
		c.Settled = true
		if verdict.Proof() != nil {
			c.Fraud = verdict.Reason
		}
	case waitsForQuality(verdict) || expired && verdict.Fault == eval.FaultRecipe:
		// Its recipe is judged when its window is; nothing else is asked again.
		c.NextTry = never
	case expired:
		c.Settled = true
	default:
		// The last attempt is made as soon as the time is up.
		c.NextTry = min(final.Number+pause(c.Tries, v.longestPause()), deadline+v.o.Protocol.UndecidedFor+1)
	}
}

// waitsForQuality reports whether only the quality of the recipe is undecided.
func waitsForQuality(verdict eval.Verdict) bool {
	for _, c := range verdict.Checks {
		if c.Outcome == eval.Undecided && c.Fault != eval.FaultRecipe {
			return false
		}
	}
	return verdict.Fault == eval.FaultRecipe
}

// streakAfter counts accepted tasks since the last failure. What stays
// undecided is no mark on the record.
func (v *Validator) streakAfter(hotkey string, verdict eval.Verdict) int64 {
	streak := v.store.state.Streak[hotkey]
	switch verdict.Outcome {
	case eval.Accepted:
		return streak + 1
	case eval.Rejected:
		return 0
	}
	return streak
}

// logVerdict tells a verdict that is new. What the validator itself could not
// check is an error: it is left out of the scores, and others will check it.
func (v *Validator) logVerdict(c caseState, before *eval.Verdict) {
	verdict := c.Verdict
	if before != nil && !c.Settled && before.Outcome == verdict.Outcome && before.Reason == verdict.Reason {
		return
	}
	log := v.o.Log.Info()
	if verdict.Outcome == eval.Undecided && verdict.Fault == eval.FaultOwn {
		log = v.o.Log.Error()
	}
	log.Str("task", c.Line.Task).Int64("generation", c.Line.Generation).Str("hotkey", c.Hotkey).Uint64("block", c.Block).
		Str("outcome", string(verdict.Outcome)).Str("fault", string(verdict.Fault)).
		Bool("settled", c.Settled).Bool("audited", verdict.Audited).Str("reason", verdict.Reason).Msg("verdict")
}

// target returns a case as the resolver wants it, with the publications that
// hold it, first claim first.
func (v *Validator) target(c caseState) (submission.Case, error) {
	hotkey, err := hotkeyOf(c.Hotkey)
	if err != nil {
		return submission.Case{}, err
	}
	target := submission.Case{Hotkey: hotkey, Bound: c.Bound}
	for _, claim := range v.store.state.Claims[c.Hotkey] {
		if claim.State == submission.Valid && claim.Block >= c.Block {
			target.Claims = append(target.Claims, claim.Claim)
		}
	}
	return target, nil
}
