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

// packRows16 copies 16 numbers of each of the rows, which lie stride bytes apart.
//
//go:noescape
func packRows16(to, from *float32, rows, stride int)

// packRows6 copies tiles of 6 numbers of each of the rows, the tiles next bytes
// apart; it writes 2 numbers behind each tile.
//
//go:noescape
func packRows6(to, from *float32, rows, stride, tiles, next int)

//go:noescape
func packRows4(to, from *float32, rows, stride int)

// packColumns16 copies 4·fours numbers of each of 16 rows, the first ones of all
// rows before the second ones.
//
//go:noescape
func packColumns16(to, from *float32, fours, stride int)

// split says in how many tiles of 6, 4, 2 and 1 rows m rows are computed. Two of 4
// take the place of one of 6 and one of 2, which has too few sums to keep the
// processor busy.
func split(m int) (sixes, fours, twos, ones int) {
	sixes, rest := m/6, m%6
	if rest == 2 && sixes > 0 {
		return sixes - 1, 2, 0, 0
	}
	return sixes, rest / 4, rest % 4 / 2, rest % 2
}

// blockAVX2 is blockGeneric, in assembly.
func (s *Scratch) blockAVX2(m, n, k int, a []float32, row, column int, c []float32, stride int, add bool) {
	sixes, fours, twos, ones := split(m)
	next6, next4 := 6*row, 4*row
	column6, column4 := column, column
	a6, a4, rest := a, a[min(len(a), 6*sixes*row):], a[min(len(a), (6*sixes+4*fours)*row):]
	if row == 1 && column > 1 {
		a6, a4 = s.packLeft(sixes, fours, k, a, column)
		column6, column4, next6, next4 = 6, 4, 6*k+gap, 4*k
	}
	for x := 0; x < n; x += tileColumns {
		b, out, width := &s.panels[x*k], c[x:], min(tileColumns, n-x)
		if sixes > 0 {
			tiles6(k, sixes, &a6[0], 4*row, 4*column6, 4*next6, b, &out[0], 4*stride, width, add)
			out = out[min(len(out), 6*sixes*stride):]
		}
		if fours > 0 {
			tiles4(k, fours, &a4[0], 4*row, 4*column4, 4*next4, b, &out[0], 4*stride, width, add)
			out = out[min(len(out), 4*fours*stride):]
		}
		if twos > 0 {
			tiles2(k, 1, &rest[0], 4*row, 4*column, 0, b, &out[0], 4*stride, width, add)
			out = out[min(len(out), 2*stride):]
		}
		if ones > 0 {
			tiles1(k, 1, &rest[2*twos*row], 4*row, 4*column, 0, b, &out[0], 4*stride, width, add)
		}
	}
}

// gap is left between packed tiles of 6 rows for what packRows6 writes behind
// each.
const gap = 8

// packLeft copies tiles of a, whose columns lie stride apart: neighbours in it are
// in one row.
func (s *Scratch) packLeft(sixes, fours, k int, a []float32, stride int) (six, four []float32) {
	next := 6*k + gap
	s.left = grow(s.left, sixes*next+4*fours*k)
	six, four = s.left[:sixes*next], s.left[sixes*next:]
	if sixes > 0 {
		packRows6(&six[0], &a[0], k, 4*stride, sixes, 4*next)
	}
	for t := range fours {
		packRows4(&four[4*t*k], &a[6*sixes+4*t], k, 4*stride)
	}
	return six, four
}

// packAVX2 is packGeneric, in assembly.
func packAVX2(panel, from []float32, rows, width, row, column int) {
	switch {
	case width < tileColumns:
		packGeneric(panel, from, rows, width, row, column)
	case column == 1:
		packRows16(&panel[0], &from[0], rows, 4*row)
	case row == 1:
		fours := rows / 4
		if fours > 0 {
			packColumns16(&panel[0], &from[0], fours, 4*column)
		}
		if done := 4 * fours; done < rows {
			packGeneric(panel[done*tileColumns:], from[done:], rows-done, width, row, column)
		}
	}
}
