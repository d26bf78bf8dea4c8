// Package extrinsic signs and reads version 4 transactions of a Substrate chain,
// with the signed extensions that the metadata of its runtime names.
package extrinsic

import (
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// Version of the extrinsics written here, and the bit beside it that says that one
// is signed (sp_runtime::generic::UncheckedExtrinsic).
const (
	version   = 4
	signedBit = 0x80
)

// maxPlain is the length of a payload that is signed as it is; of a longer one the
// hash is signed (sp_runtime::generic::SignedPayload).
const maxPlain = 256

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
	// MetadataHash is the digest of the metadata that the signer saw (RFC 78); nil
	// leaves it out of the signature.
	MetadataHash *chain.Hash
}

// UnsupportedError says that the runtime wants a signed extension that this
// package does not know and that has bytes of its own.
type UnsupportedError struct{ Extension string }

func (e *UnsupportedError) Error() string {
	return fmt.Sprintf("signed extension %s of this runtime is not supported", e.Extension)
}

// Payload returns the bytes that the extensions add to the extrinsic, and the
// message to sign: call, extra and implicit data, or their blake2-256 if they are
// longer than 256 bytes.
func Payload(m *metadata.Metadata, call []byte, p Params) (extra, message []byte, err error) {
	list, err := used(m)
	if err != nil {
		return nil, nil, err
	}
	for _, e := range list {
		if e.extra != nil {
			extra = e.extra(extra, &p)
		}
	}
	return extra, toSign(list, call, extra, &p), nil
}

func toSign(list []extension, call, extra []byte, p *Params) []byte {
	message := append(append([]byte{}, call...), extra...)
	for _, e := range list {
		if e.implicit != nil {
			message = e.implicit(message, p)
		}
	}
	if len(message) > maxPlain {
		sum := metadata.SumBlake2_256(message)
		return sum[:]
	}
	return message
}

// Sign returns a signed extrinsic with its length before it, as
// author_submitExtrinsic takes it. An extension that is not known here and has
// bytes is an *UnsupportedError.
func Sign(m *metadata.Metadata, by chain.Signer, call []byte, p Params) ([]byte, error) {
	extra, message, err := Payload(m, call, p)
	if err != nil {
		return nil, fmt.Errorf("sign extrinsic: %w", err)
	}
	signature, err := by.Sign(message)
	if err != nil {
		return nil, fmt.Errorf("sign extrinsic as %s: %w", by.Address(), err)
	}
	body := []byte{version | signedBit}
	body, err = m.EncodeValue(body, m.Extrinsic.Address, metadata.NewEnum("Id", by.PublicKey()))
	if err != nil {
		return nil, fmt.Errorf("sign extrinsic: address: %w", err)
	}
	body, err = m.EncodeValue(body, m.Extrinsic.Signature, metadata.NewEnum("Sr25519", signature))
	if err != nil {
		return nil, fmt.Errorf("sign extrinsic: signature: %w", err)
	}
	body = append(append(body, extra...), call...)
	return scale.AppendBytes(nil, body), nil
}

// Bare returns an extrinsic without a signature, with its length before it: an
// inherent.
func Bare(call []byte) []byte {
	return scale.AppendBytes(nil, append([]byte{version}, call...))
}

// Hash names an extrinsic: blake2-256 of its bytes with the length before them.
func Hash(xt []byte) chain.Hash { return metadata.SumBlake2_256(xt) }
