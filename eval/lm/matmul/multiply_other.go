//go:build !amd64

package matmul

func panel(m, n, k int, a []float32, row, column int, b, c []float32, stride int, add bool) {
	panelGeneric(m, n, k, a, row, column, b, c, stride, add)
}
