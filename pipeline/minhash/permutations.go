package minhash

// prime is 2^61 − 1, the modulus of the permutations.
const prime = 1<<61 - 1

// permutation is one hash function x → (a·x + b mod 2^64) mod prime. That the
// product wraps around first is datatrove's arithmetic, not the textbook's.
type permutation struct{ a, b uint64 }

// image returns what the permutation makes of x.
func (p permutation) image(x uint64) uint64 {
	v := fold(p.a*x + p.b)
	if v >= prime {
		v -= prime
	}
	return v
}

// fold returns a number that is v modulo prime, but may exceed prime by up to 7:
// 2^61 is 1 modulo prime, so the bits above count as they are.
func fold(v uint64) uint64 { return v&prime + v>>61 }

// leastOfTwo returns the smallest image of xs under p and under q. Two at a time
// keep the processor's multiplier busy.
//
// The loop leaves out the last step of the reduction, which hardly ever does
// anything, and only notes whether it would have: v ≥ prime where v + 1 has a
// bit above the 61st.
func leastOfTwo(p, q permutation, xs []uint64) (v, w uint64) {
	v, w = prime, prime
	var beyond uint64
	for _, x := range xs {
		y, z := fold(p.a*x+p.b), fold(q.a*x+q.b)
		beyond |= (y + 1) | (z + 1)
		v, w = min(v, y), min(w, z)
	}
	if beyond > prime {
		for _, x := range xs {
			v, w = min(v, p.image(x)), min(w, q.image(x))
		}
	}
	return v, w
}

// newPermutations draws n permutations as numpy's RandomState(seed) does:
// randint(1, prime, n) for all a, then randint(0, prime, n) for all b.
func newPermutations(seed uint32, n int) []permutation {
	g := newMersenneTwister(seed)
	ps := make([]permutation, n)
	for i := range ps {
		ps[i].a = 1 + g.atMost(prime-2)
	}
	for i := range ps {
		ps[i].b = g.atMost(prime - 1)
	}
	return ps
}

// mersenneTwister is MT19937: M. Matsumoto, T. Nishimura, "Mersenne Twister: a
// 623-dimensionally equidistributed uniform pseudo-random number generator",
// ACM TOMACS 8 (1998), with the seeding of the authors' 2002 version.
type mersenneTwister struct {
	state [624]uint32
	next  int
}

func newMersenneTwister(seed uint32) *mersenneTwister {
	g := &mersenneTwister{next: 624}
	g.state[0] = seed
	for i := 1; i < len(g.state); i++ {
		previous := g.state[i-1]
		g.state[i] = 1812433253*(previous^previous>>30) + uint32(i)
	}
	return g
}

func (g *mersenneTwister) uint32() uint32 {
	if g.next == len(g.state) {
		g.twist()
	}
	y := g.state[g.next]
	g.next++
	y ^= y >> 11
	y ^= y << 7 & 0x9d2c5680
	y ^= y << 15 & 0xefc60000
	return y ^ y>>18
}

func (g *mersenneTwister) twist() {
	n := len(g.state)
	for i := range n {
		y := g.state[i]&0x80000000 | g.state[(i+1)%n]&0x7fffffff
		g.state[i] = g.state[(i+397)%n] ^ y>>1 ^ -(y&1)&0x9908b0df
	}
	g.next = 0
}

// uint64 is two draws, the first one high.
func (g *mersenneTwister) uint64() uint64 {
	high := uint64(g.uint32())
	return high<<32 | uint64(g.uint32())
}

// atMost draws from [0, limit] by masked rejection; limit has 61 bits.
func (g *mersenneTwister) atMost(limit uint64) uint64 {
	for {
		if v := g.uint64() & prime; v <= limit {
			return v
		}
	}
}
