package overlap

import "slices"

// roller keeps the hashes of the last grams of a sequence of words.
type roller struct {
	lengths []int
	powers  []uint64 // base to the power of each length
	sums    []uint64
	recent  [Gram]word // the last words, by number modulo Gram
	count   int
}

// base of the polynomial whose coefficients are the hashes of words; odd.
const base = 0x9e3779b97f4a7c15

func newRoller(lengths []int) *roller {
	r := &roller{lengths: lengths, powers: slices.Repeat([]uint64{1}, len(lengths)), sums: make([]uint64, len(lengths))}
	for i, n := range lengths {
		for range n {
			r.powers[i] *= base
		}
	}
	return r
}

func (r *roller) push(w word) {
	for i, n := range r.lengths {
		var gone uint64
		if r.count >= n {
			gone = r.recent[(r.count-n)%Gram].hash
		}
		r.sums[i] = r.sums[i]*base + w.hash - gone*r.powers[i]
	}
	r.recent[r.count%Gram] = w
	r.count++
}

// hash returns that of the last gram of a length, ok if there were that many
// words.
func (r *roller) hash(i int) (hash uint64, ok bool) {
	return mix(r.sums[i] + uint64(r.lengths[i])), r.count >= r.lengths[i]
}

// start returns where the last n words begin.
func (r *roller) start(n int) int { return r.recent[(r.count-n)%Gram].first }
