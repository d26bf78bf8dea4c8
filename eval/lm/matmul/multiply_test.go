package matmul_test

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"

	"finest/eval/lm/matmul"
)

// kernels are those that this processor has.
func kernels() map[string]*matmul.Scratch {
	all := map[string]*matmul.Scratch{"generic": matmul.Plain()}
	if matmul.Kernel() != "generic" {
		all[matmul.Kernel()] = new(matmul.Scratch)
	}
	return all
}

func newRand() *rand.Rand { return rand.New(rand.NewPCG(6, 16)) }

// wholes are small whole numbers, of which sums of products are exact; gaps that
// rows leave are not a number, so that whoever reads them shows it.
func wholes(r *rand.Rand, rows, columns, stride int, transposed bool) matmul.Matrix {
	if transposed {
		rows, columns = columns, rows
	}
	stride += columns
	data := make([]float32, (rows-1)*stride+columns)
	for i := range data {
		data[i] = float32(math.NaN())
		if i%stride < columns {
			data[i] = float32(r.IntN(17) - 8)
		}
	}
	return matmul.Matrix{Data: data, Stride: stride, Transposed: transposed}
}

func at(m matmul.Matrix, i, j int) float64 {
	if m.Transposed {
		i, j = j, i
	}
	return float64(m.Data[i*m.Stride+j])
}

func product(m, n, k int, a, b matmul.Matrix) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		for p := range k {
			x := at(a, i, p)
			for j := range n {
				c[i*n+j] += float64(x * at(b, p, j))
			}
		}
	}
	return c
}

// guard is what lies between the rows of a result, and stays there.
const guard = 12345

func guarded(rows, columns, stride int) matmul.Matrix {
	c := matmul.Matrix{Data: make([]float32, (rows-1)*stride+columns), Stride: stride}
	for i := range c.Data {
		c.Data[i] = guard
	}
	return c
}

// TestEveryShape multiplies whole numbers, whose products are exact, in every
// shape up to 40: all edges of the tiles, with and without transposing, adding
// and gaps between rows.
func TestEveryShape(t *testing.T) {
	most := 40
	if testing.Short() {
		most = 20
	}
	for name, scratch := range kernels() {
		t.Run(name, func(t *testing.T) {
			r := newRand()
			for m := 1; m <= most; m++ {
				for n := 1; n <= most; n++ {
					for k := 1; k <= most; k++ {
						bits := m + n + k
						a := wholes(r, m, k, bits%3, bits&1 > 0)
						b := wholes(r, k, n, bits%5, bits&2 > 0)
						checkExact(t, scratch, m, n, k, a, b, bits%4, bits&4 > 0)
					}
				}
			}
		})
	}
}

func checkExact(t *testing.T, s *matmul.Scratch, m, n, k int, a, b matmul.Matrix, gap int, add bool) {
	t.Helper()
	c := guarded(m, n, n+gap)
	s.Multiply(m, n, k, a, b, c, add)
	want := product(m, n, k, a, b)
	for i, got := range c.Data {
		row, column := i/c.Stride, i%c.Stride
		expected := float64(guard)
		if column < n {
			expected = want[row*n+column]
			if add {
				expected += guard
			}
		}
		if float64(got) != expected {
			t.Fatalf("%d × %d × %d, transposed %v %v, add %v: row %d column %d is %v, not %v",
				m, n, k, a.Transposed, b.Transposed, add, row, column, got, expected)
		}
	}
}

// TestLargeShapes multiplies random numbers in shapes of several blocks, against
// sums in float64. The bound is that of a sum of k products in any order.
func TestLargeShapes(t *testing.T) {
	shapes := [][3]int{
		{1024, 384, 128}, {128, 384, 1024}, {97, 2048, 129}, {128, 128, 32}, {385, 1031, 511},
		{1, 1, 5000}, {1, 3000, 3}, {3000, 1, 257}, {193, 513, 257},
	}
	for name, scratch := range kernels() {
		for _, shape := range shapes {
			m, n, k := shape[0], shape[1], shape[2]
			t.Run(fmt.Sprintf("%s %d×%d×%d", name, m, n, k), func(t *testing.T) {
				r := newRand()
				a, b := normal(r, m, k, k%2 > 0), normal(r, k, n, n%2 > 0)
				c := matmul.Matrix{Data: make([]float32, m*n), Stride: n}
				scratch.Multiply(m, n, k, a, b, c, false)
				want, bound := product(m, n, k, a, b), product(m, n, k, magnitude(a), magnitude(b))
				for i, got := range c.Data {
					if off := math.Abs(float64(got) - want[i]); off > bound[i]*float64(k)*0x1p-24 {
						t.Fatalf("number %d is %v, not %v", i, got, want[i])
					}
				}
			})
		}
	}
}

func normal(r *rand.Rand, rows, columns int, transposed bool) matmul.Matrix {
	data := make([]float32, rows*columns)
	for i := range data {
		data[i] = float32(r.NormFloat64())
	}
	if transposed {
		return matmul.Matrix{Data: data, Stride: rows, Transposed: true}
	}
	return matmul.Matrix{Data: data, Stride: columns}
}

func magnitude(m matmul.Matrix) matmul.Matrix {
	data := make([]float32, len(m.Data))
	for i, v := range m.Data {
		data[i] = float32(math.Abs(float64(v)))
	}
	m.Data = data
	return m
}
