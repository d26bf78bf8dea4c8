package lm

import (
	"math"

	"finest/eval/lm/matmul"
)

// attentionGain is the root mean square of normed queries times the scale of
// their products with keys: softmax(attentionGain·q̂·k̂/√d).
const attentionGain = 1

// rotate norms the queries and keys of each head and turns them by their
// positions. Queries are multiplied with the scale of the attention as well.
func (p *pass) rotate(s *layerState) {
	c := p.config
	width := c.Dim / c.Heads
	gain := [2]float32{float32(attentionGain / math.Sqrt(float64(width))), 1}
	for _, seg := range p.segments {
		for t := range seg.length {
			i := seg.at + t
			for which, g := range gain {
				for h := range c.Heads {
					x := s.qkv[(i*3+which)*c.Dim+h*width:][:width]
					var scale [1]float32
					normRows(x, x, scale[:], width)
					s.queryScale[(i*2+which)*c.Heads+h] = scale[0]
					p.tables.turn(x, t, g)
				}
			}
		}
	}
}

// turn rotates the pairs (x[j], x[j+half]) by position t and scales them.
func (r *rope) turn(x []float32, t int, gain float32) {
	half := len(x) / 2
	cos, sin := r.cos[t*half:][:half], r.sin[t*half:][:half]
	for j := range half {
		a, b := x[j], x[j+half]
		x[j] = gain * (float32(a*cos[j]) - float32(b*sin[j]))
		x[j+half] = gain * (float32(a*sin[j]) + float32(b*cos[j]))
	}
}

// turnBack rotates by −t.
func (r *rope) turnBack(x []float32, t int) {
	half := len(x) / 2
	cos, sin := r.cos[t*half:][:half], r.sin[t*half:][:half]
	for j := range half {
		a, b := x[j], x[j+half]
		x[j] = float32(a*cos[j]) + float32(b*sin[j])
		x[j+half] = float32(b*cos[j]) - float32(a*sin[j])
	}
}

// rotateBackward turns the gradients of normed, turned queries and keys in dWide
// into those of the products. With y = gain·R·x·r, r the norm's factor,
// dx = gain·r·R⁻¹(dy − y·mean(dy·y)/gain²).
func (p *pass) rotateBackward(s *layerState) {
	c := p.config
	width := c.Dim / c.Heads
	gain := [2]float32{float32(attentionGain / math.Sqrt(float64(width))), 1}
	for _, seg := range p.segments {
		for t := range seg.length {
			i := seg.at + t
			for which, g := range gain {
				for h := range c.Heads {
					at := (i*3+which)*c.Dim + h*width
					y, dy := s.qkv[at:][:width], p.dWide[at:][:width]
					r := s.queryScale[(i*2+which)*c.Heads+h]
					var dot float32
					for j, v := range dy {
						dot += float32(v * y[j])
					}
					mean := dot / float32(width) / (g * g)
					for j, v := range dy {
						dy[j] = g * r * (v - float32(mean*y[j]))
					}
					p.tables.turnBack(dy, t)
				}
			}
		}
	}
}

// heads calls f for each head and block of queries of a segment.
func (p *pass) heads(seg segment, f func(head, from, to int, probs int)) {
	c := p.config
	for h := range c.Heads {
		for from := 0; from < seg.length; from += queryRows {
			to := min(from+queryRows, seg.length)
			// Each row of the segment has Heads × Context places.
			f(h, from, to, seg.at*c.Heads*c.Context+(h*seg.length+from)*seg.length)
		}
	}
}

// attend computes the attention of one sequence: queries [from, to) look at keys
// [0, to), and of these each at those not behind it.
func (p *pass) attend(s *layerState, seg segment) {
	c := p.config
	width := c.Dim / c.Heads
	p.heads(seg, func(head, from, to, at int) {
		q := matmul.Matrix{Data: s.qkv[(seg.at+from)*3*c.Dim+head*width:], Stride: 3 * c.Dim}
		k := matmul.Matrix{Data: s.qkv[seg.at*3*c.Dim+c.Dim+head*width:], Stride: 3 * c.Dim, Transposed: true}
		v := matmul.Matrix{Data: s.qkv[seg.at*3*c.Dim+2*c.Dim+head*width:], Stride: 3 * c.Dim}
		probs := matmul.Matrix{Data: s.probs[at:], Stride: seg.length}
		p.scratch.Multiply(to-from, to, width, q, k, probs, false)
		for i := from; i < to; i++ {
			row := probs.Data[(i-from)*seg.length:]
			softmax(row[:i+1])
			clear(row[i+1 : to])
		}
		out := matmul.Matrix{Data: s.attended[(seg.at+from)*c.Dim+head*width:], Stride: c.Dim}
		p.scratch.Multiply(to-from, width, to, probs, v, out, false)
	})
}

// attendBackward sets the gradients of queries, keys and values in dWide from
// that of the weighted values in dRow.
func (p *pass) attendBackward(s *layerState, seg segment) {
	c := p.config
	width, stride := c.Dim/c.Heads, 3*c.Dim
	p.heads(seg, func(head, from, to, at int) {
		part := func(data []float32, row, which int) matmul.Matrix {
			return matmul.Matrix{Data: data[(seg.at+row)*stride+which*c.Dim+head*width:], Stride: stride}
		}
		n := to - from
		probs := matmul.Matrix{Data: s.probs[at:], Stride: seg.length}
		dOut := matmul.Matrix{Data: p.dRow[(seg.at+from)*c.Dim+head*width:], Stride: c.Dim}
		dProbs := matmul.Matrix{Data: p.dProbs, Stride: to}
		v := part(s.qkv, 0, 2)
		v.Transposed = true
		p.scratch.Multiply(n, to, width, dOut, v, dProbs, false)

		turned := probs
		turned.Transposed = true
		if from == 0 {
			// Later blocks add to the gradients of keys and values.
			p.clearKeys(seg, head)
		}
		p.scratch.Multiply(to, width, n, turned, dOut, part(p.dWide, 0, 2), true)
		for i := from; i < to; i++ {
			softmaxBackward(p.dProbs[(i-from)*to:][:to], probs.Data[(i-from)*seg.length:][:to])
		}
		p.scratch.Multiply(n, width, to, dProbs, part(s.qkv, 0, 1), part(p.dWide, from, 0), false)
		dProbs.Transposed = true
		p.scratch.Multiply(to, width, n, dProbs, part(s.qkv, from, 0), part(p.dWide, 0, 1), true)
	})
}

// clearKeys empties the gradients of a head's keys and values.
func (p *pass) clearKeys(seg segment, head int) {
	c := p.config
	width := c.Dim / c.Heads
	for i := range seg.length {
		row := p.dWide[(seg.at+i)*3*c.Dim+head*width:]
		clear(row[c.Dim:][:width])
		clear(row[2*c.Dim:][:width])
	}
}

// softmaxBackward turns the gradient of probabilities into that of the logits.
func softmaxBackward(d, probs []float32) {
	var dot float32
	for i, v := range d {
		dot += float32(v * probs[i])
	}
	for i, v := range d {
		d[i] = probs[i] * (v - dot)
	}
}
