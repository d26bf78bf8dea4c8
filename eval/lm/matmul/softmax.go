package matmul

// ExpSum sets dst to exp(x − shift) and returns the sum of dst, which may be x.
// The relative error of an exponential is below 2⁻²³; one below 2⁻¹²⁶ may become
// 0, one above 2¹²⁷ infinite.
func ExpSum(dst, x []float32, shift float32) float32 {
	x = x[:len(dst)]
	if len(dst) <= stretch {
		return vectors.expSum(dst, x, shift)
	}
	sum := 0.0
	for len(dst) > 0 {
		n := min(stretch, len(dst))
		sum += float64(vectors.expSum(dst[:n], x[:n], shift))
		dst, x = dst[n:], x[n:]
	}
	return float32(sum)
}

// Softmax replaces x by exp(x − max x), divided by their sum.
func Softmax(x []float32) {
	Scale(1/ExpSum(x, x, Max(x)), x)
}

// SoftmaxBackward sets dx to the gradient of what p, a softmax, is made of: dp is
// the gradient of p. dx may be dp.
func SoftmaxBackward(dx, p, dp []float32) {
	p, dp = p[:len(dx)], dp[:len(dx)]
	mean := Dot(p, dp)
	for len(dx) > 0 {
		n := min(stretch, len(dx))
		vectors.softmaxBack(dx[:n], p[:n], dp[:n], mean)
		dx, p, dp = dx[n:], p[n:], dp[n:]
	}
}
