package wallet

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"os"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// testingKey is what libsodium derives from the password "testing".
const testingKey = "59e56f09281b4b97c4a4421839e63786e28b5c7b7038eac7f24e5483e2d322b9"

func fromTesting(t testing.TB) func() (*[keySize]byte, error) {
	return func() (*[keySize]byte, error) { return (*[keySize]byte)(unhex(t, testingKey)), nil }
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

// Encrypted by bittensor-wallet 4.1.1 (keyfile.encrypt_keyfile_data).
func TestNaClOfPython(t *testing.T) {
	const sealed = "244e41434ce43f72efc5f6b3823e2ee3125b65bf59078389117d52c9d4b7746cf47d471ff8524a9351238bd8daf90477273773740fa1"
	plain, err := openNaCl(unhex(t, sealed), fromTesting(t))
	if err != nil || string(plain) != `{"a":"b"}` {
		t.Errorf("decrypted %q, %v", plain, err)
	}
}

// An encrypted key needs its password, and others who know it can open it.
func TestStoreEncrypted(t *testing.T) {
	if testing.Short() {
		t.Skip("each use of a password takes seconds and 512 MiB")
	}
	p, err := ColdkeyPlace(t.TempDir(), "w")
	if err != nil {
		t.Fatal(err)
	}
	made, err := NewSecret(12, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Store(made, []byte("testing")); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(p.File)
	if err != nil || EncryptionOf(raw) != NaCl {
		t.Fatalf("the file is not encrypted: %v", err)
	}
	plain, err := openNaCl(raw, fromTesting(t))
	if err != nil || !bytes.Contains(plain, []byte(made.phrase)) {
		t.Errorf("libsodium's key opens it as %q, %v", plain, err)
	}
	s, err := p.Load(func() ([]byte, error) { return []byte("testing"), nil })
	if err != nil || s.phrase != made.phrase {
		t.Errorf("with password: %v, %v", s, err)
	}
	if _, err := p.Load(nil); !errors.Is(err, ErrEncrypted) {
		t.Errorf("without password: %v, want ErrEncrypted", err)
	}
	asked := errors.New("asked")
	if _, err := p.Load(func() ([]byte, error) { return nil, asked }); !errors.Is(err, asked) {
		t.Errorf("password cannot be had: %v", err)
	}
}

func TestNaCl(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		plain := rapid.SliceOf(rapid.Byte()).Draw(t, "plain")
		key := [keySize]byte(rapid.SliceOfN(rapid.Byte(), keySize, keySize).Draw(t, "key"))
		with := func(key [keySize]byte) func() (*[keySize]byte, error) {
			return func() (*[keySize]byte, error) { return &key, nil }
		}
		sealed, err := sealNaCl(plain, &key)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := openNaCl(sealed, with(key)); err != nil || !bytes.Equal(got, plain) {
			t.Errorf("opened %q, %v, want %q", got, err, plain)
		}
		key[rapid.IntRange(0, keySize-1).Draw(t, "byte")] ^= 1
		if _, err := openNaCl(sealed, with(key)); !errors.Is(err, ErrPassword) {
			t.Errorf("another key: %v, want ErrPassword", err)
		}
		cut := sealed[:rapid.IntRange(len(naclPrefix), len(sealed)-1).Draw(t, "length")]
		if got, err := openNaCl(cut, with(key)); err == nil {
			t.Errorf("a file that was cut off opens as %q", got)
		}
	})
}

// What a key file keeps comes back.
func TestKeyFileRoundTrip(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s, err := SecretFromSeed(rapid.SliceOfN(rapid.Byte(), seedSize, seedSize).Draw(t, "seed"))
		if err != nil {
			t.Fatal(err)
		}
		if rapid.Bool().Draw(t, "private key only") {
			s.seed = nil
		}
		secret, public, err := s.encode()
		if err != nil {
			t.Fatal(err)
		}
		got, err := parseKeyFile(secret)
		if err != nil || got.private != s.private || !slices.Equal(got.seed, s.seed) {
			t.Errorf("%s is read as %v, %v", secret, got, err)
		}
		if address, err := publicAddress(public); err != nil || address != s.key.address {
			t.Errorf("public part %s states %s, %v", public, address, err)
		}
		if _, err := parseKeyFile(public); !errors.Is(err, ErrNoSecret) {
			t.Errorf("public part holds a secret: %v", err)
		}
	})
}

func FuzzKeyFile(f *testing.F) {
	f.Add([]byte(`{"secretPhrase":"` + strings.Repeat("abandon ", 11) + `about","ss58Address":"5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"}`))
	f.Add([]byte(`{"privateKey":"0x` + strings.Repeat("00", 64) + `","cryptoType":1}`))
	f.Add([]byte(`{"secretSeed":"0x` + strings.Repeat("ff", 32) + `","publicKey":null}`))
	f.Add([]byte("$NACL" + strings.Repeat("x", 40)))
	f.Add([]byte("$ANSIBLE_VAULT;1.1;AES256\n00"))
	f.Add([]byte("gAAAAABh"))
	asked := errors.New("asked")
	f.Fuzz(func(t *testing.T, raw []byte) {
		s, err := openKeyFile(raw, func() ([]byte, error) { return nil, asked })
		if err == nil {
			secret, _, err := s.encode()
			if err != nil {
				t.Fatal(err)
			}
			if again, err := parseKeyFile(secret); err != nil || again.key.public != s.key.public {
				t.Errorf("stored again as %s it is %v, %v", secret, again, err)
			}
		}
		if address, err := publicAddress(raw); err == nil {
			if _, err := ParseAddress(address); err != nil {
				t.Errorf("states %q, which is no address: %v", address, err)
			}
		}
	})
}

func FuzzSecretFromExport(f *testing.F) {
	f.Add([]byte(`{"encoded":"MFMCAQEwBQYDK2VwBCIEIA==","encoding":{"content":["pkcs8","sr25519"],"type":["none"],"version":"3"}}`))
	f.Add([]byte(`{"encoded":"AAAA","encoding":{"content":["pkcs8","sr25519"],"type":["scrypt","xsalsa20-poly1305"],"version":"3"},"address":"x"}`))
	asked := errors.New("asked")
	f.Fuzz(func(t *testing.T, raw []byte) {
		if s, err := SecretFromExport(raw, func() ([]byte, error) { return nil, asked }); err == nil {
			if _, err := SecretFromPrivateKey(s.private[:]); err != nil {
				t.Errorf("makes a key that is none: %v", err)
			}
		}
		// What is behind the password.
		if s, err := parsePKCS8(raw); err == nil && s.key == nil {
			t.Error("makes no key")
		}
	})
}

func FuzzSecretFromPhrase(f *testing.F) {
	f.Add(strings.Repeat("abandon ", 11) + "about")
	f.Add("bottom drive obey lake curtain smoke basket hold race lonely fit walk")
	f.Add(strings.Repeat("zoo ", 24))
	f.Fuzz(func(t *testing.T, phrase string) {
		s, err := SecretFromPhrase(phrase)
		if err != nil {
			return
		}
		if again, err := SecretFromPhrase(s.phrase); err != nil || again.key.public != s.key.public {
			t.Errorf("its own phrase makes %v, %v", again, err)
		}
		if uri, err := SecretFromURI(s.phrase); err != nil || uri.key.public != s.key.public {
			t.Errorf("its own phrase as URI makes %v, %v", uri, err)
		}
	})
}
