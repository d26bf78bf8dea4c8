package timelock

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"math/big"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fp"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// Overhead is by how many bytes a ciphertext is longer than its plaintext.
const Overhead = 244

// MaxCiphertext bounds what Decrypt looks at. The chain takes 1,024 bytes in a
// commitment and 5,000 as weights.
const MaxCiphertext = 1 << 16

const (
	blockSize = sha256.Size // of sigma and of the key
	nonceSize = 12
	tagSize   = 16
)

// suffix names the cipher at the end of a ciphertext.
var suffix = []byte("AES_GCM_")

// ErrCiphertext says that bytes are no ciphertext of this format, or were
// changed.
var ErrCiphertext = errors.New("malformed timelock ciphertext")

// Encrypt encrypts plaintext so that the signature of round by the beacon s
// decrypts it. It takes 76 bytes from random, which must be unpredictable
// (crypto/rand.Reader outside tests).
func Encrypt(s Scheme, round uint64, plaintext []byte, random io.Reader) ([]byte, error) {
	if len(plaintext) > MaxCiphertext-Overhead {
		return nil, fmt.Errorf("timelock %d bytes: at most %d fit", len(plaintext), MaxCiphertext-Overhead)
	}
	beacon, err := s.PublicKey.point()
	if err != nil {
		return nil, fmt.Errorf("timelock to round %d: %w", round, err)
	}
	var seed [2*blockSize + nonceSize]byte
	if _, err := io.ReadFull(random, seed[:]); err != nil {
		return nil, fmt.Errorf("timelock to round %d: random bytes: %w", round, err)
	}
	sigma, key, nonce := seed[:blockSize], seed[blockSize:2*blockSize], seed[2*blockSize:]
	id, err := identity(round)
	if err != nil {
		return nil, err
	}
	r := blinding(sigma, key)
	var u bls.G2Affine
	u.ScalarMultiplicationBase(r)
	id.ScalarMultiplication(&id, r) // e(r·Q, PK) = e(Q, r·PK), cheaper in G1
	mask, err := pairingHash(id, beacon)
	if err != nil {
		return nil, err
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	sealed := aead.Seal(nil, nonce, plaintext, nil)
	header := u.Bytes()
	out := make([]byte, 0, len(plaintext)+Overhead)
	out = append(out, header[:]...)
	out = appendBlock(out, xor(sigma, mask))
	keyMask := sha256.Sum256(sigma)
	out = appendBlock(out, xor(key, keyMask))
	out = binary.LittleEndian.AppendUint64(out, uint64(8+len(sealed)+8+len(nonce)))
	out = appendBlock(out, sealed)
	out = appendBlock(out, nonce)
	return appendBlock(out, suffix), nil
}

// Decrypt returns the plaintext of what was encrypted to the round that
// signature signs. It cannot tell a wrong round from a changed ciphertext:
// either gives an error that is ErrCiphertext.
func Decrypt(ciphertext []byte, signature Signature) ([]byte, error) {
	c, err := parse(ciphertext)
	if err != nil {
		return nil, err
	}
	sig, err := signature.point()
	if err != nil {
		return nil, fmt.Errorf("decrypt timelock: %w", err)
	}
	mask, err := pairingHash(sig, c.u)
	if err != nil {
		return nil, err
	}
	sigma := xor(c.v, mask)
	keyMask := sha256.Sum256(sigma)
	key := xor(c.w, keyMask)
	var u bls.G2Affine
	if u.ScalarMultiplicationBase(blinding(sigma, key)); !u.Equal(&c.u) {
		return nil, fmt.Errorf("decrypt timelock: other round, or changed: %w", ErrCiphertext)
	}
	aead, err := newAEAD(key)
	if err != nil {
		return nil, err
	}
	plaintext, err := aead.Open(nil, c.nonce, c.sealed, nil)
	if err != nil {
		return nil, fmt.Errorf("decrypt timelock: changed after encryption: %w", ErrCiphertext)
	}
	return plaintext, nil
}

// parts of a ciphertext.
type parts struct {
	u                   bls.G2Affine
	v, w, sealed, nonce []byte
}

// parse takes a ciphertext apart: U, and after their lengths V, W, the body
// (sealed bytes and nonce, each after its length) and the suffix.
func parse(b []byte) (c parts, err error) {
	malformed := func(what string) (parts, error) {
		return parts{}, fmt.Errorf("read timelock ciphertext of %d bytes: %s: %w", len(b), what, ErrCiphertext)
	}
	if len(b) < Overhead || len(b) > MaxCiphertext {
		return malformed("length")
	}
	rest := b[bls.SizeOfG2AffineCompressed:]
	var ok [6]bool
	var body, end []byte
	c.v, rest, ok[0] = cutBlock(rest)
	c.w, rest, ok[1] = cutBlock(rest)
	body, rest, ok[2] = cutBlock(rest)
	end, rest, ok[3] = cutBlock(rest)
	c.sealed, body, ok[4] = cutBlock(body)
	c.nonce, body, ok[5] = cutBlock(body)
	switch {
	case ok != [6]bool{true, true, true, true, true, true} || len(rest) > 0 || len(body) > 0:
		return malformed("a part has another length than it says")
	case len(c.v) != blockSize || len(c.w) != blockSize || len(c.nonce) != nonceSize || len(c.sealed) < tagSize:
		return malformed("a part has the wrong length")
	case !bytes.Equal(end, suffix):
		return malformed("other cipher than AES-256-GCM")
	}
	// The subgroup check of the point is the dearest, so it comes last.
	if c.u, err = pointG2(b[:bls.SizeOfG2AffineCompressed], "U"); err != nil {
		return malformed(err.Error())
	}
	return c, nil
}

func appendBlock(b, block []byte) []byte {
	return append(binary.LittleEndian.AppendUint64(b, uint64(len(block))), block...)
}

func cutBlock(b []byte) (block, rest []byte, ok bool) {
	if len(b) < 8 {
		return nil, nil, false
	}
	n := binary.LittleEndian.Uint64(b)
	if b = b[8:]; n > uint64(len(b)) {
		return nil, nil, false
	}
	return b[:n], b[n:], true
}

// blinding is the scalar r that binds U to sigma and the key.
func blinding(sigma, key []byte) *big.Int {
	h := sha256.New()
	h.Write(sigma)
	h.Write(key)
	r := new(big.Int).SetBytes(h.Sum(nil))
	return r.Mod(r, fr.Modulus())
}

// pairingHash is the SHA-256 of e(p, q), its twelve elements of the base field
// little-endian from the lowest coefficient, as arkworks writes them.
func pairingHash(p bls.G1Affine, q bls.G2Affine) ([sha256.Size]byte, error) {
	e, err := bls.Pair([]bls.G1Affine{p}, []bls.G2Affine{q})
	if err != nil {
		return [sha256.Size]byte{}, fmt.Errorf("pair points: %w", err)
	}
	var b [12 * fp.Bytes]byte
	for i, x := range []*fp.Element{
		&e.C0.B0.A0, &e.C0.B0.A1, &e.C0.B1.A0, &e.C0.B1.A1, &e.C0.B2.A0, &e.C0.B2.A1,
		&e.C1.B0.A0, &e.C1.B0.A1, &e.C1.B1.A0, &e.C1.B1.A1, &e.C1.B2.A0, &e.C1.B2.A1,
	} {
		fp.LittleEndian.PutElement((*[fp.Bytes]byte)(b[i*fp.Bytes:]), *x)
	}
	return sha256.Sum256(b[:]), nil
}

func newAEAD(key []byte) (cipher.AEAD, error) {
	block, err := aes.NewCipher(key)
	if err != nil {
		return nil, fmt.Errorf("timelock cipher: %w", err)
	}
	aead, err := cipher.NewGCM(block)
	if err != nil {
		return nil, fmt.Errorf("timelock cipher: %w", err)
	}
	return aead, nil
}

func xor(b []byte, mask [blockSize]byte) []byte {
	out := make([]byte, blockSize)
	for i := range out {
		out[i] = b[i] ^ mask[i]
	}
	return out
}
