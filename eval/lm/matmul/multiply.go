package matmul

import "unsafe"

// The product is computed in tiles of tileRows × tileColumns, whose sums stay in
// registers, from blocks that stay in the caches, as in Goto and van de Geijn,
// "Anatomy of High-Performance Matrix Multiplication", ACM TOMS 34(3), 2008.
// blockInner rounds the sums: another value is another kernel class.
const (
	tileRows    = 6
	tileColumns = 16
	// blockInner numbers of tileColumns columns take 16 KiB, half of the nearest
	// cache.
	blockInner   = 256
	blockRows    = 32 * tileRows
	blockColumns = 8 * tileColumns
)

// Scratch holds the copies of blocks that products are made of. The zero value is
// ready for use, by one goroutine at a time.
type Scratch struct {
	panels, left []float32
	// plain takes the generic kernel, whatever the processor has.
	plain bool
}

// Multiply sets the m × n matrix c to the product of the m × k matrix a and the
// k × n matrix b, or adds the product to it. c overlaps neither a nor b; it is not
// transposed. Each number of the product depends, to the last bit, on its row of a
// and its column of b alone, whatever m and n are.
func (s *Scratch) Multiply(m, n, k int, a, b, c Matrix, add bool) {
	if m < 0 || n < 0 || k < 0 {
		panic("matmul: a matrix of negative size")
	}
	c.Transposed = false
	a.check("a", m, k)
	b.check("b", k, n)
	c.check("c", m, n)
	if m == 0 || n == 0 {
		return
	}
	if k == 0 && !add {
		for i := range m {
			clear(c.Data[i*c.Stride:][:n])
		}
	}
	row, column := a.steps()
	for p := 0; p < k; p += blockInner {
		inner := min(blockInner, k-p)
		for j := 0; j < n; j += blockColumns {
			columns := min(blockColumns, n-j)
			s.pack(b, p, j, inner, columns)
			for i := 0; i < m; i += blockRows {
				rows := min(blockRows, m-i)
				left, out := a.Data[i*row+p*column:], c.Data[i*c.Stride+j:]
				if s.fast() {
					s.blockAVX2(rows, columns, inner, left, row, column, out, c.Stride, add || p > 0)
				} else {
					s.blockGeneric(rows, columns, inner, left, row, column, out, c.Stride, add || p > 0)
				}
			}
		}
	}
}

// pack copies the rows × columns numbers of b from row p and column j on into
// panels of tileColumns columns, row after row.
func (s *Scratch) pack(b Matrix, p, j, rows, columns int) {
	s.panels = grow(s.panels, (columns+tileColumns-1)/tileColumns*tileColumns*rows)
	row, column := b.steps()
	for x := 0; x < columns; x += tileColumns {
		panel := s.panels[x*rows:][:tileColumns*rows]
		from, width := b.Data[p*row+(j+x)*column:], min(tileColumns, columns-x)
		if s.fast() {
			packAVX2(panel, from, rows, width, row, column)
		} else {
			packGeneric(panel, from, rows, width, row, column)
		}
	}
}

func (s *Scratch) fast() bool { return hasAVX2FMA && !s.plain }

// lineFloats is the number of float32 in a line of the cache.
const lineFloats = 16

// grow returns a slice of n numbers that starts at a line of the cache, the same
// one if it is large enough.
func grow(s []float32, n int) []float32 {
	if cap(s) >= n {
		return s[:n]
	}
	s = make([]float32, n+lineFloats-1)
	over := int(uintptr(unsafe.Pointer(unsafe.SliceData(s)))/4) % lineFloats
	return s[(lineFloats-over)%lineFloats:][:n]
}
