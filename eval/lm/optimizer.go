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
	first := 1 - math.Pow(adamBeta1, float64(n))
	second := 1 - math.Pow(adamBeta2, float64(n))
	size := float32(rate / first)
	root := float32(1 / math.Sqrt(second))
	for i, g := range a.g {
		m := float32(adamBeta1*a.m[i]) + float32((1-adamBeta1)*g)
		v := float32(adamBeta2*a.v[i]) + float32((1-adamBeta2)*float32(g*g))
		a.m[i], a.v[i] = m, v
		a.w[i] -= size * m / (float32(root*float32(math.Sqrt(float64(v)))) + adamFloor)
	}
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
	for i, g := range u.g {
		u.m[i] = float32(muonMomentum*u.m[i]) + g
		x[i] = g + float32(muonMomentum*u.m[i])
	}
	x = o.orthogonalise(x, u.rows, u.cols)
	size := float32(rate * math.Sqrt(max(1, float64(u.rows)/float64(u.cols))))
	for i, v := range x {
		u.w[i] -= float32(size * v)
	}
}

// orthogonalise brings the singular values of x near 1 and returns the result,
// which lies in one of o's buffers.
func (o *orthogonaliser) orthogonalise(x []float32, rows, cols int) []float32 {
	var sum float32
	for _, v := range x {
		sum += float32(v * v)
	}
	norm := 1 / (float32(math.Sqrt(float64(sum))) + muonFloor)
	for i := range x {
		x[i] *= norm
	}
	y := o.next[:len(x)]
	for range muonIterations {
		o.iterate(y, x, rows, cols)
		x, y = y, x
	}
	return x
}

// iterate sets y to a·x + (b·G + c·G²)·x, G = x·xᵀ; on the shorter side of x.
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
	for i, v := range o.gram[:n*n] {
		o.b[i] = float32(muonB*v) + float32(muonC*o.b[i])
	}
	for i, v := range x {
		y[i] = muonA * v
	}
	if rows <= cols {
		o.scratch.Multiply(rows, cols, n, poly, in, out, true)
	} else {
		o.scratch.Multiply(rows, cols, n, in, poly, out, true)
	}
}

// partOf is the last part of a tensor's name.
func partOf(name string) string { return name[strings.LastIndexByte(name, '.')+1:] }
