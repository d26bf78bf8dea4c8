package wallet_test

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"finest/chain"
	"finest/chain/wallet"
)

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	raw, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func TestSecretFrom(t *testing.T) {
	for name, make := range map[string]func() (*wallet.Secret, error){
		"phrase":              func() (*wallet.Secret, error) { return wallet.SecretFromPhrase(pyPhrase) },
		"phrase as people do": func() (*wallet.Secret, error) { return wallet.SecretFromPhrase(" " + strings.ToUpper(pyPhrase) + "\n") },
		"seed":                func() (*wallet.Secret, error) { return wallet.SecretFromSeed(unhex(t, pySeed)) },
		"private key":         func() (*wallet.Secret, error) { return wallet.SecretFromPrivateKey(unhex(t, pyPrivate)) },
		"URI":                 func() (*wallet.Secret, error) { return wallet.SecretFromURI(pyPhrase) },
		"URI of a seed":       func() (*wallet.Secret, error) { return wallet.SecretFromURI(pySeed) },
	} {
		t.Run(name, func(t *testing.T) {
			s, err := make()
			if err != nil {
				t.Fatal(err)
			}
			if s.String() != pyAddress {
				t.Errorf("address %s, want %s", s, pyAddress)
			}
			sig, err := s.Key().Sign([]byte("m"))
			if err != nil || !wallet.Verify(s.Key().PublicKey(), []byte("m"), sig) {
				t.Errorf("the key does not sign: %v", err)
			}
		})
	}
	s, err := wallet.SecretFromURI("//Alice")
	if err != nil || s.String() != aliceAddress || s.Phrase() != "" {
		t.Errorf("//Alice is %v with phrase %q, %v", s, s.Phrase(), err)
	}
}

// Longer phrases, as bittensor-wallet 4.1.1 derives them.
func TestSecretFromLongPhrase(t *testing.T) {
	for phrase, want := range map[string]string{
		"expand canvas pony couch staff produce gas mistake cross tray seek expose coffee airport rely live car scrap metal tackle pumpkin engage family tool": "5Cquu54Q7p8fVq2RS4PoZJWj8kAtdoBEfAreeJTHZxtaUc56",
		"young hurt egg silly bean unaware time kiwi lonely sheriff robot ask":                                                                                 "5Eps3yg5GS9YmtYtcp2RKcBBBazWi8jrDm61y5JvXRd3kEsX",
	} {
		s, err := wallet.SecretFromPhrase(phrase)
		if err != nil || s.String() != want {
			t.Errorf("%v, %v, want %s", s, err, want)
		}
	}
}

func TestSecretRefuses(t *testing.T) {
	phrase := func(s string) func() error {
		return func() error { _, err := wallet.SecretFromPhrase(s); return err }
	}
	uri := func(s string) func() error {
		return func() error { _, err := wallet.SecretFromURI(s); return err }
	}
	for name, c := range map[string]struct {
		make func() error
		says string
	}{
		"no words":         {phrase(""), "phrase has 0 words"},
		"eleven words":     {phrase(strings.TrimSuffix(pyPhrase, " matter")), "phrase has 11 words"},
		"a wrong word":     {phrase(strings.Replace(pyPhrase, "number", "hunter2", 1)), "word 4 of the phrase"},
		"words in a wheel": {phrase(strings.Repeat("zoo ", 12)), "checksum of the phrase is wrong"},
		"short seed":       {func() error { _, err := wallet.SecretFromSeed(make([]byte, 31)); return err }, "seed has 31 bytes"},
		"short key":        {func() error { _, err := wallet.SecretFromPrivateKey(make([]byte, 32)); return err }, "private key has 32 bytes"},
		"no scalar": {func() error {
			_, err := wallet.SecretFromPrivateKey(bytes.Repeat([]byte{255}, 64))
			return err
		}, "no scalar"},
		"soft derivation":  {uri("//Alice/soft"), "soft derivations"},
		"no URI":           {uri("hunter2 hunter2"), "not a secret URI"},
		"thirteen words":   {func() error { _, err := wallet.NewSecret(13, rand.Reader); return err }, "12, 15, 18, 21 or 24 words, not 13"},
		"no random source": {func() error { _, err := wallet.NewSecret(12, iotest.ErrReader(errors.New("broken"))); return err }, "broken"},
	} {
		err := c.make()
		if err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%s: error %v, want %q", name, err, c.says)
		} else if strings.Contains(err.Error(), "hunter2") || strings.Contains(err.Error(), "blanket") {
			t.Errorf("%s: error shows the secret: %v", name, err)
		}
	}
}

// A new key is that of its phrase, and of the bytes that were drawn for it.
func TestNewSecret(t *testing.T) {
	s, err := wallet.NewSecret(12, bytes.NewReader(make([]byte, 16)))
	if err != nil || s.Phrase() != strings.Repeat("abandon ", 11)+"about" {
		t.Errorf("phrase of zeros is %q, %v", s.Phrase(), err)
	}
	rapid.Check(t, func(t *rapid.T) {
		words := rapid.SampledFrom([]int{12, 15, 18, 21, 24}).Draw(t, "words")
		entropy := rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, "entropy")
		s, err := wallet.NewSecret(words, bytes.NewReader(entropy))
		if err != nil {
			t.Fatal(err)
		}
		if got := len(strings.Fields(s.Phrase())); got != words {
			t.Errorf("phrase has %d words, want %d", got, words)
		}
		if again, err := wallet.SecretFromPhrase(s.Phrase()); err != nil || again.String() != s.String() {
			t.Errorf("its phrase makes %v, %v, want %v", again, err, s)
		}
	})
}

func TestSecretPrintsAsAddress(t *testing.T) {
	s, err := wallet.SecretFromPhrase(pyPhrase)
	if err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(s)
	if err != nil {
		t.Fatal(err)
	}
	printed := fmt.Sprintf("%v %+v %#v %s %q %d %x %s", s, s, s, s, s, s, s, encoded)
	for _, secret := range []string{"blanket", pySeed[2:], pyPrivate[2:], "52 118 241"} {
		if strings.Contains(printed, secret) {
			t.Errorf("the secret is printed: %s", printed)
		}
	}
	if fmt.Sprint(s) != pyAddress {
		t.Errorf("prints as %s, want %s", s, pyAddress)
	}
}

// Signatures made by others; those of polkadot.js with @polkadot/keyring 14.0.3.
func TestVerifyOthers(t *testing.T) {
	for name, c := range map[string]struct {
		public, message, signature string
	}{
		"sr25519-crust": {
			"46ebddef8cd9bb167dc30878d7113b7e168e6f0646beffd77d69d39bad76b47a", "this is a message",
			"4e172314444b8f820bb54c22e95076f220ed25373e5c178234aa6c211d29271244b947e3ff3418ff6b45fd1df1140c8cbff69fc58ee6dc96df70936a2bb74b82",
		},
		"polkadot.js, //Alice": {
			"d43593c715fdd31c61141abd04a99fd6822c8558854ccde39a5684e7a56da27d", "finest",
			"42ab38877628f6e71d3a3767cf25f88773566a93ab854cd6260077014291263261a24d31afb99d83d95018dae29d93ad561659299932fb11fc3ba7ec4d8dba81",
		},
		"polkadot.js, no message": {
			pyPublic, "",
			"fa50f26ff5be31e12cd7c6b7f757141a03e81d1d6da1a177d0d3715e9bda8c413cf1e821a867c6568ed39745b3886cba0d89b4b8023a5fcfcd3aa37b80d75488",
		},
		"polkadot.js, 300 zeros": {
			pyPublic, strings.Repeat("\x00", 300),
			"ecf05193ee76f06840fca7c48352fe388b50d0850b492d38d16b3e3c16f6e839fe2fb280bbb8aadeed7993bf52ea36228bbd43c05dcc9aed5d331395b7a79d82",
		},
	} {
		public, sig := chain.PublicKey(unhex(t, c.public)), [64]byte(unhex(t, c.signature))
		if !wallet.Verify(public, []byte(c.message), sig) {
			t.Errorf("%s: signature does not verify", name)
		}
		if wallet.Verify(public, []byte(c.message+"x"), sig) {
			t.Errorf("%s: signature holds for another message", name)
		}
	}
}
