package subtensor

import (
	"bytes"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"finest/chain"
	devruntime "finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

func TestGoldenCommitments(t *testing.T) {
	m, want := fixture(t, "metadata-spec424-v16.scale"), golden(t)
	for label, f := range map[string]Field{
		`set_commitment(2, Raw3 "abc")`:                              RawField([]byte("abc")),
		"set_commitment(2, BigRaw 130 bytes of 0x61)":                RawField(bytes.Repeat([]byte("a"), 130)),
		"set_commitment(2, TimelockEncrypted ct=0x0102, round=1000)": {Kind: KindTimelocked, Data: []byte{1, 2}, Round: 1000},
	} {
		v, err := f.value()
		if err != nil {
			t.Fatal(err)
		}
		got, err := m.Call(commitmentsPallet, "set_commitment", metadata.Args{"netuid": 2, "info": []metadata.Enum{v}})
		if err != nil || !bytes.Equal(got, want[label]) {
			t.Errorf("%s is %x, error %v, want %x", label, got, err, want[label])
		}
	}
}

// Every field that can be written reads as itself.
func TestFieldRoundTrip(t *testing.T) {
	m := fixture(t, "metadata-spec424-v16.scale")
	item, err := m.StorageItem(commitmentsPallet, commitmentItem)
	if err != nil {
		t.Fatal(err)
	}
	fields := []Field{
		{Kind: KindNone}, {Kind: KindResetBonds}, {Kind: KindTimelocked, Data: []byte("ciphertext"), Round: 1 << 40},
		{Kind: KindBigRaw, Data: bytes.Repeat([]byte{3}, MaxBigRaw)}, {Kind: KindBigRaw, Data: []byte{}},
	}
	for n := range MaxRaw + 1 {
		fields = append(fields, RawField(bytes.Repeat([]byte{0xff}, n)))
	}
	for _, kind := range []string{KindBlakeTwo256, KindSha256, KindKeccak256, KindShaThree256} {
		fields = append(fields, Field{Kind: kind, Data: bytes.Repeat([]byte{9}, 32)})
	}
	for _, f := range fields {
		v, err := f.value()
		if err != nil {
			t.Errorf("%s of %d bytes: %v", f.Kind, len(f.Data), err)
			continue
		}
		raw, err := item.Encode(map[string]any{"deposit": 0, "block": 77, "info": []any{v, v}})
		if err != nil {
			t.Fatalf("%s of %d bytes: %v", f.Kind, len(f.Data), err)
		}
		back, err := item.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := commitmentOf(chain.PublicKey{5}, back)
		if want := (&Commitment{Hotkey: chain.PublicKey{5}, Block: 77, Fields: []Field{f, f}}); err != nil || !reflect.DeepEqual(got, want) {
			t.Errorf("wrote %+v, read %+v, error %v", want, got, err)
		}
	}
}

func TestFieldRefusals(t *testing.T) {
	for _, f := range []Field{
		{Kind: KindRaw, Data: make([]byte, MaxRaw+1)}, {Kind: KindBigRaw, Data: make([]byte, MaxBigRaw+1)}, RawField(make([]byte, MaxBigRaw+1)),
		{Kind: KindTimelocked, Data: make([]byte, MaxTimelocked+1)}, {Kind: KindSha256, Data: make([]byte, 31)}, {Kind: "Raw7"}, {},
	} {
		if _, err := f.value(); !errors.Is(err, chain.ErrRejected) {
			t.Errorf("%s of %d bytes: error %v", f.Kind, len(f.Data), err)
		}
	}
}

// A value as the real runtime stored it (spec 293): Raw20.
func TestStoredCommitment(t *testing.T) {
	raw, err := hex.DecodeString("0000000000000000" + "0f000000" + "04" + "15" + hex.EncodeToString([]byte("finest:0123456789abc")))
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"metadata-spec240-v15.scale", "metadata-spec293-v14.scale", "metadata-spec393-v16.scale", "metadata-spec424-v16.scale"} {
		item, err := fixture(t, name).StorageItem(commitmentsPallet, commitmentItem)
		if err != nil {
			t.Fatal(err)
		}
		v, err := item.Decode(raw)
		if err != nil {
			t.Fatal(err)
		}
		got, err := commitmentOf(chain.PublicKey{}, v)
		if err != nil || got.Block != 15 || len(got.Fields) != 1 || got.Fields[0].Kind != KindRaw || string(got.Fields[0].Data) != "finest:0123456789abc" {
			t.Errorf("%s: read %+v, error %v", name, got, err)
		}
	}
}

// What later runtimes may store is kept as far as it is understood.
func TestUnknownFields(t *testing.T) {
	unknown := metadata.Enum{Name: "Blob", Index: 140, Fields: metadata.Record{{Name: "bytes", Value: []byte("abc")}}}
	other := metadata.Enum{Name: "Pair", Index: 141, Fields: metadata.Record{{Name: "a", Value: uint64(1)}, {Name: "b", Value: uint64(2)}}}
	got, err := commitmentOf(chain.PublicKey{}, metadata.Record{{Name: "block", Value: uint64(3)}, {Name: "info", Value: []any{unknown, other}}})
	want := []Field{{Kind: "Blob", Data: []byte("abc")}, {Kind: "Pair"}}
	if err != nil || !reflect.DeepEqual(got.Fields, want) {
		t.Errorf("read %+v, error %v, want %+v", got, err, want)
	}
	for _, bad := range []any{
		nil, "text", metadata.Record{}, metadata.Record{{Name: "block", Value: "x"}}, metadata.Record{{Name: "block", Value: uint64(1)}},
		metadata.Record{{Name: "block", Value: uint64(1)}, {Name: "info", Value: []any{uint64(1)}}},
	} {
		if got, err := commitmentOf(chain.PublicKey{}, bad); err == nil {
			t.Errorf("%v is read as %+v", bad, got)
		}
	}
}

func TestRevealText(t *testing.T) {
	for data, want := range map[string]string{
		"": "", "\x14hello": "hello", "hello": "hello", "\x14hell": "\x14hell", "\x14helloo": "\x14helloo", "\x00": "", "\xff": "\xff",
	} {
		if got := (Reveal{Data: []byte(data)}).Text(); got != want {
			t.Errorf("%q reads %q, want %q", data, got, want)
		}
	}
}

// Whatever a node answers, reading it ends in a commitment or an error.
func FuzzCommitment(f *testing.F) {
	item, err := devruntime.Metadata(devruntime.V1).StorageItem(commitmentsPallet, commitmentItem)
	if err != nil {
		f.Fatal(err)
	}
	for _, fields := range [][]Field{{RawField([]byte("abc"))}, {RawField(make([]byte, 200)), {Kind: KindTimelocked, Data: []byte{1}, Round: 9}}, {{Kind: KindNone}}} {
		var values []any
		for _, x := range fields {
			v, err := x.value()
			if err != nil {
				f.Fatal(err)
			}
			values = append(values, v)
		}
		raw, err := item.Encode(map[string]any{"deposit": 0, "block": 77, "info": values})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(raw)
	}
	f.Fuzz(func(t *testing.T, raw []byte) {
		v, err := item.Decode(raw)
		if err != nil {
			return
		}
		c, err := commitmentOf(chain.PublicKey{}, v)
		if err != nil {
			t.Fatalf("decoded, but %v", err)
		}
		if plain := c.plain(); len(plain.Fields) != len(c.Fields) {
			t.Errorf("%d fields became %d", len(c.Fields), len(plain.Fields))
		}
	})
}
