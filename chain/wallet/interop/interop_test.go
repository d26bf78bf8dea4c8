package interop

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"finest/chain/wallet"
)

// Limit of one program's run; the encryption takes seconds, more on a busy machine.
const limit = 4 * time.Minute

const (
	message  = "signed for the others: ✓"
	password = "correct horse, tést"
)

// installed returns the path of what chain/devchain/interop/setup.sh installs, or
// skips the test.
func installed(t *testing.T, name string) string {
	if testing.Short() {
		t.Skip("runs other programs, and encryption that takes seconds and 512 MiB")
	}
	folder := os.Getenv("FINEST_INTEROP")
	if folder == "" {
		cache, err := os.UserCacheDir()
		if err != nil {
			t.Skip("no cache folder, and FINEST_INTEROP is not set: ", err)
		}
		folder = filepath.Join(cache, "finest", "interop")
	}
	file := filepath.Join(folder, name)
	if _, err := os.Stat(file); err != nil {
		t.Skipf("%s is not installed: run chain/devchain/interop/setup.sh", name)
	}
	return file
}

// drive runs a program with a JSON object on its input, and reads one from its
// output.
func drive(t *testing.T, env []string, request, answer any, program string, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), limit)
	defer cancel()
	in, err := json.Marshal(request)
	if err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	command := exec.CommandContext(ctx, program, args...)
	command.Stdin, command.Stderr, command.Env = bytes.NewReader(in), &stderr, append(os.Environ(), env...)
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, &stderr)
	}
	if err := json.Unmarshal(out, answer); err != nil {
		t.Fatalf("%s: %v\n%s", strings.Join(args, " "), err, out)
	}
}

func place(t *testing.T, folder, name, hotkey string) wallet.Place {
	t.Helper()
	p, err := wallet.ColdkeyPlace(folder, name)
	if hotkey != "" {
		p, err = wallet.HotkeyPlace(folder, name, hotkey)
	}
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func newSecret(t *testing.T, words int) *wallet.Secret {
	t.Helper()
	s, err := wallet.NewSecret(words, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sign(t *testing.T, s *wallet.Secret) string {
	t.Helper()
	sig, err := s.Key().Sign([]byte(message))
	if err != nil {
		t.Fatal(err)
	}
	return hex.EncodeToString(sig[:])
}

// verify checks a signature in hex by an address.
func verify(t *testing.T, address, text, signature string) {
	t.Helper()
	public, err := wallet.ParseAddress(address)
	if err != nil {
		t.Fatal(err)
	}
	sig, err := hex.DecodeString(strings.TrimPrefix(signature, "0x"))
	if err != nil || len(sig) != 64 || !wallet.Verify(public, []byte(text), [64]byte(sig)) {
		t.Errorf("signature %s of %s does not verify: %v", signature, address, err)
	}
}

// pythonKeys is what wallet.py says of a wallet.
type pythonKeys struct {
	Coldkey, Coldkeypub, Hotkey, Hotkeypub string
	Signature                              string
	Verified                               bool
	Variable, Value                        string
}

// Python loads what finest stores, and each verifies the other's signatures.
func TestPythonReads(t *testing.T) {
	python := installed(t, "venv/bin/python")
	folder := t.TempDir()
	fromSeed, err := wallet.SecretFromSeed(bytes.Repeat([]byte{7}, 32))
	if err != nil {
		t.Fatal(err)
	}
	fromPrivateKey, err := wallet.SecretFromPrivateKey(append(bytes.Repeat([]byte{7}, 31), make([]byte, 33)...))
	if err != nil {
		t.Fatal(err)
	}
	secrets := map[string]*wallet.Secret{
		"12 words": newSecret(t, 12), "24 words": newSecret(t, 24), "sealed": newSecret(t, 12),
		"seed": fromSeed, "private key": fromPrivateKey,
	}
	signatures := make(map[string]string)
	var env []string
	for name, s := range secrets {
		cold, hot := place(t, folder, name, ""), place(t, folder, name, "h")
		var word []byte
		if name == "sealed" {
			word = []byte(password)
			env = append(env, cold.PasswordVariable()+"="+cold.EncodePassword(word))
		}
		if err := errors.Join(cold.Store(s, word), hot.Store(s, nil)); err != nil {
			t.Fatal(err)
		}
		signatures[name] = sign(t, s)
	}
	answer := make(map[string]pythonKeys)
	drive(t, env, map[string]any{"message": message, "signatures": signatures}, &answer, python, "wallet.py", "read", folder)
	if len(answer) != len(secrets) {
		t.Errorf("%d of %d wallets were read", len(answer), len(secrets))
	}
	for name, got := range answer {
		want := secrets[name].String()
		if got.Coldkey != want || got.Coldkeypub != want || got.Hotkey != want || got.Hotkeypub != want {
			t.Errorf("%s is read as %+v, want %s", name, got, want)
		}
		if !got.Verified {
			t.Errorf("%s: our signature does not verify there", name)
		}
		verify(t, want, message, got.Signature)
	}
}

// finest loads what Python stores, with the password it left in the environment.
func TestPythonWrites(t *testing.T) {
	python := installed(t, "venv/bin/python")
	folder := t.TempDir()
	answer := make(map[string]pythonKeys)
	drive(t, nil, map[string]any{"message": message, "password": password}, &answer, python, "wallet.py", "write", folder)
	if len(answer) != 3 {
		t.Errorf("%d wallets were written, want 3", len(answer))
	}
	for name, want := range answer {
		cold, hot := place(t, folder, name, ""), place(t, folder, name, "h")
		if want.Variable != "" && want.Variable != cold.PasswordVariable() {
			t.Errorf("%s: variable %s, want %s", name, cold.PasswordVariable(), want.Variable)
		}
		asked := false
		c, err := cold.Load(func() ([]byte, error) {
			asked = true
			return cold.DecodePassword(want.Value)
		})
		if err != nil || c.String() != want.Coldkey || asked != (name == "sealed") {
			t.Errorf("%s: coldkey %v, password asked for: %t, %v", name, c, asked, err)
		}
		h, err := wallet.Load(folder, name, "h")
		if err != nil || h.Address() != want.Hotkey {
			t.Errorf("%s: hotkey %v, %v, want %s", name, h, err, want.Hotkey)
		}
		for _, p := range []wallet.Place{cold, hot} {
			if i, err := p.Inspect(); err != nil || i.Problem != nil || i.Address == "" {
				t.Errorf("%s: inspected as %+v, %v", name, i, err)
			}
		}
		verify(t, want.Hotkey, message, want.Signature)
	}
	_, err := place(t, folder, "old", "").Load(func() ([]byte, error) { return []byte(password), nil })
	if !errors.Is(err, wallet.ErrEncrypted) || !strings.Contains(err.Error(), wallet.AnsibleVault.Advice()) {
		t.Errorf("encrypted in the old way: %v", err)
	}
}

// polkadot.js verifies our signature, we its own and its exports.
func TestPolkadotJS(t *testing.T) {
	folder := filepath.Dir(filepath.Dir(installed(t, "node_modules/@polkadot")))
	node, err := exec.LookPath("node")
	if err != nil {
		t.Skip("node is not installed")
	}
	s := newSecret(t, 12)
	var answer struct {
		Address            string
		Verified           bool
		Signature, Wrapped string
		Sealed, Open       json.RawMessage
	}
	drive(t, nil, map[string]any{
		"phrase": s.Phrase(), "password": password, "message": message, "signature": "0x" + sign(t, s),
	}, &answer, node, "polkadot.mjs", folder)
	if answer.Address != s.String() || !answer.Verified {
		t.Errorf("address %s, want %s; our signature verifies: %t", answer.Address, s, answer.Verified)
	}
	verify(t, s.String(), message, answer.Signature)
	verify(t, s.String(), "<Bytes>"+message+"</Bytes>", answer.Wrapped)
	for _, export := range []json.RawMessage{answer.Sealed, answer.Open} {
		got, err := wallet.SecretFromExport(export, func() ([]byte, error) { return []byte(password), nil })
		if err != nil || got.String() != s.String() {
			t.Errorf("export makes %v, %v, want %s", got, err, s)
		}
	}
}
