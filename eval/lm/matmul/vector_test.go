package matmul_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"finest/eval/lm/matmul"
)

// eachKernel runs a test with the vector functions of every kernel that this
// processor has.
func eachKernel(t *testing.T, test func(t *testing.T)) {
	t.Run(matmul.Kernel(), test)
	if matmul.Kernel() != "generic" {
		t.Run("generic", func(t *testing.T) {
			defer matmul.UsePlain()()
			test(t)
		})
	}
}

// lengths are all that masks and loops treat differently, and one of several
// stretches.
func lengths() []int {
	var all []int
	for n := range 75 {
		all = append(all, n)
	}
	return append(all, 1000, 40003)
}

// frame is a vector with numbers behind it that nobody may change.
func frame(r *rand.Rand, n int) []float32 {
	x := make([]float32, n+8)
	for i := range x {
		x[i] = float32(r.NormFloat64())
	}
	for i := n; i < len(x); i++ {
		x[i] = guard
	}
	return x[:n]
}

func checkFrame(t *testing.T, x []float32) {
	t.Helper()
	for _, v := range x[len(x):cap(x)] {
		if v != guard {
			t.Fatalf("a vector of %d numbers was written behind its end", len(x))
		}
	}
}

// near says that two numbers are the same but for a few roundings of numbers of
// the size scale.
func near(t *testing.T, what string, got float32, want, scale float64) {
	t.Helper()
	if d := math.Abs(float64(got) - want); !(d <= scale*0x1p-21) {
		t.Fatalf("%s is %v, not %v", what, got, want)
	}
}

func TestSums(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := newRand()
		for _, n := range lengths() {
			x, y := frame(r, n), frame(r, n)
			dot, size, squares, largest := 0.0, 1.0, 0.0, math.Inf(-1)
			for i := range x {
				dot += float64(x[i]) * float64(y[i])
				size += math.Abs(float64(x[i]) * float64(y[i]))
				squares += float64(x[i]) * float64(x[i])
				largest = max(largest, float64(x[i]))
			}
			near(t, fmt.Sprintf("dot product of %d numbers", n), matmul.Dot(x, y), dot, size)
			near(t, fmt.Sprintf("sum of %d squares", n), matmul.SumSquares(x), squares, squares)
			if got := matmul.Max(x); float64(got) != largest {
				t.Fatalf("the largest of %d numbers is %v, not %v", n, got, largest)
			}
		}
	})
}

// TestMaxOfNegatives says that masked lanes, which are read as 0, do not count.
func TestMaxOfNegatives(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, n := range lengths()[1:] {
			if got := matmul.Max(fill(make([]float32, n), -2)); got != -2 {
				t.Fatalf("the largest of %d times −2 is %v", n, got)
			}
		}
	})
}

// TestMaxIsNotANumber puts what is no number in every place.
func TestMaxIsNotANumber(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, n := range []int{1, 7, 8, 9, 31, 33, 71} {
			for i := range n {
				x := make([]float32, n)
				x[i] = float32(math.NaN())
				if got := matmul.Max(x); got == got {
					t.Fatalf("with no number at %d of %d the largest is %v", i, n, got)
				}
			}
		}
	})
}

// elementwise are the functions whose result at i depends on what is at i, with
// the value of each.
var elementwise = map[string]struct {
	run  func(a, b, c []float32)
	want func(a, b, c float64) float64
}{
	"axpy": {
		func(a, b, _ []float32) { matmul.Axpy(0.75, b, a) },
		func(a, b, _ float64) float64 { return a + 0.75*b },
	},
	"add": {
		func(a, b, _ []float32) { matmul.Add(b, a) },
		func(a, b, _ float64) float64 { return a + b },
	},
	"scale": {
		func(a, _, _ []float32) { matmul.Scale(-1.5, a) },
		func(a, _, _ float64) float64 { return -1.5 * a },
	},
	"squared ReLU": {
		func(a, b, _ []float32) { matmul.SquaredReLU(a, b) },
		func(_, b, _ float64) float64 { return max(0, b) * max(0, b) },
	},
	"squared ReLU backward": {
		func(a, b, c []float32) { matmul.SquaredReLUBackward(a, b, c) },
		func(_, b, c float64) float64 { return 2 * max(0, b) * c },
	},
	"squared ReLU backward in place": {
		func(a, b, _ []float32) { matmul.SquaredReLUBackward(a, b, a) },
		func(a, b, _ float64) float64 { return 2 * max(0, b) * a },
	},
	"exp": {
		func(a, b, _ []float32) { matmul.ExpSum(a, b, 0.25) },
		func(_, b, _ float64) float64 { return math.Exp(b - 0.25) },
	},
}

func TestElementwise(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := newRand()
		for name, f := range elementwise {
			for _, n := range lengths() {
				a, b, c := frame(r, n), frame(r, n), frame(r, n)
				before := append([]float32(nil), a...)
				f.run(a, b, c)
				for i := range a {
					x, y, z := float64(before[i]), float64(b[i]), float64(c[i])
					want := f.want(x, y, z)
					near(t, fmt.Sprintf("%s, number %d of %d", name, i, n), a[i], want, 1+math.Abs(x)+math.Abs(want))
				}
				checkFrame(t, a)
				checkFrame(t, b)
				checkFrame(t, c)
			}
		}
	})
}
