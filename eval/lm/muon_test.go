package lm

import (
	"fmt"
	"math"
	"testing"

	"finest/eval"
)

// newtonSchulz is the iteration of the package's description in float64.
func newtonSchulz(x []float64, rows, cols int) []float64 {
	if rows > cols {
		return transpose(newtonSchulz(transpose(x, rows, cols), cols, rows), cols, rows)
	}
	norm := 0.0
	for _, v := range x {
		norm += v * v
	}
	for i := range x {
		x[i] /= math.Sqrt(norm) + muonEpsilon
	}
	for range 5 {
		a := times(x, transpose(x, rows, cols), rows, cols, rows)
		p := times(a, a, rows, rows, rows)
		for i := range p {
			p[i] = -4.7750*a[i] + 2.0315*p[i]
		}
		y := times(p, x, rows, rows, cols)
		for i := range y {
			y[i] += 3.4445 * x[i]
		}
		x = y
	}
	return x
}

func times(x, y []float64, rows, inner, cols int) []float64 {
	z := make([]float64, rows*cols)
	for i := range rows {
		for k := range inner {
			for j := range cols {
				z[i*cols+j] += x[i*inner+k] * y[k*cols+j]
			}
		}
	}
	return z
}

func transpose(x []float64, rows, cols int) []float64 {
	y := make([]float64, len(x))
	for i := range rows {
		for j := range cols {
			y[j*rows+i] = x[i*cols+j]
		}
	}
	return y
}

func TestOrthogonaliser(t *testing.T) {
	for _, shape := range [][2]int{{1, 1}, {2, 5}, {16, 16}, {33, 33}, {16, 20}, {20, 16}, {16, 64}, {64, 16}, {31, 100}} {
		t.Run(fmt.Sprint(shape), func(t *testing.T) {
			rows, cols := shape[0], shape[1]
			o := newOrthogonaliser(Config{Dim: min(rows, cols), Hidden: max(rows, cols)})
			stream := eval.Seed{}.Sub(t.Name()).Stream()
			x, wide := make([]float32, rows*cols), make([]float64, rows*cols)
			for i := range x {
				x[i] = float32(1e-3 * (stream.Unit() - 0.5))
				wide[i] = float64(x[i])
			}
			got, want := o.orthogonalise(x, rows, cols), newtonSchulz(wide, rows, cols)
			for i, v := range want {
				if math.Abs(float64(got[i])-v) > 1e-4 {
					t.Fatalf("number %d is %v, not %v", i, got[i], v)
				}
			}
		})
	}
}

// TestMuonSteps follows one matrix over two updates, by hand.
func TestMuonSteps(t *testing.T) {
	w := Tensor{Shape: [2]int{4, 2}, Data: []float32{1, 2, 3, 4, 5, 6, 7, 8}}
	g := make([]float32, 8)
	u, o := newMuon(w, g), newOrthogonaliser(Config{Dim: 2, Hidden: 4})
	want, m := []float64{1, 2, 3, 4, 5, 6, 7, 8}, make([]float64, 8)
	for round := range 2 {
		x := make([]float64, 8)
		for i := range g {
			g[i] = float32((i*5+round)%7) - 3
			m[i] = 0.95*m[i] + float64(g[i])
			x[i] = float64(g[i]) + 0.95*m[i]
		}
		u.step(o, 0.5)
		for i, v := range newtonSchulz(x, 4, 2) {
			want[i] -= 0.5 * math.Sqrt2 * v
			if math.Abs(float64(w.Data[i])-want[i]) > 1e-4 {
				t.Errorf("update %d: number %d is %v, not %v", round, i, w.Data[i], want[i])
			}
		}
	}
}

func TestAdamSteps(t *testing.T) {
	w, g := []float32{1, -1}, []float32{0, 0}
	a := newAdam(w, g)
	want, m, v := []float64{1, -1}, []float64{0, 0}, []float64{0, 0}
	for n := 1; n <= 3; n++ {
		for i := range g {
			g[i] = float32(n)*0.3 - float32(i)
			grad := float64(g[i])
			m[i] = 0.9*m[i] + 0.1*grad
			v[i] = 0.95*v[i] + 0.05*grad*grad
			first, second := m[i]/(1-math.Pow(0.9, float64(n))), v[i]/(1-math.Pow(0.95, float64(n)))
			want[i] -= 0.01 * first / (math.Sqrt(second) + 1e-8)
		}
		a.step(0.01, n)
		for i := range w {
			if math.Abs(float64(w[i])-want[i]) > 1e-6 {
				t.Errorf("update %d: number %d is %v, not %v", n, i, w[i], want[i])
			}
		}
	}
}
