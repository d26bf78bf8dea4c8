//go:build unix

package matmul_test

import (
	"os"
	"syscall"
	"testing"
	"unsafe"

	"finest/eval/lm/matmul"
)

// fence is memory between two pages that nobody may touch: who reads or writes
// before its start or behind its end is killed.
type fence []float32

func newFence(t *testing.T, numbers int) fence {
	t.Helper()
	page := os.Getpagesize()
	size := (4*numbers+page-1)/page*page + 2*page
	raw, err := syscall.Mmap(-1, 0, size, syscall.PROT_READ|syscall.PROT_WRITE, syscall.MAP_ANON|syscall.MAP_PRIVATE)
	if err != nil {
		t.Skipf("no memory map: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Munmap(raw); err != nil {
			t.Error(err)
		}
	})
	for _, edge := range [][]byte{raw[:page], raw[size-page:]} {
		if err := syscall.Mprotect(edge, syscall.PROT_NONE); err != nil {
			t.Skipf("no protected page: %v", err)
		}
	}
	inner := raw[page : size-page]
	return unsafe.Slice((*float32)(unsafe.Pointer(unsafe.SliceData(inner))), len(inner)/4)
}

// first and last return n numbers at either edge, all of them x.
func (f fence) first(n int, x float32) []float32 { return fill(f[:n:n], x) }
func (f fence) last(n int, x float32) []float32  { return fill(f[len(f)-n:], x) }

func TestMultiplyStaysInside(t *testing.T) {
	sizes := []int{1, 2, 3, 4, 5, 6, 7, 8, 11, 13, 15, 16, 17, 31, 33}
	at := map[string]func(fence, int, float32) []float32{"first": fence.first, "last": fence.last}
	left, right, out := newFence(t, 33*33), newFence(t, 33*33), newFence(t, 33*33)
	for name, scratch := range kernels() {
		for edge, place := range at {
			for _, m := range sizes {
				for _, n := range sizes {
					for _, k := range sizes {
						for turned := range 4 {
							a := matmul.Matrix{Data: place(left, m*k, 2), Stride: k}
							if turned&1 > 0 {
								a.Stride, a.Transposed = m, true
							}
							b := matmul.Matrix{Data: place(right, k*n, 3), Stride: n}
							if turned&2 > 0 {
								b.Stride, b.Transposed = k, true
							}
							c := matmul.Matrix{Data: place(out, m*n, 1), Stride: n}
							scratch.Multiply(m, n, k, a, b, c, true)
							for i, v := range c.Data {
								if v != float32(1+6*k) {
									t.Fatalf("%s, %s, %d × %d × %d: number %d is %v", name, edge, m, n, k, i, v)
								}
							}
						}
					}
				}
			}
		}
	}
}

func TestVectorsStayInside(t *testing.T) {
	const most = 75
	fences := [4]fence{newFence(t, most), newFence(t, most), newFence(t, most), newFence(t, most)}
	at := map[string]func(fence, int, float32) []float32{"first": fence.first, "last": fence.last}
	eachKernel(t, func(t *testing.T) {
		for edge, place := range at {
			for n := 1; n <= most; n++ {
				var x [4][]float32
				for i := range x {
					x[i] = place(fences[i], n, 1)
				}
				for _, f := range elementwise {
					f.run(x[0], x[1], x[2])
				}
				fill(x[0], 1)
				if dot, largest := matmul.Dot(x[0], x[1]), matmul.Max(x[0]); dot != float32(n) || largest != 1 {
					t.Fatalf("%s, %d ones: dot product %v, largest %v", edge, n, dot, largest)
				}
				matmul.Softmax(x[0])
				matmul.SoftmaxBackward(x[1], x[0], x[2])
				matmul.RMSNormBackward(x[1], x[0], x[2], matmul.RMSNorm(x[0], x[3], 1))
				matmul.Adam{Correct1: 1, Correct2: 1, Epsilon: 1}.Step(x[0], x[1], x[2], x[3])
				half := n / 2
				matmul.Rotate(x[0][:2*half], x[1][n-half:], x[2][n-half:])
				matmul.RotateBack(x[0][:2*half], x[1][n-half:], x[2][n-half:])
			}
		}
	})
}
