package lm

import "finest/eval/lm/matmul"

// heads calls f for each head and block of queries of a segment.
func (p *pass) heads(seg segment, f func(head, from, to, probs int)) {
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
			matmul.Softmax(row[:i+1])
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
			d := p.dProbs[(i-from)*to:][:to]
			matmul.SoftmaxBackward(d[:i+1], probs.Data[(i-from)*seg.length:], d)
			clear(d[i+1:])
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
