package matmul

import "math"

// generic are the functions of vectors in Go. Products are converted before they
// are added, which forbids compilers to fuse the two.
var generic = functions{
	dot: dotGeneric, max: maxGeneric, axpy: axpyGeneric, add: addGeneric, scale: scaleGeneric,
	expSum: expSumGeneric, softmaxBack: softmaxBackGeneric, relu: reluGeneric, reluBack: reluBackGeneric,
	normBack: normBackGeneric, rotate: rotateGeneric, rotateBack: rotateBackGeneric, adam: adamGeneric,
}

// dotGeneric sums in float64, in which a product of two float32 is exact: fused
// or not, the sum is the same.
func dotGeneric(x, y []float32) float32 {
	var sum float64
	for i, v := range x {
		sum += float64(v) * float64(y[i])
	}
	return float32(sum)
}

func maxGeneric(x []float32) float32 {
	largest := float32(math.Inf(-1))
	for _, v := range x {
		largest = max(largest, v)
	}
	return largest
}

func axpyGeneric(a float32, x, y []float32) {
	for i, v := range x {
		y[i] += float32(a * v)
	}
}

func addGeneric(x, y []float32) {
	for i, v := range x {
		y[i] += v
	}
}

func scaleGeneric(y []float32, a float32, x []float32) {
	for i, v := range x {
		y[i] = a * v
	}
}

func expSumGeneric(dst, x []float32, shift float32) float32 {
	var sum float64
	for i, v := range x {
		dst[i] = exp(v - shift)
		sum += float64(dst[i])
	}
	return float32(sum)
}

func softmaxBackGeneric(dx, p, dp []float32, mean float32) {
	for i := range dx {
		dx[i] = p[i] * (dp[i] - mean)
	}
}

func reluGeneric(y, x []float32) {
	for i, v := range x {
		v = max(0, v)
		y[i] = v * v
	}
}

func reluBackGeneric(dx, x, dy []float32) {
	for i, v := range x {
		v = max(0, v)
		dx[i] = (v + v) * dy[i]
	}
}

func normBackGeneric(dx, y, dy []float32, mean, r float32) {
	for i := range dx {
		dx[i] = r * (dy[i] - float32(mean*y[i]))
	}
}

func rotateGeneric(low, high, cos, sin []float32) {
	for i, c := range cos {
		a, b := low[i], high[i]
		low[i] = float32(a*c) - float32(b*sin[i])
		high[i] = float32(b*c) + float32(a*sin[i])
	}
}

func rotateBackGeneric(low, high, cos, sin []float32) {
	for i, c := range cos {
		a, b := low[i], high[i]
		low[i] = float32(a*c) + float32(b*sin[i])
		high[i] = float32(b*c) - float32(a*sin[i])
	}
}

func adamGeneric(w, g, m, v []float32, f *adamFactors) {
	for i, x := range g {
		m[i] = float32(f.keep1*m[i]) + float32(f.new1*x)
		v[i] = float32(f.keep2*v[i]) + float32(f.new2*float32(x*x))
		root := float32(math.Sqrt(float64(v[i] * f.correct)))
		w[i] = float32(f.keep*w[i]) - float32(f.rate*m[i])/(root+f.epsilon)
	}
}
