package matmul

// Adam is what a step of Adam with decoupled weight decay needs: Loshchilov and
// Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
type Adam struct {
	Rate, Beta1, Beta2, Epsilon, Decay float32
	// Correct1 is 1 − Beta1ᵗ and Correct2 1 − Beta2ᵗ in step t, the first being 1.
	Correct1, Correct2 float32
}

// adamFactors are made of Adam's, in the order in which assembly reads them.
type adamFactors struct {
	new1, keep1, new2, keep2     float32
	rate, correct, epsilon, keep float32
}

// Step updates the weights w and the moments m and v of their gradients g.
func (a Adam) Step(w, g, m, v []float32) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	f := adamFactors{
		new1: 1 - a.Beta1, keep1: a.Beta1, new2: 1 - a.Beta2, keep2: a.Beta2,
		rate: a.Rate / a.Correct1, correct: 1 / a.Correct2, epsilon: a.Epsilon, keep: 1 - float32(a.Rate*a.Decay),
	}
	for len(w) > 0 {
		n := min(stretch, len(w))
		vectors.adam(w[:n], g[:n], m[:n], v[:n], &f)
		w, g, m, v = w[n:], g[n:], m[n:], v[n:]
	}
}
