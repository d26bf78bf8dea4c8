package matmul_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"hash"
	"math"
	"math/rand/v2"
	"testing"

	"finest/eval/lm/matmul"
)

// golden are digests of what the kernels compute, to the last bit. They are the
// same on every processor that has the class; whoever changes one changes what
// models are trained to, and lm.Version with it.
var golden = map[string]string{
	"generic":  "b88092306008e3855ba59d9958e480a43655216fbe676665e78535d306105a25",
	"avx2-fma": "b55b11a869a328b4300b5b4d789f3380a3b98d9962e2a6a2ef1a98df816cc76c",
}

func TestGolden(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		name, scratch := matmul.Kernel(), new(matmul.Scratch)
		if matmul.Plainly() {
			name, scratch = "generic", matmul.Plain()
		}
		r, h := newRand(), sha256.New()
		for _, shape := range [][3]int{{40, 50, 60}, {13, 33, 700}, {200, 17, 9}} {
			m, n, k := shape[0], shape[1], shape[2]
			c := make([]float32, m*n)
			scratch.Multiply(m, n, k, normal(r, m, k, m%2 > 0), normal(r, k, n, n%2 > 0), matmul.Matrix{Data: c, Stride: n}, false)
			digest(h, c)
		}
		for _, n := range []int{29, 128, 20011} {
			digestVectors(h, r, n)
		}
		if got := hex.EncodeToString(h.Sum(nil)); got != golden[name] {
			t.Errorf("%s computes %s, not %s", name, got, golden[name])
		}
	})
}

func digestVectors(h hash.Hash, r *rand.Rand, n int) {
	var x [4][]float32
	for i := range x {
		x[i] = frame(r, n)
	}
	sums := []float32{
		matmul.Dot(x[0], x[1]), matmul.SumSquares(x[2]), matmul.Max(x[3]),
		matmul.ExpSum(x[3], x[3], 0.5), matmul.RMSNorm(x[2], x[1], 1e-6),
	}
	matmul.Axpy(0.3, x[0], x[1])
	matmul.Scale(0.7, x[1])
	matmul.Softmax(x[1])
	matmul.SoftmaxBackward(x[2], x[1], x[2])
	matmul.RMSNormBackward(x[0], x[2], x[0], 1.25)
	matmul.Rotate(x[0][:n/2*2], x[3][:n/2], x[2][:n/2])
	matmul.RotateBack(x[0][:n/2*2], x[2][:n/2], x[3][:n/2])
	matmul.SquaredReLU(x[3], x[3])
	adam := matmul.Adam{Rate: 0.01, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Decay: 0.1, Correct1: 0.19, Correct2: 0.0975}
	adam.Step(x[0], x[1], x[2], x[3])
	matmul.SquaredReLUBackward(x[1], x[2], x[1])
	matmul.Add(x[0], x[1])
	for _, v := range x {
		digest(h, v)
	}
	digest(h, sums)
}

func digest(h hash.Hash, x []float32) {
	for _, v := range x {
		h.Write(binary.LittleEndian.AppendUint32(nil, math.Float32bits(v)))
	}
}
