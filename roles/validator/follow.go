package validator

import (
	"context"
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/submission"
)

// follow reads the claims of every block after the cursor up to final, block by
// block. A validator that starts on a running chain, or that finds state
// pruned, takes what storage holds and marks it as uncertain: it cannot know
// when those tasks were claimed first.
func (v *Validator) follow(ctx context.Context, final chain.Block) error {
	st := v.store.state
	if !st.Following && v.o.StartBlock == nil {
		return v.adopt(ctx, final)
	}
	next := st.Cursor + 1
	if !st.Following {
		next = *v.o.StartBlock
	}
	for ; next <= final.Number; next++ {
		claims, err := v.claimsOf(ctx, next)
		if errors.Is(err, chain.ErrUnknownBlock) {
			v.o.Log.Warn().Uint64("block", next).Uint64("final", final.Number).Err(err).
				Msg("state is pruned: claims up to now are taken from storage, their tasks are left out of the scores")
			return v.adopt(ctx, final)
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

func (v *Validator) claimsOf(ctx context.Context, number uint64) (map[string][]submission.Claimed, error) {
	at, err := v.o.Chain.BlockAt(ctx, number)
	if err != nil {
		return nil, err
	}
	commitments, err := v.o.Chain.CommitmentEvents(ctx, v.o.Netuid, at)
	if err != nil {
		return nil, err
	}
	return v.claimed(commitments, number, false), nil
}

// adopt takes the claims that storage holds at final and goes on from there.
func (v *Validator) adopt(ctx context.Context, final chain.Block) error {
	commitments, err := v.o.Chain.Commitments(ctx, v.o.Netuid, final)
	if err != nil {
		return fmt.Errorf("read claims at block %d: %w", final.Number, err)
	}
	claims := v.claimed(commitments, 0, true)
	for hotkey := range claims {
		// A claim that was seen already is not seen again.
		known := v.store.state.Claims[hotkey]
		if n := len(known); n > 0 && known[n-1].Block == claims[hotkey][0].Block {
			delete(claims, hotkey)
		}
	}
	return v.store.add(event{Block: &blockEvent{final.Number, claims}})
}

// claimed parses commitments; what is no claim of ours is somebody else's use
// of the field.
func (v *Validator) claimed(commitments []chain.Commitment, block uint64, uncertain bool) map[string][]submission.Claimed {
	out := make(map[string][]submission.Claimed)
	for _, c := range commitments {
		address := wallet.Address(c.Hotkey)
		claim, err := contract.ParseClaim(c.Fields)
		if err != nil {
			v.o.Log.Debug().Str("hotkey", address).Uint64("block", c.Block).Err(err).Msg("commitment is no claim")
			continue
		}
		at := block
		if uncertain {
			at = c.Block
		}
		out[address] = append(out[address], submission.Claimed{Block: at, Claim: claim, State: submission.Pending, Uncertain: uncertain})
	}
	return out
}

// bind settles pending claims and records the tasks they bind.
func (v *Validator) bind(ctx context.Context) error {
	for _, hotkey := range sortedKeys(v.store.state.Claims) {
		claims := v.store.state.Claims[hotkey]
		if !anyPending(claims) {
			continue
		}
		settled := append([]submission.Claimed(nil), claims...)
		bound, err := submission.Advance(ctx, settled, v.resolver.Log)
		if err != nil {
			return err
		}
		if !changed(claims, settled) {
			continue
		}
		for i, c := range settled {
			if c.State == submission.Void && claims[i].State != submission.Void {
				v.o.Log.Info().Str("hotkey", hotkey).Uint64("block", c.Block).Str("claim", c.Claim.String()).Str("reason", c.Reason).Msg("claim is void")
			}
		}
		if err := v.store.add(event{Claims: &claimsEvent{hotkey, settled, bound}}); err != nil {
			return err
		}
	}
	return nil
}

func anyPending(claims []submission.Claimed) bool {
	for _, c := range claims {
		if c.State == submission.Pending {
			return true
		}
	}
	return false
}

func changed(a, b []submission.Claimed) bool {
	for i := range a {
		if a[i] != b[i] {
			return true
		}
	}
	return false
}
