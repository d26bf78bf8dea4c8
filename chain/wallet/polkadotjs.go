package wallet

import (
	"bytes"
	"encoding/base64"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	schnorrkel "github.com/ChainSafe/go-schnorrkel"
	"github.com/vedhavyas/go-subkey/v2"
	"golang.org/x/crypto/nacl/secretbox"
	"golang.org/x/crypto/scrypt"
)

// export is the JSON that polkadot.js and wallets built on it write.
type export struct {
	Encoded  string `json:"encoded"`
	Encoding struct {
		Content []string `json:"content"`
		Type    []string `json:"type"`
		Version string   `json:"version"`
	} `json:"encoding"`
	Address string `json:"address"`
}

// Bounds of scrypt: polkadot.js wrote N of 2^15 for years and writes 2^17 now,
// with r 8 and p 1. 2^18 and r 8 need 256 MiB.
const (
	maxScryptN = 1 << 18
	scryptR    = 8
	maxScryptP = 16
)

// Parts of a PKCS #8 document as polkadot.js writes it, around the key of 64
// bytes and the public key of 32.
var (
	pkcs8Header  = []byte{0x30, 0x53, 0x02, 0x01, 0x01, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x04, 0x22, 0x04, 0x20}
	pkcs8Divider = []byte{0xa1, 0x23, 0x03, 0x21, 0x00}
)

// SecretFromExport makes the key of a JSON export of polkadot.js or a browser
// wallet. password is called only where the export is encrypted. A wrong one
// gives ErrPassword.
func SecretFromExport(raw []byte, password func() ([]byte, error)) (*Secret, error) {
	if len(raw) > maxKeyFile {
		return nil, fmt.Errorf("more than %d bytes, so no export of a key", maxKeyFile)
	}
	var e export
	if err := json.Unmarshal(raw, &e); err != nil || e.Encoded == "" {
		return nil, errors.New("not the JSON that polkadot.js exports a key as")
	}
	if !slices.Contains(e.Encoding.Content, "sr25519") {
		return nil, errors.New("exported key is not of type sr25519")
	}
	if e.Encoding.Version != "3" {
		return nil, fmt.Errorf("export has version %.8q, not \"3\"; export it again with a newer wallet", e.Encoding.Version)
	}
	sealed, err := base64.StdEncoding.DecodeString(e.Encoded)
	if err != nil {
		return nil, errors.New("exported key is not base64")
	}
	var document []byte
	switch {
	case slices.Equal(e.Encoding.Type, []string{"none"}):
		document = sealed
	case slices.Equal(e.Encoding.Type, []string{"scrypt", "xsalsa20-poly1305"}):
		if document, err = openExport(sealed, password); err != nil {
			return nil, err
		}
	default:
		return nil, fmt.Errorf("export is encrypted in an unknown way: %.60q", e.Encoding.Type)
	}
	s, err := parsePKCS8(document)
	if err != nil {
		return nil, err
	}
	if e.Address != "" && !sameAccount(e.Address, s.key) {
		return nil, errors.New("exported key does not belong to the address that the export states")
	}
	return s, nil
}

// openExport decrypts salt (32 bytes), N, p and r (u32 each), nonce, box.
func openExport(sealed []byte, password func() ([]byte, error)) ([]byte, error) {
	const saltSize, header = 32, 32 + 3*4
	if len(sealed) < header+nonceSize+secretbox.Overhead {
		return nil, errors.New("exported key is cut off")
	}
	n, p, r := binary.LittleEndian.Uint32(sealed[32:]), binary.LittleEndian.Uint32(sealed[36:]), binary.LittleEndian.Uint32(sealed[40:])
	if n < 2 || n > maxScryptN || n&(n-1) != 0 || p < 1 || p > maxScryptP || r != scryptR {
		return nil, fmt.Errorf("export wants scrypt with N=%d, r=%d, p=%d, which no wallet writes", n, r, p)
	}
	if password == nil {
		return nil, ErrEncrypted
	}
	word, err := password()
	if err != nil {
		return nil, err
	}
	key, err := scrypt.Key(word, sealed[:saltSize], int(n), int(r), int(p), keySize)
	if err != nil {
		return nil, fmt.Errorf("open export: %w", err)
	}
	box := sealed[header:]
	document, ok := secretbox.Open(nil, box[nonceSize:], (*[nonceSize]byte)(box), (*[keySize]byte)(key))
	if !ok {
		return nil, ErrPassword
	}
	return document, nil
}

func parsePKCS8(document []byte) (*Secret, error) {
	rest, ok := bytes.CutPrefix(document, pkcs8Header)
	if !ok || len(rest) != privateSize+len(pkcs8Divider)+32 || !bytes.HasPrefix(rest[privateSize:], pkcs8Divider) {
		return nil, errors.New("exported key is not the PKCS #8 of an sr25519 key")
	}
	// The scalar is stored times eight, as ed25519 would have it.
	scalar := schnorrkel.NewSecretKeyFromEd25519Bytes([privateSize]byte(rest)).Encode()
	s, err := SecretFromPrivateKey(append(scalar[:], rest[32:privateSize]...))
	if err != nil {
		return nil, err
	}
	if !bytes.Equal(rest[privateSize+len(pkcs8Divider):], s.key.public[:]) {
		return nil, errors.New("exported key does not belong to the public key beside it")
	}
	return s, nil
}

// sameAccount reports whether address, of whatever network, is that of key.
func sameAccount(address string, key *Hotkey) bool {
	_, raw, err := subkey.SS58Decode(address)
	return err == nil && bytes.Equal(raw, key.public[:])
}
