//go:build !amd64

package matmul

func (s *Scratch) blockAVX2(m, n, k int, a []float32, row, column int, c []float32, stride int, add bool) {
	s.blockGeneric(m, n, k, a, row, column, c, stride, add)
}

func packAVX2(panel, from []float32, rows, width, row, column int) {
	packGeneric(panel, from, rows, width, row, column)
}
