package langid

import (
	"encoding/binary"
	"math"
)

// codes is the number of centroids of a product quantiser: one per byte value.
const codes = 256

// matrix reads a matrix; a quantised one is expanded.
func (r *reader) matrix(quantised bool) matrix {
	if quantised {
		return r.quantisedMatrix()
	}
	var m matrix
	m.rows, m.cols = r.shape(int64(r.total) / 4)
	m.data = r.floats(m.rows * m.cols)
	return m
}

// shape reads the numbers of rows and columns of a matrix of at most limit
// numbers.
func (r *reader) shape(limit int64) (rows, cols int) {
	m, n := r.int64(), r.int64()
	cols = r.between("columns of a matrix", n, 1, maxDim)
	if r.err != nil {
		return 0, 0
	}
	return r.between("rows of a matrix", m, 0, limit/int64(cols)), cols
}

func (r *reader) quantisedMatrix() matrix {
	hasNorms := r.bool()
	var m matrix
	m.rows, m.cols = r.shape(int64(r.total) * maxInflation)
	rowCodes := r.bytes(r.int32())
	q := r.quantiser(m.cols)
	if len(rowCodes) != m.rows*q.parts {
		r.fail("%d codes for %d rows of %d parts", len(rowCodes), m.rows, q.parts)
	}
	var normCodes []byte
	var norms quantiser
	if hasNorms {
		normCodes = r.bytes(m.rows)
		norms = r.quantiser(1)
	}
	if r.err != nil {
		return matrix{}
	}
	m.data = make([]byte, 4*m.rows*m.cols)
	for i := range m.rows {
		norm := float32(1)
		if hasNorms {
			norm = number(norms.centroids, int(normCodes[i]))
		}
		q.expand(m.row(int32(i)), rowCodes[i*q.parts:], norm)
	}
	return m
}

// quantiser is a product quantiser: a vector is cut into parts of width numbers,
// the last one perhaps shorter, and each part is one of 256 centroids.
type quantiser struct {
	parts, width, last int
	centroids          []byte
}

func (r *reader) quantiser(dim int) quantiser {
	if d := r.int32(); d != dim {
		r.fail("quantiser of %d numbers for %d columns", d, dim)
	}
	q := quantiser{
		parts: r.between("parts of a quantiser", int64(r.int32()), 1, int64(dim)),
		width: r.between("width of a quantiser", int64(r.int32()), 1, int64(dim)),
		last:  r.between("last width of a quantiser", int64(r.int32()), 1, int64(dim)),
	}
	if r.err == nil && (q.last > q.width || (q.parts-1)*q.width+q.last != dim) {
		r.fail("%d parts of %d numbers, the last of %d, are not %d", q.parts, q.width, q.last, dim)
	}
	if r.err == nil {
		q.centroids = r.floats(dim * codes)
	}
	return q
}

// expand writes the vector of a row's codes times its norm.
func (q *quantiser) expand(row, rowCodes []byte, norm float32) {
	for part := range q.parts {
		width := q.width
		if part == q.parts-1 {
			width = q.last
		}
		at := part*codes*q.width + int(rowCodes[part])*width
		for i := range width {
			value := norm * number(q.centroids, at+i)
			binary.LittleEndian.PutUint32(row[4*(part*q.width+i):], math.Float32bits(value))
		}
	}
}
