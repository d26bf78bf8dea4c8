package metadata

import (
	"errors"
	"fmt"
	"unicode/utf8"

	"finest/chain/scale"
)

// Bounds on one value, so that neither its bytes nor the registry can make a small
// input large: types nested deeper are refused, and so are more values than the
// bytes can honestly hold. Only types of no size make values without bytes.
const (
	maxDepth      = 64
	itemsPerByte  = 4
	itemsForNone  = 1024
	maxLeastSteps = 128
	maxLeast      = 1 << 20
)

var (
	errDepth = fmt.Errorf("types are nested more than %d deep", maxDepth)
	errItems = errors.New("value has far more parts than bytes")
)

// DecodeValue reads one value of a type, in the form that the head of value.go
// describes. Errors are those of d; the value means nothing then.
func (m *Metadata) DecodeValue(d *scale.Decoder, id TypeID) any {
	r := &valueReader{m: m, d: d, left: itemsForNone + itemsPerByte*d.Remaining()}
	return r.value(id, 0)
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

// typ returns a type of the registry.
func (m *Metadata) typ(id TypeID) (*Type, error) {
	if int(id) >= len(m.Types) {
		return nil, fmt.Errorf("type %d is not among the %d of the registry", id, len(m.Types))
	}
	return &m.Types[id], nil
}

// isOption says whether a type is Option<T>, and gives T.
func (t *Type) isOption() (TypeID, bool) {
	if t.Kind != Variants || len(t.Path) != 1 || t.Path[0] != "Option" || len(t.Variants) != 2 {
		return 0, false
	}
	none, some := t.Variants[0], t.Variants[1]
	if none.Name != "None" || none.Index != 0 || len(none.Fields) != 0 ||
		some.Name != "Some" || some.Index != 1 || len(some.Fields) != 1 {
		return 0, false
	}
	return some.Fields[0].Type, true
}

// nestedOption says whether a type is an Option below its newtypes: an Option of
// one cannot be nil or the value, since the value may be nil.
func (m *Metadata) nestedOption(id TypeID) bool {
	for range maxDepth {
		t, err := m.typ(id)
		if err != nil {
			return false
		}
		if t.Kind != Composite || len(t.Fields) != 1 {
			_, is := t.isOption()
			return is
		}
		id = t.Fields[0].Type
	}
	return false
}

// prim says whether a type is this primitive.
func (m *Metadata) isPrim(id TypeID, p Prim) bool {
	t, err := m.typ(id)
	return err == nil && t.Kind == Primitive && t.Prim == p
}

type valueReader struct {
	m    *Metadata
	d    *scale.Decoder
	left int // values that may still be made
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

// width is the size in bytes of an integer; 0 if it is none.
func (p Prim) width() (size int, signed bool) {
	switch {
	case p >= U8 && p <= U256:
		return 1 << (p - U8), false
	case p >= I8 && p <= I256:
		return 1 << (p - I8), true
	}
	return 0, false
}

// compactOf is the size of the unsigned integer below a compact type; 0 for one of
// no size.
func (m *Metadata) compactOf(id TypeID) (size int, err error) {
	for range maxDepth {
		t, err := m.typ(id)
		if err != nil {
			return 0, err
		}
		switch {
		case t.Kind == Composite && len(t.Fields) == 1:
			id = t.Fields[0].Type
		case t.Kind == Tuple && len(t.Tuple) == 1:
			id = t.Tuple[0]
		case t.Kind == Primitive && t.Prim >= U8 && t.Prim <= U256:
			size, _ := t.Prim.width()
			return size, nil
		case t.Kind == Tuple && len(t.Tuple) == 0, t.Kind == Composite && len(t.Fields) == 0:
			return 0, nil
		default:
			return 0, fmt.Errorf("compact form of type %d is unknown", id)
		}
	}
	return 0, errDepth
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

// bitStore says how a bit sequence is stored: bytes of a word, and whether the
// first bit is the lowest of its word.
func (m *Metadata) bitStore(t *Type) (size int, lowFirst bool, err error) {
	store, err := m.typ(t.Elem)
	if err != nil {
		return 0, false, err
	}
	order, err := m.typ(t.Order)
	if err != nil {
		return 0, false, err
	}
	if store.Kind != Primitive || store.Prim < U8 || store.Prim > U64 || len(order.Path) == 0 {
		return 0, false, fmt.Errorf("store %s of a bit sequence is unknown", store.name())
	}
	size, _ = store.Prim.width()
	switch order.Path[len(order.Path)-1] {
	case "Lsb0":
		return size, true, nil
	case "Msb0":
		return size, false, nil
	}
	return 0, false, fmt.Errorf("order %s of a bit sequence is unknown", order.name())
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

// bitAt is the byte and the mask of bit i, in little-endian words of size bytes.
func bitAt(i, size int, lowFirst bool) (at int, mask byte) {
	word, bit := i/(8*size), i%(8*size)
	if !lowFirst {
		bit = 8*size - 1 - bit
	}
	return word*size + bit/8, 1 << (bit % 8)
}

// least is a lower bound of the bytes that a value of a type takes. It looks at few
// types, since a registry may be hostile.
func (m *Metadata) least(id TypeID) int {
	steps := maxLeastSteps
	var least func(TypeID) int
	least = func(id TypeID) int {
		t, err := m.typ(id)
		if steps--; steps < 0 || err != nil {
			return 0
		}
		switch t.Kind {
		case Composite:
			n := 0
			for _, f := range t.Fields {
				n = min(n+least(f.Type), maxLeast)
			}
			return n
		case Tuple:
			n := 0
			for _, id := range t.Tuple {
				n = min(n+least(id), maxLeast)
			}
			return n
		case Array:
			return min(int(t.Len)*least(t.Elem), maxLeast)
		case Primitive:
			if size, _ := t.Prim.width(); size > 0 {
				return size
			}
		case Compact:
			if size, err := m.compactOf(t.Elem); err == nil && size == 0 {
				return 0
			}
		}
		return 1
	}
	return least(id)
}

// name of a type in messages.
func (t *Type) name() string {
	switch {
	case len(t.Path) > 0:
		return t.Path[len(t.Path)-1]
	case t.Kind == Primitive && t.Prim <= I256:
		return [...]string{"bool", "char", "str", "u8", "u16", "u32", "u64", "u128", "u256", "i8", "i16", "i32", "i64", "i128", "i256"}[t.Prim]
	case t.Kind <= BitSequence:
		return [...]string{"composite", "enumeration", "sequence", "array", "tuple", "primitive", "compact", "bit sequence"}[t.Kind]
	}
	return "unknown type"
}
