package wallet

import (
	"bytes"
	"crypto/rand"
	"errors"
	"fmt"
	"io"

	"golang.org/x/crypto/argon2"
	"golang.org/x/crypto/nacl/secretbox"
)

// Encryption says how a key file is encrypted.
type Encryption string

// Encryptions that Bittensor wallets know. NaCl is the present one; the others
// are of old wallets and are named, not opened.
const (
	Plain        Encryption = "none"
	NaCl         Encryption = "nacl"
	AnsibleVault Encryption = "ansible"
	Fernet       Encryption = "fernet"
)

// Errors of encrypted key files that callers tell apart with errors.Is.
var (
	// ErrEncrypted: the key file is encrypted, and no password was to be had, or
	// in a way that is not opened. Hotkeys are plain by custom, since a role that
	// runs unattended has nobody to ask.
	ErrEncrypted = errors.New("key file is encrypted")
	// ErrPassword: the password does not open the key file, or its content was
	// changed.
	ErrPassword = errors.New("wrong password")
)

// naclPrefix begins a file that is a nonce and a secretbox.
const naclPrefix = "$NACL"

const (
	nonceSize = 24
	keySize   = 32
)

// naclSalt is the salt of all passwords of Bittensor wallets (btwallet, NACL_SALT):
// the same everywhere, so that only the password is secret.
var naclSalt = []byte("\x13q\x83\xdf\xf1Z\t\xbc\x9c\x90\xb5Q\x879\xe9\xb1")

// Costs of libsodium's argon2i13 with OPSLIMIT_SENSITIVE and MEMLIMIT_SENSITIVE:
// passes, and KiB of memory. One derivation takes seconds and 512 MiB.
const (
	argonPasses = 8
	argonMemory = 512 << 10
)

// EncryptionOf tells from the first bytes of a key file how it is encrypted.
func EncryptionOf(raw []byte) Encryption {
	switch {
	case bytes.HasPrefix(raw, []byte(naclPrefix)):
		return NaCl
	case bytes.HasPrefix(raw, []byte("$ANSIBLE_VAULT")):
		return AnsibleVault
	case bytes.HasPrefix(raw, []byte("gAAAAA")):
		return Fernet
	}
	return Plain
}

// Advice says what to do about a file that is encrypted in a way that is not
// opened; "" for the others.
func (e Encryption) Advice() string {
	switch e {
	case AnsibleVault:
		return "decrypt and encrypt it anew with the Python package bittensor-wallet (Keyfile.decrypt, then Keyfile.encrypt), or make it again from its phrase"
	case Fernet:
		// bittensor-wallet 4.0 and 4.1 recognise it and open none.
		return "make it again from its phrase"
	}
	return ""
}

// passwordKey derives the key that a password stands for. Callers overwrite it
// after use.
func passwordKey(password []byte) *[keySize]byte {
	return (*[keySize]byte)(argon2.Key(password, naclSalt, argonPasses, argonMemory, 1, keySize))
}

// sealNaCl encrypts the content of a key file.
func sealNaCl(plain []byte, key *[keySize]byte) ([]byte, error) {
	var nonce [nonceSize]byte
	if _, err := io.ReadFull(rand.Reader, nonce[:]); err != nil {
		return nil, fmt.Errorf("encrypt key: %w", err)
	}
	return secretbox.Seal(append([]byte(naclPrefix), nonce[:]...), plain, &nonce, key), nil
}

// openNaCl decrypts what sealNaCl made. The key is asked for only where raw is
// long enough to hold something.
func openNaCl(raw []byte, key func() (*[keySize]byte, error)) ([]byte, error) {
	box := bytes.TrimPrefix(raw, []byte(naclPrefix))
	if len(box) < nonceSize+secretbox.Overhead {
		return nil, errors.New("encrypted key file is cut off")
	}
	k, err := key()
	if err != nil {
		return nil, err
	}
	plain, ok := secretbox.Open(nil, box[nonceSize:], (*[nonceSize]byte)(box), k)
	clear(k[:])
	if !ok {
		return nil, ErrPassword
	}
	return plain, nil
}

// decrypt returns the JSON of a key file. password is called only for files that
// it can open; nil stands for none.
func decrypt(raw []byte, password func() ([]byte, error)) ([]byte, error) {
	switch e := EncryptionOf(raw); e {
	case Plain:
		return raw, nil
	case NaCl:
		if password == nil {
			return nil, fmt.Errorf("%w (NaCl); store the hotkey without a password", ErrEncrypted)
		}
		return openNaCl(raw, func() (*[keySize]byte, error) {
			word, err := password()
			if err != nil {
				return nil, err
			}
			return passwordKey(word), nil
		})
	default:
		return nil, fmt.Errorf("%w with %s, which is not opened; %s", ErrEncrypted, e.name(), e.Advice())
	}
}

// name is how people call the encryption.
func (e Encryption) name() string {
	switch e {
	case NaCl:
		return "NaCl"
	case AnsibleVault:
		return "Ansible Vault"
	case Fernet:
		return "Fernet"
	}
	return string(e)
}
