package extrinsic_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/chain"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/wallet"
)

// runtime returns the metadata of a file of the fixture; without the fixture the
// test is skipped.
func runtime(t testing.TB, name string) *metadata.Metadata {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA is not set")
	}
	b, err := os.ReadFile(filepath.Join(dir, "chain", name))
	if err != nil {
		t.Fatal(err)
	}
	m, err := metadata.Decode(b)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

const spec424, spec293, spec240 = "metadata-spec424-v16.scale", "metadata-spec293-v14.scale", "metadata-spec240-v15.scale"

func unhex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// stamp is //Alice with the signature that the vectors carry.
type stamp struct{ message []byte }

func (*stamp) PublicKey() chain.PublicKey {
	return chain.PublicKey(unhex("d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d"))
}
func (*stamp) Address() string { return "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY" }
func (s *stamp) Sign(message []byte) ([64]byte, error) {
	s.message = message
	return [64]byte(bytes.Repeat([]byte{0x33}, 64)), nil
}

// call is SubtensorModule.set_weights, which has these bytes in every runtime of
// the fixture.
var call = unhex("07000200080100020008ffff30750700000000000000")

// params are those of the vectors.
func params(spec uint32, era extrinsic.Era) extrinsic.Params {
	return extrinsic.Params{
		Spec: spec, TxVersion: 1, Era: era, Nonce: 70, Tip: 1_000_000,
		Genesis:  chain.Hash(bytes.Repeat([]byte{0x11}, 32)),
		EraBlock: chain.Hash(bytes.Repeat([]byte{0x22}, 32)),
	}
}

// TestVectors compares with what @polkadot/types 16.5.6 makes of the same metadata.
func TestVectors(t *testing.T) {
	head := "8400d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d01" + strings.Repeat("33", 64)
	body := hex.EncodeToString(call)
	ones, twos := strings.Repeat("11", 32), strings.Repeat("22", 32)
	tests := []struct {
		name, file string
		spec       uint32
		era        extrinsic.Era
		extra      string
		implicit   string
		length     string
		hash       string
	}{
		{"immortal", spec424, 424, extrinsic.Era{}, "00190102093d0000", "a801000001000000" + ones + ones + "00", "0502",
			"92b927bf3b40515b6381a5a175f98679ab1be2a448ac516e0d0985de218210f5"},
		{"64 blocks", spec424, 424, extrinsic.MortalAt(1234567, 64), "7500190102093d0000", "a801000001000000" + ones + twos + "00", "0902",
			"c1ddce01fca1424f0f7fe30377a7e3990f06bfa1616c6038d2fb8f9e4657a64e"},
		{"65536 blocks", spec424, 424, extrinsic.MortalAt(700001, 65536), "6fae190102093d0000", "a801000001000000" + ones + twos + "00", "0902",
			"fc66aec0bbed517a017814f5430026daada9b3c0bbb93c97de34d8e34ce56d7a"},
		{"V14", spec293, 293, extrinsic.MortalAt(1234567, 64), "7500190102093d0000", "2501000001000000" + ones + twos + "00", "0902",
			"c1ddce01fca1424f0f7fe30377a7e3990f06bfa1616c6038d2fb8f9e4657a64e"},
		{"V15", spec240, 240, extrinsic.MortalAt(1234567, 64), "7500190102093d0000", "f000000001000000" + ones + twos + "00", "0902",
			"c1ddce01fca1424f0f7fe30377a7e3990f06bfa1616c6038d2fb8f9e4657a64e"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			by := new(stamp)
			m := runtime(t, tt.file)
			xt, err := extrinsic.Sign(m, by, call, params(tt.spec, tt.era))
			if err != nil {
				t.Fatal(err)
			}
			if got, want := hex.EncodeToString(xt), tt.length+head+tt.extra+body; got != want {
				t.Errorf("extrinsic\n%s, want\n%s", got, want)
			}
			if got, want := hex.EncodeToString(by.message), body+tt.extra+tt.implicit; got != want {
				t.Errorf("message\n%s, want\n%s", got, want)
			}
			if got := extrinsic.Hash(xt).String(); got != tt.hash {
				t.Errorf("hash %s, want %s", got, tt.hash)
			}
		})
	}
}

func TestLongMessageIsHashed(t *testing.T) {
	m := runtime(t, spec424)
	for _, n := range []int{0, 175, 176, 177, 1000} {
		long := append(slices.Clone(call), make([]byte, n)...)
		p := params(424, extrinsic.Era{})
		by := new(stamp)
		if _, err := extrinsic.Sign(m, by, long, p); err != nil {
			t.Fatal(err)
		}
		plain := slices.Concat(long, unhex("00190102093d0000"), unhex("a801000001000000"), p.Genesis[:], p.Genesis[:], []byte{0})
		want := plain
		if len(plain) > 256 {
			sum := metadata.SumBlake2_256(plain)
			want = sum[:]
		}
		if !bytes.Equal(by.message, want) {
			t.Errorf("of %d bytes, %x is signed, want %x", len(plain), by.message, want)
		}
	}
}

func TestSignDecodeVerify(t *testing.T) {
	m := runtime(t, spec424)
	alice, err := wallet.FromURI("//Alice")
	if err != nil {
		t.Fatal(err)
	}
	digest := chain.Hash{9}
	for _, digest := range []*chain.Hash{nil, &digest} {
		p := params(424, extrinsic.MortalAt(1000, 64))
		p.MetadataHash = digest
		xt, err := extrinsic.Sign(m, alice, call, p)
		if err != nil {
			t.Fatal(err)
		}
		x, err := extrinsic.Decode(m, xt)
		if err != nil {
			t.Fatal(err)
		}
		if !x.Signed || x.Signer != alice.PublicKey() || x.Era != p.Era || x.Nonce != 70 || x.Tip != 1_000_000 ||
			x.MetadataHash != (digest != nil) || !bytes.Equal(x.Call, call) {
			t.Errorf("decoded %+v", x)
		}
		message, err := x.Message(extrinsic.Params{Spec: p.Spec, TxVersion: p.TxVersion, Genesis: p.Genesis, EraBlock: p.EraBlock, MetadataHash: digest})
		if err != nil {
			t.Fatal(err)
		}
		if !wallet.Verify(x.Signer, message, x.Signature) {
			t.Error("the signature does not verify")
		}
		if _, err := x.Message(extrinsic.Params{}); (err != nil) != (digest != nil) {
			t.Errorf("message without digest: %v", err)
		}
	}
}

func TestBare(t *testing.T) {
	m := runtime(t, spec424)
	x, err := extrinsic.Decode(m, extrinsic.Bare(call))
	if err != nil || x.Signed || !bytes.Equal(x.Call, call) {
		t.Errorf("decoded %+v, %v", x, err)
	}
}

func TestUnknownExtension(t *testing.T) {
	m := runtime(t, spec424)
	m.Extrinsic.Extensions[9].Extra = m.Extrinsic.Extensions[5].Extra // bytes where there were none
	_, err := extrinsic.Sign(m, new(stamp), call, params(424, extrinsic.Era{}))
	var unsupported *extrinsic.UnsupportedError
	if !errors.As(err, &unsupported) || unsupported.Extension != m.Extrinsic.Extensions[9].Name {
		t.Errorf("sign: %v", err)
	}
	m.Extrinsic.Versions = []uint8{5}
	if _, err := extrinsic.Sign(m, new(stamp), call, params(424, extrinsic.Era{})); err == nil {
		t.Error("a runtime without version 4 takes an extrinsic of it")
	}
}

func TestDecodeRefuses(t *testing.T) {
	m := runtime(t, spec424)
	xt, err := extrinsic.Sign(m, new(stamp), call, params(424, extrinsic.Era{}))
	if err != nil {
		t.Fatal(err)
	}
	change := func(at int, to byte) []byte {
		b := slices.Clone(xt)
		b[at] = to
		return b
	}
	for name, b := range map[string][]byte{
		"nothing":             nil,
		"empty":               {0},
		"short":               xt[:len(xt)-1],
		"long":                append(slices.Clone(xt), 0),
		"general extrinsic":   change(2, 0x45),
		"signed version 5":    change(2, 0x85),
		"address of index":    change(3, 1),
		"ecdsa":               change(36, 2),
		"length beyond 2^30":  {3, 0xff, 0xff, 0xff, 0xff, 0x84},
		"ends in its address": {8, 0x84, 0},
	} {
		if x, err := extrinsic.Decode(m, b); err == nil {
			t.Errorf("%s: decoded %+v", name, x)
		}
	}
}

func FuzzDecode(f *testing.F) {
	m := runtime(f, spec424)
	xt, err := extrinsic.Sign(m, new(stamp), call, params(424, extrinsic.MortalAt(5, 64)))
	if err != nil {
		f.Fatal(err)
	}
	f.Add(xt)
	f.Add(extrinsic.Bare(call))
	f.Add([]byte{3, 0xff, 0xff, 0xff, 0xff, 0x84})
	f.Fuzz(func(t *testing.T, b []byte) {
		x, err := extrinsic.Decode(m, b)
		if err != nil {
			return
		}
		if len(x.Call)+len(x.Extra) > len(b) {
			t.Errorf("%d bytes made a call of %d and an extra of %d", len(b), len(x.Call), len(x.Extra))
		}
		if _, err := x.Message(params(424, extrinsic.Era{})); err != nil && !x.MetadataHash {
			t.Error(err)
		}
	})
}
