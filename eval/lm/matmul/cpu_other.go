//go:build !amd64

package matmul

const hasAVX2FMA = false

var avx2 = generic
