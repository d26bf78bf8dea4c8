package metadata_test

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"testing"

	"finest/chain/metadata"
)

// failed is System.ExtrinsicFailed with SubtensorModule error 29 in spec 424, as
// written by an extrinsic at place 1 of its block.
const failed = "0001000000" + "0001" + "03071d000000" + "0000" + "0001" + "00"

func events(t testing.TB, m *metadata.Metadata, digits string) []metadata.Event {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	if err != nil {
		t.Fatal(err)
	}
	list, err := m.Events(raw)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

func TestEvents(t *testing.T) {
	m := spec(t, 424)
	list := events(t, m, "08"+
		"02"+"1200"+"0200"+hex.EncodeToString(bob[:])+"00"+ // in the initialization: Commitments.Commitment
		failed)
	if len(list) != 2 {
		t.Fatalf("%d events: %v", len(list), list)
	}
	want := metadata.Event{Extrinsic: -1, Pallet: "Commitments", Name: "Commitment", Fields: metadata.Record{
		{Name: "netuid", Value: uint64(2)}, {Name: "who", Value: bob[:]}}}
	if !reflect.DeepEqual(list[0], want) {
		t.Errorf("first event %+v, want %+v", list[0], want)
	}
	e := list[1]
	if e.Extrinsic != 1 || e.Pallet != "System" || e.Name != "ExtrinsicFailed" {
		t.Fatalf("second event %+v", e)
	}
	if got := m.DispatchError(e.Fields.Get("dispatch_error")); got.String() != "SubtensorModule.SettingWeightsTooFast" || got.Docs == "" {
		t.Errorf("dispatch error %+v", got)
	}
	if list, err := m.Events(nil); err != nil || len(list) != 0 {
		t.Errorf("a block without events has %v, %v", list, err)
	}
}

// TestErrorsMove reads the same error of two runtimes, where its index differs.
func TestErrorsMove(t *testing.T) {
	codes := map[uint8]bool{}
	for version := range files {
		m := spec(t, version)
		pallet, code, err := m.ErrorCode("SubtensorModule", "CommitRevealEnabled")
		if err != nil {
			t.Fatal(err)
		}
		codes[code] = true
		gotPallet, name, docs, err := m.ErrorName(pallet, code)
		if err != nil || gotPallet != "SubtensorModule" || name != "CommitRevealEnabled" || docs == "" {
			t.Errorf("spec %d: error %d.%d is %s.%s (%s), %v", version, pallet, code, gotPallet, name, docs, err)
		}
	}
	if len(codes) < 2 {
		t.Errorf("the index is the same in all runtimes: %v", codes)
	}
}

func TestDispatchError(t *testing.T) {
	m := spec(t, 424)
	module := func(index, code any) metadata.Enum {
		return metadata.NewEnum("Module", metadata.Record{{Name: "index", Value: index}, {Name: "error", Value: code}})
	}
	for want, v := range map[string]any{
		"BadOrigin":                           metadata.NewEnum("BadOrigin"),
		"Token.FundsUnavailable":              metadata.NewEnum("Token", metadata.NewEnum("FundsUnavailable")),
		"Commitments.AccountNotAllowedCommit": module(uint64(18), []byte{1, 0, 0, 0}),
		"pallet 18.error 200":                 module(uint64(18), []byte{200, 0, 0, 0}),
		"pallet 99.error 0":                   module(uint64(99), []byte{0, 0, 0, 0}),
		"Module":                              module("x", []byte{}),
		"<nil>":                               nil,
	} {
		if got := m.DispatchError(v).String(); got != want {
			t.Errorf("%v is %s, want %s", v, got, want)
		}
	}
}

func TestEventsRefuse(t *testing.T) {
	m := spec(t, 424)
	raw, err := hex.DecodeString("04" + failed)
	if err != nil {
		t.Fatal(err)
	}
	for name, b := range map[string][]byte{
		"short":           raw[:len(raw)-1],
		"long":            append(bytes.Clone(raw), 0),
		"unknown phase":   append([]byte{4, 3}, raw[2:]...),
		"2^30 events":     {2, 0, 0, 1},
		"unknown pallet":  {4, 1, 250, 0, 0},
		"unknown variant": {4, 1, 18, 250, 0},
	} {
		if list, err := m.Events(b); err == nil {
			t.Errorf("%s: %v", name, list)
		}
	}
}
