package metadata

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"finest/chain/scale"
)

// Bounds on one value, so that neither its bytes nor the registry can make a small
// input large: types nested deeper are refused, and so are more values than the
// bytes can honestly hold. Only types of no size make values without bytes. Values
// take up to eighty bytes of memory for one of input, so that their number is
// bounded too: far above the events of a full block, the largest there are.
const (
	maxDepth     = 64
	maxItems     = 1 << 20
	itemsPerByte = 4
	itemsForNone = 1024
)

var (
	errDepth = fmt.Errorf("types are nested more than %d deep", maxDepth)
	errItems = fmt.Errorf("value has far more parts than bytes, or more than %d", maxItems)
)

// DecodeValue reads one value of a type, in the form that the head of value.go
// describes. Errors are those of d; the value means nothing then.
func (m *Metadata) DecodeValue(d *scale.Decoder, id TypeID) any {
	return m.reader(d).value(id, 0)
}

// decodeAll reads a value that takes all of raw.
func (m *Metadata) decodeAll(raw []byte, id TypeID) (any, error) {
	d := scale.NewDecoder(raw)
	v := m.DecodeValue(d, id)
	if err := d.End(); err != nil {
		return nil, err
	}
	return v, nil
}

type valueReader struct {
	m    *Metadata
	d    *scale.Decoder
	left int // values that may still be made
}

func (m *Metadata) reader(d *scale.Decoder) *valueReader {
	return &valueReader{m: m, d: d, left: min(itemsForNone+itemsPerByte*d.Remaining(), maxItems)}
}

func (r *valueReader) value(id TypeID, depth int) any {
	t, err := r.m.typ(id)
	switch {
	case r.d.Err() != nil:
		return nil
	case err != nil:
	case depth > maxDepth:
		err = errDepth
	case t.Kind == Composite && len(t.Fields) == 1:
		return r.value(t.Fields[0].Type, depth+1)
	case r.left == 0:
		err = errItems
	}
	if err != nil {
		r.d.Fail(err)
		return nil
	}
	r.left--
	switch t.Kind {
	case Composite:
		return r.fields(t.Fields, depth)
	case Variants:
		return r.variant(t, depth)
	case Sequence:
		if r.m.isPrim(t.Elem, U8) {
			return append([]byte{}, r.d.Bytes()...)
		}
		return r.items(r.length(t.Elem), t.Elem, depth)
	case Array:
		if r.m.isPrim(t.Elem, U8) {
			return append([]byte{}, r.d.Fixed(int(t.Len))...)
		}
		return r.items(int(t.Len), t.Elem, depth)
	case Tuple:
		list := []any{}
		for _, id := range t.Tuple {
			v := r.value(id, depth+1)
			if r.d.Err() != nil {
				break
			}
			list = append(list, v)
		}
		return list
	case Primitive:
		return r.primitive(t.Prim)
	case Compact:
		return r.compact(t.Elem)
	case BitSequence:
		return r.bits(t)
	}
	r.d.Fail(fmt.Errorf("kind %d of type %d is unknown", t.Kind, id))
	return nil
}

// length reads the length of a sequence that the rest of the input can hold.
func (r *valueReader) length(elem TypeID) int {
	if least := r.m.least(elem); least > 0 {
		return r.d.Len(least)
	}
	n := r.d.Compact()
	if n > uint64(r.left) {
		r.d.Fail(errItems)
		return 0
	}
	return int(n)
}

// items are n values of a type, as long as there is no error.
func (r *valueReader) items(n int, id TypeID, depth int) []any {
	list := []any{}
	for range n {
		v := r.value(id, depth+1)
		if r.d.Err() != nil {
			break
		}
		list = append(list, v)
	}
	return list
}

func (r *valueReader) fields(fields []Field, depth int) Record {
	rec := Record{}
	for _, f := range fields {
		v := r.value(f.Type, depth+1)
		if r.d.Err() != nil {
			break
		}
		rec = append(rec, NamedValue{f.Name, v})
	}
	return rec
}

func (r *valueReader) variant(t *Type, depth int) any {
	index := r.d.U8()
	if r.d.Err() != nil {
		return nil
	}
	if inner, is := t.isOption(); is && !r.m.nestedOption(inner) {
		switch index {
		case 0:
			return nil
		case 1:
			return r.value(inner, depth+1)
		}
	}
	for i := range t.Variants {
		if v := &t.Variants[i]; v.Index == index {
			return Enum{Name: v.Name, Index: index, Fields: r.fields(v.Fields, depth)}
		}
	}
	r.d.Fail(fmt.Errorf("%s has no variant %d", t.name(), index))
	return nil
}

func (r *valueReader) primitive(p Prim) any {
	switch p {
	case Bool:
		return r.d.Bool()
	case Char:
		c := rune(r.d.U32())
		if !utf8.ValidRune(c) {
			r.d.Fail(fmt.Errorf("%#x is no character", uint32(c)))
		}
		return c
	case Str:
		s := r.d.String()
		if !utf8.ValidString(s) {
			r.d.Fail(errors.New("text is not UTF-8"))
		}
		return s
	case U8:
		return uint64(r.d.U8())
	case U16:
		return uint64(r.d.U16())
	case U32:
		return uint64(r.d.U32())
	case U64:
		return r.d.U64()
	case I8:
		return int64(int8(r.d.U8()))
	case I16:
		return int64(int16(r.d.U16()))
	case I32:
		return int64(int32(r.d.U32()))
	case I64:
		return int64(r.d.U64())
	}
	size, signed := p.width()
	return r.d.Int(size, signed)
}

func (r *valueReader) compact(id TypeID) any {
	size, err := r.m.compactOf(id)
	switch {
	case err != nil:
		r.d.Fail(err)
	case size == 0:
		return []any{}
	case size > 8:
		return r.d.CompactBig(size)
	default:
		v := r.d.Compact()
		if v>>(8*size-1)>>1 > 0 {
			r.d.Fail(fmt.Errorf("compact integer %d exceeds %d bytes", v, size))
		}
		return v
	}
	return nil
}

func (r *valueReader) bits(t *Type) any {
	size, lowFirst, err := r.m.bitStore(t)
	if err != nil {
		r.d.Fail(err)
		return nil
	}
	n := r.d.Compact()
	if n > 8*uint64(r.d.Remaining()) {
		r.d.Fail(fmt.Errorf("%d bits: %w", n, scale.ErrLength))
	}
	if r.d.Err() != nil {
		return nil
	}
	words := r.d.Fixed((int(n) + 8*size - 1) / (8 * size) * size)
	if words == nil && n > 0 {
		return nil
	}
	list := make([]bool, n)
	for i := range list {
		at, mask := bitAt(i, size, lowFirst)
		list[i] = words[at]&mask != 0
	}
	return list
}
