package metadata_test

import (
	"bytes"
	"errors"
	"reflect"
	"testing"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// TestDefaultsAndConstants reads every default and constant of four runtimes and
// writes it again: real values of nearly every shape.
func TestDefaultsAndConstants(t *testing.T) {
	for version := range files {
		m := spec(t, version)
		n := 0
		for _, p := range m.Pallets {
			for _, s := range p.Storage {
				n++
				again(t, m, p.Name+"."+s.Name, s.Value, s.Default, s.Optional)
			}
			for _, c := range p.Constants {
				n++
				again(t, m, p.Name+"."+c.Name, c.Type, c.Value, false)
			}
		}
		if n < 300 {
			t.Errorf("spec %d has %d values", version, n)
		}
	}
}

func again(t *testing.T, m *metadata.Metadata, name string, id metadata.TypeID, raw []byte, optional bool) {
	t.Helper()
	if optional { // the default of an optional item is an empty Option, not a value
		return
	}
	d := scale.NewDecoder(raw)
	v := m.DecodeValue(d, id)
	if err := d.End(); err != nil {
		t.Errorf("%s: %v", name, err)
		return
	}
	if b, err := m.EncodeValue(nil, id, v); err != nil || !bytes.Equal(b, raw) {
		t.Errorf("%s: %v encodes as %x, %v; want %x", name, v, b, err, raw)
	}
}

func TestStorageDecode(t *testing.T) {
	m := spec(t, 424)
	tests := []struct {
		pallet, item string
		raw          []byte
		want         any
	}{
		{"SubtensorModule", "Tempo", nil, uint64(360)},
		{"SubtensorModule", "Tempo", []byte{10, 0}, uint64(10)},
		{"SubtensorModule", "CommitRevealWeightsEnabled", nil, true},
		{"SubtensorModule", "Uids", nil, nil},
		{"SubtensorModule", "Weights", []byte{4, 1, 0, 2, 0}, []any{[]any{uint64(1), uint64(2)}}},
		{"SubtensorModule", "Owner", nil, make([]byte, 32)},
		{"Commitments", "CommitmentOf", nil, nil},
		{"Commitments", "CommitmentOf", append(append(make([]byte, 8), 15, 0, 0, 0, 8), 4, 'a', 'b', 'c', 0), metadata.Record{
			{Name: "deposit", Value: uint64(0)}, {Name: "block", Value: uint64(15)},
			{Name: "info", Value: []any{metadata.Enum{Name: "Raw3", Index: 4, Fields: metadata.Record{{Value: []byte("abc")}}}, metadata.Enum{Name: "None", Fields: metadata.Record{}}}},
		}},
	}
	for _, tt := range tests {
		item, err := m.StorageItem(tt.pallet, tt.item)
		if err != nil {
			t.Fatal(err)
		}
		v, err := item.Decode(tt.raw)
		if err != nil || !reflect.DeepEqual(v, tt.want) {
			t.Errorf("%s.%s of %x is %#v, %v; want %#v", tt.pallet, tt.item, tt.raw, v, err, tt.want)
		}
		if tt.raw == nil {
			continue
		}
		if b, err := item.Encode(v); err != nil || !bytes.Equal(b, tt.raw) {
			t.Errorf("%s.%s encodes as %x, %v", tt.pallet, tt.item, b, err)
		}
	}
}

func TestConstantAndAPI(t *testing.T) {
	m := spec(t, 424)
	if v, err := m.ConstantValue("System", "BlockHashCount"); err != nil || v != uint64(2400) {
		t.Errorf("System.BlockHashCount is %v, %v", v, err)
	}
	v, err := m.ConstantValue("System", "Version")
	if r, ok := v.(metadata.Record); err != nil || !ok || r.Get("spec_version") != uint64(424) || r.Get("none") != nil {
		t.Errorf("System.Version is %v, %v", v, err)
	}
	a, err := m.APIMethod("SubnetInfoRuntimeApi", "get_next_epoch_start_block")
	if err != nil {
		t.Fatal(err)
	}
	if a.StateCall() != "SubnetInfoRuntimeApi_get_next_epoch_start_block" {
		t.Errorf("state_call names it %s", a.StateCall())
	}
	b, err := a.Encode(args{"netuid": 2})
	if err != nil || !bytes.Equal(b, []byte{2, 0}) {
		t.Errorf("arguments %x, %v", b, err)
	}
	given, err := a.DecodeArgs(b)
	if err != nil || given.Get("netuid") != uint64(2) {
		t.Errorf("arguments read as %v, %v", given, err)
	}
	for _, want := range []any{nil, uint64(7200)} {
		b, err := a.EncodeResult(want)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := a.Decode(b); err != nil || got != want {
			t.Errorf("result %v is read as %v, %v", want, got, err)
		}
	}
}

// TestNeuronsLite reads the answer that a miner's metagraph comes from.
func TestNeuronsLite(t *testing.T) {
	m := spec(t, 424)
	a, err := m.APIMethod("NeuronInfoRuntimeApi", "get_neurons_lite")
	if err != nil {
		t.Fatal(err)
	}
	v, err := a.Decode([]byte{0})
	if list, ok := v.([]any); err != nil || !ok || len(list) != 0 {
		t.Errorf("no neurons are %v, %v", v, err)
	}
}

func TestMissing(t *testing.T) {
	m, old := spec(t, 424), spec(t, 293)
	for what, find := range map[metadata.MissingError]func() error{
		{What: "call", Name: "SubtensorModule.commit_crv3_weights"}: func() error { _, err := m.Call("SubtensorModule", "commit_crv3_weights", nil); return err },
		{What: "call", Name: "Nothing.set_weights"}:                 func() error { _, err := m.Call("Nothing", "set_weights", nil); return err },
		{What: "argument", Name: "SubtensorModule.set_weights.mecid"}: func() error {
			_, err := m.Call("SubtensorModule", "set_weights", args{"netuid": 2, "mecid": 0, "dests": []any{}, "weights": []any{}, "version_key": 0})
			return err
		},
		{What: "storage item", Name: "SubtensorModule.LastEpochBlock"}: func() error { _, err := old.StorageItem("SubtensorModule", "LastEpochBlock"); return err },
		{What: "constant", Name: "System.Colour"}:                      func() error { _, err := m.ConstantValue("System", "Colour"); return err },
		{What: "runtime API", Name: "Core.version"}:                    func() error { _, err := old.APIMethod("Core", "version"); return err },
		{What: "error", Name: "Commitments.200"}:                       func() error { _, _, _, err := m.ErrorName(18, 200); return err },
		{What: "error", Name: "Commitments.Colour"}:                    func() error { _, _, err := m.ErrorCode("Commitments", "Colour"); return err },
	} {
		var missing *metadata.MissingError
		if err := find(); !errors.As(err, &missing) || *missing != what {
			t.Errorf("%v: %v", what, err)
		}
	}
}

func TestCallRefuses(t *testing.T) {
	m := spec(t, 424)
	for want, given := range map[string]args{
		"encode call Commitments.set_commitment: argument info is not given":                                      {"netuid": 2},
		"encode call Commitments.set_commitment: argument netuid: 65536 does not fit u16":                         {"netuid": 65536, "info": nil},
		"encode call Commitments.set_commitment: argument netuid: -1 does not fit u16":                            {"netuid": -1, "info": nil},
		"encode call Commitments.set_commitment: argument netuid: string is no value of u16":                      {"netuid": "2", "info": nil},
		"encode call Commitments.set_commitment: argument info: <nil> is no value of sequence":                    {"netuid": 2, "info": nil},
		`encode call Commitments.set_commitment: argument info: item 0: Data has no variant "Raw129"`:             {"netuid": 2, "info": []string{"Raw129"}},
		"encode call Commitments.set_commitment: argument info: item 0: Raw2: 0 values for 1 fields":              {"netuid": 2, "info": []string{"Raw2"}},
		"encode call Commitments.set_commitment: argument info: item 0: Raw2: field 0: 1 items for an array of 2": {"netuid": 2, "info": []any{metadata.NewEnum("Raw2", []byte{1})}},
	} {
		if _, err := m.Call("Commitments", "set_commitment", given); err == nil || err.Error() != want {
			t.Errorf("%v\nwant %s", err, want)
		}
	}
	for _, b := range [][]byte{nil, {18}, {200, 0}, {18, 200}, {18, 0, 2}, {18, 0, 2, 0, 0, 9}} {
		if c, err := m.DecodeCall(b); err == nil {
			t.Errorf("call %x is %v", b, c)
		}
	}
}
