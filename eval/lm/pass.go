package lm

import "finest/eval/lm/matmul"

// segment is one sequence among the rows of a pass: rows [at, at + length).
type segment struct{ at, length int }

// pass computes a model forward and backward on a few sequences. Its buffers
// are used again and again; one goroutine uses it at a time.
type pass struct {
	config  Config
	tables  *rope
	w       weights
	scratch matmul.Scratch

	capacity int // rows
	segments []segment
	rows     int
	tokens   []uint16 // of each row
	targets  []uint16 // the token after each
	owners   []int    // the example of each, while scoring

	x      []float32 // residual stream
	layers []layerState

	embedded, final           []float32 // norms of the embedding and of the last x
	embeddedScale, finalScale []float32

	logits []float32 // of headRows rows
	dx     []float32 // gradient of x
	dNorm  []float32 // of the input of a product
	dWide  []float32 // of a layer's widest activation
	dRow   []float32 // of the attention's output
	dProbs []float32 // of the probabilities of queryRows queries
}

// layerState is what a layer's backward pass needs.
type layerState struct {
	norm, up        []float32 // normed input of attention and MLP
	normScale       []float32
	upScale         []float32
	qkv             []float32 // normed and rotated queries and keys, values
	scales          []float32 // of each row and head, queries then keys
	attended        []float32 // weighted values
	probs           []float32 // of each segment and head
	hidden, squared []float32 // the MLP's hidden layer, its ReLU²
}

// headRows is the number of rows whose logits are computed at once, queryRows
// that of the queries: these look at no key behind the last of them.
const (
	headRows  = 64
	queryRows = 64
)

// newPass makes a pass over at most so many rows; with backward it computes
// gradients, too, and otherwise keeps only one layer's state.
func newPass(c Config, tables *rope, w weights, capacity int, backward bool) *pass {
	p := &pass{config: c, tables: tables, w: w, capacity: capacity}
	p.tokens, p.targets = make([]uint16, capacity), make([]uint16, capacity)
	rows := func(width int) []float32 { return make([]float32, capacity*width) }
	p.x, p.final, p.finalScale = rows(c.Dim), rows(c.Dim), rows(1)
	p.embedded, p.embeddedScale = rows(c.Dim), rows(1)
	p.layers = make([]layerState, c.Layers)
	for i := range p.layers {
		if i > 0 && !backward {
			p.layers[i] = p.layers[0]
			continue
		}
		p.layers[i] = layerState{
			norm: rows(c.Dim), up: rows(c.Dim), normScale: rows(1), upScale: rows(1),
			qkv: rows(3 * c.Dim), scales: rows(2 * c.Heads), attended: rows(c.Dim),
			probs: rows(c.Heads * c.Context), hidden: rows(c.Hidden), squared: rows(c.Hidden),
		}
	}
	p.logits = make([]float32, headRows*c.Vocab)
	if backward {
		p.dx, p.dNorm, p.dRow = rows(c.Dim), rows(c.Dim), rows(c.Dim)
		p.dWide = rows(max(3*c.Dim, c.Hidden))
		p.dProbs = make([]float32, queryRows*c.Context)
	}
	return p
}

// begin empties the pass.
func (p *pass) begin() { p.segments, p.rows = p.segments[:0], 0 }

// add appends the rows of a sequence, one for each token but the last, if there
// is room for them.
func (p *pass) add(tokens []uint16) bool {
	n := len(tokens) - 1
	if p.rows+n > p.capacity {
		return false
	}
	copy(p.tokens[p.rows:], tokens[:n])
	copy(p.targets[p.rows:], tokens[1:])
	p.segments = append(p.segments, segment{p.rows, n})
	p.rows += n
	return true
}

// multiply sets or adds to y the product of x, rows × in, and the transpose of
// w, out × in.
func (p *pass) multiply(y, x, w []float32, out, in int, add bool) {
	p.scratch.Multiply(p.rows, out, in, matmul.Matrix{Data: x, Stride: in},
		matmul.Matrix{Data: w, Stride: in, Transposed: true}, matmul.Matrix{Data: y, Stride: out}, add)
}

// forward computes the final norm of all rows.
func (p *pass) forward() {
	dim := p.config.Dim
	for i, t := range p.tokens[:p.rows] {
		copy(p.x[i*dim:][:dim], p.w.embedding[int(t)*dim:][:dim])
	}
	normRows(p.embedded, p.x, p.embeddedScale[:p.rows], dim)
	copy(p.x, p.embedded[:p.rows*dim])
	for i := range p.layers {
		p.forwardLayer(&p.layers[i], p.w.layers[i])
	}
	normRows(p.final, p.x, p.finalScale[:p.rows], dim)
}

func (p *pass) forwardLayer(s *layerState, w layerWeights) {
	c := p.config
	normRows(s.norm, p.x, s.normScale[:p.rows], c.Dim)
	p.multiply(s.qkv, s.norm, w.qkv, 3*c.Dim, c.Dim, false)
	p.rotate(s)
	for i := range p.segments {
		p.attend(s, p.segments[i])
	}
	p.multiply(p.x, s.attended, w.output, c.Dim, c.Dim, true)

	normRows(s.up, p.x, s.upScale[:p.rows], c.Dim)
	p.multiply(s.hidden, s.up, w.up, c.Hidden, c.Dim, false)
	matmul.SquaredReLU(s.squared[:p.rows*c.Hidden], s.hidden)
	p.multiply(p.x, s.squared, w.down, c.Dim, c.Hidden, true)
}

// multiplyBackward adds to dw the gradient of the weights of multiply and sets
// dx to that of its input.
func (p *pass) multiplyBackward(dx, dw, dy, x, w []float32, out, in int) {
	p.scratch.Multiply(out, in, p.rows, matmul.Matrix{Data: dy, Stride: out, Transposed: true},
		matmul.Matrix{Data: x, Stride: in}, matmul.Matrix{Data: dw, Stride: in}, true)
	p.scratch.Multiply(p.rows, in, out, matmul.Matrix{Data: dy, Stride: out},
		matmul.Matrix{Data: w, Stride: in}, matmul.Matrix{Data: dx, Stride: in}, false)
}

// backward adds the gradients of the weights to g. The gradient of the final
// norm is in dNorm.
func (p *pass) backward(g weights) {
	dim := p.config.Dim
	normRowsBackward(p.dNorm, p.final, p.finalScale[:p.rows], dim)
	copy(p.dx, p.dNorm[:p.rows*dim])
	for i := len(p.layers) - 1; i >= 0; i-- {
		p.backwardLayer(&p.layers[i], p.w.layers[i], g.layers[i])
	}
	normRowsBackward(p.dx, p.embedded, p.embeddedScale[:p.rows], dim)
	for i, t := range p.tokens[:p.rows] {
		matmul.Add(p.dx[i*dim:][:dim], g.embedding[int(t)*dim:])
	}
}

func (p *pass) backwardLayer(s *layerState, w, g layerWeights) {
	c := p.config
	n, rows := p.rows*c.Hidden, p.rows*c.Dim
	p.multiplyBackward(p.dWide, g.down, p.dx, s.squared, w.down, c.Dim, c.Hidden)
	matmul.SquaredReLUBackward(p.dWide[:n], s.hidden, p.dWide)
	p.multiplyBackward(p.dNorm, g.up, p.dWide, s.up, w.up, c.Hidden, c.Dim)
	normRowsBackward(p.dNorm, s.up, s.upScale[:p.rows], c.Dim)
	matmul.Add(p.dNorm[:rows], p.dx)

	p.multiplyBackward(p.dRow, g.output, p.dx, s.attended, w.output, c.Dim, c.Dim)
	for i := range p.segments {
		p.attendBackward(s, p.segments[i])
	}
	p.rotateBackward(s)
	p.multiplyBackward(p.dNorm, g.qkv, p.dWide, s.norm, w.qkv, 3*c.Dim, c.Dim)
	normRowsBackward(p.dNorm, s.norm, s.normScale[:p.rows], c.Dim)
	matmul.Add(p.dNorm[:rows], p.dx)
}
