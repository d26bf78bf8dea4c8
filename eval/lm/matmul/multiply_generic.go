package matmul

// blockGeneric sets the m × n numbers of c to the product of the m × k numbers of
// a, which lie row and column apart, and the packed panels, or adds it to them.
func (s *Scratch) blockGeneric(m, n, k int, a []float32, row, column int, c []float32, stride int, add bool) {
	for x := 0; x < n; x += tileColumns {
		panel := s.panels[x*k:][:tileColumns*k]
		panelGeneric(m, min(tileColumns, n-x), k, a, row, column, panel, c[x:], stride, add)
	}
}

// panelGeneric is blockGeneric for one panel.
func panelGeneric(m, n, k int, a []float32, row, column int, panel, c []float32, stride int, add bool) {
	for i := range m {
		var sums [tileColumns]float32
		for j := 0; j < n; j += 4 {
			dotGeneric4(sums[j:][:4], k, a[i*row:], column, panel[j:])
		}
		out := c[i*stride:][:n]
		for j := range out {
			if add {
				out[j] += sums[j]
			} else {
				out[j] = sums[j]
			}
		}
	}
}

// dotGeneric4 sets four sums to products of a row and four columns of a panel.
func dotGeneric4(sums []float32, k int, a []float32, column int, panel []float32) {
	var s0, s1, s2, s3 float32
	for p := range k {
		x, b := a[p*column], panel[p*tileColumns:][:4]
		s0 += float32(x * b[0])
		s1 += float32(x * b[1])
		s2 += float32(x * b[2])
		s3 += float32(x * b[3])
	}
	sums[0], sums[1], sums[2], sums[3] = s0, s1, s2, s3
}

// packGeneric copies rows of width numbers into a panel. What a panel has beside
// them goes into sums that nobody stores.
func packGeneric(panel, from []float32, rows, width, row, column int) {
	for p := range rows {
		to := panel[p*tileColumns:][:tileColumns]
		for j := range width {
			to[j] = from[p*row+j*column]
		}
	}
}
