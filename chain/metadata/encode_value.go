package metadata

import (
	"encoding/binary"
	"fmt"
	"math/big"
	"reflect"
	"unicode/utf8"

	"finest/chain/scale"
)

// EncodeValue appends a value of a type to b, from the Go values that the head of
// value.go describes. The error says which part of the value does not fit.
func (m *Metadata) EncodeValue(b []byte, id TypeID, v any) ([]byte, error) {
	return m.encode(b, id, v, 0)
}

func (m *Metadata) encode(b []byte, id TypeID, v any, depth int) ([]byte, error) {
	t, err := m.typ(id)
	if err != nil {
		return nil, err
	}
	if depth > maxDepth {
		return nil, errDepth
	}
	switch t.Kind {
	case Composite:
		if len(t.Fields) == 1 {
			return m.encode(b, t.Fields[0].Type, v, depth+1)
		}
		return m.encodeFields(b, t.Fields, v, depth)
	case Variants:
		return m.encodeVariant(b, t, v, depth)
	case Sequence, Array:
		return m.encodeItems(b, t, v, depth)
	case Tuple:
		return m.encodeTuple(b, t, v, depth)
	case Primitive:
		return encodePrimitive(b, t, v)
	case Compact:
		return m.encodeCompact(b, t.Elem, v)
	case BitSequence:
		return m.encodeBits(b, t, v)
	}
	return nil, fmt.Errorf("kind %d of type %d is unknown", t.Kind, id)
}

// mismatch says that a Go value cannot be a value of the type.
func mismatch(t *Type, v any) error { return fmt.Errorf("%T is no value of %s", v, t.name()) }

// encodeFields takes fields by name, or in order where neither they nor v have
// names.
func (m *Metadata) encodeFields(b []byte, fields []Field, v any, depth int) ([]byte, error) {
	values, err := match(fields, v)
	if err != nil {
		return nil, err
	}
	for i, f := range fields {
		if b, err = m.encode(b, f.Type, values[i], depth+1); err != nil {
			return nil, fmt.Errorf("%s: %w", f.label(i), err)
		}
	}
	return b, nil
}

// label names a field in messages.
func (f *Field) label(i int) string {
	if f.Name == "" {
		return fmt.Sprintf("field %d", i)
	}
	return f.Name
}

// match puts values in the order of fields.
func match(fields []Field, v any) ([]any, error) {
	var named map[string]any
	switch v := v.(type) {
	case nil:
		return inOrder(fields, nil)
	case map[string]any:
		named = v
	case Args:
		named = v
	case Record:
		named = map[string]any{}
		list := []any{}
		for _, f := range v {
			list = append(list, f.Value)
			if f.Name == "" {
				continue
			}
			if _, twice := named[f.Name]; twice {
				return nil, fmt.Errorf("field %s is given twice", f.Name)
			}
			named[f.Name] = f.Value
		}
		if len(named) == 0 {
			return inOrder(fields, list)
		}
		if len(named) < len(list) {
			return nil, fmt.Errorf("some of the %d fields have no name", len(list))
		}
	case []any:
		return inOrder(fields, v)
	default:
		return nil, fmt.Errorf("%T is no record of %d fields", v, len(fields))
	}
	list := make([]any, len(fields))
	for i, f := range fields {
		value, ok := named[f.Name]
		if !ok {
			return nil, fmt.Errorf("%s is not given", f.label(i))
		}
		list[i] = value
	}
	if len(named) > len(fields) {
		for name := range named {
			if !hasField(fields, name) {
				return nil, fmt.Errorf("field %s is unknown", name)
			}
		}
	}
	return list, nil
}

func inOrder(fields []Field, list []any) ([]any, error) {
	if len(list) != len(fields) {
		return nil, fmt.Errorf("%d values for %d fields", len(list), len(fields))
	}
	return list, nil
}

func hasField(fields []Field, name string) bool {
	for _, f := range fields {
		if f.Name == name {
			return true
		}
	}
	return false
}

func (m *Metadata) encodeVariant(b []byte, t *Type, v any, depth int) ([]byte, error) {
	if inner, is := t.isOption(); is && !m.nestedOption(inner) {
		if v == nil {
			return append(b, 0), nil
		}
		return m.encode(append(b, 1), inner, v, depth+1)
	}
	e, ok := v.(Enum)
	if !ok {
		name, ok := v.(string)
		if !ok {
			return nil, mismatch(t, v)
		}
		e = Enum{Name: name}
	}
	for i := range t.Variants {
		if w := &t.Variants[i]; w.Name == e.Name {
			b, err := m.encodeFields(append(b, w.Index), w.Fields, e.Fields, depth)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", w.Name, err)
			}
			return b, nil
		}
	}
	return nil, fmt.Errorf("%s has no variant %q", t.name(), e.Name)
}

// sequence gives access to the items of any slice or array of Go.
func sequence(t *Type, v any) (reflect.Value, error) {
	s := reflect.ValueOf(v)
	if v == nil || s.Kind() != reflect.Slice && s.Kind() != reflect.Array {
		return s, mismatch(t, v)
	}
	return s, nil
}

func (m *Metadata) encodeItems(b []byte, t *Type, v any, depth int) ([]byte, error) {
	s, err := sequence(t, v)
	if err != nil {
		return nil, err
	}
	if t.Kind == Array && s.Len() != int(t.Len) {
		return nil, fmt.Errorf("%d items for an array of %d", s.Len(), t.Len)
	}
	if t.Kind == Sequence {
		b = scale.AppendCompact(b, uint64(s.Len()))
	}
	if s.Type().Elem().Kind() == reflect.Uint8 && m.isPrim(t.Elem, U8) {
		if bytes, ok := v.([]byte); ok {
			return append(b, bytes...), nil
		}
		for i := range s.Len() {
			b = append(b, byte(s.Index(i).Uint()))
		}
		return b, nil
	}
	for i := range s.Len() {
		if b, err = m.encode(b, t.Elem, s.Index(i).Interface(), depth+1); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return b, nil
}

func (m *Metadata) encodeTuple(b []byte, t *Type, v any, depth int) ([]byte, error) {
	if v == nil && len(t.Tuple) == 0 {
		return b, nil
	}
	s, err := sequence(t, v)
	if err != nil {
		return nil, err
	}
	if s.Len() != len(t.Tuple) {
		return nil, fmt.Errorf("%d items for a tuple of %d", s.Len(), len(t.Tuple))
	}
	for i, id := range t.Tuple {
		if b, err = m.encode(b, id, s.Index(i).Interface(), depth+1); err != nil {
			return nil, fmt.Errorf("item %d: %w", i, err)
		}
	}
	return b, nil
}

func encodePrimitive(b []byte, t *Type, v any) ([]byte, error) {
	r := reflect.ValueOf(v)
	switch {
	case t.Prim == Bool && r.Kind() == reflect.Bool:
		if r.Bool() {
			return append(b, 1), nil
		}
		return append(b, 0), nil
	case t.Prim == Str && r.Kind() == reflect.String:
		if !utf8.ValidString(r.String()) {
			return nil, fmt.Errorf("text %.40q is not UTF-8", r.String())
		}
		return scale.AppendBytes(b, r.String()), nil
	case t.Prim == Char && r.Kind() == reflect.Int32:
		if !utf8.ValidRune(rune(r.Int())) {
			return nil, fmt.Errorf("%#x is no character", r.Int())
		}
		return binary.LittleEndian.AppendUint32(b, uint32(r.Int())), nil
	}
	size, signed := t.Prim.width()
	n, ok := integer(v)
	if size == 0 || !ok {
		return nil, mismatch(t, v)
	}
	if !fits(n, size, signed) {
		return nil, fmt.Errorf("%v does not fit %s", n, t.name())
	}
	return scale.AppendInt(b, n, size), nil
}

// integer is the value of any integer kind of Go, or of a *big.Int.
func integer(v any) (*big.Int, bool) {
	if n, ok := v.(*big.Int); ok {
		return n, n != nil
	}
	switch r := reflect.ValueOf(v); {
	case r.CanInt():
		return big.NewInt(r.Int()), true
	case r.CanUint():
		return new(big.Int).SetUint64(r.Uint()), true
	}
	return nil, false
}

// fits says whether n can be an integer of size bytes.
func fits(n *big.Int, size int, signed bool) bool {
	switch {
	case !signed:
		return n.Sign() >= 0 && n.BitLen() <= 8*size
	case n.Sign() < 0: // -2⁷ has as many bits as 2⁷-1 once one is added
		return new(big.Int).Add(n, big.NewInt(1)).BitLen() < 8*size
	default:
		return n.BitLen() < 8*size
	}
}

func (m *Metadata) encodeCompact(b []byte, id TypeID, v any) ([]byte, error) {
	size, err := m.compactOf(id)
	if err != nil {
		return nil, err
	}
	if size == 0 {
		return b, nil
	}
	n, ok := integer(v)
	if !ok {
		return nil, fmt.Errorf("%T is no compact integer", v)
	}
	if !fits(n, size, false) {
		return nil, fmt.Errorf("%v does not fit a compact integer of %d bytes", n, size)
	}
	return scale.AppendCompactBig(b, n), nil
}

func (m *Metadata) encodeBits(b []byte, t *Type, v any) ([]byte, error) {
	size, lowFirst, err := m.bitStore(t)
	if err != nil {
		return nil, err
	}
	list, ok := v.([]bool)
	if !ok {
		return nil, mismatch(t, v)
	}
	words := make([]byte, (len(list)+8*size-1)/(8*size)*size)
	for i, bit := range list {
		if at, mask := bitAt(i, size, lowFirst); bit {
			words[at] |= mask
		}
	}
	return append(scale.AppendCompact(b, uint64(len(list))), words...), nil
}
