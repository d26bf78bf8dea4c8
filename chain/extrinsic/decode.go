package extrinsic

import (
	"errors"
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// Extrinsic is a decoded extrinsic.
type Extrinsic struct {
	// Signed says that the fields up to Extra mean something; an inherent has a
	// call alone.
	Signed    bool
	Signer    chain.PublicKey
	Signature [64]byte
	Era       Era
	Nonce     uint32
	Tip       uint64
	// MetadataHash says that the signature covers a digest of the metadata, which
	// Message then needs in its Params.
	MetadataHash bool
	// Extra is what the extensions added, encoded.
	Extra []byte
	// Call is the encoded call; whether the runtime has it, Decode does not look.
	Call []byte

	used []extension
}

// versions of extrinsics without a signature: runtimes write inherents as 4 or 5.
const (
	bare4 = 4
	bare5 = 5
)

// Decode reads an extrinsic with its length before it: signed of version 4 with an
// account's id and an sr25519 signature, or without a signature.
func Decode(m *metadata.Metadata, xt []byte) (*Extrinsic, error) {
	d := scale.NewDecoder(xt)
	body := d.Bytes()
	if err := d.End(); err != nil {
		return nil, fmt.Errorf("decode extrinsic: %w", err)
	}
	d = scale.NewDecoder(body)
	x := new(Extrinsic)
	switch first := d.U8(); {
	case d.Err() != nil:
	case first == bare4, first == bare5:
	case first == version|signedBit:
		x.Signed = true
		if err := x.readSigned(m, d, body); err != nil {
			return nil, fmt.Errorf("decode extrinsic: %w", err)
		}
	default:
		return nil, fmt.Errorf("decode extrinsic: form %#02x is not supported, only signed ones of version 4 and bare ones", first)
	}
	x.Call = append([]byte{}, d.Fixed(d.Remaining())...)
	if err := d.Err(); err != nil {
		return nil, fmt.Errorf("decode extrinsic: %w", err)
	}
	return x, nil
}

func (x *Extrinsic) readSigned(m *metadata.Metadata, d *scale.Decoder, body []byte) error {
	list, err := used(m)
	if err != nil {
		return err
	}
	x.used = list
	signer, err := only(m, d, m.Extrinsic.Address, "Id", len(x.Signer))
	if err != nil {
		return fmt.Errorf("address: %w", err)
	}
	signature, err := only(m, d, m.Extrinsic.Signature, "Sr25519", len(x.Signature))
	if err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	x.Signer, x.Signature = chain.PublicKey(signer), [64]byte(signature)
	from := d.Offset()
	for _, e := range list {
		if e.read != nil {
			e.read(d, x)
		}
	}
	if d.Err() != nil {
		return fmt.Errorf("extensions: %w", d.Err())
	}
	x.Extra = append([]byte{}, body[from:d.Offset()]...)
	return nil
}

// only reads an enumeration and returns the bytes of its one variant that is
// supported.
func only(m *metadata.Metadata, d *scale.Decoder, id metadata.TypeID, name string, size int) ([]byte, error) {
	v := m.DecodeValue(d, id)
	if err := d.Err(); err != nil {
		return nil, err
	}
	e, ok := v.(metadata.Enum)
	if !ok || e.Name != name || len(e.Fields) != 1 {
		return nil, fmt.Errorf("only %s is supported", name)
	}
	b, ok := e.Fields[0].Value.([]byte)
	if !ok || len(b) != size {
		return nil, fmt.Errorf("%s is not of %d bytes", name, size)
	}
	return b, nil
}

// errNoDigest: the signature covers a digest of the metadata, and Params have none.
var errNoDigest = errors.New("extrinsic is signed with a digest of the metadata, which is not supported here")

// Message returns the bytes that the signer signed, if they saw the chain as p says.
// Era, nonce and tip are those of the extrinsic.
func (x *Extrinsic) Message(p Params) ([]byte, error) {
	p.Era, p.Nonce, p.Tip = x.Era, x.Nonce, x.Tip
	switch {
	case !x.MetadataHash:
		p.MetadataHash = nil
	case p.MetadataHash == nil:
		return nil, errNoDigest
	}
	return toSign(x.used, x.Call, x.Extra, &p), nil
}
