package metadata

// Values of the chain as Go values. Decoding gives, and encoding takes:
//
//   - bool: bool; str: string; char: rune
//   - u8 to u64: uint64, i8 to i64: int64, wider ones: *big.Int. Encoding takes
//     every integer kind of Go and *big.Int, if the value fits
//   - sequences and arrays of u8: []byte; others: []any. Encoding takes every slice
//     or array, of named types too
//   - tuples: []any
//   - compact T: as T; bit sequences: []bool
//   - a composite with exactly one field: the value of that field, so that newtypes
//     vanish: a NetUid is an integer, an AccountId32 32 bytes
//   - other composites: Record. Encoding also takes map[string]any, or []any where
//     fields have no names
//   - Option: nil or the value; an Option of an Option stays an Enum
//   - other enumerations: Enum. Encoding also takes a string for a variant without
//     fields

// Record is a composite of several fields, in order.
type Record []NamedValue

// NamedValue is a field of a Record; Name is empty where fields have no names.
type NamedValue struct {
	Name  string
	Value any
}

// Get returns the field with this name; nil without one.
func (r Record) Get(name string) any {
	for _, f := range r {
		if f.Name == name {
			return f.Value
		}
	}
	return nil
}

// Enum is a value of an enumeration. Encoding looks the variant up by Name and
// ignores Index.
type Enum struct {
	Name   string
	Index  uint8
	Fields Record
}

// NewEnum returns the variant with unnamed fields, for encoding: values are taken
// in the order of the variant's fields, whatever their names.
func NewEnum(name string, values ...any) Enum {
	e := Enum{Name: name}
	for _, v := range values {
		e.Fields = append(e.Fields, NamedValue{Value: v})
	}
	return e
}
