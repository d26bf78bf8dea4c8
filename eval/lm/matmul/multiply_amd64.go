package matmul

// tiles6 sets count tiles of 6 rows and width ≤ 16 columns, one below the other,
// to the products of a and a packed panel b with k rows, or adds these to them. row
// and column are the bytes between rows and between columns of a, next those
// between the starts of tiles, stride those between rows of c. It is not
// interrupted: the caller bounds k and count.
//
//go:noescape
func tiles6(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)

//go:noescape
func tiles4(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)

//go:noescape
func tiles2(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)

//go:noescape
func tiles1(k, count int, a *float32, row, column, next int, b, c *float32, stride, width int, add bool)

// panel is panelGeneric, in assembly. Two tiles of 4 rows take the place of one of
// 6 and one of 2, which has too few sums to keep the processor busy.
func panel(m, n, k int, a []float32, row, column int, b, c []float32, stride int, add bool) {
	sixes := m / tileRows
	rest := m % tileRows
	if rest == 2 && sixes > 0 {
		sixes, rest = sixes-1, rest+tileRows
	}
	i := 0
	if sixes > 0 {
		tiles6(k, sixes, &a[0], 4*row, 4*column, 4*tileRows*row, &b[0], &c[0], 4*stride, n, add)
		i = tileRows * sixes
	}
	if rest >= 4 {
		tiles4(k, rest/4, &a[i*row], 4*row, 4*column, 4*4*row, &b[0], &c[i*stride], 4*stride, n, add)
		i, rest = i+rest/4*4, rest%4
	}
	if rest >= 2 {
		tiles2(k, 1, &a[i*row], 4*row, 4*column, 0, &b[0], &c[i*stride], 4*stride, n, add)
		i, rest = i+2, rest-2
	}
	if rest > 0 {
		tiles1(k, 1, &a[i*row], 4*row, 4*column, 0, &b[0], &c[i*stride], 4*stride, n, add)
	}
}
