package scale_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/chain/scale"
)

// The vectors are those of the specification of SCALE and of parity-scale-codec's
// tests.
func TestCompact(t *testing.T) {
	for _, tt := range []struct {
		v   uint64
		hex string
	}{
		{0, "00"}, {1, "04"}, {42, "a8"}, {63, "fc"}, {64, "0101"}, {69, "1501"}, {16383, "fdff"}, {16384, "02000100"},
		{65535, "feff0300"}, {1<<30 - 1, "feffffff"}, {1 << 30, "0300000040"}, {1<<32 - 1, "03ffffffff"}, {1 << 32, "070000000001"},
		{1 << 40, "0b000000000001"}, {1 << 48, "0f00000000000001"}, {1<<56 - 1, "0fffffffffffffff"}, {1 << 56, "130000000000000001"},
		{1<<64 - 1, "13ffffffffffffffff"}, {100_000_000_000_000, "0b00407a10f35a"},
	} {
		if got := hex.EncodeToString(scale.AppendCompact(nil, tt.v)); got != tt.hex {
			t.Errorf("%d is %s, want %s", tt.v, got, tt.hex)
		}
		if got := hex.EncodeToString(scale.AppendCompactBig(nil, new(big.Int).SetUint64(tt.v))); got != tt.hex {
			t.Errorf("big %d is %s, want %s", tt.v, got, tt.hex)
		}
		d := scale.NewDecoder(unhex(t, tt.hex))
		if got := d.Compact(); got != tt.v || d.End() != nil {
			t.Errorf("%s is %d, %v; want %d", tt.hex, got, d.Err(), tt.v)
		}
		d = scale.NewDecoder(unhex(t, tt.hex))
		if got := d.CompactBig(16); !got.IsUint64() || got.Uint64() != tt.v || d.End() != nil {
			t.Errorf("%s is big %d, %v; want %d", tt.hex, got, d.Err(), tt.v)
		}
	}
}

func unhex(t *testing.T, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestCompactHasOneForm(t *testing.T) {
	for digits, want := range map[string]error{
		"0100": scale.ErrCanonical, "fd00": scale.ErrCanonical, "02000000": scale.ErrCanonical, "0300000000": scale.ErrCanonical,
		"03ffffff3f": scale.ErrCanonical, "07ffffffff00": scale.ErrCanonical, "17000000000000000001": scale.ErrLength,
		"": scale.ErrShort, "01": scale.ErrShort, "31": scale.ErrShort, "0200": scale.ErrShort, "030000": scale.ErrShort, "13ffffffff": scale.ErrShort,
	} {
		d := scale.NewDecoder(unhex(t, digits))
		if v := d.Compact(); v != 0 || !errors.Is(d.Err(), want) {
			t.Errorf("%q is %d, %v; want %v", digits, v, d.Err(), want)
		}
	}
}

func TestCompactBig(t *testing.T) {
	most := new(big.Int).Sub(new(big.Int).Lsh(big.NewInt(1), 128), big.NewInt(1))
	b := scale.AppendCompactBig(nil, most)
	if got := hex.EncodeToString(b); got != "33"+strings.Repeat("ff", 16) {
		t.Errorf("2^128-1 is %s", got)
	}
	d := scale.NewDecoder(b)
	if got := d.CompactBig(16); got.Cmp(most) != 0 || d.End() != nil {
		t.Errorf("2^128-1 is read as %d, %v", got, d.Err())
	}
	for digits, want := range map[string]error{
		"33" + strings.Repeat("ff", 15) + "00": scale.ErrCanonical,
		"33" + strings.Repeat("ff", 15):        scale.ErrShort,
		"37" + strings.Repeat("ff", 17):        scale.ErrLength,
		"":                                     scale.ErrShort,
	} {
		d := scale.NewDecoder(unhex(t, digits))
		if v := d.CompactBig(16); !errors.Is(d.Err(), want) {
			t.Errorf("%q is %d, %v; want %v", digits, v, d.Err(), want)
		}
	}
	d = scale.NewDecoder([]byte{0x03, 0, 0, 0, 0x40})
	if v := d.CompactBig(2); !errors.Is(d.Err(), scale.ErrLength) {
		t.Errorf("2^30 in two bytes is %d, %v", v, d.Err())
	}
}

func TestDecoder(t *testing.T) {
	d := scale.NewDecoder(unhex(t, "01"+"02"+"0300"+"04000000"+"0500000000000000"+"0c616263"+"080708"+"ffff"+"fe"))
	switch {
	case !d.Bool(), d.U8() != 2, d.U16() != 3, d.U32() != 4, d.U64() != 5, d.String() != "abc",
		!bytes.Equal(d.Bytes(), []byte{7, 8}), d.Int(2, true).Int64() != -1, d.Remaining() != 1, d.Int(1, false).Int64() != 254:
		t.Errorf("wrong value before byte %d, %v", d.Offset(), d.Err())
	}
	if err := d.End(); err != nil {
		t.Error(err)
	}
}

func TestFirstErrorSticks(t *testing.T) {
	d := scale.NewDecoder([]byte{2, 1, 1, 1, 1, 1, 1, 1, 1})
	if d.Bool() || !errors.Is(d.Err(), scale.ErrCanonical) {
		t.Errorf("a boolean of 2: %v", d.Err())
	}
	first := d.Err()
	if d.U8()|uint8(d.U16())|uint8(d.U32())|uint8(d.U64())|uint8(d.Compact()) != 0 || d.Bytes() != nil || d.Int(2, true).Sign() != 0 {
		t.Error("a value is read after an error")
	}
	d.Fail(errors.New("another"))
	if !errors.Is(d.Err(), first) || !errors.Is(d.End(), first) || d.Remaining() != 0 {
		t.Errorf("the error became %v, %d bytes remain", d.Err(), d.Remaining())
	}
	d = scale.NewDecoder([]byte{1})
	if !errors.Is(d.End(), scale.ErrTrailing) {
		t.Errorf("a byte is left: %v", d.Err())
	}
	d = scale.NewDecoder([]byte{1})
	if d.Fixed(-1) != nil || !errors.Is(d.Err(), scale.ErrShort) {
		t.Errorf("-1 bytes: %v", d.Err())
	}
}

func TestLenRefusesWhatCannotBe(t *testing.T) {
	for _, tt := range []struct {
		hex  string
		size int
		want int
	}{
		{"08" + "0000", 1, 2}, {"0c" + "0000", 1, -1}, {"08" + "00000000", 2, 2}, {"08" + "000000", 2, -1},
		{"feffffff" + "00", 1, -1}, {"13ffffffffffffffff" + "00", 1, -1}, {"00", 1, 0}, {"04" + "00", 0, 1},
	} {
		d := scale.NewDecoder(unhex(t, tt.hex))
		switch n := d.Len(tt.size); {
		case tt.want < 0 && !errors.Is(d.Err(), scale.ErrLength):
			t.Errorf("%s holds %d items of %d bytes, %v", tt.hex, n, tt.size, d.Err())
		case tt.want >= 0 && (n != tt.want || d.Err() != nil):
			t.Errorf("%s holds %d items of %d bytes, %v; want %d", tt.hex, n, tt.size, d.Err(), tt.want)
		}
	}
}

func TestIntegersComeBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		v := rapid.Uint64().Draw(t, "v") >> rapid.IntRange(0, 63).Draw(t, "shift")
		d := scale.NewDecoder(scale.AppendCompact(nil, v))
		if got := d.Compact(); got != v || d.End() != nil {
			t.Fatalf("%d is read as %d, %v", v, got, d.Err())
		}
		big1 := new(big.Int).SetBytes(rapid.SliceOfN(rapid.Byte(), 0, 32).Draw(t, "big"))
		d = scale.NewDecoder(scale.AppendCompactBig(nil, big1))
		if got := d.CompactBig(32); got.Cmp(big1) != 0 || d.End() != nil {
			t.Fatalf("%d is read as %d, %v", big1, got, d.Err())
		}
		signed := big.NewInt(rapid.Int64().Draw(t, "signed"))
		size := rapid.IntRange(8, 32).Draw(t, "size")
		d = scale.NewDecoder(scale.AppendInt(nil, signed, size))
		if got := d.Int(size, true); got.Cmp(signed) != 0 || d.End() != nil {
			t.Fatalf("%d in %d bytes is read as %d, %v", signed, size, got, d.Err())
		}
		text := rapid.String().Draw(t, "text")
		d = scale.NewDecoder(scale.AppendBytes(nil, text))
		if got := d.String(); got != text || d.End() != nil {
			t.Fatalf("%q is read as %q, %v", text, got, d.Err())
		}
	})
}

// FuzzDecoder reads values in the order that the first bytes ask for; what is a
// compact integer must be the one encoding of it.
func FuzzDecoder(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7}, []byte{1, 2, 3, 0, 4, 0, 0, 0, 8, 1, 2, 0x13, 1, 1, 1, 1, 1, 1, 1, 1})
	f.Add([]byte{5}, []byte{3, 0, 0, 0, 0x40})
	f.Fuzz(func(t *testing.T, order, data []byte) {
		d := scale.NewDecoder(data)
		for _, what := range order {
			from := d.Offset()
			var again []byte
			switch what % 8 {
			case 0:
				d.Bool()
			case 1:
				d.U16()
			case 2:
				d.U64()
			case 3:
				again = scale.AppendCompact(nil, d.Compact())
			case 4:
				again = scale.AppendCompactBig(nil, d.CompactBig(16))
			case 5:
				again = scale.AppendBytes(nil, d.Bytes())
			case 6:
				if n := d.Len(4); 4*n > len(data) {
					t.Fatalf("%d bytes hold %d items of 4", len(data), n)
				}
			case 7:
				again = scale.AppendInt(nil, d.Int(16, true), 16)
			}
			if d.Err() != nil {
				return
			}
			if again != nil && !bytes.Equal(again, data[from:d.Offset()]) {
				t.Fatalf("%x is written again as %x", data[from:d.Offset()], again)
			}
		}
	})
}
