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

// dense returns the matrix, or the magnitudes of its numbers, row by row.
func dense(m matmul.Matrix, rows, columns int, value func(float64) float64) []float64 {
	all := make([]float64, rows*columns)
	for i := range rows {
		for j := range columns {
			all[i*columns+j] = value(at(m, i, j))
		}
	}
	return all
}

func same(x float64) float64 { return x }

func product(m, n, k int, a, b []float64) []float64 {
	c := make([]float64, m*n)
	for i := range m {
		row := c[i*n:][:n]
		for p, x := range a[i*k:][:k] {
			for j, y := range b[p*n:][:n] {
				row[j] += float64(x * y)
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

// TestEveryShape multiplies whole numbers, whose products are exact, in shapes
// up to 40: all edges of the tiles, sums of every length around the four terms of
// a loop, with and without transposing, adding and gaps between rows.
func TestEveryShape(t *testing.T) {
	r, scratches := newRand(), kernels()
	for m := 1; m <= 40; m++ {
		for n := 1; n <= 40; n++ {
			for _, k := range []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 39} {
				bits := m + n + k
				a := wholes(r, m, k, bits%3, bits&1 > 0)
				b := wholes(r, k, n, bits%5, bits&2 > 0)
				want := product(m, n, k, dense(a, m, k, same), dense(b, k, n, same))
				for name, scratch := range scratches {
					add := bits&4 > 0
					c := guarded(m, n, n+bits%4)
					scratch.Multiply(m, n, k, a, b, c, add)
					if i, expected := differing(c, n, want, add); i >= 0 {
						t.Fatalf("%s, %d × %d × %d, transposed %v %v, add %v: row %d column %d is %v, not %v", name,
							m, n, k, a.Transposed, b.Transposed, add, i/c.Stride, i%c.Stride, c.Data[i], expected)
					}
				}
			}
		}
	}
}

// differing returns the first number of c that is not as it should be, or −1.
func differing(c matmul.Matrix, n int, want []float64, add bool) (int, float64) {
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
			return i, expected
		}
	}
	return -1, 0
}

// TestLargeShapes multiplies random numbers in shapes of several blocks, against
// sums in float64. The bound is that of a sum of k products in any order.
func TestLargeShapes(t *testing.T) {
	r := newRand()
	for _, shape := range [][3]int{
		{512, 384, 128}, {128, 384, 512}, {97, 1024, 129}, {128, 128, 32}, {385, 301, 511},
		{1, 1, 5000}, {1, 3000, 3}, {3000, 1, 257}, {193, 257, 257},
	} {
		m, n, k := shape[0], shape[1], shape[2]
		a, b := normal(r, m, k, k%2 > 0), normal(r, k, n, n%2 > 0)
		want := product(m, n, k, dense(a, m, k, same), dense(b, k, n, same))
		bound := product(m, n, k, dense(a, m, k, math.Abs), dense(b, k, n, math.Abs))
		for name, scratch := range kernels() {
			t.Run(fmt.Sprintf("%s %d×%d×%d", name, m, n, k), func(t *testing.T) {
				c := matmul.Matrix{Data: make([]float32, m*n), Stride: n}
				scratch.Multiply(m, n, k, a, b, c, false)
				for i, got := range c.Data {
					if off := math.Abs(float64(got) - want[i]); !(off <= bound[i]*float64(k)*0x1p-24) {
						t.Fatalf("number %d is %v, not %v", i, got, want[i])
					}
				}
			})
		}
	}
}

// TestRowsStandAlone says that a number of the product depends on its row and
// its column alone, to the last bit, whatever else is computed at once.
func TestRowsStandAlone(t *testing.T) {
	const m, n, k = 200, 150, 300
	r := newRand()
	a, b := normal(r, m, k, false), normal(r, k, n, false)
	for name, scratch := range kernels() {
		whole := make([]float32, m*n)
		scratch.Multiply(m, n, k, a, b, matmul.Matrix{Data: whole, Stride: n}, false)
		for range 200 {
			i, j := r.IntN(m), r.IntN(n)
			rows, columns := 1+r.IntN(m-i), 1+r.IntN(n-j)
			c := make([]float32, rows*columns)
			scratch.Multiply(rows, columns, k, matmul.Matrix{Data: a.Data[i*k:], Stride: k},
				matmul.Matrix{Data: b.Data[j:], Stride: n}, matmul.Matrix{Data: c, Stride: columns}, false)
			for x, got := range c {
				if want := whole[(i+x/columns)*n+j+x%columns]; got != want {
					t.Fatalf("%s: row %d column %d of %d × %d from %d, %d on: %v, not %v",
						name, x/columns, x%columns, rows, columns, i, j, got, want)
				}
			}
		}
	}
}

// TestMultiplyNotFinite says that what is no number or infinite meets its row and
// its column, and nothing else.
func TestMultiplyNotFinite(t *testing.T) {
	const m, n, k, row, column = 15, 21, 9, 13, 18
	for name, scratch := range kernels() {
		for _, x := range []float64{math.NaN(), math.Inf(1), math.Inf(-1)} {
			for turned := range 2 {
				a := matmul.Matrix{Data: ones(m * k), Stride: k}
				b := matmul.Matrix{Data: ones(k * n), Stride: n}
				inRow := turned == 0
				if inRow {
					a.Data[row*k+4] = float32(x)
				} else {
					b.Data[4*n+column] = float32(x)
				}
				c := make([]float32, m*n)
				scratch.Multiply(m, n, k, a, b, matmul.Matrix{Data: c, Stride: n}, false)
				for i, got := range c {
					want := float64(k)
					if inRow && i/n == row || !inRow && i%n == column {
						want += x
					}
					if float64(got) != want && !(math.IsNaN(want) && got != got) {
						t.Fatalf("%s, %v: row %d column %d is %v, not %v", name, x, i/n, i%n, got, want)
					}
				}
			}
		}
	}
}

func TestNothingToMultiply(t *testing.T) {
	for name, scratch := range kernels() {
		c := matmul.Matrix{Data: []float32{1, 2, 3, 4}, Stride: 2}
		scratch.Multiply(2, 0, 5, matmul.Matrix{Data: make([]float32, 10), Stride: 5}, matmul.Matrix{}, c, false)
		scratch.Multiply(2, 2, 0, matmul.Matrix{}, matmul.Matrix{}, c, true)
		if got := fmt.Sprint(c.Data); got != "[1 2 3 4]" {
			t.Errorf("%s: nothing was added, and there is %s", name, got)
		}
		scratch.Multiply(1, 2, 0, matmul.Matrix{}, matmul.Matrix{}, c, false)
		if got := fmt.Sprint(c.Data); got != "[0 0 3 4]" {
			t.Errorf("%s: a row of empty sums is %s", name, got)
		}
	}
}

func TestTooShort(t *testing.T) {
	good := matmul.Matrix{Data: make([]float32, 12), Stride: 4} // 3 × 4
	for name, c := range map[string]struct{ a, b, c matmul.Matrix }{
		"a short":             {matmul.Matrix{Data: make([]float32, 11), Stride: 4}, good, good},
		"b short":             {good, matmul.Matrix{Data: make([]float32, 15), Stride: 4}, good},
		"c short":             {good, matmul.Matrix{Data: make([]float32, 16), Stride: 4}, matmul.Matrix{Data: make([]float32, 11), Stride: 4}},
		"rows overlap":        {matmul.Matrix{Data: make([]float32, 12), Stride: 3}, matmul.Matrix{Data: make([]float32, 16), Stride: 4}, good},
		"no stride":           {matmul.Matrix{Data: make([]float32, 12)}, matmul.Matrix{Data: make([]float32, 16), Stride: 4}, good},
		"transposed overlaps": {matmul.Matrix{Data: make([]float32, 12), Stride: 2, Transposed: true}, matmul.Matrix{Data: make([]float32, 16), Stride: 4}, good},
	} {
		t.Run(name, func(t *testing.T) {
			defer func() {
				if recover() == nil {
					t.Error("3 × 4 × 4 is multiplied")
				}
			}()
			new(matmul.Scratch).Multiply(3, 4, 4, c.a, c.b, c.c, false)
		})
	}
}

// TestScratchIsUsedAgain says that only the first product of a size allocates.
func TestScratchIsUsedAgain(t *testing.T) {
	a, b := matmul.Matrix{Data: ones(50 * 70), Stride: 50, Transposed: true}, matmul.Matrix{Data: ones(70 * 90), Stride: 90}
	c := matmul.Matrix{Data: make([]float32, 50*90), Stride: 90}
	for name, scratch := range kernels() {
		if n := testing.AllocsPerRun(10, func() { scratch.Multiply(50, 90, 70, a, b, c, true) }); n > 0 {
			t.Errorf("%s: %v allocations a product", name, n)
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
