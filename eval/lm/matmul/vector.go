package matmul

import "math"

// functions are the vector functions of a class of kernels. The slices of a call
// have the same length.
type functions struct {
	dot                func(x, y []float32) float32
	max                func(x []float32) float32
	axpy               func(a float32, x, y []float32)
	add                func(x, y []float32)
	scale              func(y []float32, a float32, x []float32)
	expSum             func(dst, x []float32, shift float32) float32
	softmaxBack        func(dx, p, dp []float32, mean float32)
	relu               func(y, x []float32)
	reluBack           func(dx, x, dy []float32)
	normBack           func(dx, y, dy []float32, mean, r float32)
	rotate, rotateBack func(low, high, cos, sin []float32)
	adam               func(w, g, m, v []float32, f *adamFactors)
}

// vectors are those of this processor.
var vectors = choose()

func choose() functions {
	if hasAVX2FMA {
		return avx2
	}
	return generic
}

// stretch is how many numbers are computed between two moments at which the
// runtime may interrupt the goroutine: some ten microseconds.
const stretch = 1 << 14

// Functions of several slices take as many numbers as the first one has; the
// others have at least as many. A result and an argument that may be the same are
// the same slice, or do not overlap.

// Dot returns the sum of the products of x and y.
func Dot(x, y []float32) float32 {
	y = y[:len(x)]
	if len(x) <= stretch {
		return vectors.dot(x, y)
	}
	sum := 0.0
	for len(x) > 0 {
		n := min(stretch, len(x))
		sum += float64(vectors.dot(x[:n], y[:n]))
		x, y = x[n:], y[n:]
	}
	return float32(sum)
}

// SumSquares returns the sum of the squares of x.
func SumSquares(x []float32) float32 { return Dot(x, x) }

// Max returns the largest number of x, not a number if one of them is none, and
// −∞ where there is none at all.
func Max(x []float32) float32 {
	if len(x) <= stretch {
		return vectors.max(x)
	}
	return max(vectors.max(x[:stretch]), Max(x[stretch:]))
}

// Axpy adds a·x to y.
func Axpy(a float32, x, y []float32) {
	y = y[:len(x)]
	for len(x) > 0 {
		n := min(stretch, len(x))
		vectors.axpy(a, x[:n], y[:n])
		x, y = x[n:], y[n:]
	}
}

// Add adds x to y.
func Add(x, y []float32) {
	y = y[:len(x)]
	for len(x) > 0 {
		n := min(stretch, len(x))
		vectors.add(x[:n], y[:n])
		x, y = x[n:], y[n:]
	}
}

// Scale multiplies x by a.
func Scale(a float32, x []float32) { scaleTo(x, a, x) }

// scaleTo sets y to a·x.
func scaleTo(y []float32, a float32, x []float32) {
	x = x[:len(y)]
	for len(y) > 0 {
		n := min(stretch, len(y))
		vectors.scale(y[:n], a, x[:n])
		x, y = x[n:], y[n:]
	}
}

// SquaredReLU sets y to max(0, x)². y may be x.
func SquaredReLU(y, x []float32) {
	x = x[:len(y)]
	for len(y) > 0 {
		n := min(stretch, len(y))
		vectors.relu(y[:n], x[:n])
		x, y = x[n:], y[n:]
	}
}

// SquaredReLUBackward sets dx to 2·max(0, x)·dy. dx may be dy or x.
func SquaredReLUBackward(dx, x, dy []float32) {
	x, dy = x[:len(dx)], dy[:len(dx)]
	for len(dx) > 0 {
		n := min(stretch, len(dx))
		vectors.reluBack(dx[:n], x[:n], dy[:n])
		dx, x, dy = dx[n:], x[n:], dy[n:]
	}
}

// Rotate turns the pairs of x[i] and x[i+h], h being len(cos) and x 2·h long, by
// the angles that cos and sin are of.
func Rotate(x, cos, sin []float32) { turn(vectors.rotate, x, cos, sin) }

// RotateBack undoes Rotate; it is its gradient, too.
func RotateBack(x, cos, sin []float32) { turn(vectors.rotateBack, x, cos, sin) }

func turn(rotate func(low, high, cos, sin []float32), x, cos, sin []float32) {
	h := len(cos)
	low, high, sin := x[:h], x[h:2*h], sin[:h]
	for len(cos) > 0 {
		n := min(stretch, len(cos))
		rotate(low[:n], high[:n], cos[:n], sin[:n])
		low, high, cos, sin = low[n:], high[n:], cos[n:], sin[n:]
	}
}

// RMSNorm sets y to x·r and returns r, one over the root of the mean of the
// squares of x plus epsilon. y may be x. Where the sum of the squares is beyond
// float32, neither is a number: an r of 0 would hide that x is lost.
func RMSNorm(y, x []float32, epsilon float32) float32 {
	x = x[:len(y)]
	mean := float64(SumSquares(x)) / float64(len(x))
	r := float32(1 / math.Sqrt(mean+float64(epsilon)))
	if math.IsInf(mean, 0) {
		r = float32(math.NaN())
	}
	scaleTo(y, r, x)
	return r
}

// RMSNormBackward sets dx to the gradient of what y, with the factor r, is the
// norm of: dy is the gradient of y. dx may be dy.
func RMSNormBackward(dx, y, dy []float32, r float32) {
	y, dy = y[:len(dx)], dy[:len(dx)]
	mean := float32(float64(Dot(y, dy)) / float64(len(dx)))
	for len(dx) > 0 {
		n := min(stretch, len(dx))
		vectors.normBack(dx[:n], y[:n], dy[:n], mean, r)
		dx, y, dy = dx[n:], y[n:], dy[n:]
	}
}
