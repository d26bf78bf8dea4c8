package metadata_test

import (
	"bytes"
	"encoding/hex"
	"strings"
	"testing"

	"finest/chain/metadata"
)

func item(t *testing.T, m *metadata.Metadata, name string) *metadata.StorageItem {
	t.Helper()
	s, err := m.StorageItem("Full", name)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func TestKeysOfSmallRuntime(t *testing.T) {
	m := runtimeOf()
	prefix := func(name string) []byte {
		pallet, item := metadata.SumTwox128([]byte("Full")), metadata.SumTwox128([]byte(name))
		return append(pallet[:], item[:]...)
	}
	value, err := item(t, m, "Value").Key()
	if err != nil || !bytes.Equal(value, prefix("Value")) {
		t.Errorf("key of a value is %x, %v", value, err)
	}
	if keys, err := item(t, m, "Value").DecodeKey(value); err != nil || len(keys) != 0 {
		t.Errorf("keys of a value are %v, %v", keys, err)
	}
	hashed := metadata.SumBlake2_128([]byte{2, 0})
	maps, err := item(t, m, "Maps").Key(1, 2)
	if want := append(append(prefix("Maps"), 1), hashed[:]...); err != nil || !bytes.Equal(maps, want) {
		t.Errorf("key of a map of two is %x, %v; want %x", maps, err, want)
	}
}

func TestKeysRefuse(t *testing.T) {
	m := runtimeOf()
	full, err := item(t, m, "Map").Key(1)
	if err != nil {
		t.Fatal(err)
	}
	hashed, err := item(t, m, "Maps").Key(1, 2)
	if err != nil {
		t.Fatal(err)
	}
	wrong := runtimeOf()
	wrong.Pallets[1].Storage[2].Key = tNetuid
	for want, try := range map[string]func() error{
		"key of Full.Map: 2 keys, at most 1":                func() error { _, err := item(t, m, "Map").Key(1, 2); return err },
		"key of Full.Map: key 0: string is no value of u16": func() error { _, err := item(t, m, "Map").Key("1"); return err },
		"decode key of Full.Value: %s is a key of another":  func() error { _, err := item(t, m, "Value").DecodeKey(full); return err },
		"decode key of Full.Map: byte 8: input ends":        func() error { _, err := item(t, m, "Map").DecodeKey(full[:len(full)-1]); return err },
		"decode key of Full.Map: byte 10: bytes are left":   func() error { _, err := item(t, m, "Map").DecodeKey(append(full, 0)); return err },
		"decode key of Full.Maps: key 1 is hashed only":     func() error { _, err := item(t, m, "Maps").DecodeKey(hashed); return err },
		"key of Full.Maps: 2 hashers for a key of type":     func() error { _, err := item(t, wrong, "Maps").Key(1, 2); return err },
		"decode key of Full.Maps: 2 hashers for a key":      func() error { _, err := item(t, wrong, "Maps").DecodeKey(hashed); return err },
		"decode Full.Value: byte 0: input ends":             func() error { _, err := item(t, m, "Value").Decode([]byte{}); return err },
		"encode Full.Value: 65536 does not fit u16":         func() error { _, err := item(t, m, "Value").Encode(65536); return err },
		"decode constant Full.Limit: byte 0: input ends": func() error {
			m.Pallets[1].Constants[0].Value = nil
			_, err := m.ConstantValue("Full", "Limit")
			return err
		},
		"encode call of Api_method: argument n is not given": func() error { a, _ := m.APIMethod("Api", "method"); _, err := a.Encode(nil); return err },
		"decode arguments of Api_method: byte 0: input ends": func() error { a, _ := m.APIMethod("Api", "method"); _, err := a.DecodeArgs(nil); return err },
		"decode result of Api_method: byte 0: input ends":    func() error { a, _ := m.APIMethod("Api", "method"); _, err := a.Decode(nil); return err },
		"encode result of Api_method: int is no value":       func() error { a, _ := m.APIMethod("Api", "method"); _, err := a.EncodeResult(1); return err },
	} {
		want = strings.Replace(want, "%s", hex.EncodeToString(full), 1)
		if err := try(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}

// TestSizeless: an extension of such a type has nothing to say.
func TestSizeless(t *testing.T) {
	m := runtimeOf()
	m.Types = append(m.Types,
		metadata.Type{Kind: metadata.Tuple, Tuple: []metadata.TypeID{tUnit, tNothing}},
		metadata.Type{Kind: metadata.Array, Elem: tU8},
		metadata.Type{Fields: []metadata.Field{{Type: tNothing}}})
	last := metadata.TypeID(len(m.Types))
	for id, want := range map[metadata.TypeID]bool{
		tUnit: true, tNothing: true, tVast: true, last - 1: true, last - 2: true, last - 3: true,
		tU8: false, tTuple: false, tPoint: false, tUnits: false, tHash: false, tEnum: false, tLoop: false, tFork: false, last: false,
	} {
		if got := m.Sizeless(id); got != want {
			t.Errorf("type %d takes no bytes: %t", id, got)
		}
	}
}

// TestSignedExtensions takes the lowest set that V16 tells, and all where no sets
// are told.
func TestSignedExtensions(t *testing.T) {
	x := metadata.Extrinsic{Extensions: []metadata.Extension{{Name: "A"}, {Name: "B"}, {Name: "C"}}}
	names := func() (s string) {
		for _, e := range x.Signed() {
			s += e.Name
		}
		return s
	}
	if got := names(); got != "ABC" {
		t.Errorf("without sets %s", got)
	}
	x.ByVersion = []metadata.ExtensionSet{{Version: 1, Indices: []uint32{0, 1, 2}}, {Version: 0, Indices: []uint32{2, 0}}}
	if got := names(); got != "CA" {
		t.Errorf("of two sets %s", got)
	}
}
