// Package weights turns scores into the weights a chain takes: shares of the
// sum, then 16-bit integers whose largest is 65535.
package weights

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"slices"
)

// Share is the score, or the share, of one uid.
type Share struct {
	UID   uint16
	Value float64
}

// Weight is one entry as the chain takes it.
type Weight struct {
	UID   uint16
	Value uint16
}

// ErrNothing says that no uid earned anything, so no weights may be set: equal
// weights for all would pay for nothing.
var ErrNothing = errors.New("no uid has a score")

// Normalize returns the shares of the sum (L1), in uid order; entries of 0 are
// left out. Negative, infinite and undefined scores and repeated uids are
// errors; a sum of 0 is ErrNothing.
func Normalize(scores []Share) ([]Share, error) {
	sorted := slices.SortedFunc(slices.Values(scores), func(a, b Share) int { return cmp.Compare(a.UID, b.UID) })
	var largest float64
	for i, s := range sorted {
		if !(s.Value >= 0) || math.IsInf(s.Value, 1) {
			return nil, fmt.Errorf("normalize weights: score %v of uid %d", s.Value, s.UID)
		}
		if i > 0 && sorted[i-1].UID == s.UID {
			return nil, fmt.Errorf("normalize weights: uid %d occurs twice", s.UID)
		}
		largest = max(largest, s.Value)
	}
	if largest == 0 {
		return nil, ErrNothing
	}
	// Divided by the largest first, so that no sum overflows.
	var sum float64
	for i := range sorted {
		sorted[i].Value /= largest
		sum += sorted[i].Value
	}
	out := sorted[:0]
	for _, s := range sorted {
		if s.Value /= sum; s.Value > 0 {
			out = append(out, s)
		}
	}
	return out, nil
}

// Burn adds amount to the owner's uid, on top of what it earned itself.
func Burn(scores []Share, owner uint16, amount float64) []Share {
	out := slices.Clone(scores)
	if i := slices.IndexFunc(out, func(s Share) bool { return s.UID == owner }); i >= 0 {
		out[i].Value += amount
		return out
	}
	return append(out, Share{UID: owner, Value: amount})
}

// Emit returns the weights as the Python SDK emits them
// (convert_weights_and_uids_for_emit): every share divided by the largest,
// times 65535, rounded half to even; zeros are dropped. Shares must be those
// of Normalize; none gives none.
func Emit(shares []Share) []Weight {
	var largest float64
	for _, s := range shares {
		largest = max(largest, s.Value)
	}
	var out []Weight
	for _, s := range shares {
		v := math.RoundToEven(float64(s.Value/largest) * math.MaxUint16)
		if v > 0 {
			out = append(out, Weight{UID: s.UID, Value: uint16(v)})
		}
	}
	return out
}
