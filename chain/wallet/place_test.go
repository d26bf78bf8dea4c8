package wallet_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/chain/wallet"
)

func coldkeyPlace(t testing.TB, path, name string) wallet.Place {
	t.Helper()
	p, err := wallet.ColdkeyPlace(path, name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func hotkeyPlace(t testing.TB, path, name, hotkey string) wallet.Place {
	t.Helper()
	p, err := wallet.HotkeyPlace(path, name, hotkey)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func secret(t testing.TB, make func() (*wallet.Secret, error)) *wallet.Secret {
	t.Helper()
	s, err := make()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func pySecret(t testing.TB) *wallet.Secret {
	return secret(t, func() (*wallet.Secret, error) { return wallet.SecretFromPhrase(pyPhrase) })
}

func TestPlace(t *testing.T) {
	t.Setenv("HOME", "/home/someone")
	cold, hot := coldkeyPlace(t, "~/.bittensor/wallets", "default"), hotkeyPlace(t, "/w", "a", "b.c")
	for got, want := range map[string]string{
		cold.File:       "/home/someone/.bittensor/wallets/default/coldkey",
		cold.PublicFile: "/home/someone/.bittensor/wallets/default/coldkeypub.txt",
		hot.File:        "/w/a/hotkeys/b.c",
		hot.PublicFile:  "/w/a/hotkeys/b.cpub.txt",
	} {
		if got != want {
			t.Errorf("path %s, want %s", got, want)
		}
	}
	if _, err := wallet.ColdkeyPlace("/w", "../x"); err == nil {
		t.Error("a wallet outside of its folder has a place")
	}
}

// The names as Keyfile.env_var_name of bittensor-wallet 4.1.1 gives them.
func TestPasswordVariable(t *testing.T) {
	t.Setenv("HOME", "/root")
	for _, c := range []struct{ path, name, want string }{
		{"/home/alice/.bittensor/wallets", "default", "BT_PW__HOME_ALICE__BITTENSOR_WALLETS_DEFAULT_COLDKEY"},
		{"~/.bittensor/wallets", "b", "BT_PW__ROOT__BITTENSOR_WALLETS_B_COLDKEY"},
		{"~/.bittensor/wallets/", "b", "BT_PW__ROOT__BITTENSOR_WALLETS_B_COLDKEY"},
		{"rel/../x", "b.c-d e", "BT_PW_REL____X_B_C-D E_COLDKEY"},
		{"/srv/x/", "bé", "BT_PW__SRV_X_BÉ_COLDKEY"},
	} {
		if got := coldkeyPlace(t, c.path, c.name).PasswordVariable(); got != c.want {
			t.Errorf("variable of %s in %s is %q, want %q", c.name, c.path, got, c.want)
		}
	}
}

func TestPasswordInEnvironment(t *testing.T) {
	// As Keyfile.save_password_to_env of bittensor-wallet 4.1.1 stores it.
	p := coldkeyPlace(t, "/home/alice/.bittensor/wallets", "default")
	const password, value = "tést pw ", "Npf2IyN/Lz9v"
	if got := p.EncodePassword([]byte(password)); got != value {
		t.Errorf("password is hidden as %s, want %s", got, value)
	}
	rapid.Check(t, func(t *rapid.T) {
		want := rapid.String().Draw(t, "password")
		if got, err := p.DecodePassword(p.EncodePassword([]byte(want))); err != nil || string(got) != want {
			t.Errorf("password %q, %v, want %q", got, err, want)
		}
	})
	if _, err := p.DecodePassword("hunter2!"); err == nil || strings.Contains(err.Error(), "hunter2") {
		t.Errorf("what is not base64: %v", err)
	}
}

// What is stored can be loaded and says all that is known of the key.
func TestStore(t *testing.T) {
	dir := t.TempDir()
	for name, c := range map[string]struct {
		s      *wallet.Secret
		fields []string
	}{
		"phrase":      {pySecret(t), []string{"accountId", "privateKey", "publicKey", "secretPhrase", "secretSeed", "ss58Address"}},
		"seed":        {secret(t, func() (*wallet.Secret, error) { return wallet.SecretFromSeed(unhex(t, pySeed)) }), []string{"accountId", "privateKey", "publicKey", "secretSeed", "ss58Address"}},
		"private key": {secret(t, func() (*wallet.Secret, error) { return wallet.SecretFromPrivateKey(unhex(t, pyPrivate)) }), []string{"accountId", "privateKey", "publicKey", "ss58Address"}},
	} {
		t.Run(name, func(t *testing.T) {
			for _, p := range []wallet.Place{coldkeyPlace(t, dir, name), hotkeyPlace(t, dir, name, "h")} {
				if err := p.Store(c.s, nil); err != nil {
					t.Fatal(err)
				}
				got, err := p.Load(nil)
				if err != nil || got.String() != pyAddress || got.Phrase() != c.s.Phrase() {
					t.Errorf("load: %v, %v", got, err)
				}
				checkFile(t, p.File, c.fields, pyPrivate)
				checkFile(t, p.PublicFile, []string{"accountId", "publicKey", "ss58Address"}, "")
			}
		})
	}
}

// checkFile compares the fields of a key file, all strings, and its mode.
func checkFile(t *testing.T, file string, want []string, private string) {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var fields map[string]string
	if err := json.Unmarshal(raw, &fields); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	for _, name := range want {
		if fields[name] == "" {
			t.Errorf("%s: no field %s", file, name)
		}
	}
	if len(fields) != len(want) || fields["privateKey"] != private || fields["publicKey"] != pyPublic || fields["ss58Address"] != pyAddress {
		t.Errorf("%s has the fields %v", file, fields)
	}
	if info, err := os.Stat(file); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%s: mode %v, %v, want 0600", file, info.Mode(), err)
	}
}

func TestStoreReplacesNothing(t *testing.T) {
	alice := secret(t, func() (*wallet.Secret, error) { return wallet.SecretFromURI("//Alice") })
	p := coldkeyPlace(t, t.TempDir(), "w")
	if err := p.Vacant(""); err != nil {
		t.Errorf("nothing is there: %v", err)
	}
	if err := p.Store(pySecret(t), nil); err != nil {
		t.Fatal(err)
	}
	before, _ := os.ReadFile(p.File)
	if err := p.Store(alice, nil); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("another key: %v, want ErrExists", err)
	}
	if err := p.Store(pySecret(t), nil); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("the same key: %v, want ErrExists", err)
	}
	if after, _ := os.ReadFile(p.File); string(after) != string(before) {
		t.Error("the key was changed")
	}

	// Only the public part is left, as on a machine that never needs the coldkey.
	if err := os.Remove(p.File); err != nil {
		t.Fatal(err)
	}
	if err := p.Vacant(""); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("a new key: %v, want ErrExists", err)
	}
	if err := p.Store(alice, nil); !errors.Is(err, wallet.ErrExists) {
		t.Errorf("another key: %v, want ErrExists", err)
	}
	if err := p.Store(pySecret(t), nil); err != nil {
		t.Errorf("the key of the public part: %v", err)
	}
	if err := os.WriteFile(p.PublicFile, []byte("garbage"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Remove(p.File); err != nil {
		t.Fatal(err)
	}
	if err := p.Store(pySecret(t), nil); err == nil || errors.Is(err, wallet.ErrExists) {
		t.Errorf("beside a broken public part: %v", err)
	}
}

func TestInspect(t *testing.T) {
	dir := t.TempDir()
	write := func(file, content string, mode os.FileMode) {
		t.Helper()
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(content), mode); err != nil {
			t.Fatal(err)
		}
	}
	plain := keyJSON(t, map[string]any{"secretPhrase": pyPhrase})
	public := keyJSON(t, map[string]any{"publicKey": pyPublic})
	for name, c := range map[string]struct {
		file, public string
		mode         os.FileMode
		encryption   wallet.Encryption
		address      string
		problem      string
	}{
		"both":              {plain, public, 0o600, wallet.Plain, pyAddress, ""},
		"key only":          {plain, "", 0o600, wallet.Plain, pyAddress, ""},
		"public only":       {"", public, 0o600, "", pyAddress, ""},
		"address only":      {"", keyJSON(t, map[string]any{"ss58Address": pyAddress}), 0o600, "", pyAddress, ""},
		"encrypted":         {"$NACL", public, 0o600, wallet.NaCl, pyAddress, ""},
		"encrypted, alone":  {"$NACL", "", 0o600, wallet.NaCl, "", ""},
		"readable":          {plain, public, 0o644, wallet.Plain, pyAddress, "others may open it, mode 0644; chmod 600 "},
		"Ansible":           {"$ANSIBLE_VAULT;1.1", public, 0o600, wallet.AnsibleVault, pyAddress, "Keyfile.decrypt, then Keyfile.encrypt"},
		"Fernet":            {"gAAAAABh", public, 0o600, wallet.Fernet, pyAddress, "make it again from its phrase"},
		"another's public":  {plain, keyJSON(t, map[string]any{"ss58Address": aliceAddress}), 0o600, wallet.Plain, aliceAddress, "public part of another key"},
		"garbage":           {"x", public, 0o600, wallet.Plain, pyAddress, "not the JSON"},
		"garbage in public": {plain, "x", 0o600, wallet.Plain, pyAddress, "not the JSON"},
		"contradiction":     {"", keyJSON(t, map[string]any{"publicKey": pyPublic, "ss58Address": aliceAddress}), 0o600, "", "", "do not belong together"},
		"nothing stated":    {"", "{}", 0o600, "", "", "states no address"},
	} {
		t.Run(name, func(t *testing.T) {
			p := hotkeyPlace(t, dir, name, "h")
			if c.file != "" {
				write(p.File, c.file, c.mode)
			}
			if c.public != "" {
				write(p.PublicFile, c.public, c.mode)
			}
			i, err := p.Inspect()
			if err != nil || i.Encryption != c.encryption || i.Address != c.address {
				t.Errorf("encryption %q, address %s, %v", i.Encryption, i.Address, err)
			}
			if (i.Problem == nil) != (c.problem == "") || i.Problem != nil && !strings.Contains(i.Problem.Error(), c.problem) {
				t.Errorf("problem %v, want %q", i.Problem, c.problem)
			}
		})
	}
	if _, err := hotkeyPlace(t, dir, "no", "h").Inspect(); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("neither file: %v", err)
	}
}

func TestList(t *testing.T) {
	dir := t.TempDir()
	for _, p := range []wallet.Place{
		hotkeyPlace(t, dir, "b", "two"), hotkeyPlace(t, dir, "b", "one"),
		coldkeyPlace(t, dir, "b"), coldkeyPlace(t, dir, "a"), hotkeyPlace(t, dir, "c", "left"),
	} {
		if err := p.Store(pySecret(t), nil); err != nil {
			t.Fatal(err)
		}
	}
	// Left to themselves: a public part, a file that is no wallet, hidden things.
	if err := os.Remove(hotkeyPlace(t, dir, "c", "left").File); err != nil {
		t.Fatal(err)
	}
	for _, file := range []string{"stray", "c/hotkeys/.new"} {
		if err := os.WriteFile(filepath.Join(dir, file), nil, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, folder := range []string{".hidden/hotkeys", "empty", "c/hotkeys/folder"} {
		if err := os.MkdirAll(filepath.Join(dir, folder), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	infos, err := wallet.List(dir)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, i := range infos {
		got = append(got, i.Wallet+"/"+i.Hotkey)
		if i.Address != pyAddress || i.Problem != nil {
			t.Errorf("%s/%s: %s, %v", i.Wallet, i.Hotkey, i.Address, i.Problem)
		}
	}
	if want := "a/ b/ b/one b/two c/left"; strings.Join(got, " ") != want {
		t.Errorf("listed %v, want %s", got, want)
	}

	// What cannot be listed is said, and does not hide the rest.
	if err := os.WriteFile(filepath.Join(dir, "empty", "hotkeys"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	infos, err = wallet.List(dir)
	if err != nil || len(infos) != 6 || infos[5].Wallet != "empty" || infos[5].Problem == nil {
		t.Errorf("listed %v, %v", infos, err)
	}
	if _, err := wallet.List(filepath.Join(dir, "nowhere")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("no folder: %v", err)
	}
}
