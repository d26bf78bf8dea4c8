package validator

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/internal/contract"
	"finest/roles/submission"
)

// follow reads the claims of every block after the cursor up to final, block by
// block. A validator that starts on a running chain, or that finds state
// forgotten, takes what storage holds at the first block it can read and marks
// it as uncertain: it cannot know when those tasks were claimed first.
func (v *Validator) follow(ctx context.Context, final chain.Block) error {
	next := v.store.state.Cursor + 1
	if !v.store.state.Following {
		if v.o.StartBlock == nil {
			return v.adopt(ctx, final.Number, final)
		}
		next = *v.o.StartBlock
	}
	for ; next <= final.Number; next++ {
		claims, err := v.claimsOf(ctx, next, final)
		if errors.Is(err, chain.ErrUnknownBlock) {
			first, err := submission.FirstReadable(ctx, v.o.Chain, v.o.Netuid, next, final.Number)
			if err != nil {
				return err
			}
			v.o.Log.Error().Uint64("block", next).Uint64("readable", first).
				Msg("the chain has forgotten blocks that were not followed: what was claimed in them is left out of the scores; an archive endpoint closes such gaps")
			if err := v.adopt(ctx, first, final); err != nil {
				return err
			}
			next = first
			continue
		}
		if err != nil {
			return fmt.Errorf("read claims of block %d: %w", next, err)
		}
		// Only blocks with claims, and the last one, are worth a journal entry.
		if len(claims) == 0 && next < final.Number {
			continue
		}
		if err := v.store.add(event{Block: &blockEvent{next, claims}}); err != nil {
			return err
		}
	}
	return nil
}

func (v *Validator) claimsOf(ctx context.Context, number uint64, final chain.Block) (map[string][]submission.Claimed, error) {
	at, err := v.o.Chain.BlockAt(ctx, number)
	if err != nil {
		return nil, err
	}
	commitments, err := v.o.Chain.CommitmentEvents(ctx, v.o.Netuid, at)
	if err != nil {
		return nil, err
	}
	return v.claimed(commitments, final, false), nil
}

// adopt takes the claims that storage holds at a block and goes on from there.
func (v *Validator) adopt(ctx context.Context, number uint64, final chain.Block) error {
	at, err := v.o.Chain.BlockAt(ctx, number)
	if err != nil {
		return fmt.Errorf("read block %d: %w", number, err)
	}
	commitments, err := v.o.Chain.Commitments(ctx, v.o.Netuid, at)
	if err != nil {
		return fmt.Errorf("read claims at block %d: %w", number, err)
	}
	if v.store.state.Following {
		// What was written up to the cursor is known.
		commitments = slices.DeleteFunc(commitments, func(c chain.Commitment) bool { return c.Block <= v.store.state.Cursor })
	}
	return v.store.add(event{Block: &blockEvent{number, v.claimed(commitments, final, true)}})
}

// claimed parses commitments; what is no claim of ours is somebody else's use
// of the field.
func (v *Validator) claimed(commitments []chain.Commitment, final chain.Block, uncertain bool) map[string][]submission.Claimed {
	out := make(map[string][]submission.Claimed)
	for _, c := range commitments {
		address := wallet.Address(c.Hotkey)
		claim, err := contract.ParseClaim(c.Fields)
		if err != nil {
			v.o.Log.Debug().Str("hotkey", address).Uint64("block", c.Block).Err(err).Msg("commitment is no claim")
			continue
		}
		out[address] = append(out[address], submission.Claimed{
			Block: c.Block, Claim: claim, State: submission.Pending, Seen: final.Number, Uncertain: uncertain,
		})
	}
	return out
}

// bind settles pending claims and records the tasks they bind.
func (v *Validator) bind(ctx context.Context, final chain.Block) error {
	for _, hotkey := range sortedKeys(v.store.state.Claims) {
		known := v.store.state.Claims[hotkey]
		pending := slices.ContainsFunc(known, func(c submission.Claimed) bool { return c.State == submission.Pending })
		if !pending || !v.logs.due(hotkey, len(known), final.Number) {
			continue
		}
		claims := slices.Clone(known)
		bound, err := submission.Advance(ctx, claims, v.readLog(final))
		if err != nil {
			return err
		}
		v.logs.tried(hotkey, len(claims), final.Number, v.longestPause())
		if slices.Equal(claims, known) {
			continue
		}
		v.logClaims(hotkey, known, claims)
		if err := v.store.add(event{Claims: &claimsEvent{hotkey, final.Number, claims, bound}}); err != nil {
			return err
		}
	}
	return nil
}

// readLog reads claim logs. One that stayed unreadable for as long as a verdict
// may stay undecided is given up, unless this validator's own settings are why.
func (v *Validator) readLog(final chain.Block) submission.ReadLog {
	return func(ctx context.Context, c submission.Claimed) ([]byte, error) {
		log, err := v.resolver.Log(ctx, c)
		if err != nil && !errors.Is(err, submission.ErrNoLog) && eval.FaultOf(err) != eval.FaultOwn && v.o.Protocol.Expired(c.Seen, final.Number) {
			err = fmt.Errorf("%w: it stayed unreadable: %w", submission.ErrNoLog, err)
		}
		return log, err
	}
}

func (v *Validator) logClaims(hotkey string, before, now []submission.Claimed) {
	for i, c := range now {
		if c.State == before[i].State && c.Reason == before[i].Reason {
			continue
		}
		log := v.o.Log.Info()
		if c.State == submission.Pending {
			log = v.o.Log.Warn()
		}
		log.Str("hotkey", hotkey).Uint64("block", c.Block).Str("repo", c.Claim.String()).
			Str("state", c.State).Str("reason", c.Reason).Msg("claim")
	}
}

// attempts says when the logs of hotkeys with pending claims are read again:
// after 2, 4, 8 … blocks, at once when there is a new claim or after a restart.
type attempts map[string]attempt

type attempt struct {
	claims, tries int
	next          uint64
}

func (a attempts) due(hotkey string, claims int, now uint64) bool {
	last := a[hotkey]
	return last.claims != claims || last.next <= now
}

func (a attempts) tried(hotkey string, claims int, now, longest uint64) {
	last := a[hotkey]
	if last.claims != claims {
		last = attempt{claims: claims}
	}
	last.tries++
	last.next = now + pause(last.tries, longest)
	a[hotkey] = last
}

// pause is the number of blocks after so many attempts that failed.
func pause(tries int, longest uint64) uint64 { return min(uint64(1)<<min(tries, 32), longest) }

// longestPause bounds the blocks between two attempts at what is undecided.
func (v *Validator) longestPause() uint64 { return max(1, v.o.Protocol.UndecidedFor/16) }
