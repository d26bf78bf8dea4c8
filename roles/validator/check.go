package validator

import (
	"context"
	"fmt"

	"finest/chain"
	"finest/eval"
	"finest/roles/submission"
)

// longestPause bounds the blocks between two attempts at an undecided case.
const longestPause = 64

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
	verdict := result.Verdict
	c.Tries++
	c.NextTry = final.Number + min(uint64(1)<<min(c.Tries, 16), longestPause)
	c.Settled = verdict.Outcome != eval.Undecided
	if !c.Settled && v.o.Protocol.Expired(c.Block, final.Number) {
		verdict = verdict.Settle()
		// A recipe waits for its judgement for as long as it takes.
		c.Settled = verdict.Outcome != eval.Undecided || verdict.Fault != eval.FaultRecipe
	}
	c.Verdict = &verdict
	if s := result.Submission; s != nil && s.Manifest.Receipt != nil {
		c.Leased, c.Work, c.Recipe = s.Manifest.Receipt.Block, s.Manifest.Receipt.Bytes(), s.Manifest.Recipe.Name
	}
	if verdict.Proof() != nil {
		c.Fraud = verdict.Reason
	}
	e := event{Case: &c}
	if c.Settled {
		streak := v.streakAfter(c.Hotkey, verdict)
		e.Streak = &streak
	}
	v.logVerdict(c, verdict)
	return v.store.add(e)
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

func (v *Validator) logVerdict(c caseState, verdict eval.Verdict) {
	log := v.o.Log.Info()
	if verdict.Outcome == eval.Undecided && verdict.Fault == eval.FaultOwn {
		log = v.o.Log.Error()
	}
	log.Str("task", c.Line.Task).Int64("generation", c.Line.Generation).Str("hotkey", c.Hotkey).
		Str("verdict", string(verdict.Outcome)).Bool("audited", verdict.Audited).Str("reason", verdict.Reason).Msg("judged")
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
