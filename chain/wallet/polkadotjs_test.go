package wallet_test

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/vedhavyas/go-subkey/v2"

	"finest/chain/wallet"
)

// The hotkey of wallet_test.go as @polkadot/keyring 14.0.3 exports it, with the
// password "testing" and without one.
const (
	sealedExport = `{"encoded":"nnwj42lV3Tsp3ENB+XtYK0dfET0WBzc1tt5gRGzz0bsAAAIAAQAAAAgAAADiyGezrBeHpdxAh215ESkwPE7aUYr84VfMiFLENwVcz2n78dEaiKF8VBs5O0OTfli0VcrW3iFp6hYx0pmp5JGbK2c5sd46Q6b56fiudYqm+Y1wamJAynXXdL2kW9l3H/lGGMDCdW3+X0SRBv9ooxauHl/zX8xOZWTHbWQJh+MHn7ZYR3yp5hcTYUbypLRIKNFHFcaxY0pEs4Q9MM7L","encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"5E7CASRYPeE4cFDSg7TCc4pAiyV52GAJ3okQvZoZsBMgEBXL","meta":{}}`
	openExport   = `{"encoded":"MFMCAQEwBQYDK2VwBCIEIPi0bwYFWwWLD/qdKMR26WnfCz1/gV+hGr2QP6a7aZB0oWY417e8KKPvhvPfW1V2tUOZf/iBqL8b8lV0dpDtjWqhIwMhAFpePtlgMzJ6Q7p+R+iLnymdPkY4KfPONxksmsrsKese","encoding":{"content":["pkcs8","sr25519"],"type":["none"],"version":"3"},"address":"5E7CASRYPeE4cFDSg7TCc4pAiyV52GAJ3okQvZoZsBMgEBXL","meta":{}}`
)

func say(password string) func() ([]byte, error) {
	return func() ([]byte, error) { return []byte(password), nil }
}

func TestSecretFromExport(t *testing.T) {
	s, err := wallet.SecretFromExport([]byte(sealedExport), say("testing"))
	if err != nil || s.String() != pyAddress {
		t.Errorf("with password: %v, %v", s, err)
	}
	p := hotkeyPlace(t, t.TempDir(), "w", "h")
	if err := p.Store(s, nil); err != nil {
		t.Fatal(err)
	}
	checkFile(t, p.File, []string{"accountId", "privateKey", "publicKey", "ss58Address"}, pyPrivate)

	asked := errors.New("asked")
	s, err = wallet.SecretFromExport([]byte(openExport), func() ([]byte, error) { return nil, asked })
	if err != nil || s.String() != pyAddress {
		t.Errorf("without password: %v, %v", s, err)
	}
	if _, err := wallet.SecretFromExport([]byte(sealedExport), say("Testing")); !errors.Is(err, wallet.ErrPassword) {
		t.Errorf("wrong password: %v, want ErrPassword", err)
	}
	if _, err := wallet.SecretFromExport([]byte(sealedExport), nil); !errors.Is(err, wallet.ErrEncrypted) {
		t.Errorf("no password: %v, want ErrEncrypted", err)
	}
	if _, err := wallet.SecretFromExport([]byte(sealedExport), func() ([]byte, error) { return nil, asked }); !errors.Is(err, asked) {
		t.Errorf("password cannot be had: %v", err)
	}
}

// Each network writes the same account differently.
func TestSecretFromExportOfAnotherNetwork(t *testing.T) {
	for _, prefix := range []uint16{0, 2} { // Polkadot, Kusama
		address := subkey.SS58Encode(unhex(t, pyPublic), prefix)
		if _, err := wallet.SecretFromExport([]byte(strings.Replace(openExport, pyAddress, address, 1)), nil); err != nil {
			t.Errorf("address %s: %v", address, err)
		}
	}
	for _, address := range []string{"15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5", aliceAddress, "x"} {
		if s, err := wallet.SecretFromExport([]byte(strings.Replace(openExport, pyAddress, address, 1)), nil); err == nil {
			t.Errorf("address %s is taken for %s", address, s)
		}
	}
}

func TestSecretFromExportRefuses(t *testing.T) {
	edit := func(change func(e map[string]any, encoding map[string]any)) string {
		var e map[string]any
		if err := json.Unmarshal([]byte(openExport), &e); err != nil {
			t.Fatal(err)
		}
		change(e, e["encoding"].(map[string]any))
		raw, err := json.Marshal(e)
		if err != nil {
			t.Fatal(err)
		}
		return string(raw)
	}
	scrypt := func(n, p, r uint32) string {
		sealed := make([]byte, 32, 200)
		for _, v := range []uint32{n, p, r} {
			sealed = binary.LittleEndian.AppendUint32(sealed, v)
		}
		return edit(func(e, encoding map[string]any) {
			e["encoded"] = base64.StdEncoding.EncodeToString(sealed[:200])
			encoding["type"] = []string{"scrypt", "xsalsa20-poly1305"}
		})
	}
	document := func(change func([]byte) []byte) string {
		return edit(func(e, _ map[string]any) {
			raw, err := base64.StdEncoding.DecodeString(e["encoded"].(string))
			if err != nil {
				t.Fatal(err)
			}
			e["encoded"] = base64.StdEncoding.EncodeToString(change(slices.Clone(raw)))
		})
	}
	for name, c := range map[string]struct{ content, says string }{
		"a phrase":          {pyPhrase, "not the JSON"},
		"another JSON":      {keyJSON(t, map[string]any{"secretSeed": pySeed}), "not the JSON"},
		"huge":              {strings.Repeat(" ", 70<<10), "no export"},
		"ed25519":           {edit(func(_, e map[string]any) { e["content"] = []string{"pkcs8", "ed25519"} }), "not of type sr25519"},
		"old":               {edit(func(_, e map[string]any) { e["version"] = "2" }), `version "2"`},
		"unknown cipher":    {edit(func(_, e map[string]any) { e["type"] = []string{"rot13"} }), "unknown way"},
		"not base64":        {edit(func(e, _ map[string]any) { e["encoded"] = "!" }), "not base64"},
		"a terabyte":        {scrypt(1<<31, 1, 8), "which no wallet writes"},
		"no power of two":   {scrypt(1<<15+1, 1, 8), "which no wallet writes"},
		"no cost":           {scrypt(0, 0, 0), "which no wallet writes"},
		"wide blocks":       {scrypt(1<<15, 1, 1<<20), "which no wallet writes"},
		"many at once":      {scrypt(1<<15, 1<<20, 8), "which no wallet writes"},
		"cut off":           {document(func(b []byte) []byte { return b[:60] }), "not the PKCS #8"},
		"longer":            {document(func(b []byte) []byte { return append(b, 0) }), "not the PKCS #8"},
		"another header":    {document(func(b []byte) []byte { b[5] ^= 1; return b }), "not the PKCS #8"},
		"another divider":   {document(func(b []byte) []byte { b[81] ^= 1; return b }), "not the PKCS #8"},
		"another key":       {document(func(b []byte) []byte { b[20] ^= 1; return b }), "public key beside it"},
		"no scalar":         {document(func(b []byte) []byte { copy(b[16:48], bytes.Repeat([]byte{255}, 32)); return b }), "no scalar"},
		"sealed but shorts": {edit(func(_, e map[string]any) { e["type"] = []string{"scrypt", "xsalsa20-poly1305"} }), "which no wallet writes"},
	} {
		if _, err := wallet.SecretFromExport([]byte(c.content), say("testing")); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", name, err, c.says)
		}
	}
}
