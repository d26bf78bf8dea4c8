package metadata

import "fmt"

// Bounds on a look at the parts of a type, since a registry may be hostile: types
// looked at, and bytes beyond which a lower bound need not be exact.
const (
	maxSteps = 128
	maxLeast = 1 << 20
)

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

// isPrim says whether a type is this primitive.
func (m *Metadata) isPrim(id TypeID, p Prim) bool {
	t, err := m.typ(id)
	return err == nil && t.Kind == Primitive && t.Prim == p
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
	steps := maxSteps
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

// Sizeless says whether every value of a type takes no bytes, as of a signed
// extension that has nothing to say.
func (m *Metadata) Sizeless(id TypeID) bool {
	steps := maxSteps
	var sizeless func(TypeID) bool
	sizeless = func(id TypeID) bool {
		t, err := m.typ(id)
		if steps--; steps < 0 || err != nil {
			return false
		}
		switch t.Kind {
		case Composite:
			for _, f := range t.Fields {
				if !sizeless(f.Type) {
					return false
				}
			}
			return true
		case Tuple:
			for _, id := range t.Tuple {
				if !sizeless(id) {
					return false
				}
			}
			return true
		case Array:
			return t.Len == 0 || sizeless(t.Elem)
		}
		return false
	}
	return sizeless(id)
}
