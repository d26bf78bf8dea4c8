package lm

import (
	"math"

	"finest/eval/lm/matmul"
)

// rope holds the cosines and sines of each position and pair of a head, and the
// scale of the attention.
type rope struct {
	half     int
	cos, sin []float32
	scale    float32
}

// ropeBase is the base of the rotary position embedding's wave lengths (Su et
// al., "RoFormer", arXiv 2104.09864).
const ropeBase = 10000

func newRope(c Config) *rope {
	half := c.Dim / c.Heads / 2
	r := &rope{half: half, cos: make([]float32, c.Context*half), sin: make([]float32, c.Context*half)}
	r.scale = float32(attentionGain / math.Sqrt(float64(2*half)))
	for j := range half {
		frequency := math.Pow(ropeBase, -float64(j)/float64(half))
		for t := range c.Context {
			sin, cos := math.Sincos(float64(t) * frequency)
			r.cos[t*half+j], r.sin[t*half+j] = float32(cos), float32(sin)
		}
	}
	return r
}

// row returns the cosines and sines of position t.
func (r *rope) row(t int) (cos, sin []float32) {
	return r.cos[t*r.half:][:r.half], r.sin[t*r.half:][:r.half]
}

// attentionGain is the root mean square of normed queries times the scale of
// their products with keys: softmax(attentionGain·q̂·k̂/√d).
const attentionGain = 1

// rotate norms the queries and keys of each head and turns them by their
// positions. Queries are multiplied with the scale of the attention as well.
func (p *pass) rotate(s *layerState) {
	c := p.config
	width := c.Dim / c.Heads
	for _, seg := range p.segments {
		for t := range seg.length {
			i := seg.at + t
			cos, sin := p.tables.row(t)
			row, scales := s.qkv[i*3*c.Dim:], s.scales[i*2*c.Heads:]
			for h := range 2 * c.Heads {
				x := row[h*width:][:width]
				scales[h] = matmul.RMSNorm(x, x, epsilon)
				matmul.Rotate(x, cos, sin)
			}
			matmul.Scale(p.tables.scale, row[:c.Dim])
		}
	}
}

// rotateBackward turns the gradients of normed, turned queries and keys in dWide
// into those of what the products gave. It goes back through the norm before it
// turns back: dot products are the same before and after a turn. What rotate
// multiplied queries with is divided out first, and their gradient multiplied
// with it.
func (p *pass) rotateBackward(s *layerState) {
	c := p.config
	width := c.Dim / c.Heads
	for _, seg := range p.segments {
		for t := range seg.length {
			i := seg.at + t
			cos, sin := p.tables.row(t)
			row, d, scales := s.qkv[i*3*c.Dim:], p.dWide[i*3*c.Dim:], s.scales[i*2*c.Heads:]
			matmul.Scale(1/p.tables.scale, row[:c.Dim])
			matmul.Scale(p.tables.scale, d[:c.Dim])
			for h := range 2 * c.Heads {
				x, dx := row[h*width:][:width], d[h*width:][:width]
				matmul.RMSNormBackward(dx, x, dx, scales[h])
				matmul.RotateBack(dx, cos, sin)
			}
		}
	}
}
