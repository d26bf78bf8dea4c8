package wallet_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"finest/chain"
	"finest/chain/wallet"
)

// aliceAddress is what every Substrate tool derives for //Alice.
const aliceAddress = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"

// aliceSignature is //Alice's signature of "finest", made by the Python
// package bittensor-wallet 4.1.1.
const aliceSignature = "726f25c878e3bc72f9c8a07f872c927df26c5c5471406f52373cd0c92937054d" +
	"f184a92df354f07ca78ed589930e09f721ee3d3f865a117edfa24123ae8c698d"

// A throw-away hotkey as bittensor-wallet 4.1.1 wrote it.
const (
	pyAddress = "5E7CASRYPeE4cFDSg7TCc4pAiyV52GAJ3okQvZoZsBMgEBXL"
	pyPublic  = "0x5a5e3ed96033327a43ba7e47e88b9f299d3e463829f3ce37192c9acaec29eb1e"
	pyPrivate = "0x9ff6cda060ab60f141bf1385d82e3ded7ba1e72ff02b54a317f2c774370d920e" +
		"a16638d7b7bc28a3ef86f3df5b5576b543997ff881a8bf1bf255747690ed8d6a"
	pyPhrase = "blanket melody myself number split tennis weasel jacket consider call family matter"
	pySeed   = "0x3476f1426023702264e614ab248ce6d5f46035e74e70ca5cd0d6686fe7df4f51"
)

func uri(t testing.TB, s string) *wallet.Hotkey {
	t.Helper()
	h, err := wallet.FromURI(s)
	if err != nil {
		t.Fatal(err)
	}
	return h
}

func TestFromURI(t *testing.T) {
	for secret, want := range map[string]string{
		"//Alice": aliceAddress,
		"//Bob":   "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty",
		pyPhrase:  pyAddress,
		pySeed:    pyAddress,
		// The next two as bittensor-wallet 4.1.1 derives them.
		"//Alice/soft": "5C8PhJPLE54x23RjmqBcEEnALryCDWdTJM5xLaoL9W8XEpnt",
		"//miner//7":   "5C4iWS9N9BfeLDvR5SHZrbKXZkKKM35vgCEqqFzz8C85yFnN",
	} {
		if got := uri(t, secret).Address(); got != want {
			t.Errorf("address of %q is %s, want %s", secret, got, want)
		}
	}
}

func TestFromURIHidesSecret(t *testing.T) {
	secret := "blanket melody myself number split tennis weasel jacket consider call family hunter2"
	_, err := wallet.FromURI(secret)
	if err == nil {
		t.Fatal("a phrase with a wrong word makes a key")
	}
	for _, word := range strings.Fields(secret) {
		if strings.Contains(err.Error(), word) {
			t.Errorf("error shows %q of the phrase: %v", word, err)
		}
	}
}

func TestVerify(t *testing.T) {
	alice := uri(t, "//Alice")
	var foreign [64]byte
	raw, err := hex.DecodeString(aliceSignature)
	if err != nil {
		t.Fatal(err)
	}
	copy(foreign[:], raw)
	message := []byte("finest")
	if !wallet.Verify(alice.PublicKey(), message, foreign) {
		t.Error("signature of bittensor-wallet is refused")
	}
	own, err := alice.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	again, err := alice.Sign(message)
	if err != nil {
		t.Fatal(err)
	}
	if own == again {
		t.Error("two signatures of one message are equal; sr25519 is randomised")
	}
	for _, sig := range [][64]byte{own, again} {
		if !wallet.Verify(alice.PublicKey(), message, sig) {
			t.Error("own signature is refused")
		}
		if wallet.Verify(alice.PublicKey(), []byte("finesT"), sig) {
			t.Error("signature holds for another message")
		}
		if wallet.Verify(uri(t, "//Bob").PublicKey(), message, sig) {
			t.Error("signature holds for another key")
		}
		for i := range sig {
			bad := sig
			bad[i] ^= 1
			if wallet.Verify(alice.PublicKey(), message, bad) {
				t.Errorf("signature holds with byte %d changed", i)
			}
		}
	}
	if wallet.Verify(chain.PublicKey{}, message, [64]byte{63: 128}) {
		t.Error("the identity point signs")
	}
	if wallet.Verify(chain.PublicKey(bytes.Repeat([]byte{255}, 32)), message, own) {
		t.Error("bytes that are no point sign")
	}
}

func TestAddress(t *testing.T) {
	alice := uri(t, "//Alice")
	got, err := wallet.ParseAddress(aliceAddress)
	if err != nil || got != alice.PublicKey() {
		t.Errorf("parse %s: %x, %v", aliceAddress, got, err)
	}
	if zero, err := wallet.ParseAddress(wallet.Address(chain.PublicKey{})); err != nil || zero != (chain.PublicKey{}) {
		t.Errorf("the all-zero account does not survive: %x, %v", zero, err)
	}
	for name, bad := range map[string]string{
		"empty":           "",
		"checksum":        "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQZ",
		"other prefix":    "15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5",
		"short":           "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHp",
		"long":            aliceAddress + "1",
		"leading space":   " " + aliceAddress,
		"not base 58":     strings.Replace(aliceAddress, "5", "0", 1),
		"hex":             "0x" + hex.EncodeToString(make([]byte, 32)),
		"only ones":       strings.Repeat("1", 47),
		"two-byte prefix": strings.Repeat("b", 48),
	} {
		if _, err := wallet.ParseAddress(bad); err == nil {
			t.Errorf("%s: %q is an address", name, bad)
		}
	}
}

func FuzzParseAddress(f *testing.F) {
	f.Add(aliceAddress)
	f.Add("15oF4uVJwmo4TdGW7VfQxNLavjCXviqxT9S1MgbjMNHr6Sp5")
	f.Add(strings.Repeat("1", 48))
	f.Fuzz(func(t *testing.T, s string) {
		if pub, err := wallet.ParseAddress(s); err == nil && wallet.Address(pub) != s {
			t.Errorf("%q has a second spelling %q", s, wallet.Address(pub))
		}
	})
}

// store writes a key file for wallet w, hotkey h.
func store(t testing.TB, content string) (dir string) {
	t.Helper()
	dir = t.TempDir()
	file, err := wallet.Path(dir, "w", "h")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return dir
}

func keyJSON(t testing.TB, fields map[string]any) string {
	t.Helper()
	raw, err := json.Marshal(fields)
	if err != nil {
		t.Fatal(err)
	}
	return string(raw)
}

func TestLoad(t *testing.T) {
	all := map[string]any{
		"accountId": pyPublic, "publicKey": pyPublic, "privateKey": pyPrivate, "secretPhrase": pyPhrase,
		"secretSeed": pySeed, "ss58Address": pyAddress, "cryptoType": 1,
	}
	for name, fields := range map[string]map[string]any{
		"as btwallet writes it":   all,
		"phrase only":             {"secretPhrase": pyPhrase},
		"seed only":               {"secretSeed": pySeed},
		"private key only":        {"privateKey": pyPrivate},
		"seed without 0x":         {"secretSeed": strings.TrimPrefix(pySeed, "0x"), "ss58Address": pyAddress},
		"phrase of a derived key": {"secretPhrase": strings.Repeat("abandon ", 11) + "about", "secretSeed": pySeed, "publicKey": pyPublic},
		"unknown fields":          {"secretSeed": pySeed, "note": "mine"},
	} {
		t.Run(name, func(t *testing.T) {
			h, err := wallet.Load(store(t, keyJSON(t, fields)), "w", "h")
			if err != nil {
				t.Fatal(err)
			}
			if h.Address() != pyAddress {
				t.Errorf("address %s, want %s", h.Address(), pyAddress)
			}
			sig, err := h.Sign([]byte("m"))
			if err != nil || !wallet.Verify(h.PublicKey(), []byte("m"), sig) {
				t.Errorf("the key does not sign: %v", err)
			}
		})
	}
}

func TestLoadRefuses(t *testing.T) {
	for name, c := range map[string]struct {
		content string
		want    error  // nil: any
		says    string // part of the error
	}{
		"NaCl":             {"$NACLxxxxxxxx", wallet.ErrEncrypted, "NaCl"},
		"Ansible":          {"$ANSIBLE_VAULT;1.1;AES256\n00", wallet.ErrEncrypted, "Ansible"},
		"Fernet":           {"gAAAAABh", wallet.ErrEncrypted, "Fernet"},
		"public part":      {keyJSON(t, map[string]any{"ss58Address": pyAddress, "publicKey": pyPublic}), wallet.ErrNoSecret, ""},
		"other key":        {keyJSON(t, map[string]any{"secretSeed": pySeed, "ss58Address": aliceAddress}), nil, "does not belong"},
		"ed25519":          {keyJSON(t, map[string]any{"secretSeed": pySeed, "cryptoType": 0}), nil, "type 0"},
		"short seed":       {keyJSON(t, map[string]any{"secretSeed": "0x3476f1"}), nil, "malformed"},
		"not JSON":         {pyPhrase, nil, "not the JSON"},
		"wrong JSON types": {`{"secretSeed":7}`, nil, "not the JSON"},
		"empty":            {"", nil, "not the JSON"},
		"huge":             {strings.Repeat(" ", 70<<10), nil, "no key file"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := wallet.Load(store(t, c.content), "w", "h")
			if err == nil || (c.want != nil && !errors.Is(err, c.want)) || !strings.Contains(err.Error(), c.says) {
				t.Fatalf("error %v, want %v with %q", err, c.want, c.says)
			}
			for _, secret := range []string{pySeed[2:], "3476f1", "blanket"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("error shows the secret: %v", err)
				}
			}
		})
	}
	if _, err := wallet.Load(t.TempDir(), "w", "h"); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("absent hotkey: %v", err)
	}
}

func TestPath(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	got, err := wallet.Path("~/.bittensor/wallets", "default", "hk")
	if want := "/home/someone/.bittensor/wallets/default/hotkeys/hk"; err != nil || got != want {
		t.Errorf("path %q, %v, want %q", got, err, want)
	}
	for _, bad := range []string{"", ".", "..", "a/b", `a\b`, "../x"} {
		if _, err := wallet.Path("/w", bad, "hk"); err == nil {
			t.Errorf("wallet name %q is taken", bad)
		}
		if _, err := wallet.Path("/w", "default", bad); err == nil {
			t.Errorf("hotkey name %q is taken", bad)
		}
	}
}

func TestCreate(t *testing.T) {
	dir := t.TempDir()
	made, err := wallet.Create(dir, "w", "h")
	if err != nil {
		t.Fatal(err)
	}
	read, err := wallet.Load(dir, "w", "h")
	if err != nil || read.Address() != made.Address() {
		t.Fatalf("read %v, %v, want %v", read, err, made)
	}
	file, _ := wallet.Path(dir, "w", "h")
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v, want 0600", info.Mode(), err)
	}
	public, err := os.ReadFile(file + "pub.txt")
	if err != nil || bytes.Contains(public, []byte("secret")) || !bytes.Contains(public, []byte(made.Address())) {
		t.Errorf("public part is %s, %v", public, err)
	}
	before, _ := os.ReadFile(file)
	if _, err := wallet.Create(dir, "w", "h"); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("creating it again: %v, want ErrExists", err)
	}
	if after, _ := os.ReadFile(file); !bytes.Equal(before, after) {
		t.Error("creating it again changed the key")
	}
	if left, _ := os.ReadDir(filepath.Dir(file)); len(left) != 2 {
		t.Errorf("folder holds %v, want the key and its public part", left)
	}
}

func TestCreateConcurrently(t *testing.T) {
	dir := t.TempDir()
	var wg sync.WaitGroup
	made := make([]*wallet.Hotkey, 8)
	for i := range made {
		wg.Go(func() { made[i], _ = wallet.Create(dir, "w", "h") })
	}
	wg.Wait()
	stored, err := wallet.Load(dir, "w", "h")
	if err != nil {
		t.Fatal(err)
	}
	winners := 0
	for _, h := range made {
		if h != nil {
			winners++
			if h.Address() != stored.Address() {
				t.Errorf("%s was made but %s is stored", h, stored)
			}
		}
	}
	if winners != 1 {
		t.Errorf("%d calls made the key, want 1", winners)
	}
}

func TestHotkeyPrintsAsAddress(t *testing.T) {
	h := uri(t, pySeed)
	encoded, err := json.Marshal(h)
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []string{fmt.Sprint(h), fmt.Sprintf("%+v %#v %s %q %d %x", h, h, h, h, h, h), string(encoded)} {
		if strings.Contains(s, pySeed[2:]) || strings.Contains(s, "52 118 241") {
			t.Errorf("the secret is printed: %s", s)
		}
	}
	if fmt.Sprint(h) != pyAddress {
		t.Errorf("prints as %s, want %s", h, pyAddress)
	}
}
