package validator

import (
	"fmt"
	"slices"

	"finest/chain"
	"finest/eval"
)

// qualityOf returns the quality that a case counts with.
func (v *Validator) qualityOf(c *caseState) float64 {
	if c.Recipe == v.o.Protocol.ReferenceRecipe {
		return 1
	}
	if j := v.store.state.quality(c.RecipeHash, v.o.Protocol.WindowOf(c.Block)); j != nil {
		return j.Counts
	}
	return 0
}

// qualityReason is the sentence of check 5 where a comparison stands behind it.
func qualityReason(verdict eval.Verdict) string {
	for _, c := range verdict.Checks {
		if c.Name == eval.CheckQuality && len(c.Evidence.Facts) > 0 {
			return "; " + c.Reason
		}
	}
	return ""
}

// qualify gives every case what is known now of its recipe: one that waited for
// nothing else is settled, and one that counts otherwise than it did is published
// anew.
func (v *Validator) qualify(final chain.Block) error {
	if len(v.store.state.Judgements) == 0 {
		return nil
	}
	for _, c := range v.store.state.Cases {
		if c.Verdict == nil || c.Verdict.Outcome == eval.Rejected || c.Fraud != "" || c.Recipe == v.o.Protocol.ReferenceRecipe {
			continue
		}
		j := v.store.state.known(c.RecipeHash, v.o.Protocol.WindowOf(c.Block))
		i := slices.IndexFunc(c.Verdict.Checks, func(check eval.Check) bool { return check.Name == eval.CheckQuality })
		if j == nil || i < 0 {
			continue
		}
		check := j.check()
		if before := c.Verdict.Checks[i]; before.Outcome == check.Outcome && before.Reason == check.Reason {
			continue
		}
		if err := v.judgeAnew(*c, i, check, final); err != nil {
			return err
		}
	}
	return nil
}

// judgeAnew puts a check in the place of the one at index i.
func (v *Validator) judgeAnew(c caseState, i int, check eval.Check, final chain.Block) error {
	before := c.Verdict
	verdict := *c.Verdict
	verdict.Checks = slices.Clone(verdict.Checks)
	verdict.Checks[i] = check
	e := event{Case: &c}
	if settled := c.Settled; settled {
		judged := verdict.Judge()
		c.Verdict = &judged
	} else if v.judge(&c, verdict.Judge(), final); c.Settled {
		streak := v.streakAfter(c.Hotkey, *c.Verdict)
		e.Streak = &streak
	}
	c.Counted, c.Weighed, c.Committed, c.Published = false, false, 0, false
	if err := v.store.add(e); err != nil {
		return err
	}
	v.logVerdict(c, before)
	return nil
}

// convicted is a case whose published rows are not what its recipe makes of the
// bytes, as a comparison found that looked at them.
type convicted struct {
	key   caseKey
	check eval.Check
}

// frauds are an error: what they stand in cannot be compared.
type frauds []convicted

func (f frauds) Error() string {
	return fmt.Sprintf("%d parts of tasks are not what their recipe makes, the first of task %s of %s: %s", len(f), f[0].key.Task, f[0].key.Hotkey, f[0].check.Reason)
}

// convictFound rejects such a case, as an audit of these bytes would have. A case
// that is rejected already stays as it is.
func (v *Validator) convictFound(found convicted) error {
	known := v.store.state.index[found.key]
	if known == nil || known.Verdict == nil || known.Verdict.Outcome == eval.Rejected {
		return nil
	}
	c := *known
	verdict := *c.Verdict
	verdict.Audited = true
	verdict.Checks = append(slices.Clone(verdict.Checks), found.check)
	verdict = verdict.Judge()
	c.Verdict, c.Settled = &verdict, true
	if verdict.Proof() != nil {
		c.Fraud = verdict.Reason
	}
	c.Counted, c.Weighed, c.Committed, c.Published, c.ProofSent = false, false, 0, false, false
	none := int64(0)
	if err := v.store.add(event{Case: &c, Streak: &none}); err != nil {
		return err
	}
	v.logVerdict(c, nil)
	return nil
}
