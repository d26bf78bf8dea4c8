package scale

import (
	"encoding/binary"
	"errors"
	"fmt"
)

// Errors of a Decoder, told apart with errors.Is.
var (
	// ErrShort: the input ends within a value.
	ErrShort = errors.New("input ends within a value")
	// ErrLength: a length is more than the input can hold.
	ErrLength = errors.New("length exceeds the input")
	// ErrCanonical: a value is not in its one encoding.
	ErrCanonical = errors.New("value is not in its shortest form")
	// ErrTrailing: bytes are left after the last value.
	ErrTrailing = errors.New("bytes are left after the value")
)

// Decoder reads values from a byte slice, in order. Its first error sticks:
// later reads return zero values, and Err tells what happened and where. It
// allocates nothing of a length that the input only claims to have.
type Decoder struct {
	data []byte
	off  int
	err  error
}

// NewDecoder returns a decoder of data, which must not change while it is read.
func NewDecoder(data []byte) *Decoder { return &Decoder{data: data} }

// Err returns the first error, with the offset it occurred at.
func (d *Decoder) Err() error { return d.err }

// Offset is the number of bytes read.
func (d *Decoder) Offset() int { return d.off }

// Remaining is the number of bytes left.
func (d *Decoder) Remaining() int { return len(d.data) - d.off }

// Fail makes err the error of the decoder, unless it has one.
func (d *Decoder) Fail(err error) {
	if d.err == nil {
		d.err = fmt.Errorf("byte %d: %w", d.off, err)
		d.off = len(d.data)
	}
}

// End returns the error of the decoder, or ErrTrailing if bytes are left.
func (d *Decoder) End() error {
	if d.err == nil && d.Remaining() > 0 {
		d.Fail(ErrTrailing)
	}
	return d.err
}

// Fixed returns the next n bytes, which belong to the input; nil after an error.
func (d *Decoder) Fixed(n int) []byte {
	if d.err != nil {
		return nil
	}
	if n < 0 || n > d.Remaining() {
		d.Fail(ErrShort)
		return nil
	}
	b := d.data[d.off : d.off+n : d.off+n]
	d.off += n
	return b
}

// U8 reads one byte.
func (d *Decoder) U8() uint8 {
	if b := d.Fixed(1); b != nil {
		return b[0]
	}
	return 0
}

// U16 reads two bytes.
func (d *Decoder) U16() uint16 {
	if b := d.Fixed(2); b != nil {
		return binary.LittleEndian.Uint16(b)
	}
	return 0
}

// U32 reads four bytes.
func (d *Decoder) U32() uint32 {
	if b := d.Fixed(4); b != nil {
		return binary.LittleEndian.Uint32(b)
	}
	return 0
}

// U64 reads eight bytes.
func (d *Decoder) U64() uint64 {
	if b := d.Fixed(8); b != nil {
		return binary.LittleEndian.Uint64(b)
	}
	return 0
}

// Bool reads one byte that must be 0 or 1.
func (d *Decoder) Bool() bool {
	v := d.U8()
	if v > 1 {
		d.Fail(fmt.Errorf("boolean is %d: %w", v, ErrCanonical))
	}
	return v == 1
}

// Compact reads a compact integer below 2⁶⁴ in its shortest form.
func (d *Decoder) Compact() uint64 {
	first := d.U8()
	if d.err != nil {
		return 0
	}
	var v, least uint64
	switch first & 3 {
	case oneByte:
		return uint64(first >> 2)
	case twoBytes:
		v, least = uint64(first)>>2|uint64(d.U8())<<6, 1<<6
	case fourBytes:
		b := d.Fixed(3)
		if b == nil {
			return 0
		}
		v, least = uint64(first)>>2|uint64(b[0])<<6|uint64(b[1])<<14|uint64(b[2])<<22, 1<<14
	case bigInteger:
		n := int(first>>2) + 4
		if n > 8 {
			d.Fail(fmt.Errorf("compact integer of %d bytes: %w", n, ErrLength))
			return 0
		}
		b := d.Fixed(n)
		for i, x := range b {
			v |= uint64(x) << (8 * i)
		}
		least = max(uint64(1)<<30, uint64(1)<<(8*(n-1)))
	}
	if d.err == nil && v < least {
		d.Fail(fmt.Errorf("compact integer %d: %w", v, ErrCanonical))
	}
	if d.err != nil {
		return 0
	}
	return v
}

// Len reads the length of a sequence whose items take at least itemSize bytes
// each (at least 1), and refuses one that the rest of the input cannot hold.
func (d *Decoder) Len(itemSize int) int {
	n := d.Compact()
	if n > uint64(d.Remaining()/max(itemSize, 1)) {
		d.Fail(fmt.Errorf("%d items: %w", n, ErrLength))
		return 0
	}
	return int(n)
}

// Bytes reads a compact length and that many bytes, which belong to the input.
func (d *Decoder) Bytes() []byte { return d.Fixed(d.Len(1)) }

// String reads a compact length and that many bytes as text.
func (d *Decoder) String() string { return string(d.Bytes()) }
