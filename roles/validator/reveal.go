package validator

import (
	"context"
	"fmt"
	"slices"

	"finest/chain"
)

func (s *state) applyWeights(e event) {
	if e.Setting != nil {
		s.Setting = e.Setting
		for _, c := range s.Cases {
			c.Counted = c.Settled
		}
	}
	if w := e.Weights; w != nil {
		s.Weights, s.Setting = w, nil
		if w.Hidden {
			s.Hidden = append(s.Hidden, *w)
		} else {
			s.Hidden, s.Shown = nil, w
		}
		for _, c := range s.Cases {
			switch {
			case !w.Hidden:
				c.Weighed, c.Committed = c.Weighed || c.Counted || c.Committed > 0, 0
			case c.Counted && !c.Weighed && c.Committed == 0:
				c.Committed = w.Block
			}
		}
	}
	if e.Unset {
		s.Setting = nil
	}
}

// applyReveals takes what was revealed, or expired, from the hidden weights. A
// verdict whose weights expired waits for the next ones.
func (s *state) applyReveals(e event) {
	last := max(e.Revealed, e.Expired)
	if last == 0 {
		return
	}
	for _, w := range s.Hidden {
		if w.Block <= last && e.Revealed > 0 {
			s.Shown = &w
		}
	}
	s.Hidden = slices.DeleteFunc(s.Hidden, func(w weightsState) bool { return w.Block <= last })
	for _, c := range s.Cases {
		if c.Committed == 0 || c.Committed > last {
			continue
		}
		c.Weighed, c.Committed = c.Weighed || e.Revealed > 0, 0
		if !c.Weighed && c.Counted && len(s.Hidden) > 0 {
			c.Committed = s.Hidden[0].Block
		}
	}
}

// revealSlack is for how many blocks beyond its epoch a reveal is waited for.
const revealSlack = 10

// reveal looks whether the chain shows weights that were hidden: until it does,
// verdicts would tell what the commitment hides.
func (v *Validator) reveal(ctx context.Context, final chain.Block) error {
	hidden := v.store.state.Hidden
	if len(hidden) == 0 {
		return nil
	}
	neurons, err := v.o.Chain.Neurons(ctx, v.o.Netuid, final)
	if err != nil {
		return fmt.Errorf("read the metagraph at block %d: %w", final.Number, err)
	}
	self := slices.IndexFunc(neurons, func(n chain.Neuron) bool { return n.Hotkey == v.o.Signer.PublicKey() })
	var shown []chain.Weight
	if self >= 0 {
		uid := neurons[self].UID
		if shown, err = v.o.Chain.Weights(ctx, v.o.Netuid, uid, final); err != nil {
			return fmt.Errorf("read weights of uid %d at block %d: %w", uid, final.Number, err)
		}
	}
	// An epoch reveals all commitments of an earlier one, and the last stands.
	// Equal weights tell nothing that was not told.
	for _, w := range slices.Backward(hidden) {
		if w.Block <= final.Number && sameWeights(w.Weights, shown) {
			v.o.Log.Info().Uint64("committed", w.Block).Uint64("block", final.Number).Msg("weights are revealed")
			return v.store.add(event{Revealed: w.Block})
		}
	}
	subnet, err := v.o.Chain.Subnet(ctx, v.o.Netuid, final)
	if err != nil {
		return fmt.Errorf("read the subnet at block %d: %w", final.Number, err)
	}
	lifetime := (subnet.RevealPeriod+2)*(subnet.Tempo+1) + revealSlack
	for _, w := range slices.Backward(hidden) {
		if w.Block+lifetime < final.Number {
			v.o.Log.Error().Uint64("committed", w.Block).Msg("the chain did not reveal weights that were committed")
			return v.store.add(event{Expired: w.Block})
		}
	}
	return nil
}

// sameWeights compares weights without those that are 0, in any order.
func sameWeights(a, b []chain.Weight) bool {
	values := make(map[uint16]uint16)
	for _, w := range a {
		if w.Value > 0 {
			values[w.UID] = w.Value
		}
	}
	n := 0
	for _, w := range b {
		if w.Value == 0 {
			continue
		}
		if n++; values[w.UID] != w.Value {
			return false
		}
	}
	return n == len(values)
}
