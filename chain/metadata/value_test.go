package metadata_test

import (
	"bytes"
	"encoding/hex"
	"math/big"
	"reflect"
	"strings"
	"testing"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// Types of a small registry, by place.
const (
	tBool metadata.TypeID = iota
	tChar
	tStr
	tU8
	tU16
	tU64
	tU128
	tI8
	tI128
	tNetuid   // composite of one u16
	tPoint    // composite {x: u16, y: bool}
	tPair     // composite (u8, str)
	tNothing  // composite without fields
	tBytes    // sequence of u8
	tNetuids  // sequence of tNetuid
	tHash     // array of 4 u8
	tTuple    // (u8, tNetuid)
	tUnit     // ()
	tCompact  // compact of tNetuid
	tCompact6 // compact of u128
	tOption   // Option<u16>
	tOptions  // Option<Option<u16>>
	tEnum     // enumeration: 0 Idle, 5 Move {x, y}, 9 Say (str)
	tLsb
	tMsb
	tBits8  // u8, lowest bit first
	tBits16 // u16, highest bit first
	tTree   // sequence of itself
	tUnits  // sequence of ()
	tVast   // array of 2³²−1 units
	tLoop   // composite of one field of its own type
	tFork   // composite of two of its own type
	tCompactUnit
)

// small is a runtime with one type of each shape.
func small() *metadata.Metadata {
	fields := func(list ...any) (fields []metadata.Field) {
		for i := 0; i < len(list); i += 2 {
			fields = append(fields, metadata.Field{Name: list[i].(string), Type: list[i+1].(metadata.TypeID)})
		}
		return fields
	}
	option := func(id metadata.TypeID) metadata.Type {
		return metadata.Type{Path: []string{"Option"}, Kind: metadata.Variants, Params: []metadata.TypeParam{{Name: "T", Bound: true, Type: id}},
			Variants: []metadata.Variant{{Name: "None"}, {Name: "Some", Index: 1, Fields: fields("", id)}}}
	}
	prim := func(p metadata.Prim) metadata.Type { return metadata.Type{Kind: metadata.Primitive, Prim: p} }
	return &metadata.Metadata{Types: []metadata.Type{
		tBool: prim(metadata.Bool), tChar: prim(metadata.Char), tStr: prim(metadata.Str), tU8: prim(metadata.U8), tU16: prim(metadata.U16),
		tU64: prim(metadata.U64), tU128: prim(metadata.U128), tI8: prim(metadata.I8), tI128: prim(metadata.I128),
		tNetuid:   {Path: []string{"NetUid"}, Fields: fields("", tU16)},
		tPoint:    {Path: []string{"Point"}, Fields: fields("x", tU16, "y", tBool)},
		tPair:     {Path: []string{"Pair"}, Fields: fields("", tU8, "", tStr)},
		tNothing:  {Path: []string{"Nothing"}},
		tBytes:    {Kind: metadata.Sequence, Elem: tU8},
		tNetuids:  {Kind: metadata.Sequence, Elem: tNetuid},
		tHash:     {Kind: metadata.Array, Elem: tU8, Len: 4},
		tTuple:    {Kind: metadata.Tuple, Tuple: []metadata.TypeID{tU8, tNetuid}},
		tUnit:     {Kind: metadata.Tuple},
		tCompact:  {Kind: metadata.Compact, Elem: tNetuid},
		tCompact6: {Kind: metadata.Compact, Elem: tU128},
		tOption:   option(tU16),
		tOptions:  option(tOption),
		tEnum: {Path: []string{"mod", "Enum"}, Kind: metadata.Variants, Variants: []metadata.Variant{
			{Name: "Idle"}, {Name: "Move", Index: 5, Fields: fields("x", tU8, "y", tU8)}, {Name: "Say", Index: 9, Fields: fields("", tStr)}}},
		tLsb: {Path: []string{"bitvec", "order", "Lsb0"}}, tMsb: {Path: []string{"bitvec", "order", "Msb0"}},
		tBits8:       {Kind: metadata.BitSequence, Elem: tU8, Order: tLsb},
		tBits16:      {Kind: metadata.BitSequence, Elem: tU16, Order: tMsb},
		tTree:        {Kind: metadata.Sequence, Elem: tTree},
		tUnits:       {Kind: metadata.Sequence, Elem: tUnit},
		tVast:        {Kind: metadata.Array, Elem: tUnit, Len: 1<<32 - 1},
		tLoop:        {Fields: fields("", tLoop)},
		tFork:        {Fields: fields("", tFork, "", tFork)},
		tCompactUnit: {Kind: metadata.Compact, Elem: tUnit},
	}}
}

func pow(exp uint) *big.Int { return new(big.Int).Lsh(big.NewInt(1), exp) }

func TestValues(t *testing.T) {
	type uid uint16
	point := metadata.Record{{Name: "x", Value: uint64(1)}, {Name: "y", Value: true}}
	move := metadata.Enum{Name: "Move", Index: 5, Fields: metadata.Record{{Name: "x", Value: uint64(1)}, {Name: "y", Value: uint64(2)}}}
	tests := []struct {
		name string
		id   metadata.TypeID
		hex  string
		want any
		also []any // other values with the same encoding
	}{
		{"bool", tBool, "01", true, nil},
		{"char", tChar, "ac200000", '€', nil},
		{"str", tStr, "0cc3a961", "éa", nil},
		{"u16", tU16, "3930", uint64(12345), []any{12345, int16(12345), uid(12345), big.NewInt(12345)}},
		{"u64", tU64, "ffffffffffffffff", uint64(1<<64 - 1), nil},
		{"u128", tU128, strings.Repeat("00", 15) + "80", pow(127), nil},
		{"i8", tI8, "80", int64(-128), []any{-128, int8(-128)}},
		{"i128", tI128, strings.Repeat("ff", 16), big.NewInt(-1), []any{-1}},
		{"least i128", tI128, strings.Repeat("00", 15) + "80", new(big.Int).Neg(pow(127)), nil},
		{"newtype", tNetuid, "0200", uint64(2), []any{uid(2), uint8(2)}},
		{"record", tPoint, "010001", point, []any{map[string]any{"y": true, "x": 1}, metadata.Args{"y": true, "x": 1},
			metadata.Record{{Name: "y", Value: true}, {Name: "x", Value: 1}}, metadata.Record{{Value: 1}, {Value: true}}, []any{1, true}}},
		{"record without names", tPair, "070461", metadata.Record{{Value: uint64(7)}, {Value: "a"}}, []any{[]any{7, "a"}}},
		{"nothing", tNothing, "", metadata.Record{}, []any{nil, map[string]any{}, []any{}}},
		{"bytes", tBytes, "0c010203", []byte{1, 2, 3}, []any{[3]byte{1, 2, 3}, []int{1, 2, 3}, []any{1, 2, 3}}},
		{"no bytes", tBytes, "00", []byte{}, []any{[]byte(nil)}},
		{"sequence", tNetuids, "0801000200", []any{uint64(1), uint64(2)}, []any{[]uid{1, 2}, [2]int{1, 2}}},
		{"array", tHash, "01020304", []byte{1, 2, 3, 4}, []any{[4]byte{1, 2, 3, 4}}},
		{"tuple", tTuple, "010200", []any{uint64(1), uint64(2)}, []any{[2]uint16{1, 2}}},
		{"unit", tUnit, "", []any{}, []any{nil}},
		{"compact", tCompact, "feff0300", uint64(65535), []any{uid(65535)}},
		{"wide compact", tCompact6, "33" + strings.Repeat("ff", 16), new(big.Int).Sub(pow(128), big.NewInt(1)), nil},
		{"narrow wide compact", tCompact6, "04", big.NewInt(1), []any{1}},
		{"none", tOption, "00", nil, nil},
		{"some", tOption, "010200", uint64(2), []any{2}},
		{"option of none", tOptions, "0100", metadata.Enum{Name: "Some", Index: 1, Fields: metadata.Record{{Value: nil}}}, []any{metadata.NewEnum("Some", nil)}},
		{"option of some", tOptions, "01010200", metadata.Enum{Name: "Some", Index: 1, Fields: metadata.Record{{Value: uint64(2)}}}, nil},
		{"option of option", tOptions, "00", metadata.Enum{Name: "None", Fields: metadata.Record{}}, []any{"None"}},
		{"plain variant", tEnum, "00", metadata.Enum{Name: "Idle", Fields: metadata.Record{}}, []any{"Idle", metadata.NewEnum("Idle")}},
		{"variant with names", tEnum, "050102", move, []any{metadata.NewEnum("Move", 1, 2)}},
		{"variant", tEnum, "090461", metadata.Enum{Name: "Say", Index: 9, Fields: metadata.Record{{Value: "a"}}}, []any{metadata.NewEnum("Say", "a")}},
		{"bits", tBits8, "2805" + "02", []bool{true, false, true, false, false, false, false, false, false, true}, nil},
		{"bits, highest first", tBits16, "08" + "0080", []bool{true, false}, nil},
		{"no bits", tBits16, "00", []bool{}, nil},
		{"recursion", tTree, "080400" + "00", []any{[]any{[]any{}}, []any{}}, nil},
		{"units", tUnits, "08", []any{[]any{}, []any{}}, nil},
		{"compact unit", tCompactUnit, "", []any{}, []any{nil}},
	}
	m := small()
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := hex.DecodeString(tt.hex)
			if err != nil {
				t.Fatal(err)
			}
			d := scale.NewDecoder(raw)
			got := m.DecodeValue(d, tt.id)
			if err := d.End(); err != nil || !reflect.DeepEqual(got, tt.want) {
				t.Errorf("%s is %#v, %v; want %#v", tt.hex, got, err, tt.want)
			}
			for _, v := range append(tt.also, tt.want) {
				if b, err := m.EncodeValue([]byte{}, tt.id, v); err != nil || !bytes.Equal(b, raw) {
					t.Errorf("%#v encodes as %x, %v; want %s", v, b, err, tt.hex)
				}
			}
		})
	}
}

func TestEncodeRefuses(t *testing.T) {
	m := small()
	for _, tt := range []struct {
		id   metadata.TypeID
		v    any
		want string
	}{
		{tBool, 1, "int is no value of bool"},
		{tU8, 256, "256 does not fit u8"},
		{tU8, big.NewInt(-1), "-1 does not fit u8"},
		{tU8, (*big.Int)(nil), "*big.Int is no value of u8"},
		{tI8, 128, "128 does not fit i8"},
		{tI8, -129, "-129 does not fit i8"},
		{tU128, pow(128), "340282366920938463463374607431768211456 does not fit u128"},
		{tStr, "\xff", `text "\xff" is not UTF-8`},
		{tChar, rune(0xd800), "0xd800 is no character"},
		{tPoint, map[string]any{"x": 1}, "y is not given"},
		{tPoint, map[string]any{"x": 1, "y": true, "z": 1}, "field z is unknown"},
		{tPoint, metadata.Record{{Name: "x", Value: 1}, {Value: true}}, "some of the 2 fields have no name"},
		{tPoint, metadata.Record{{Name: "x", Value: 1}, {Name: "x", Value: 1}}, "field x is given twice"},
		{tPoint, []any{1}, "1 values for 2 fields"},
		{tPoint, 1, "int is no record of 2 fields"},
		{tPoint, map[string]any{"x": 1, "y": 1}, "y: int is no value of bool"},
		{tPair, []any{1, 1}, "field 1: int is no value of str"},
		{tNetuids, []int{1, 65536}, "item 1: 65536 does not fit u16"},
		{tNetuids, nil, "<nil> is no value of sequence"},
		{tHash, []byte{1}, "1 items for an array of 4"},
		{tTuple, []int{1}, "1 items for a tuple of 2"},
		{tTuple, []int{1, -1}, "item 1: -1 does not fit u16"},
		{tCompact, 65536, "65536 does not fit a compact integer of 2 bytes"},
		{tCompact, "1", "string is no compact integer"},
		{tEnum, "Jump", `Enum has no variant "Jump"`},
		{tEnum, 1, "int is no value of Enum"},
		{tEnum, metadata.NewEnum("Say", 1), "Say: field 0: int is no value of str"},
		{tBits8, []int{1}, "[]int is no value of bit sequence"},
		{tLoop, 1, "types are nested more than 64 deep"},
		{1000, 1, "type 1000 is not among the 33 of the registry"},
	} {
		if b, err := m.EncodeValue(nil, tt.id, tt.v); err == nil || err.Error() != tt.want {
			t.Errorf("%#v as type %d: %x, %v; want %s", tt.v, tt.id, b, err, tt.want)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	m := small()
	for _, tt := range []struct {
		name string
		id   metadata.TypeID
		hex  string
		want string
	}{
		{"short", tU64, "00", "input ends within a value"},
		{"boolean of 2", tBool, "02", "boolean is 2"},
		{"surrogate", tChar, "00d80000", "0xd800 is no character"},
		{"text", tStr, "04ff", "text is not UTF-8"},
		{"long sequence", tNetuids, "02000001", "length exceeds the input"},
		{"long bytes", tBytes, "02000001", "length exceeds the input"},
		{"many units", tUnits, "02000001", "far more parts than bytes"},
		{"vast array", tVast, "", "far more parts than bytes"},
		{"unknown variant", tEnum, "01", "Enum has no variant 1"},
		{"option of 2", tOption, "02", "Option has no variant 2"},
		{"compact that is too wide", tCompact, "02000400", "exceeds 2 bytes"},
		{"compact in five bytes", tCompact, "0300000001", "compact integer"},
		{"wide compact of 17 bytes", tCompact6, "37" + strings.Repeat("ff", 17), "17 bytes"},
		{"wide compact not shortest", tCompact6, "33" + strings.Repeat("ff", 15) + "00", "shortest form"},
		{"many bits", tBits8, "02000001", "length exceeds the input"},
		{"bits of half a word", tBits16, "0480", "input ends within a value"},
		{"own kind", tLoop, "", "nested more than 64 deep"},
		{"two of its own kind", tFork, "", "nested more than 64 deep"},
		{"deep tree", tTree, strings.Repeat("04", 100) + "00", "nested more than 64 deep"},
		{"unknown type", 1000, "", "type 1000 is not among"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			raw, err := hex.DecodeString(tt.hex)
			if err != nil {
				t.Fatal(err)
			}
			d := scale.NewDecoder(raw)
			v := m.DecodeValue(d, tt.id)
			if err := d.End(); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("%v, %v; want %s", v, err, tt.want)
			}
		})
	}
}
