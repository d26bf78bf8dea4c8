package lm

import (
	"math"

	"finest/eval/lm/matmul"
)

// Constants of Muon: Jordan et al., "Muon: An optimizer for hidden layers in
// neural networks", 2024 (github.com/KellerJordan/Muon).
const (
	muonMomentum   = 0.95
	muonIterations = 5
	muonA          = 3.4445
	muonB          = -4.7750
	muonC          = 2.0315
	muonEpsilon    = 1e-7
)

// muon updates one matrix by its orthogonalised momentum.
type muon struct {
	w, g, m    []float32
	rows, cols int
}

func newMuon(t Tensor, g []float32) *muon {
	return &muon{w: t.Data, g: g, m: make([]float32, len(g)), rows: t.Shape[0], cols: t.Shape[1]}
}

// step makes one update: m ← μ·m + g, W ← W − rate·√max(1, rows/cols)·
// orthogonal(g + μ·m).
func (u *muon) step(o *orthogonaliser, rate float64) {
	matmul.Scale(muonMomentum, u.m)
	matmul.Add(u.g, u.m)
	x := o.x[:len(u.g)]
	copy(x, u.g)
	matmul.Axpy(muonMomentum, u.m, x)
	x = o.orthogonalise(x, u.rows, u.cols)
	size := float32(rate * math.Sqrt(max(1, float64(u.rows)/float64(u.cols))))
	matmul.Axpy(-size, x, u.w)
}

// orthogonaliser brings the singular values of matrices near 1 by Newton-Schulz
// iterations. It has the buffers of one goroutine.
type orthogonaliser struct {
	scratch matmul.Scratch
	x, next []float32
	// Of the shorter side's length squared: x·xᵀ, its polynomial, the product of
	// the polynomials so far, and room for one more.
	gram, poly, product, spare []float32
}

func newOrthogonaliser(c Config) *orthogonaliser {
	all, square := c.Dim*max(c.Dim, c.Hidden), c.Dim*c.Dim
	o := &orthogonaliser{x: make([]float32, all), next: make([]float32, all)}
	for _, part := range []*[]float32{&o.gram, &o.poly, &o.product, &o.spare} {
		*part = make([]float32, square)
	}
	return o
}

// orthogonalise makes the iterations X ← (a + b·G + c·G²)·X, G = X·Xᵀ, on x,
// divided by its norm. The result lies in one of o's buffers. A matrix that is
// higher than wide is multiplied from the right.
func (o *orthogonaliser) orthogonalise(x []float32, rows, cols int) []float32 {
	matmul.Scale(float32(1/(math.Sqrt(float64(matmul.SumSquares(x)))+muonEpsilon)), x)
	n := min(rows, cols)
	if 2*max(rows, cols) > 3*n {
		o.squeeze(x, rows, cols)
		o.multiply(o.next[:len(x)], x, o.product, rows, cols)
		return o.next[:len(x)]
	}
	y := o.next[:len(x)]
	for range muonIterations {
		o.square(x, rows, cols)
		o.polynomial(n)
		o.multiply(y, x, o.poly, rows, cols)
		x, y = y, x
	}
	return x
}

// squeeze sets product to P₅·…·P₁, the polynomials of all iterations, without
// touching x: G ← P·G·P follows G from one to the next, as all of them commute.
// For an oblong x that is less to do.
func (o *orthogonaliser) squeeze(x []float32, rows, cols int) {
	n := min(rows, cols)
	o.square(x, rows, cols)
	o.polynomial(n)
	copy(o.product, o.poly[:n*n])
	for range muonIterations - 1 {
		o.symmetric(o.spare, o.gram, o.poly, n, n, false)
		o.symmetric(o.gram, o.spare, o.poly, n, n, false)
		o.polynomial(n)
		o.symmetric(o.spare, o.product, o.poly, n, n, false)
		o.product, o.spare = o.spare, o.product
	}
}

// square sets gram to x·xᵀ, or xᵀ·x if x is higher than wide.
func (o *orthogonaliser) square(x []float32, rows, cols int) {
	o.symmetric(o.gram, x, x, min(rows, cols), max(rows, cols), rows <= cols)
}

// polynomial sets poly to a + b·G + c·G².
func (o *orthogonaliser) polynomial(n int) {
	o.symmetric(o.poly, o.gram, o.gram, n, n, false)
	matmul.Scale(muonC, o.poly[:n*n])
	matmul.Axpy(muonB, o.gram[:n*n], o.poly)
	for i := range n {
		o.poly[i*n+i] += muonA
	}
}

// multiply sets y to p·x, or x·p if x is higher than wide.
func (o *orthogonaliser) multiply(y, x, p []float32, rows, cols int) {
	n := min(rows, cols)
	left, right := matmul.Matrix{Data: p, Stride: n}, matmul.Matrix{Data: x, Stride: cols}
	if rows > cols {
		left, right = right, left
	}
	o.scratch.Multiply(rows, cols, n, left, right, matmul.Matrix{Data: y, Stride: cols}, false)
}

// symmetric sets z, n × n, to a product that is known to be symmetric, with k
// terms: x·yᵀ of rows where across is set, else xᵀ·y of columns. It computes the
// lower blocks and copies the rest.
func (o *orthogonaliser) symmetric(z, x, y []float32, n, k int, across bool) {
	stride := n
	if across {
		stride = k
	}
	block := (n + symmetricBlocks - 1) / symmetricBlocks
	for from := 0; from < n; from += block {
		to := min(from+block, n)
		left := matmul.Matrix{Data: x[from:], Stride: stride, Transposed: true}
		right := matmul.Matrix{Data: y, Stride: stride}
		if across {
			left = matmul.Matrix{Data: x[from*stride:], Stride: stride}
			right.Transposed = true
		}
		o.scratch.Multiply(to-from, to, k, left, right, matmul.Matrix{Data: z[from*n:], Stride: n}, false)
		for i := from; i < to; i++ {
			for j, v := range z[i*n:][:from] {
				z[j*n+i] = v
			}
		}
	}
}

// symmetricBlocks is the number of blocks of rows in a symmetric product.
const symmetricBlocks = 4
