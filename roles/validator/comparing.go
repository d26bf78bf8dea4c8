package validator

import (
	"context"

	"finest/chain"
)

// comparing says which comparison is under way, and when those that failed are
// made again. It is of this run alone.
type comparing struct {
	result chan compared // nil while none is under way
	tries  map[string]backoff
}

func (c *comparing) due(key string, now uint64) bool { return c.tries[key].due(now) }

// begin starts the next comparison that is due, unless one is under way.
func (v *Validator) begin(ctx context.Context, final chain.Block) error {
	if v.o.Quality == nil || v.comparing.result != nil {
		return nil
	}
	c, err := v.due(ctx, final)
	if err != nil || c == nil {
		return err
	}
	v.o.Log.Info().Str("recipe", c.recipe.Name).Uint64("window", c.window).Int("tasks", len(c.pool)).Str("tier", v.o.Quality.Tier.Name).
		Msg("comparing a recipe with the reference")
	result := make(chan compared, 1)
	v.comparing.result = result
	go func() { result <- v.compare(ctx, c) }()
	return nil
}

// collect records what the comparison under way came to, if it is done; with
// wait it waits for that.
func (v *Validator) collect(ctx context.Context, final chain.Block, wait bool) error {
	if v.comparing.result == nil {
		return nil
	}
	var done compared
	if wait {
		done = <-v.comparing.result // soon after ctx ends, too
	} else {
		select {
		case done = <-v.comparing.result:
		default:
			return nil
		}
	}
	v.comparing.result = nil
	if done.err != nil && ctx.Err() != nil {
		return context.Cause(ctx)
	}
	return v.record(done, final)
}

// record makes the result of a comparison durable, and says it.
func (v *Validator) record(done compared, final chain.Block) error {
	switch {
	case done.err != nil:
		v.tryLater(done, final)
	case len(done.frauds) > 0:
		for _, fraud := range done.frauds {
			if err := v.convictFound(fraud); err != nil {
				return err
			}
		} // the next comparison is without them
	default:
		return v.keep(done, final)
	}
	return nil
}

// keep records a judgement, and what it rests on.
func (v *Validator) keep(done compared, final chain.Block) error {
	j := done.judgement
	j.Block = final.Number
	if err := v.keepEvidence(done); err != nil {
		return err
	}
	if err := v.store.add(event{Judged: j}); err != nil {
		return err
	}
	v.o.Log.Info().Str("recipe", j.Recipe.Name).Uint64("window", j.Window).Bool("judged", j.Judged).Float64("counts", j.Counts).
		Str("reason", j.Reason).Msg("quality")
	if err := v.clearWork(); err != nil {
		return err
	}
	return v.qualify(final)
}

// tryLater says what keeps a recipe from being compared, and until when.
func (v *Validator) tryLater(failed compared, final chain.Block) {
	last := v.comparing.tries[failed.key()]
	last.tries++
	last.next = final.Number + pause(last.tries, v.longestPause())
	v.comparing.tries[failed.key()] = last
	v.o.Log.Error().Err(failed.err).Str("recipe", failed.recipe.Name).Uint64("window", failed.window).Uint64("block", last.next).
		Msg("cannot compare a recipe, will try again; until then it counts with its last quality")
}

// abandon waits for the comparison under way, which its context has ended.
func (v *Validator) abandon() {
	if v.comparing.result != nil {
		<-v.comparing.result
		v.comparing.result = nil
	}
}
