// Package extrinsic signs and reads version 4 transactions of a Substrate chain,
// with the signed extensions that the metadata of its runtime names.
package extrinsic

import (
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
)

// Params are what an extrinsic is signed with beside its call.
type Params struct {
	// Spec and TxVersion are the versions of the runtime.
	Spec, TxVersion uint32
	Genesis         chain.Hash
	// EraBlock is the hash of the block that Era begins with; for an immortal era
	// Genesis is used instead.
	EraBlock chain.Hash
	Era      Era
	Nonce    uint32
	// Tip in rao, on top of the fee.
	Tip uint64
}

// UnsupportedError says that the runtime wants a signed extension that this
// package does not know and that has bytes of its own.
type UnsupportedError struct{ Extension string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("signed extension %s of this runtime is not supported", e.Extension)
}

// Sign returns a signed extrinsic as author_submitExtrinsic takes it.
func Sign(m *metadata.Metadata, by chain.Signer, call []byte, p Params) ([]byte, error) {
	return nil, errors.New("not yet")
}

// Payload returns the extra bytes of the extrinsic and the bytes to sign.
func Payload(m *metadata.Metadata, call []byte, p Params) (extra, message []byte, err error) {
	return nil, nil, errors.New("not yet")
}

// Extrinsic is a decoded extrinsic.
type Extrinsic struct {
	// Signed says that the fields up to Tip mean something; an inherent has a
	// call alone.
	Signed    bool
	Signer    chain.PublicKey
	Signature [64]byte
	Era       Era
	Nonce     uint32
	Tip       uint64
	// MetadataHash says that the signature covers a hash of the metadata.
	MetadataHash bool
	// Extra are the encoded extensions, Call the encoded call.
	Extra, Call []byte
}

// Decode reads an extrinsic with its length prefix.
func Decode(m *metadata.Metadata, xt []byte) (*Extrinsic, error) {
	return nil, errors.New("not yet")
}

// Unsigned returns an extrinsic without signature: an inherent.
func Unsigned(call []byte) []byte { return nil }

// Hash names an extrinsic: blake2-256 of its bytes with the length prefix.
func Hash(xt []byte) chain.Hash { return metadata.SumBlake2_256(xt) }
