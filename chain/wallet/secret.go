package wallet

import (
	"crypto/sha512"
	"errors"
	"fmt"
	"io"
	"strings"

	schnorrkel "github.com/ChainSafe/go-schnorrkel"
	"github.com/cosmos/go-bip39"
	"github.com/vedhavyas/go-subkey/v2"
	"github.com/vedhavyas/go-subkey/v2/sr25519"
)

// Sizes of secrets in bytes: a seed, and the key expanded from it, which is a
// scalar and the nonce seed, each of 32 bytes.
const (
	seedSize    = 32
	privateSize = 64
)

// Secret is a key with what it was made of, so that a key file can keep the
// phrase that its owner wrote down. It prints and encodes as its address.
type Secret struct {
	key     *Hotkey
	phrase  string // "" if unknown
	seed    []byte // nil if unknown
	private [privateSize]byte
}

// NewSecret makes a key from random, with a phrase of words words: 12, 15, 18,
// 21 or 24.
func NewSecret(words int, random io.Reader) (*Secret, error) {
	if words < 12 || words > 24 || words%3 != 0 {
		return nil, fmt.Errorf("make key: a phrase has 12, 15, 18, 21 or 24 words, not %d", words)
	}
	// Three words are 33 bits: 32 of entropy, one of checksum.
	entropy := make([]byte, words/3*4)
	if _, err := io.ReadFull(random, entropy); err != nil {
		return nil, fmt.Errorf("make key: read random bytes: %w", err)
	}
	phrase, err := bip39.NewMnemonic(entropy)
	if err != nil {
		return nil, fmt.Errorf("make key: %w", err)
	}
	return SecretFromPhrase(phrase)
}

// SecretFromPhrase makes the key of a BIP-39 phrase of English words as Substrate
// does it: from the entropy, without a password. Errors say which word is wrong
// by its position and never show it.
func SecretFromPhrase(phrase string) (*Secret, error) {
	words := strings.Fields(strings.ToLower(phrase))
	if n := len(words); n < 12 || n > 24 || n%3 != 0 {
		return nil, fmt.Errorf("phrase has %d words, not 12, 15, 18, 21 or 24", n)
	}
	for i, word := range words {
		if _, known := bip39.ReverseWordMap[word]; !known {
			return nil, fmt.Errorf("word %d of the phrase is not in the English word list of BIP-39", i+1)
		}
	}
	phrase = strings.Join(words, " ")
	mini, err := schnorrkel.MiniSecretKeyFromMnemonic(phrase, "")
	if err != nil {
		return nil, errors.New("checksum of the phrase is wrong: a word is misspelt or in the wrong place")
	}
	seed := mini.Encode()
	s, err := SecretFromSeed(seed[:])
	if err != nil {
		return nil, err
	}
	s.phrase = phrase
	return s, nil
}

// SecretFromSeed makes the key of a seed of 32 bytes.
func SecretFromSeed(seed []byte) (*Secret, error) {
	if len(seed) != seedSize {
		return nil, fmt.Errorf("seed has %d bytes, not %d", len(seed), seedSize)
	}
	mini, err := schnorrkel.NewMiniSecretKeyFromRaw([seedSize]byte(seed))
	if err != nil {
		return nil, errors.New("seed makes no key")
	}
	scalar := mini.ExpandEd25519().Encode()
	// The library keeps the nonce seed to itself; it is the second half of the
	// hash that the scalar is the first half of.
	hash := sha512.Sum512(seed)
	s, err := SecretFromPrivateKey(append(scalar[:], hash[32:]...))
	if err != nil {
		return nil, err
	}
	s.seed = append([]byte(nil), seed...)
	return s, nil
}

// SecretFromPrivateKey makes the key of an expanded private key of 64 bytes in
// the form of schnorrkel and of Bittensor's key files: the scalar itself, then
// the nonce seed. polkadot.js exports the scalar times eight instead; see
// SecretFromExport.
func SecretFromPrivateKey(private []byte) (*Secret, error) {
	if len(private) != privateSize {
		return nil, fmt.Errorf("private key has %d bytes, not %d", len(private), privateSize)
	}
	pair, err := sr25519.Scheme{}.FromSeed(append([]byte(nil), private...))
	if err != nil {
		return nil, errors.New("private key is no scalar of the curve")
	}
	return &Secret{key: newHotkey(pair), private: [privateSize]byte(private)}, nil
}

// SecretFromURI makes the key of a secret URI as FromURI does. Soft derivations
// are refused: neither phrase nor seed gives their keys, so no key file can say
// where they come from.
func SecretFromURI(uri string) (*Secret, error) {
	if s, err := SecretFromPhrase(uri); err == nil {
		return s, nil
	}
	if _, err := FromURI(uri); err != nil {
		return nil, err
	}
	pair, err := subkey.DeriveKeyPair(sr25519.Scheme{}, uri)
	if err != nil || len(pair.Seed()) != seedSize {
		return nil, errors.New("derive key: soft derivations (/name) have no seed that a key file could keep; use hard ones (//name)")
	}
	return SecretFromSeed(pair.Seed())
}

// Key returns what signs.
func (s *Secret) Key() *Hotkey { return s.key }

// Phrase returns the phrase the key was made of, "" if that is unknown. Whoever
// knows it has the key.
func (s *Secret) Phrase() string { return s.phrase }

// String returns the SS58 address.
func (s *Secret) String() string { return s.key.address }

// Format prints the SS58 address for every verb, so that none shows the secret.
func (s *Secret) Format(f fmt.State, _ rune) { _, _ = io.WriteString(f, s.key.address) }

// MarshalText returns the SS58 address, also for JSON.
func (s *Secret) MarshalText() ([]byte, error) { return []byte(s.key.address), nil }
