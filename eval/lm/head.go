package lm

import (
	"math"

	"finest/eval/lm/matmul"
)

// headForward computes the logits of rows [from, to) of the final norm.
func (p *pass) headForward(from, to int) {
	c := p.config
	p.scratch.Multiply(to-from, c.Vocab, c.Dim, matmul.Matrix{Data: p.final[from*c.Dim:], Stride: c.Dim},
		matmul.Matrix{Data: p.w.head, Stride: c.Dim, Transposed: true}, matmul.Matrix{Data: p.logits, Stride: c.Vocab}, false)
}

// headBackward predicts the target of each row and returns the sum of −ln p. It
// adds the gradient of share times that sum to the head's weights and sets dNorm
// to that of the final norm.
func (p *pass) headBackward(share float32, g weights) float64 {
	c := p.config
	loss := 0.0
	for from := 0; from < p.rows; from += headRows {
		to := min(from+headRows, p.rows)
		p.headForward(from, to)
		for i := from; i < to; i++ {
			row := p.logits[(i-from)*c.Vocab:][:c.Vocab]
			target := p.targets[i]
			logit := row[target]
			maximum := matmul.Max(row)
			sum := matmul.ExpSum(row, row, maximum)
			loss += surprisal(logit, maximum, sum)
			matmul.Scale(share/sum, row)
			row[target] -= share
		}
		d := matmul.Matrix{Data: p.logits, Stride: c.Vocab}
		p.scratch.Multiply(to-from, c.Dim, c.Vocab, d, matmul.Matrix{Data: p.w.head, Stride: c.Dim},
			matmul.Matrix{Data: p.dNorm[from*c.Dim:], Stride: c.Dim}, false)
		d.Transposed = true
		p.scratch.Multiply(c.Vocab, c.Dim, to-from, d, matmul.Matrix{Data: p.final[from*c.Dim:], Stride: c.Dim},
			matmul.Matrix{Data: g.head, Stride: c.Dim}, true)
	}
	return loss
}

// surprisal is −ln p of a token, given its logit, the largest one, and the sum of
// e^(logit − maximum), at least 1. It is not negative.
func surprisal(logit, maximum, sum float32) float64 {
	return logarithm(float64(sum)) + (float64(maximum) - float64(logit))
}

// logarithm is the natural logarithm of a positive number by the series of
// 2·artanh((f−1)/(f+1)), written so that no compiler fuses its sums: math.Log has
// other last bits on other processors.
func logarithm(x float64) float64 {
	if math.IsNaN(x) || math.IsInf(x, 0) {
		return x
	}
	f, exponent := math.Frexp(x)
	if f < math.Sqrt2/2 {
		f, exponent = 2*f, exponent-1
	}
	s := (f - 1) / (f + 1)
	square, sum := float64(s*s), 0.0
	for n := 21; n > 0; n -= 2 {
		sum = float64(sum*square) + 1/float64(n)
	}
	return float64(float64(exponent)*math.Ln2) + float64(2*s*sum)
}
