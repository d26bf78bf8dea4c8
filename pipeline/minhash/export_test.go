package minhash

// Permutations exposes the drawn constants to the golden tests.
func (h *Hasher) Permutations() (a, b []uint64) {
	for _, p := range h.permutations {
		a, b = append(a, p.a), append(b, p.b)
	}
	return a, b
}

// Shingles exposes the hashed shingles to the golden tests; there are at most
// 512.
func Shingles(words []string, hash Hash) []uint64 {
	s := shingler{hash: hash}
	return s.hashes(words)
}

// Images exposes how the permutations map xs, one by one and by the fast loop.
func (h *Hasher) Images(i int, xs []uint64) (slow, fast [2]uint64) {
	slow = [2]uint64{prime, prime}
	p, q := h.permutations[i], h.permutations[i+1]
	for _, x := range xs {
		slow[0], slow[1] = min(slow[0], (p.a*x+p.b)%prime), min(slow[1], (q.a*x+q.b)%prime)
	}
	fast[0], fast[1] = leastOfTwo(p, q, xs)
	return slow, fast
}

// Preimage returns the x that permutation i maps to v before the reduction.
func (h *Hasher) Preimage(i int, v uint64) uint64 {
	p := h.permutations[i]
	if p.a%2 == 0 {
		panic("an even multiplier has no inverse")
	}
	inverse := p.a // Newton: doubles the right bits each time
	for range 6 {
		inverse *= 2 - p.a*inverse
	}
	return (v - p.b) * inverse
}

// Even reports whether the multiplier of permutation i is even.
func (h *Hasher) Even(i int) bool { return h.permutations[i].a%2 == 0 }
