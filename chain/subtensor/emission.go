package subtensor

import (
	"cmp"
	"fmt"
	"math"
	"slices"

	"finest/chain"
)

// Share is the score of a uid, in any unit.
type Share struct {
	UID   uint16
	Value float64
}

// Emit returns weights as the Python SDK emits them
// (convert_weights_and_uids_for_emit): every value divided by the largest, times
// 65535, rounded half to even, zeros left out, in the order of shares. Negative,
// infinite and undefined values are errors; all zero gives none.
func Emit(shares []Share) ([]chain.Weight, error) {
	var largest float64
	for _, s := range shares {
		if !(s.Value >= 0) || math.IsInf(s.Value, 1) {
			return nil, fmt.Errorf("emit weights: value %v of uid %d", s.Value, s.UID)
		}
		largest = max(largest, s.Value)
	}
	if largest == 0 {
		return nil, nil
	}
	var out []chain.Weight
	for _, s := range shares {
		// Converted before the product is rounded, so that no compiler fuses them.
		if v := math.RoundToEven(float64(float64(s.Value/largest) * math.MaxUint16)); v > 0 {
			out = append(out, chain.Weight{UID: s.UID, Value: uint16(v)})
		}
	}
	return out, nil
}

// Pad adds weights of 0 for the lowest uids below neurons that have none, until
// there are min(least, neurons), because the chain refuses shorter lists
// (WeightVecLengthIsLow); nobody earns more or less by it. It returns the weights
// in uid order, and nil for none: a list of zeros would withdraw every weight.
func Pad(weights []chain.Weight, neurons, least uint16) []chain.Weight {
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
