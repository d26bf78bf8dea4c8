package minhash

// Permutations exposes the drawn constants to the golden tests.
func (h *Hasher) Permutations() (a, b []uint64) {
	for _, p := range h.permutations {
		a, b = append(a, p.a), append(b, p.b)
	}
	return a, b
}

// Shingles exposes the hashed shingles to the golden tests.
func Shingles(words []string) []uint64 { return shingles(words) }
