package shard

import (
	"encoding/binary"
	"errors"
)

var errRuns = errors.New("run lengths are not well-formed")

// runs decodes Parquet's hybrid of run lengths and bit packing
// (https://parquet.apache.org/docs/file-format/data-pages/encodings/#RLE).
type runs struct {
	b     []byte
	width uint
	// A run of left values: repeated, or packed with the next one at bit.
	left   uint64
	packed bool
	value  uint32
	bit    uint64
}

func newRuns(b []byte, width uint) *runs { return &runs{b: b, width: width} }

func (r *runs) next() (uint32, error) {
	for r.left == 0 {
		if err := r.run(); err != nil {
			return 0, err
		}
	}
	r.left--
	if !r.packed {
		return r.value, nil
	}
	v := r.bits()
	if r.left == 0 {
		r.b = r.b[r.bit/8:]
	}
	return v, nil
}

// run reads the header of the next run.
func (r *runs) run() error {
	head, n := binary.Uvarint(r.b)
	if n <= 0 {
		return errRuns
	}
	r.b = r.b[n:]
	count := head >> 1
	if r.packed = head&1 == 1; r.packed {
		// count groups of eight values, each of width bytes.
		if r.width > 0 && count > uint64(len(r.b))/uint64(r.width) || count > 1<<28 {
			return errRuns
		}
		r.left, r.bit = 8*count, 0
		return nil
	}
	size := int(r.width+7) / 8
	if size > len(r.b) {
		return errRuns
	}
	r.left, r.value = count, 0
	for i := size - 1; i >= 0; i-- {
		r.value = r.value<<8 | uint32(r.b[i])
	}
	r.b = r.b[size:]
	if uint64(r.value)>>r.width != 0 {
		return errRuns
	}
	return nil
}

// bits returns the next packed value; run has checked that it is there.
func (r *runs) bits() uint32 {
	var v uint32
	for i := range r.width {
		at := r.bit + uint64(i)
		v |= uint32(r.b[at/8]>>(at%8)&1) << i
	}
	r.bit += uint64(r.width)
	return v
}
