package wallet

import (
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
)

// Errors that callers tell apart with errors.Is.
var (
	// ErrNoSecret: the file names an address but holds no secret.
	ErrNoSecret = errors.New("key file holds no secret")
	// ErrExists: no key is ever replaced.
	ErrExists = errors.New("key file exists")
)

// maxKeyFile bounds what is read; key files have a few hundred bytes.
const maxKeyFile = 64 << 10

// hotkeyWords is how long the phrase of a hotkey is that Create makes, as long
// as that of btwallet.
const hotkeyWords = 12

// keyFile is the JSON of Bittensor key files; every field is optional there.
// Bytes are hex, with 0x.
type keyFile struct {
	AccountID    string `json:"accountId,omitempty"`
	PublicKey    string `json:"publicKey,omitempty"`
	PrivateKey   string `json:"privateKey,omitempty"`
	SecretPhrase string `json:"secretPhrase,omitempty"`
	SecretSeed   string `json:"secretSeed,omitempty"`
	SS58Address  string `json:"ss58Address,omitempty"`
	// CryptoType is 1 for sr25519. Wallets before bittensor-wallet 4.1 write none
	// and fail on any value that is no string, so it is never written here.
	CryptoType *int `json:"cryptoType,omitempty"`
}

const sr25519Type = 1

// Path returns where the hotkey of a wallet lies: path/name/hotkeys/hotkey. A
// leading ~/ in path is the home folder. Names are single path elements.
func Path(path, name, hotkey string) (string, error) {
	p, err := HotkeyPlace(path, name, hotkey)
	return p.File, err
}

// Load reads a hotkey that is stored without a password; see Place.Load.
func Load(path, name, hotkey string) (*Hotkey, error) {
	p, err := HotkeyPlace(path, name, hotkey)
	if err != nil {
		return nil, err
	}
	s, err := p.Load(nil)
	if err != nil {
		return nil, err
	}
	return s.key, nil
}

// Create makes a new hotkey and stores it without a password; see Place.Store. It
// fails with ErrExists rather than replace a key.
func Create(path, name, hotkey string) (*Hotkey, error) {
	p, err := HotkeyPlace(path, name, hotkey)
	if err != nil {
		return nil, err
	}
	s, err := NewSecret(hotkeyWords, rand.Reader)
	if err != nil {
		return nil, err
	}
	if err := p.Store(s, nil); err != nil {
		return nil, err
	}
	return s.key, nil
}

// encode returns the content of the key file, not encrypted, and that of its
// public part.
func (s *Secret) encode() (secret, public []byte, err error) {
	account := "0x" + hex.EncodeToString(s.key.public[:])
	k := keyFile{AccountID: account, PublicKey: account, SS58Address: s.key.address}
	if public, err = json.Marshal(k); err != nil {
		return nil, nil, err
	}
	k.PrivateKey = "0x" + hex.EncodeToString(s.private[:])
	k.SecretPhrase = s.phrase
	if s.seed != nil {
		k.SecretSeed = "0x" + hex.EncodeToString(s.seed)
	}
	secret, err = json.Marshal(k)
	return secret, public, err
}

// parseKeyFile returns errors without any part of plain: it may be secret.
func parseKeyFile(plain []byte) (*Secret, error) {
	var k keyFile
	if err := json.Unmarshal(plain, &k); err != nil {
		return nil, errors.New("not the JSON of a Bittensor key file")
	}
	if k.CryptoType != nil && *k.CryptoType != sr25519Type {
		return nil, fmt.Errorf("key of type %d; only sr25519 (type %d) is known", *k.CryptoType, sr25519Type)
	}
	secrets := k.secrets()
	if len(secrets) == 0 {
		if k.PrivateKey+k.SecretPhrase+k.SecretSeed != "" {
			return nil, errors.New("the secret is malformed")
		}
		return nil, ErrNoSecret
	}
	for _, s := range secrets {
		if k.states(s.key) {
			return s, nil
		}
	}
	return nil, errors.New("the secret does not belong to the public key or address that the file states")
}

// secrets returns the keys of the readable secrets in btwallet's order.
func (k *keyFile) secrets() (secrets []*Secret) {
	if s, err := SecretFromPhrase(k.SecretPhrase); err == nil {
		secrets = append(secrets, s)
	}
	for _, secret := range []struct {
		hex  string
		from func([]byte) (*Secret, error)
	}{{k.SecretSeed, SecretFromSeed}, {k.PrivateKey, SecretFromPrivateKey}} {
		raw, err := hex.DecodeString(strings.TrimPrefix(secret.hex, "0x"))
		if err != nil {
			continue
		}
		if s, err := secret.from(raw); err == nil {
			secrets = append(secrets, s)
		}
	}
	return secrets
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

// readPublic returns the address that the public part of a key states.
func readPublic(file string) (string, error) {
	raw, err := readKeyFile(file)
	if err != nil {
		return "", err
	}
	return publicAddress(raw)
}

// publicAddress returns the address that a key file states or its public key has.
func publicAddress(raw []byte) (string, error) {
	var k keyFile
	if err := json.Unmarshal(raw, &k); err != nil {
		return "", errors.New("not the JSON of a Bittensor key file")
	}
	for _, stated := range []string{k.PublicKey, k.AccountID} {
		public, err := hex.DecodeString(strings.TrimPrefix(stated, "0x"))
		if err != nil || len(public) != 32 {
			continue
		}
		address := Address([32]byte(public))
		if k.SS58Address != "" && k.SS58Address != address {
			return "", errors.New("address and public key do not belong together")
		}
		return address, nil
	}
	if _, err := ParseAddress(k.SS58Address); err != nil {
		return "", errors.New("states no address")
	}
	return k.SS58Address, nil
}
