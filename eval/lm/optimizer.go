package lm

import (
	"math"
	"strings"

	"finest/eval/lm/matmul"
)

// Constants of the optimisers. AdamW: Loshchilov and Hutter, arXiv 1711.05101.
const (
	adamBeta1 = 0.9
	adamBeta2 = 0.95
	adamFloor = 1e-8
)

// adam updates one tensor.
type adam struct {
	w, g, m, v []float32
}

func newAdam(w, g []float32) *adam {
	return &adam{w: w, g: g, m: make([]float32, len(w)), v: make([]float32, len(w))}
}

// step makes update number n, from 1 on.
func (a *adam) step(rate float64, n int) {
	matmul.Adam{
		Rate: float32(rate), Beta1: adamBeta1, Beta2: adamBeta2, Epsilon: adamFloor,
		Correct1: float32(1 - math.Pow(adamBeta1, float64(n))),
		Correct2: float32(1 - math.Pow(adamBeta2, float64(n))),
	}.Step(a.w, a.g, a.m, a.v)
}

// Constants of Muon: Jordan et al., "Muon: An optimizer for hidden layers in
// neural networks", 2024 (github.com/KellerJordan/Muon).
const (
	muonMomentum   = 0.95
	muonIterations = 5
	muonA          = 3.4445
	muonB          = -4.7750
	muonC          = 2.0315
	muonFloor      = 1e-7
)

// muon updates one matrix by its orthogonalised momentum.
type muon struct {
	w, g, m    []float32
	rows, cols int
}

func newMuon(t Tensor, g []float32) *muon {
	return &muon{w: t.Data, g: g, m: make([]float32, len(g)), rows: t.Shape[0], cols: t.Shape[1]}
}

// orthogonaliser has the buffers of one goroutine's Newton-Schulz iterations.
type orthogonaliser struct {
	scratch          matmul.Scratch
	x, next, gram, b []float32
}

func newOrthogonaliser(c Config) *orthogonaliser {
	small, large := c.Dim, max(c.Dim, c.Hidden)
	return &orthogonaliser{
		x: make([]float32, c.Dim*large), next: make([]float32, c.Dim*large),
		gram: make([]float32, small*small), b: make([]float32, small*small),
	}
}

// step makes one update: m ← μ·m + g, W ← W − rate·√max(1, rows/cols)·
// orthogonal(g + μ·m).
func (u *muon) step(o *orthogonaliser, rate float64) {
	x := o.x[:len(u.g)]
	matmul.Scale(muonMomentum, u.m)
	matmul.Add(u.g, u.m)
	copy(x, u.g)
	matmul.Axpy(muonMomentum, u.m, x)
	x = o.orthogonalise(x, u.rows, u.cols)
	size := float32(rate * math.Sqrt(max(1, float64(u.rows)/float64(u.cols))))
	matmul.Axpy(-size, x, u.w)
}

// orthogonalise brings the singular values of x near 1 and returns the result,
// which lies in one of o's buffers.
func (o *orthogonaliser) orthogonalise(x []float32, rows, cols int) []float32 {
	matmul.Scale(float32(1/(math.Sqrt(float64(matmul.SumSquares(x)))+muonFloor)), x)
	y := o.next[:len(x)]
	for range muonIterations {
		o.iterate(y, x, rows, cols)
		x, y = y, x
	}
	return x
}

// iterate sets y to (a + b·G + c·G²)·x, G = x·xᵀ; on the shorter side of x.
func (o *orthogonaliser) iterate(y, x []float32, rows, cols int) {
	n := min(rows, cols)
	gram := matmul.Matrix{Data: o.gram, Stride: n}
	poly := matmul.Matrix{Data: o.b, Stride: n}
	in := matmul.Matrix{Data: x, Stride: cols}
	turned := matmul.Matrix{Data: x, Stride: cols, Transposed: true}
	out := matmul.Matrix{Data: y, Stride: cols}
	if rows <= cols {
		o.scratch.Multiply(n, n, cols, in, turned, gram, false)
	} else {
		o.scratch.Multiply(n, n, rows, turned, in, gram, false)
	}
	o.scratch.Multiply(n, n, n, gram, gram, poly, false)
	matmul.Scale(muonC, o.b[:n*n])
	matmul.Axpy(muonB, o.gram[:n*n], o.b)
	for i := range n {
		o.b[i*n+i] += muonA
	}
	if rows <= cols {
		o.scratch.Multiply(rows, cols, n, poly, in, out, false)
	} else {
		o.scratch.Multiply(rows, cols, n, in, poly, out, false)
	}
}

// partOf is the last part of a tensor's name.
func partOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
