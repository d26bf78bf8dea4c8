// Package timelock encrypts to a round of a drand beacon, as Subtensor does for
// commitments and weights: nobody can decrypt before the beacon's signature of
// that round is out, and then everybody can.
//
// The scheme is the identity-based encryption of Boneh and Franklin on
// BLS12-381 with the transform of Fujisaki and Okamoto, keys in G2 and
// signatures in G1, around AES-256-GCM. Its bytes are those of the crate tle
// (github.com/ideal-lab5/timelock) that the Subtensor runtime decrypts with; the
// format of drand/tlock is another one.
package timelock

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"math/big"
	"time"

	bls "github.com/consensys/gnark-crypto/ecc/bls12-381"
	"github.com/consensys/gnark-crypto/ecc/bls12-381/fr"
)

// hashDomain separates the hash of rounds to G1 from other uses of the curve
// (drand, scheme bls-unchained-g1-rfc9380).
var hashDomain = []byte("BLS_SIG_BLS12381G1_XMD:SHA-256_SSWU_RO_NUL_")

// ErrSignature says that a signature is not the beacon's of that round.
var ErrSignature = errors.New("not the beacon's signature of the round")

// PublicKey is the public key of a beacon: a compressed point of G2.
type PublicKey [bls.SizeOfG2AffineCompressed]byte

// Signature is a beacon's signature of one round: a compressed point of G1.
type Signature [bls.SizeOfG1AffineCompressed]byte

// Scheme is a beacon: round 1 is out at Genesis, and one more after each Period.
type Scheme struct {
	PublicKey PublicKey
	Genesis   time.Time
	Period    time.Duration
}

// Quicknet returns drand's beacon quicknet, which Subtensor follows: chain
// 52db9ba70e0cc0f6eaf7803dd07447a1f5477735fd3f661792ba94600c84e971, also in the
// default of the storage item Drand.BeaconConfig.
func Quicknet() Scheme {
	s := Scheme{Genesis: time.Unix(1692803367, 0), Period: 3 * time.Second}
	key, err := hex.DecodeString("83cf0f2896adee7eb8b5f01fcad3912212c437e0073e911fb90022d3e760183c" +
		"8c4b450b6a0a6c3ac6a5776a2d1064510d1fec758c921cc22b0e17e63aaf4bcb5ed66304de9cf809bd274ca73bab4af5a6e9c76a4bc09e76eae8991ef5ece45a")
	if err != nil {
		panic("timelock: the key of quicknet is not hexadecimal")
	}
	copy(s.PublicKey[:], key)
	return s
}

// RoundAt returns the newest round that is out at t, 0 before the first.
func (s Scheme) RoundAt(t time.Time) uint64 {
	if t.Before(s.Genesis) || s.Period <= 0 {
		return 0
	}
	return uint64(t.Sub(s.Genesis)/s.Period) + 1
}

// Time returns when round is out; rounds count from 1.
func (s Scheme) Time(round uint64) time.Time {
	return s.Genesis.Add(time.Duration(round-1) * s.Period)
}

// Verify reports whether signature is the beacon's signature of round.
func (s Scheme) Verify(round uint64, signature Signature) error {
	key, err := s.PublicKey.point()
	if err != nil {
		return err
	}
	sig, err := signature.point()
	if err != nil {
		return err
	}
	id, err := identity(round)
	if err != nil {
		return err
	}
	_, _, _, base := bls.Generators()
	base.Neg(&base)
	ok, err := bls.PairingCheck([]bls.G1Affine{sig, id}, []bls.G2Affine{base, key})
	if err != nil {
		return fmt.Errorf("verify the signature of round %d: %w", round, err)
	}
	if !ok {
		return fmt.Errorf("verify the signature of round %d: %w", round, ErrSignature)
	}
	return nil
}

// Secret is the key of a beacon of one's own: what a development chain signs its
// rounds with.
type Secret struct{ scalar big.Int }

// NewSecret derives a key from seed, the same from the same seed. A key that is
// to be secret needs a seed of 32 random bytes.
func NewSecret(seed []byte) *Secret {
	first, second := sha256.Sum256(append([]byte("finest drand 0 "), seed...)), sha256.Sum256(append([]byte("finest drand 1 "), seed...))
	var s Secret
	s.scalar.SetBytes(append(first[:], second[:]...))
	// From 512 bits, reduced to 1 … order − 1.
	below := new(big.Int).Sub(fr.Modulus(), big.NewInt(1))
	s.scalar.Mod(&s.scalar, below).Add(&s.scalar, big.NewInt(1))
	return &s
}

// PublicKey returns the key that others verify with and encrypt to.
func (s *Secret) PublicKey() PublicKey {
	var p bls.G2Affine
	p.ScalarMultiplicationBase(&s.scalar)
	return p.Bytes()
}

// Sign returns the signature of round.
func (s *Secret) Sign(round uint64) (Signature, error) {
	id, err := identity(round)
	if err != nil {
		return Signature{}, err
	}
	id.ScalarMultiplication(&id, &s.scalar)
	return id.Bytes(), nil
}

// identity is the point that stands for a round.
func identity(round uint64) (bls.G1Affine, error) {
	message := sha256.Sum256(binary.BigEndian.AppendUint64(nil, round))
	p, err := bls.HashToG1(message[:], hashDomain)
	if err != nil {
		return p, fmt.Errorf("hash round %d to the curve: %w", round, err)
	}
	return p, nil
}

// point decodes the key and checks that it is in the group and not its neutral
// element, to which everybody could decrypt.
func (k PublicKey) point() (bls.G2Affine, error) { return pointG2(k[:], "public key") }

func (s Signature) point() (p bls.G1Affine, err error) {
	if _, err := p.SetBytes(s[:]); err != nil {
		return p, fmt.Errorf("signature: %w", err)
	}
	if p.IsInfinity() {
		return p, fmt.Errorf("signature: %w", errNeutral)
	}
	return p, nil
}

var errNeutral = errors.New("point at infinity")

// pointG2 decodes a compressed point of G2. An uncompressed one is longer and
// finds no bytes.
func pointG2(b []byte, what string) (p bls.G2Affine, err error) {
	if _, err := p.SetBytes(b); err != nil {
		return p, fmt.Errorf("%s: %w", what, err)
	}
	if p.IsInfinity() {
		return p, fmt.Errorf("%s: %w", what, errNeutral)
	}
	return p, nil
}
