package matmul_test

import (
	"fmt"
	"math"
	"testing"

	"finest/eval/lm/matmul"
)

// TestExp goes through all that a float32 can hold in steps that meet every
// exponent, and through the places where the result becomes 0 and infinite.
func TestExp(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		worst := 0.0
		for i := range 1 << 18 {
			x := -87.3 + float64(i)*(175.6/(1<<18))
			y := []float32{float32(x)}
			matmul.ExpSum(y, y, 0)
			want := math.Exp(float64(float32(x)))
			worst = max(worst, math.Abs(float64(y[0])-want)/want)
		}
		if worst > 0x1p-23 {
			t.Errorf("relative error of %v", worst)
		}
		t.Logf("largest relative error: 2^%.2f", math.Log2(worst))
		inf := float32(math.Inf(1))
		for _, c := range []struct{ x, want float32 }{
			{-inf, 0}, {-math.MaxFloat32, 0}, {-200, 0}, {-88, 0}, {0, 1}, {88.9, inf}, {200, inf}, {inf, inf},
		} {
			y := []float32{c.x}
			if sum := matmul.ExpSum(y, y, 0); y[0] != c.want || sum != c.want {
				t.Errorf("exp(%v) is %v, with the sum %v, not %v", c.x, y[0], sum, c.want)
			}
		}
	})
}

// TestNotANumber says that what is no number stays visible in results.
func TestNotANumber(t *testing.T) {
	nan := float32(math.NaN())
	eachKernel(t, func(t *testing.T) {
		for _, n := range []int{3, 8, 13, 40} {
			for name, f := range elementwise {
				a, b, c := ones(n), ones(n), ones(n)
				a[n-1], b[n-1], c[n-1] = nan, nan, nan
				if f.run(a, b, c); a[n-1] == a[n-1] || a[0] != a[0] {
					t.Errorf("%s of %d numbers, the last being none: %v … %v", name, n, a[0], a[n-1])
				}
			}
			x := ones(n)
			x[n-1] = nan
			if got := matmul.Dot(ones(n), x); got == got {
				t.Errorf("dot product of %d numbers, the last being none: %v", n, got)
			}
			if got := matmul.ExpSum(ones(n), x, 0); got == got {
				t.Errorf("sum of %d exponentials, the last being none: %v", n, got)
			}
			if matmul.Softmax(x); x[0] == x[0] {
				t.Errorf("softmax of %d numbers, the last being none: %v …", n, x[0])
			}
		}
	})
}

func ones(n int) []float32 { return fill(make([]float32, n), 1) }

func fill(s []float32, x float32) []float32 {
	for i := range s {
		s[i] = x
	}
	return s
}

func TestSoftmax(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := newRand()
		for _, n := range lengths()[1:] {
			x, dp := frame(r, n), frame(r, n)
			p, sum := make([]float64, n), 0.0
			for i := range p {
				p[i] = math.Exp(float64(x[i]))
				sum += p[i]
			}
			mean, size := 0.0, 1.0
			for i := range p {
				p[i] /= sum
				mean += p[i] * float64(dp[i])
				size = max(size, math.Abs(float64(dp[i])))
			}
			matmul.Softmax(x)
			dx := frame(r, n)
			matmul.SoftmaxBackward(dx, x, dp)
			for i := range p {
				near(t, fmt.Sprintf("softmax %d of %d", i, n), x[i], p[i], p[i])
				near(t, fmt.Sprintf("gradient %d of %d", i, n), dx[i], p[i]*(float64(dp[i])-mean), 2*size*p[i])
			}
			checkFrame(t, x)
			checkFrame(t, dx)
		}
	})
}

func TestRMSNorm(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := newRand()
		const epsilon = 1e-2
		for _, n := range lengths()[1:] {
			x, y, dy, dx := frame(r, n), frame(r, n), frame(r, n), frame(r, n)
			squares, dot := 0.0, 0.0
			for i := range x {
				squares += float64(x[i]) * float64(x[i])
			}
			factor := 1 / math.Sqrt(squares/float64(n)+epsilon)
			near(t, "factor", matmul.RMSNorm(y, x, epsilon), factor, factor)
			size := 1.0
			for i := range x {
				dot += float64(dy[i]) * float64(x[i]) * factor
				size = max(size, math.Abs(float64(dy[i])))
			}
			matmul.RMSNormBackward(dx, y, dy, float32(factor))
			for i := range x {
				want := float64(x[i]) * factor
				near(t, fmt.Sprintf("norm %d of %d", i, n), y[i], want, math.Abs(want))
				slope := factor * (float64(dy[i]) - want*dot/float64(n))
				near(t, fmt.Sprintf("gradient %d of %d", i, n), dx[i], slope, 4*factor*size*(1+math.Abs(want)))
			}
			checkFrame(t, y)
			checkFrame(t, dx)
		}
	})
}

// TestRMSNormBeyondRange says that numbers whose squares are beyond float32 do
// not become zeros.
func TestRMSNormBeyondRange(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		for _, n := range []int{1, 8, 21} {
			x := fill(make([]float32, n), 1e20)
			if r := matmul.RMSNorm(x, x, 1e-6); r == r || x[n-1] == x[n-1] {
				t.Errorf("%d times 1e20 become %v by the factor %v", n, x[n-1], r)
			}
			x = fill(make([]float32, n), 1e18)
			if r := matmul.RMSNorm(x, x, 1e-6); math.Abs(float64(x[n-1])-1) > 1e-6 {
				t.Errorf("%d times 1e18 become %v by the factor %v", n, x[n-1], r)
			}
		}
	})
}

func TestRotate(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := newRand()
		for _, h := range []int{1, 3, 8, 16, 21, 32, 40003} {
			x := frame(r, 2*h)
			before := append([]float32(nil), x...)
			cos, sin := make([]float32, h), make([]float32, h)
			for i := range cos {
				s, c := math.Sincos(float64(i + 1))
				cos[i], sin[i] = float32(c), float32(s)
			}
			matmul.Rotate(x, cos, sin)
			for i := range h {
				s, c := math.Sincos(float64(i + 1))
				a, b := float64(before[i]), float64(before[i+h])
				near(t, "first of a pair", x[i], a*c-b*s, math.Abs(a)+math.Abs(b))
				near(t, "second of a pair", x[i+h], b*c+a*s, math.Abs(a)+math.Abs(b))
			}
			matmul.RotateBack(x, cos, sin)
			for i := range x {
				near(t, "turned back", x[i], float64(before[i]), 4)
			}
			checkFrame(t, x)
		}
	})
}

func TestAdam(t *testing.T) {
	eachKernel(t, func(t *testing.T) {
		r := newRand()
		a := matmul.Adam{Rate: 0.01, Beta1: 0.9, Beta2: 0.95, Epsilon: 1e-8, Decay: 0.1, Correct1: 0.19, Correct2: 0.0975}
		for _, n := range lengths() {
			w, g, m, v := frame(r, n), frame(r, n), frame(r, n), frame(r, n)
			for i := range v {
				v[i] *= v[i]
			}
			wants := [3][]float64{make([]float64, n), make([]float64, n), make([]float64, n)}
			for i := range n {
				first := 0.9*float64(m[i]) + 0.1*float64(g[i])
				second := 0.95*float64(v[i]) + 0.05*float64(g[i])*float64(g[i])
				wants[0][i] = float64(w[i])*(1-0.01*0.1) - 0.01*(first/0.19)/(math.Sqrt(second/0.0975)+1e-8)
				wants[1][i], wants[2][i] = first, second
			}
			a.Step(w, g, m, v)
			for i := range n {
				near(t, fmt.Sprintf("weight %d of %d", i, n), w[i], wants[0][i], 4)
				near(t, fmt.Sprintf("first moment %d of %d", i, n), m[i], wants[1][i], 4)
				near(t, fmt.Sprintf("second moment %d of %d", i, n), v[i], wants[2][i], 1+wants[2][i])
			}
			for _, x := range [][]float32{w, g, m, v} {
				checkFrame(t, x)
			}
		}
	})
}
