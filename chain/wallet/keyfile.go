package wallet

import (
	"bytes"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"github.com/vedhavyas/go-subkey/v2"
	"github.com/vedhavyas/go-subkey/v2/sr25519"

	"finest/internal/durable"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrEncrypted: the key file is encrypted. Hotkeys are plain by custom,
	// since a role that runs unattended has nobody to ask for a password.
	ErrEncrypted = errors.New("key file is encrypted")
	// ErrNoSecret: the file names an address but holds no secret.
	ErrNoSecret = errors.New("key file holds no secret")
	// ErrExists: Create replaces no key.
	ErrExists = errors.New("key file exists")
)

// maxKeyFile bounds what is read; key files have a few hundred bytes.
const maxKeyFile = 64 << 10

// keyFile is the JSON of Bittensor key files; every field is optional there.
// Bytes are hex, with 0x.
type keyFile struct {
	AccountID    string `json:"accountId,omitempty"`
	PublicKey    string `json:"publicKey,omitempty"`
	PrivateKey   string `json:"privateKey,omitempty"`
	SecretPhrase string `json:"secretPhrase,omitempty"`
	SecretSeed   string `json:"secretSeed,omitempty"`
	SS58Address  string `json:"ss58Address,omitempty"`
	// CryptoType is 1 for sr25519; older wallets write none.
	CryptoType *int `json:"cryptoType,omitempty"`
}

const sr25519Type = 1

// Path returns where the hotkey of a wallet lies: path/name/hotkeys/hotkey. A
// leading ~/ in path is the home folder. Names are single path elements.
func Path(path, name, hotkey string) (string, error) {
	for _, n := range []struct{ what, value string }{{"wallet", name}, {"hotkey", hotkey}} {
		if n.value == "" || n.value == "." || n.value == ".." || strings.ContainsAny(n.value, `/\`+"\x00") {
			return "", fmt.Errorf("%s name %q is not a plain name", n.what, n.value)
		}
	}
	if rest, ok := strings.CutPrefix(path, "~/"); ok || path == "~" {
		home, err := os.UserHomeDir()
		if err != nil {
			return "", fmt.Errorf("find wallet folder %s: %w", path, err)
		}
		path = filepath.Join(home, strings.TrimPrefix(rest, "~"))
	}
	return filepath.Join(path, name, "hotkeys", hotkey), nil
}

// Load reads a hotkey. The secret may be a phrase, a seed or an expanded
// private key; the first of them, in that order, that makes the public key the
// file states is taken.
func Load(path, name, hotkey string) (*Hotkey, error) {
	file, err := Path(path, name, hotkey)
	if err != nil {
		return nil, err
	}
	f, err := os.Open(file)
	if err != nil {
		return nil, fmt.Errorf("open hotkey: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxKeyFile+1))
	if err != nil {
		return nil, fmt.Errorf("read hotkey: %w", err)
	}
	h, err := parseKeyFile(raw)
	if err != nil {
		return nil, fmt.Errorf("read hotkey %s: %w", file, err)
	}
	return h, nil
}

// parseKeyFile returns errors without any part of raw: it may be secret.
func parseKeyFile(raw []byte) (*Hotkey, error) {
	if len(raw) > maxKeyFile {
		return nil, fmt.Errorf("more than %d bytes, so no key file", maxKeyFile)
	}
	for prefix, format := range map[string]string{"$NACL": "NaCl", "$ANSIBLE_VAULT": "Ansible Vault", "gAAAAA": "Fernet"} {
		if bytes.HasPrefix(raw, []byte(prefix)) {
			return nil, fmt.Errorf("%w (%s); store the hotkey without a password", ErrEncrypted, format)
		}
	}
	var k keyFile
	if err := json.Unmarshal(raw, &k); err != nil {
		return nil, errors.New("not the JSON of a Bittensor key file")
	}
	if k.CryptoType != nil && *k.CryptoType != sr25519Type {
		return nil, fmt.Errorf("key of type %d; hotkeys are sr25519 (type %d)", *k.CryptoType, sr25519Type)
	}
	pairs := k.pairs()
	if len(pairs) == 0 {
		if k.PrivateKey+k.SecretPhrase+k.SecretSeed != "" {
			return nil, errors.New("the secret is malformed")
		}
		return nil, ErrNoSecret
	}
	for _, pair := range pairs {
		if h := newHotkey(pair); k.states(h) {
			return h, nil
		}
	}
	return nil, errors.New("the secret does not belong to the public key or address that the file states")
}

// pairs returns the key pairs of the readable secrets in btwallet's order.
func (k *keyFile) pairs() (pairs []subkey.KeyPair) {
	if k.SecretPhrase != "" {
		if pair, err := (sr25519.Scheme{}).FromPhrase(k.SecretPhrase, ""); err == nil {
			pairs = append(pairs, pair)
		}
	}
	for _, secret := range []struct {
		hex  string
		size int
	}{{k.SecretSeed, 32}, {k.PrivateKey, 64}} {
		raw, err := hex.DecodeString(strings.TrimPrefix(secret.hex, "0x"))
		if err != nil || len(raw) != secret.size {
			continue
		}
		if pair, err := (sr25519.Scheme{}).FromSeed(raw); err == nil {
			pairs = append(pairs, pair)
		}
	}
	return pairs
}

// states reports whether nothing in the file contradicts h.
func (k *keyFile) states(h *Hotkey) bool {
	public := hex.EncodeToString(h.public[:])
	for _, stated := range []string{k.PublicKey, k.AccountID} {
		if stated != "" && !strings.EqualFold(strings.TrimPrefix(stated, "0x"), public) {
			return false
		}
	}
	return k.SS58Address == "" || k.SS58Address == h.address
}

// Create makes a new hotkey and stores it as Bittensor wallets do: plain JSON
// of mode 0600, and its public part beside it in <hotkey>pub.txt. It fails with
// ErrExists rather than replace a key.
func Create(path, name, hotkey string) (*Hotkey, error) {
	file, err := Path(path, name, hotkey)
	if err != nil {
		return nil, err
	}
	pair, err := sr25519.Scheme{}.Generate()
	if err != nil {
		return nil, fmt.Errorf("make hotkey: %w", err)
	}
	h := newHotkey(pair)
	public := "0x" + hex.EncodeToString(h.public[:])
	k := keyFile{AccountID: public, PublicKey: public, SS58Address: h.address}
	pub, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("make hotkey: %w", err)
	}
	k.SecretSeed = "0x" + hex.EncodeToString(pair.Seed())
	secret, err := json.Marshal(k)
	if err != nil {
		return nil, fmt.Errorf("make hotkey: %w", err)
	}
	if err := writeNew(file, secret); err != nil {
		return nil, fmt.Errorf("store hotkey: %w", err)
	}
	if err := durable.WriteBytes(file+"pub.txt", 0o644, pub); err != nil {
		return nil, fmt.Errorf("store public part of hotkey: %w", err)
	}
	return h, nil
}

// writeNew writes file whole, and only if there is none: a link, unlike a
// rename, replaces nothing.
func writeNew(file string, content []byte) error {
	dir := filepath.Dir(file)
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	tmp := filepath.Join(dir, "."+filepath.Base(file)+".new-"+rand.Text())
	if err := durable.WriteBytes(tmp, 0o600, content); err != nil {
		return err
	}
	defer func() { _ = os.Remove(tmp) }()
	if err := os.Link(tmp, file); errors.Is(err, os.ErrExist) {
		return fmt.Errorf("%w: %s", ErrExists, file)
	} else if err != nil {
		return err
	}
	return durable.SyncDir(dir)
}
