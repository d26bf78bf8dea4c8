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
	blockColumns = 32 * tileColumns
)

// Scratch holds the copies of blocks that products are made of. The zero value is
// ready for use, by one goroutine at a time.
type Scratch struct {
	panels []float32
	// plain takes the generic kernel, whatever the processor has.
	plain bool
}

// Multiply sets the m × n matrix c to the product of the m × k matrix a and the
// k × n matrix b, or adds the product to it. c overlaps neither a nor b; it is not
// transposed.
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
	for p := 0; p < k; p += blockInner {
		inner := min(blockInner, k-p)
		for j := 0; j < n; j += blockColumns {
			columns := min(blockColumns, n-j)
			s.pack(b, p, j, inner, columns)
			for i := 0; i < m; i += blockRows {
				s.block(min(blockRows, m-i), columns, inner, a, i, p, c, j, add || p > 0)
			}
		}
	}
}

// block multiplies rows of a from row i and column p on with the packed panels.
func (s *Scratch) block(m, n, k int, a Matrix, i, p int, c Matrix, j int, add bool) {
	row, column := a.steps()
	left := a.Data[i*row+p*column:]
	for x := 0; x < n; x += tileColumns {
		right := s.panels[x*k:][:tileColumns*k]
		out, width := c.Data[i*c.Stride+j+x:], min(tileColumns, n-x)
		if hasAVX2FMA && !s.plain {
			panel(m, width, k, left, row, column, right, out, c.Stride, add)
		} else {
			panelGeneric(m, width, k, left, row, column, right, out, c.Stride, add)
		}
	}
}

// pack copies the rows × columns numbers of b from row p and column j on into
// panels of tileColumns columns, row after row. What the last panel lacks is 0.
func (s *Scratch) pack(b Matrix, p, j, rows, columns int) {
	tiles := (columns + tileColumns - 1) / tileColumns
	s.panels = grow(s.panels, tiles*tileColumns*rows)
	row, column := b.steps()
	for t := range tiles {
		panel := s.panels[t*tileColumns*rows:][:tileColumns*rows]
		width := min(tileColumns, columns-t*tileColumns)
		from := b.Data[p*row+(j+t*tileColumns)*column:]
		packGeneric(panel, from, rows, width, row, column)
	}
}

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
