package lm

import "finest/eval/lm/matmul"

// epsilon is added to the mean square in every RMSNorm.
const epsilon = 1e-6

// normRows sets each row of y to the RMSNorm of the row of x, and scales to the
// factors.
func normRows(y, x, scales []float32, dim int) {
	for i := range scales {
		scales[i] = matmul.RMSNorm(y[i*dim:][:dim], x[i*dim:], epsilon)
	}
}

// normRowsBackward turns the gradient d of y, whose rows are norms with the
// factors scales, into that of what they are the norm of.
func normRowsBackward(d, y, scales []float32, dim int) {
	for i, r := range scales {
		row := d[i*dim:][:dim]
		matmul.RMSNormBackward(row, y[i*dim:], row, r)
	}
}
