package matmul

import "math"

// Functions of several slices take as many numbers as the first one has; the
// others have at least as many. Where a result may overwrite an argument they are
// the same slice or do not overlap.

// Dot returns the sum of the products of x and y.
func Dot(x, y []float32) float32 {
	y = y[:len(x)]
	return dotGeneric(x, y)
}

// SumSquares returns the sum of the squares of x.
func SumSquares(x []float32) float32 {
	return dotGeneric(x, x)
}

// Axpy adds a·x to y.
func Axpy(a float32, x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += float32(a * v)
	}
}

// Add adds x to y.
func Add(x, y []float32) {
	y = y[:len(x)]
	for i, v := range x {
		y[i] += v
	}
}

// Scale multiplies x by a.
func Scale(a float32, x []float32) {
	for i := range x {
		x[i] *= a
	}
}

// Max returns the largest number of x, not a number if one of them is none, and
// −∞ where there is none at all.
func Max(x []float32) float32 {
	largest := float32(math.Inf(-1))
	for _, v := range x {
		if v > largest || v != v {
			largest = v
		}
		if v != v {
			break
		}
	}
	return largest
}

// ExpSum sets dst to exp(x − shift) and returns the sum of dst, which may be x.
// The relative error of an exponential is below 2⁻²²; one below 2⁻¹²⁶ may become
// 0, one above 2¹²⁷ infinite.
func ExpSum(dst, x []float32, shift float32) float32 {
	x = x[:len(dst)]
	return expSumGeneric(dst, x, shift)
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
	for i := range dx {
		dx[i] = p[i] * (dp[i] - mean)
	}
}

// SquaredReLU sets y to max(0, x)². y may be x.
func SquaredReLU(y, x []float32) {
	x = x[:len(y)]
	for i, v := range x {
		if v <= 0 {
			v = 0
		}
		y[i] = v * v
	}
}

// SquaredReLUBackward sets dx to 2·max(0, x)·dy. dx may be dy.
func SquaredReLUBackward(dx, x, dy []float32) {
	x, dy = x[:len(dx)], dy[:len(dx)]
	for i, v := range x {
		if v <= 0 {
			v = 0
		}
		dx[i] = (v + v) * dy[i]
	}
}

// RMSNorm sets y to x·r and returns r, one over the root of the mean of the
// squares of x plus epsilon. y may be x.
func RMSNorm(y, x []float32, epsilon float32) float32 {
	x = x[:len(y)]
	mean := float64(SumSquares(x)) / float64(len(x))
	r := float32(1 / math.Sqrt(mean+float64(epsilon)))
	for i, v := range x {
		y[i] = v * r
	}
	return r
}

// RMSNormBackward sets dx to the gradient of what y, with the factor r, is the
// norm of: dy is the gradient of y. dx may be dy.
func RMSNormBackward(dx, y, dy []float32, r float32) {
	y, dy = y[:len(dx)], dy[:len(dx)]
	mean := float32(float64(Dot(y, dy)) / float64(len(dx)))
	for i := range dx {
		dx[i] = r * (dy[i] - float32(mean*y[i]))
	}
}

// Rotate turns the pairs of x[i] and x[i+h], h being len(cos) and x 2·h long, by
// the angles that cos and sin are of.
func Rotate(x, cos, sin []float32) {
	h := len(cos)
	low, high, sin := x[:h], x[h:2*h], sin[:h]
	for i, c := range cos {
		a, b := low[i], high[i]
		low[i] = float32(a*c) - float32(b*sin[i])
		high[i] = float32(b*c) + float32(a*sin[i])
	}
}

// RotateBack undoes Rotate; it is its gradient, too.
func RotateBack(x, cos, sin []float32) {
	h := len(cos)
	low, high, sin := x[:h], x[h:2*h], sin[:h]
	for i, c := range cos {
		a, b := low[i], high[i]
		low[i] = float32(a*c) + float32(b*sin[i])
		high[i] = float32(b*c) - float32(a*sin[i])
	}
}

// Adam is what a step of Adam with decoupled weight decay needs: Loshchilov and
// Hutter, "Decoupled Weight Decay Regularization", ICLR 2019.
type Adam struct {
	Rate, Beta1, Beta2, Epsilon, Decay float32
	// Correct1 is 1 − Beta1ᵗ and Correct2 1 − Beta2ᵗ in step t, the first being 1.
	Correct1, Correct2 float32
}

// Step updates the weights w and the moments m and v of their gradients g.
func (a Adam) Step(w, g, m, v []float32) {
	g, m, v = g[:len(w)], m[:len(w)], v[:len(w)]
	scale1, scale2 := 1/a.Correct1, 1/a.Correct2
	keep := 1 - float32(a.Rate*a.Decay)
	for i, x := range g {
		m[i] = float32(a.Beta1*m[i]) + float32((1-a.Beta1)*x)
		v[i] = float32(a.Beta2*v[i]) + float32((1-a.Beta2)*float32(x*x))
		root := float32(math.Sqrt(float64(v[i] * scale2)))
		w[i] = float32(w[i]*keep) - float32(a.Rate*float32(m[i]*scale1)/(root+a.Epsilon))
	}
}
