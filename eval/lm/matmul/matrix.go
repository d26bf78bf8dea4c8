package matmul

import "fmt"

// Matrix is a matrix in Data, row by row: row i starts at Data[i*Stride].
type Matrix struct {
	Data []float32
	// Stride is the distance of rows, at least the number of columns.
	Stride int
	// Transposed says that Data holds the transposed matrix: column j starts at
	// Data[j*Stride].
	Transposed bool
}

// check panics unless m holds rows × columns elements.
func (m Matrix) check(name string, rows, columns int) {
	if m.Transposed {
		rows, columns = columns, rows
	}
	if rows == 0 || columns == 0 {
		return
	}
	if m.Stride < columns || len(m.Data) < columns || (len(m.Data)-columns)/m.Stride < rows-1 {
		panic(fmt.Sprintf("matmul: %s of %d × %d with stride %d does not fit into %d numbers",
			name, rows, columns, m.Stride, len(m.Data)))
	}
}

// steps returns how far apart in Data neighbours in a column and in a row are.
func (m Matrix) steps() (row, column int) {
	if m.Transposed {
		return 1, m.Stride
	}
	return m.Stride, 1
}
