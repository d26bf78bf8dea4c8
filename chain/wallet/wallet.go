// Package wallet reads and creates the keys of Bittensor wallets, and signs and
// verifies with sr25519 as Substrate chains do: signing context "substrate", the
// message itself, addresses with SS58 prefix 42.
//
// Load and Create are for roles, which open only hotkeys, stored without a
// password. ColdkeyPlace, HotkeyPlace and List are for the command that manages
// wallets.
package wallet

import (
	"errors"
	"fmt"
	"io"

	"github.com/vedhavyas/go-subkey/v2"
	"github.com/vedhavyas/go-subkey/v2/sr25519"

	"finest/chain"
)

// addressPrefix is the SS58 prefix of Bittensor and of Substrate in general.
const addressPrefix = 42

// An address of prefix 42 holds 35 bytes, which base 58 writes with 47 or 48
// digits; small keys take fewer.
const minAddress, maxAddress = 35, 48

// Hotkey is a key pair that signs, mostly for a hotkey. It prints and encodes as
// its address; nothing that formats it shows the secret.
type Hotkey struct {
	pair    subkey.KeyPair
	public  chain.PublicKey
	address string
}

var _ chain.Signer = (*Hotkey)(nil)

// FromURI derives a key from a Substrate secret URI: a phrase or 0x seed
// followed by derivations, or derivations of the well-known development phrase
// alone, such as "//Alice". Keys of the latter kind are public knowledge.
func FromURI(uri string) (*Hotkey, error) {
	pair, err := subkey.DeriveKeyPair(sr25519.Scheme{}, uri)
	if err != nil {
		// The cause may quote the secret.
		return nil, errors.New("derive key: not a secret URI (a phrase or 0x seed, then //hard or /soft derivations)")
	}
	return newHotkey(pair), nil
}

func newHotkey(pair subkey.KeyPair) *Hotkey {
	h := &Hotkey{pair: pair}
	copy(h.public[:], pair.Public())
	h.address = Address(h.public)
	return h
}

// PublicKey returns the account of the hotkey.
func (h *Hotkey) PublicKey() chain.PublicKey { return h.public }

// Address returns the SS58 address.
func (h *Hotkey) Address() string { return h.address }

// String returns the SS58 address.
func (h *Hotkey) String() string { return h.address }

// Format prints the SS58 address for every verb, so that none shows the secret.
func (h *Hotkey) Format(s fmt.State, _ rune) { _, _ = io.WriteString(s, h.address) }

// MarshalText returns the SS58 address, also for JSON.
func (h *Hotkey) MarshalText() ([]byte, error) { return []byte(h.address), nil }

// Sign signs message. Signing twice gives two signatures, both valid.
func (h *Hotkey) Sign(message []byte) (sig [64]byte, err error) {
	raw, err := h.pair.Sign(message)
	if err != nil || len(raw) != len(sig) {
		return sig, fmt.Errorf("sign with %s: no signature was made", h.address)
	}
	copy(sig[:], raw)
	return sig, nil
}

// Verify reports whether sig is pub's signature of message. A pub that is no
// point of the curve verifies nothing.
func Verify(pub chain.PublicKey, message []byte, sig [64]byte) bool {
	key, err := sr25519.Scheme{}.FromPublicKey(pub[:])
	return err == nil && key.Verify(message, sig[:])
}

// Address returns the SS58 form of pub.
func Address(pub chain.PublicKey) string { return subkey.SS58Encode(pub[:], addressPrefix) }

// ParseAddress reads an SS58 address of prefix 42.
func ParseAddress(ss58 string) (chain.PublicKey, error) {
	var pub chain.PublicKey
	if len(ss58) < minAddress || len(ss58) > maxAddress {
		return pub, fmt.Errorf("address %.60q has %d characters, not the 47 or 48 of an SS58 address", ss58, len(ss58))
	}
	prefix, raw, err := subkey.SS58Decode(ss58)
	if err != nil {
		return pub, fmt.Errorf("address %q is misspelt: its checksum is wrong", ss58)
	}
	if prefix != addressPrefix || len(raw) != len(pub) {
		return pub, fmt.Errorf("address %q has SS58 prefix %d and %d bytes, not prefix %d and 32 bytes", ss58, prefix, len(raw), addressPrefix)
	}
	copy(pub[:], raw)
	if Address(pub) != ss58 {
		return chain.PublicKey{}, fmt.Errorf("address %q is not in its one spelling", ss58)
	}
	return pub, nil
}
