package scale

import (
	"fmt"
	"math/big"
	"slices"
)

// AppendInt appends v as a two's complement integer of size bytes. The caller has
// checked that it fits.
func AppendInt(b []byte, v *big.Int, size int) []byte {
	if v.Sign() < 0 {
		v = new(big.Int).Add(v, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	word := v.FillBytes(make([]byte, size))
	slices.Reverse(word)
	return append(b, word...)
}

// Int reads an integer of size bytes, in two's complement if signed.
func (d *Decoder) Int(size int, signed bool) *big.Int {
	word := slices.Clone(d.Fixed(size))
	slices.Reverse(word)
	v := new(big.Int).SetBytes(word)
	if signed && v.Bit(8*size-1) == 1 {
		v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*size)))
	}
	return v
}

// AppendCompactBig appends v, which is not negative and below 2⁵³⁶, in the
// variable-length form.
func AppendCompactBig(b []byte, v *big.Int) []byte {
	if v.IsUint64() {
		return AppendCompact(b, v.Uint64())
	}
	n := (v.BitLen() + 7) / 8
	return AppendInt(append(b, byte(n-4)<<2|bigInteger), v, n)
}

// CompactBig reads a compact integer of at most size bytes in its shortest form.
func (d *Decoder) CompactBig(size int) *big.Int {
	if d.Remaining() > 0 && (d.data[d.off]&3 != bigInteger || d.data[d.off]>>2 <= 4) {
		v := new(big.Int).SetUint64(d.Compact())
		if d.err == nil && v.BitLen() > 8*size {
			d.Fail(fmt.Errorf("compact integer of %d bits: %w", v.BitLen(), ErrLength))
		}
		return v
	}
	n := int(d.U8()>>2) + 4
	if d.err == nil && n > size {
		d.Fail(fmt.Errorf("compact integer of %d bytes: %w", n, ErrLength))
	}
	v := d.Int(n, false)
	if d.err == nil && v.BitLen() <= 8*(n-1) {
		d.Fail(fmt.Errorf("compact integer %v: %w", v, ErrCanonical))
	}
	return v
}
