package metadata_test

import (
	"encoding/hex"
	"testing"

	"finest/chain/metadata"
)

// TestHashers compares with @polkadot/util-crypto of the same version as
// @polkadot/api 16.5.6, and with Python's hashlib and xxhash.
func TestHashers(t *testing.T) {
	const (
		twox64    = "990977adf52cbc44"
		twox128   = twox64 + "0889329981caa9be"
		twox256   = twox128 + "f7da5770b2b8a05303b75d95360dd62b"
		blake2128 = "cf4ab791c62b8d2b2109c90275287816"
		blake2256 = "bddd813c634239723171ef3fee98579b94964e3bb1cb3e427262c8c068d52319"
		abc       = "616263"
	)
	for hasher, want := range map[metadata.Hasher]string{
		metadata.Blake2_128: blake2128, metadata.Blake2_256: blake2256, metadata.Blake2_128Concat: blake2128 + abc,
		metadata.Twox128: twox128, metadata.Twox256: twox256, metadata.Twox64Concat: twox64 + abc, metadata.Identity: abc,
	} {
		got, err := hasher.Sum([]byte{0xff}, []byte("abc"))
		if err != nil || hex.EncodeToString(got) != "ff"+want {
			t.Errorf("hasher %d gives %x, %v; want %s", hasher, got, err, want)
		}
		if hasher.Concat() != (len(want) != len(twox128) && len(want) != len(twox256)) {
			t.Errorf("hasher %d keeps its key: %t", hasher, hasher.Concat())
		}
	}
	if _, err := metadata.Hasher(7).Sum(nil, nil); err == nil {
		t.Error("hasher 7 is known")
	}
	if sum := metadata.SumTwox128([]byte("abc")); hex.EncodeToString(sum[:]) != twox128 {
		t.Errorf("twox of 16 bytes is %x", sum)
	}
}
