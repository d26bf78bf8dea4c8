package subtensor

import (
	"cmp"
	"math"
	"slices"

	"finest/chain"
)

// pad adds weights of 0 for the lowest uids below neurons that have none, until
// there are min(least, neurons), because the chain refuses shorter lists
// (WeightVecLengthIsLow); nobody earns more or less by it. It returns the weights
// in uid order, and nil for none: a list of zeros would withdraw every weight.
func pad(weights []chain.Weight, neurons, least uint16) []chain.Weight {
	if len(weights) == 0 {
		return nil
	}
	has := make(map[uint16]bool, len(weights))
	for _, w := range weights {
		has[w.UID] = true
	}
	out := slices.Clone(weights)
	for uid := uint16(0); uid < neurons && len(out) < int(min(least, neurons)); uid++ {
		if !has[uid] {
			out = append(out, chain.Weight{UID: uid})
		}
	}
	slices.SortStableFunc(out, func(a, b chain.Weight) int { return cmp.Compare(a.UID, b.UID) })
	return out
}

// upscale returns the values as the chain stores them: scaled so that the
// largest is 65535, rounded to the nearest; all zero stay as they are
// (vec_u16_max_upscale_to_u16 of subtensor).
func upscale(weights []chain.Weight) []chain.Weight {
	var largest uint64
	for _, w := range weights {
		largest = max(largest, uint64(w.Value))
	}
	out := slices.Clone(weights)
	for i, w := range weights {
		if largest > 0 {
			out[i].Value = uint16((uint64(w.Value)*math.MaxUint16 + largest/2) / largest)
		}
	}
	return out
}
