package metadata_test

import (
	"bytes"
	"encoding/hex"
	"os"
	"path/filepath"
	"reflect"
	"runtime"
	"testing"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// runtimeOf is small with a pallet of each kind of item, in the three forms.
func runtimeOf() *metadata.Metadata {
	m := small()
	calls, events, errs := tEnum, tEnum, tEnum
	m.Types = append(m.Types, metadata.Type{Path: []string{"generic", "UncheckedExtrinsic"}, Docs: []string{"of a transaction"},
		Params: []metadata.TypeParam{{Name: "Address", Bound: true, Type: tHash}, {Name: "Call", Bound: true, Type: tEnum},
			{Name: "Signature", Bound: true, Type: tBytes}, {Name: "Extra", Bound: true, Type: tTuple}, {Name: "Free"}}})
	m.Extrinsic = metadata.Extrinsic{
		Versions: []uint8{4}, Type: metadata.TypeID(len(m.Types) - 1), Address: tHash, Call: tEnum, Signature: tBytes, Extra: tTuple,
		Extensions: []metadata.Extension{{Name: "CheckNonce", Extra: tU8, Implicit: tUnit}},
		ByVersion:  []metadata.ExtensionSet{{Version: 0, Indices: []uint32{0}}},
	}
	m.Runtime = tUnit
	m.Outer = metadata.OuterEnums{Call: tEnum, Event: tEnum, Error: tEnum}
	m.Custom = []metadata.CustomValue{{Name: "custom", Type: tU8, Value: []byte{1}}}
	m.APIs = []metadata.API{{Name: "Api", Docs: []string{"one"}, Version: 3, Deprecation: metadata.Deprecation{Kind: metadata.DeprecatedSilently},
		Methods: []metadata.Method{{Name: "method", Inputs: []metadata.Field{{Name: "n", Type: tU8}}, Output: tBool, Docs: []string{"two"}}}}}
	m.Pallets = []metadata.Pallet{
		{Name: "Bare", Index: 1},
		{
			Name: "Full", Index: 9, Prefix: "Full", Calls: &calls, Events: &events, Errors: &errs, Docs: []string{"docs"},
			Storage: []metadata.Storage{
				{Name: "Value", Value: tU16, Default: []byte{1, 0}, Docs: []string{"a value"}},
				{Name: "Map", Optional: true, Hashers: []metadata.Hasher{metadata.Twox64Concat}, Key: tNetuid, Value: tStr, Default: []byte{0}},
				{Name: "Maps", Hashers: []metadata.Hasher{metadata.Identity, metadata.Blake2_128}, Key: tTuple, Value: tStr, Default: []byte{0},
					Deprecation: metadata.Deprecation{Kind: metadata.DeprecatedWithNote, Note: "old", Since: "1.0"}},
			},
			Constants:       []metadata.Constant{{Name: "Limit", Type: tU8, Value: []byte{7}, Docs: []string{"a limit"}}},
			OldCalls:        []metadata.VariantDeprecation{{Index: 5, Deprecation: metadata.Deprecation{Kind: metadata.DeprecatedWithNote, Note: "old"}}},
			AssociatedTypes: []metadata.AssociatedType{{Name: "Currency", Type: tU64, Docs: []string{"money"}}},
			ViewFunctions:   []metadata.ViewFunction{{ID: [32]byte{1, 2}, Method: metadata.Method{Name: "view", Output: tU8}}},
			Deprecation:     metadata.Deprecation{Kind: metadata.DeprecatedSilently},
		},
	}
	return m
}

// TestThreeForms writes one runtime as V14, V15 and V16, and what each says is read
// back.
func TestThreeForms(t *testing.T) {
	for version := 14; version <= 16; version++ {
		m := runtimeOf()
		b, err := m.Encode(version)
		if err != nil {
			t.Fatal(err)
		}
		got, err := metadata.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		want := runtimeOf()
		forget(want, version)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("V%d is read as\n%+v, want\n%+v", version, got, want)
		}
		again, err := got.Encode(version)
		if err != nil || !bytes.Equal(again, b) {
			t.Errorf("V%d written again differs, %v", version, err)
		}
	}
}

// forget takes out of m what a version does not say.
func forget(m *metadata.Metadata, version int) {
	m.Version = version
	p := &m.Pallets[1]
	if version < 16 {
		m.Extrinsic.ByVersion = nil
		m.APIs[0].Version, m.APIs[0].Deprecation = 0, metadata.Deprecation{}
		p.OldCalls, p.AssociatedTypes, p.ViewFunctions, p.Deprecation = nil, nil, nil, metadata.Deprecation{}
		p.Storage[2].Deprecation = metadata.Deprecation{}
	}
	switch version {
	case 14:
		m.APIs, m.Custom, p.Docs = nil, nil, nil
		m.Outer = metadata.OuterEnums{Call: tEnum} // no types are named RuntimeEvent and RuntimeError
	case 15:
		m.Extrinsic.Type = 0
	case 16:
		m.Extrinsic.Type, m.Extrinsic.Extra, m.Runtime = 0, 0, 0
	}
}

func TestFormsThatCannotBeTold(t *testing.T) {
	for _, tt := range []struct{ read, write int }{{14, 15}, {14, 16}, {15, 14}, {16, 14}, {16, 15}} {
		b, err := runtimeOf().Encode(tt.read)
		if err != nil {
			t.Fatal(err)
		}
		m, err := metadata.Decode(b)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := m.Encode(tt.write); err == nil {
			t.Errorf("what was read as V%d is written as V%d", tt.read, tt.write)
		}
	}
	if _, err := runtimeOf().Encode(13); err == nil {
		t.Error("V13 is written")
	}
}

func TestDecodeRefusesMetadata(t *testing.T) {
	b, err := runtimeOf().Encode(16)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"nothing":             nil,
		"other magic":         append([]byte("mate"), b[4:]...),
		"V13":                 append([]byte("meta\x0d"), b[5:]...),
		"V17":                 append([]byte("meta\x11"), b[5:]...),
		"short":               b[:len(b)-1],
		"long":                append(bytes.Clone(b), 0),
		"2^30 types":          append([]byte("meta\x10"), 2, 0, 0, 0xff),
		"5 MiB":               make([]byte, 5<<20),
		"100,000 types":       manyTypes(100_000),
		"type in wrong place": append([]byte("meta\x10\x04\x04"), make([]byte, 50)...),
	} {
		if m, err := metadata.Decode(b); err == nil {
			t.Errorf("%s: %v", name, m)
		}
	}
}

// manyTypes is metadata of n types without parts.
func manyTypes(n uint64) []byte {
	b := scale.AppendCompact([]byte("meta\x10"), n)
	for i := range n {
		b = append(scale.AppendCompact(b, i), make([]byte, 5)...)
	}
	return b
}

// TestHostileLengthsAllocateLittle gives 100 bytes that claim 2³⁰ of something to
// every reader of this package.
func TestHostileLengthsAllocateLittle(t *testing.T) {
	m := small()
	vast := append([]byte{3, 0, 0, 0, 0x40}, make([]byte, 95)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for id := range m.Types {
		m.DecodeValue(scale.NewDecoder(vast), metadata.TypeID(id))
	}
	for _, version := range []byte{14, 15, 16} {
		if _, err := metadata.Decode(append([]byte{'m', 'e', 't', 'a', version}, vast...)); err == nil {
			t.Error("2^30 types in 100 bytes are read")
		}
	}
	runtime.ReadMemStats(&after)
	if n := after.TotalAlloc - before.TotalAlloc; n > 1<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

// Even a value that is as long as it says takes no memory without bound: an
// answer may have 32 MiB, and each byte of it may be a list.
func TestManyPartsAreRefused(t *testing.T) {
	many := append(scale.AppendCompact(nil, 8<<20), make([]byte, 8<<20)...)
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	d := scale.NewDecoder(many)
	small().DecodeValue(d, tTree)
	runtime.ReadMemStats(&after)
	if d.Err() == nil {
		t.Error("8 million lists are read")
	}
	if n := after.TotalAlloc - before.TotalAlloc; n > 160<<20 {
		t.Errorf("%d bytes were allocated", n)
	}
}

func FuzzDecode(f *testing.F) {
	for version := 14; version <= 16; version++ {
		b, err := runtimeOf().Encode(version)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := metadata.Decode(b)
		if err != nil {
			return
		}
		again, err := m.Encode(m.Version)
		if err != nil || !bytes.Equal(again, b) {
			t.Fatalf("written again it is %x, %v", again, err)
		}
		for i := range m.Pallets {
			for _, s := range m.Pallets[i].Storage {
				m.DecodeValue(scale.NewDecoder(s.Default), s.Value)
			}
		}
		_, _ = m.Events([]byte{4, 0, 0, 0, 0, 0, 0, 0, 0})
		_, _ = m.DecodeCall([]byte{0, 0, 1, 2, 3})
		_, _ = m.Call("Full", "Move", metadata.Args{"x": 1, "y": 2})
		m.Sizeless(0)
	})
}

func FuzzDecodeValue(f *testing.F) {
	m := small()
	for id := range m.Types {
		f.Add(uint32(id), []byte{8, 1, 0, 1, 0, 2, 0, 0})
		f.Add(uint32(id), []byte{3, 0, 0, 0, 0x40})
	}
	f.Fuzz(func(t *testing.T, id uint32, b []byte) {
		d := scale.NewDecoder(b)
		v := m.DecodeValue(d, metadata.TypeID(id))
		if d.Err() != nil {
			return
		}
		again, err := m.EncodeValue([]byte{}, metadata.TypeID(id), v)
		if err != nil || !bytes.Equal(again, b[:d.Offset()]) && id != uint32(tBits8) && id != uint32(tBits16) {
			t.Fatalf("%x is %#v, which encodes as %x, %v", b, v, again, err)
		}
	})
}

// FuzzEvents reads events of the runtime of spec 424; without the fixture, of a
// runtime that has none.
func FuzzEvents(f *testing.F) {
	m := runtimeOf()
	if b, err := os.ReadFile(filepath.Join(os.Getenv("FINEST_TESTDATA"), "chain", files[424])); err == nil {
		if m, err = metadata.Decode(b); err != nil {
			f.Fatal(err)
		}
	}
	raw, err := hex.DecodeString("04" + failed)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(raw)
	f.Add([]byte{2, 0, 0, 1, 0, 0})
	f.Fuzz(func(t *testing.T, b []byte) {
		events, err := m.Events(b)
		if err == nil && len(events) > len(b) {
			t.Errorf("%d bytes made %d events", len(b), len(events))
		}
		for _, e := range events {
			m.DispatchError(e.Fields.Get("dispatch_error"))
		}
	})
}
