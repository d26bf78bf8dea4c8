// Package metadata reads and writes the metadata of a Substrate runtime (V14,
// V15 and V16) and, with it, calls, storage, events, errors, constants and
// runtime APIs, all looked up by name: indices and types move from one runtime
// to the next, names rarely do.
package metadata

import "fmt"

// TypeID is an index of Metadata.Types.
type TypeID uint32

// Metadata describes one runtime.
type Metadata struct {
	// Version of the format that was read: 14, 15 or 16; 0 if it was built.
	Version   int
	Types     []Type
	Pallets   []Pallet
	Extrinsic Extrinsic
	// Runtime is the type of the runtime itself, a unit type; V16 has none.
	Runtime TypeID
	// Outer are the enumerations over all pallets. V14 does not tell; the types
	// are then found by their paths, and Error may be missing (0).
	Outer OuterEnums
	// APIs are the runtime APIs; V14 tells of none.
	APIs []API
	// Custom are named values outside of all pallets (V15 on).
	Custom []CustomValue
}

// OuterEnums have one variant a pallet, with its calls, events or errors within.
type OuterEnums struct{ Call, Event, Error TypeID }

// CustomValue is an encoded value that the runtime tells beside its pallets.
type CustomValue struct {
	Name  string
	Type  TypeID
	Value []byte
}

// DeprecationKind says whether an item is deprecated.
type DeprecationKind uint8

// Kinds of deprecation, numbered as in V16.
const (
	Current DeprecationKind = iota
	DeprecatedSilently
	DeprecatedWithNote
)

// Deprecation of an item (V16); Note and Since are those of DeprecatedWithNote.
type Deprecation struct {
	Kind        DeprecationKind
	Note, Since string
}

// VariantDeprecation is that of one variant of an enumeration.
type VariantDeprecation struct {
	Index uint8
	Deprecation
}

// Kind is the shape of a type.
type Kind uint8

// Kinds, numbered as in the portable registry.
const (
	Composite Kind = iota
	Variants
	Sequence
	Array
	Tuple
	Primitive
	Compact
	BitSequence
)

// Type is one entry of the registry. Which fields mean something depends on Kind.
type Type struct {
	Path   []string
	Params []TypeParam
	Kind   Kind
	Docs   []string

	Fields   []Field   // Composite
	Variants []Variant // Variants
	Elem     TypeID    // Sequence, Array, Compact; the bit store of a BitSequence
	Order    TypeID    // the bit order of a BitSequence
	Len      uint32    // Array
	Tuple    []TypeID  // Tuple
	Prim     Prim      // Primitive
}

// TypeParam is a generic parameter; Bound says whether Type is given.
type TypeParam struct {
	Name  string
	Bound bool
	Type  TypeID
}

// Field of a composite or variant; Name is empty in tuple-like ones.
type Field struct {
	Name     string
	Type     TypeID
	TypeName string
	Docs     []string
}

// Variant of an enumeration.
type Variant struct {
	Name   string
	Fields []Field
	Index  uint8
	Docs   []string
}

// Prim is a primitive type.
type Prim uint8

// Primitive types, numbered as in the portable registry.
const (
	Bool Prim = iota
	Char
	Str
	U8
	U16
	U32
	U64
	U128
	U256
	I8
	I16
	I32
	I64
	I128
	I256
)

// Pallet is one module of the runtime. Calls, Events and Errors are enumerations
// in the registry; nil where a pallet has none.
type Pallet struct {
	Name      string
	Index     uint8
	Prefix    string // of its storage keys; "" without storage
	Storage   []Storage
	Calls     *TypeID
	Events    *TypeID
	Errors    *TypeID
	Constants []Constant
	Docs      []string // V15 on

	// What V16 adds: deprecated calls, events and errors by the index of their
	// variant, types of the pallet's configuration, and view functions.
	OldCalls, OldEvents, OldErrors []VariantDeprecation
	AssociatedTypes                []AssociatedType
	ViewFunctions                  []ViewFunction
	Deprecation                    Deprecation
}

// AssociatedType is a type that the configuration of a pallet names.
type AssociatedType struct {
	Name string
	Type TypeID
	Docs []string
}

// ViewFunction reads state of a pallet; ID selects it in the runtime API
// RuntimeViewFunction.
type ViewFunction struct {
	ID [32]byte
	Method
}

// Hasher says how a key becomes part of a storage key.
type Hasher uint8

// Hashers, numbered as in the metadata.
const (
	Blake2_128 Hasher = iota
	Blake2_256
	Blake2_128Concat
	Twox128
	Twox256
	Twox64Concat
	Identity
)

// Storage is one storage item: a value, or a map if it has hashers. With more
// than one hasher, Key is a tuple of as many types.
type Storage struct {
	Name string
	// Optional items are absent when unset; others have Default.
	Optional bool
	Hashers  []Hasher
	Key      TypeID
	Value    TypeID
	Default  []byte
	Docs     []string

	Deprecation Deprecation // V16
}

// Constant of a pallet, with its encoded value.
type Constant struct {
	Name  string
	Type  TypeID
	Value []byte
	Docs  []string

	Deprecation Deprecation // V16
}

// Extrinsic describes the transactions of the runtime.
type Extrinsic struct {
	// Versions of extrinsics that the runtime takes; V14 and V15 name one.
	Versions []uint8
	// Address, Call, Signature and Extra are the parts of an extrinsic. V14 names
	// them as parameters of the type Type; V16 has no Extra.
	Type                            TypeID
	Address, Call, Signature, Extra TypeID
	// Extensions are all signed (transaction) extensions in order.
	Extensions []Extension
	// ByVersion are the sets of them that the runtime takes, by the version of the
	// set; V14 and V15 know the one set of all.
	ByVersion []ExtensionSet
}

// ExtensionSet is a version of the transaction extensions: indices of
// Extrinsic.Extensions, in order.
type ExtensionSet struct {
	Version uint8
	Indices []uint32
}

// Extension is a signed extension: Extra is what it adds to the extrinsic,
// Implicit what it adds to the signed payload alone.
type Extension struct {
	Name     string
	Extra    TypeID
	Implicit TypeID
}

// API is one runtime API.
type API struct {
	Name    string
	Methods []Method
	Docs    []string

	Version     uint32      // V16
	Deprecation Deprecation // V16
}

// Method of a runtime API; state_call names it API_Method.
type Method struct {
	Name   string
	Inputs []Field
	Output TypeID
	Docs   []string

	Deprecation Deprecation // V16
}

// MissingError says that this runtime has no such call, storage item, event,
// error, constant, runtime API, or parameter of one.
type MissingError struct {
	// What is missing: "call", "storage item", "event", "error", "constant",
	// "runtime API", "argument".
	What string
	// Name is Pallet.name, or API.method.
	Name string
}

func (e *MissingError) Error() string {
	return fmt.Sprintf("%s %s is not in this runtime", e.What, e.Name)
}
