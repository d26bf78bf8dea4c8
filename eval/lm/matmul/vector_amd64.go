package matmul

import "math"

// avx2 are the functions of vectors in assembly. They are not interrupted: the
// caller bounds the length.
var avx2 = functions{
	dot: dotAVX2, max: maxAVX2, axpy: axpyAVX2, add: addAVX2, scale: scaleAVX2,
	expSum: expSum, softmaxBack: softmaxBackAVX2, relu: reluAVX2, reluBack: reluBackAVX2,
	normBack: normBackAVX2, rotate: rotateAVX2, rotateBack: rotateBackAVX2, adam: adamAVX2,
}

// expTable has the constants of exp in the order in which expSumAVX2 reads
// them, each in 8 lanes; the last one is a whole number.
var expTable = [13][8]float32{
	lanes(expLeast), lanes(expMost), lanes(log2e), lanes(ln2High), lanes(ln2Low),
	lanes(expC0), lanes(expC1), lanes(expC2), lanes(expC3), lanes(expC4), lanes(expC5),
	lanes(1), lanes(math.Float32frombits(expBias)),
}

func lanes(x float32) [8]float32 { return [8]float32{x, x, x, x, x, x, x, x} }

func dotAVX2(x, y []float32) float32

func maxAVX2(x []float32) float32

func axpyAVX2(a float32, x, y []float32)

func addAVX2(x, y []float32)

func scaleAVX2(y []float32, a float32, x []float32)

func expSum(dst, x []float32, shift float32) float32 { return expSumAVX2(dst, x, shift, &expTable) }

func expSumAVX2(dst, x []float32, shift float32, table *[13][8]float32) float32

func softmaxBackAVX2(dx, p, dp []float32, mean float32)

func reluAVX2(y, x []float32)

func reluBackAVX2(dx, x, dy []float32)

func normBackAVX2(dx, y, dy []float32, mean, r float32)

func rotateAVX2(low, high, cos, sin []float32)

func rotateBackAVX2(low, high, cos, sin []float32)

func adamAVX2(w, g, m, v []float32, f *adamFactors)
