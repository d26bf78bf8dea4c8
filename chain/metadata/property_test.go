package metadata_test

import (
	"math/big"
	"reflect"
	"strconv"
	"testing"

	"pgregory.net/rapid"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// shape draws types into a registry, each with a way to draw its values in the form
// that decoding gives.
type shape struct {
	t *rapid.T
	m *metadata.Metadata
}

type draw func() any

// add puts a type into the registry.
func (s *shape) add(t metadata.Type) metadata.TypeID {
	s.m.Types = append(s.m.Types, t)
	return metadata.TypeID(len(s.m.Types) - 1)
}

func (s *shape) n(most int, label string) int { return rapid.IntRange(0, most).Draw(s.t, label) }

// typ draws a type of at most depth levels.
func (s *shape) typ(depth int) (metadata.TypeID, draw) {
	kind := metadata.Primitive
	if depth > 0 {
		kind = metadata.Kind(s.n(int(metadata.BitSequence), "kind"))
	}
	switch kind {
	case metadata.Composite:
		fields, values := s.fields(s.n(3, "fields"), depth)
		id := s.add(metadata.Type{Kind: kind, Fields: fields})
		if len(fields) == 1 {
			return id, func() any { return values()[0].Value }
		}
		return id, func() any { return values() }
	case metadata.Variants:
		return s.variants(depth)
	case metadata.Sequence, metadata.Array:
		elem, value := s.typ(depth - 1)
		t := metadata.Type{Kind: kind, Elem: elem}
		if kind == metadata.Array {
			t.Len = uint32(s.n(3, "length"))
		}
		return s.add(t), func() any {
			n := int(t.Len)
			if kind == metadata.Sequence {
				n = s.n(3, "items")
			}
			return items(s.m.Types[elem], n, value)
		}
	case metadata.Tuple:
		fields, values := s.fields(s.n(3, "items"), depth)
		t := metadata.Type{Kind: kind}
		for _, f := range fields {
			t.Tuple = append(t.Tuple, f.Type)
		}
		return s.add(t), func() any {
			list := []any{}
			for _, v := range values() {
				list = append(list, v.Value)
			}
			return list
		}
	case metadata.Compact:
		prim := metadata.U8 + metadata.Prim(s.n(5, "width"))
		elem, value := s.primitive(prim)
		return s.add(metadata.Type{Kind: kind, Elem: elem}), value
	case metadata.BitSequence:
		store, _ := s.primitive(metadata.U8 + metadata.Prim(s.n(3, "store")))
		order := s.add(metadata.Type{Path: []string{rapid.SampledFrom([]string{"Lsb0", "Msb0"}).Draw(s.t, "order")}})
		return s.add(metadata.Type{Kind: kind, Elem: store, Order: order}), func() any {
			return append([]bool{}, rapid.SliceOfN(rapid.Bool(), 0, 70).Draw(s.t, "bits")...)
		}
	}
	return s.primitive(metadata.Prim(s.n(int(metadata.I256), "primitive")))
}

// items are those of a sequence or array: bytes for u8.
func items(elem metadata.Type, n int, value draw) any {
	bytes, list := []byte{}, []any{}
	for range n {
		v := value()
		list = append(list, v)
		if u, ok := v.(uint64); ok {
			bytes = append(bytes, byte(u))
		}
	}
	if elem.Kind == metadata.Primitive && elem.Prim == metadata.U8 {
		return bytes
	}
	return list
}

func (s *shape) fields(n, depth int) ([]metadata.Field, func() metadata.Record) {
	var fields []metadata.Field
	var draws []draw
	named := rapid.Bool().Draw(s.t, "named")
	for i := range n {
		id, value := s.typ(depth - 1)
		f := metadata.Field{Type: id}
		if named {
			f.Name = "f" + strconv.Itoa(i)
		}
		fields, draws = append(fields, f), append(draws, value)
	}
	return fields, func() metadata.Record {
		r := metadata.Record{}
		for i, f := range fields {
			r = append(r, metadata.NamedValue{Name: f.Name, Value: draws[i]()})
		}
		return r
	}
}

// variants draws an Option or another enumeration.
func (s *shape) variants(depth int) (metadata.TypeID, draw) {
	if rapid.Bool().Draw(s.t, "option") {
		inner, value := s.typ(0)
		id := s.add(metadata.Type{Path: []string{"Option"}, Kind: metadata.Variants, Variants: []metadata.Variant{
			{Name: "None"}, {Name: "Some", Index: 1, Fields: []metadata.Field{{Type: inner}}}}})
		return id, func() any {
			if rapid.Bool().Draw(s.t, "none") {
				return nil
			}
			return value()
		}
	}
	t := metadata.Type{Kind: metadata.Variants}
	var values []func() metadata.Record
	for i := range 1 + s.n(2, "variants") {
		fields, value := s.fields(s.n(2, "fields"), depth)
		t.Variants = append(t.Variants, metadata.Variant{Name: "V" + strconv.Itoa(i), Index: uint8(7 * i), Fields: fields})
		values = append(values, value)
	}
	return s.add(t), func() any {
		i := s.n(len(values)-1, "variant")
		return metadata.Enum{Name: t.Variants[i].Name, Index: t.Variants[i].Index, Fields: values[i]()}
	}
}

func (s *shape) primitive(p metadata.Prim) (metadata.TypeID, draw) {
	id := s.add(metadata.Type{Kind: metadata.Primitive, Prim: p})
	return id, func() any {
		switch {
		case p == metadata.Bool:
			return rapid.Bool().Draw(s.t, "bool")
		case p == metadata.Char:
			return rapid.Rune().Draw(s.t, "char")
		case p == metadata.Str:
			return rapid.String().Draw(s.t, "text")
		case p <= metadata.U64:
			return rapid.Uint64().Draw(s.t, "uint") >> (64 - 8<<(p-metadata.U8))
		case p >= metadata.I8 && p <= metadata.I64:
			return rapid.Int64().Draw(s.t, "int") >> (64 - 8<<(p-metadata.I8))
		}
		size := 16
		if p == metadata.U256 || p == metadata.I256 {
			size = 32
		}
		v := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, size).Draw(s.t, "big"))
		if p >= metadata.I128 {
			v.Sub(v, new(big.Int).Lsh(big.NewInt(1), uint(8*size-1)))
		}
		return v
	}
}

func TestEveryValueComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := &shape{t, new(metadata.Metadata)}
		id, value := s.typ(3)
		want := value()
		b, err := s.m.EncodeValue(nil, id, want)
		if err != nil {
			t.Fatalf("%#v: %v", want, err)
		}
		d := scale.NewDecoder(b)
		got := s.m.DecodeValue(d, id)
		if err := d.End(); err != nil || !reflect.DeepEqual(got, want) {
			// A big.Int of zero has several forms; they encode alike.
			if again, e := s.m.EncodeValue(nil, id, got); err != nil || e != nil || string(again) != string(b) {
				t.Fatalf("%#v came back as %#v, %v", want, got, err)
			}
		}
	})
}
