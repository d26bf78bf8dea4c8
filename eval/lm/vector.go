package lm

import "math"

// epsilon is added to the mean square in every RMSNorm.
const epsilon = 1e-6

// normRows sets each row of dst to the row of src divided by its root mean
// square, and scales to the factors.
func normRows(dst, src, scales []float32, dim int) {
	for i := range scales {
		x, y := src[i*dim:][:dim], dst[i*dim:][:dim]
		var sum float32
		for _, v := range x {
			sum += float32(v * v)
		}
		r := 1 / float32(math.Sqrt(float64(sum/float32(dim)+epsilon)))
		scales[i] = r
		for j, v := range x {
			y[j] = v * r
		}
	}
}

// normRowsBackward adds to dx the gradient of normRows, whose results are y and
// scales, from the gradient dy of y.
func normRowsBackward(dx, dy, y, scales []float32, dim int) {
	for i, r := range scales {
		dx, dy, y := dx[i*dim:][:dim], dy[i*dim:][:dim], y[i*dim:][:dim]
		var dot float32
		for j, v := range dy {
			dot += float32(v * y[j])
		}
		mean := dot / float32(dim)
		for j, v := range dy {
			dx[j] += float32(r * (v - float32(mean*y[j])))
		}
	}
}

// squareRows sets act to relu(x) and out to its square; act may be x.
func reluSquare(out, act, x []float32) {
	for i, v := range x {
		v = max(v, 0)
		act[i] = v
		out[i] = v * v
	}
}

// reluSquareBackward turns the gradient of the square into that of x.
func reluSquareBackward(d, act []float32) {
	for i, v := range act {
		d[i] *= 2 * v
	}
}

// softmax turns x into its softmax and returns its maximum and the logarithm's
// argument, the sum of e^(x − max).
func softmax(x []float32) (maximum, sum float32) {
	maximum = x[0]
	for _, v := range x {
		maximum = max(maximum, v)
	}
	for i, v := range x {
		e := float32(math.Exp(float64(v - maximum)))
		x[i] = e
		sum += e
	}
	inverse := 1 / sum
	for i := range x {
		x[i] *= inverse
	}
	return maximum, sum
}
