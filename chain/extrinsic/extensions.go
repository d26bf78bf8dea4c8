package extrinsic

import (
	"encoding/binary"
	"errors"
	"fmt"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// extension is a signed extension that this package knows: what it appends to the
// extrinsic and to the signed payload, and how the first is read. What is nil has
// no bytes.
type extension struct {
	extra    func(b []byte, p *Params) []byte
	implicit func(b []byte, p *Params) []byte
	read     func(d *scale.Decoder, x *Extrinsic)
}

// extensions by their names in metadata: those of frame_system,
// pallet_transaction_payment and frame_metadata_hash_extension that have bytes.
var extensions = map[string]extension{
	"CheckSpecVersion": {implicit: func(b []byte, p *Params) []byte {
		return binary.LittleEndian.AppendUint32(b, p.Spec)
	}},
	"CheckTxVersion": {implicit: func(b []byte, p *Params) []byte {
		return binary.LittleEndian.AppendUint32(b, p.TxVersion)
	}},
	"CheckGenesis": {implicit: func(b []byte, p *Params) []byte {
		return append(b, p.Genesis[:]...)
	}},
	"CheckMortality": {
		extra: func(b []byte, p *Params) []byte { return p.Era.Append(b) },
		implicit: func(b []byte, p *Params) []byte {
			if p.Era.Immortal() {
				return append(b, p.Genesis[:]...)
			}
			return append(b, p.EraBlock[:]...)
		},
		read: func(d *scale.Decoder, x *Extrinsic) { x.Era = DecodeEra(d) },
	},
	"CheckNonce": {
		extra: func(b []byte, p *Params) []byte { return scale.AppendCompact(b, uint64(p.Nonce)) },
		read: func(d *scale.Decoder, x *Extrinsic) {
			n := d.Compact()
			if n > 1<<32-1 {
				d.Fail(fmt.Errorf("nonce %d exceeds 32 bits", n))
			}
			x.Nonce = uint32(n)
		},
	},
	"ChargeTransactionPayment": {
		extra: func(b []byte, p *Params) []byte { return scale.AppendCompact(b, p.Tip) },
		read:  func(d *scale.Decoder, x *Extrinsic) { x.Tip = d.Compact() },
	},
	"CheckMetadataHash": {
		extra: func(b []byte, p *Params) []byte {
			if p.MetadataHash == nil {
				return append(b, 0)
			}
			return append(b, 1)
		},
		implicit: func(b []byte, p *Params) []byte {
			if p.MetadataHash == nil {
				return append(b, 0)
			}
			return append(append(b, 1), p.MetadataHash[:]...)
		},
		read: func(d *scale.Decoder, x *Extrinsic) { x.MetadataHash = d.Bool() },
	},
}

// errVersion says that the runtime takes no version 4 extrinsics.
var errVersion = errors.New("this runtime takes no extrinsics of version 4")

// used returns the extensions that have bytes, in the order of the runtime: known
// ones, while unknown ones without bytes need nothing. Any other is an
// *UnsupportedError.
func used(m *metadata.Metadata) ([]extension, error) {
	takes := false
	for _, v := range m.Extrinsic.Versions {
		takes = takes || v == version
	}
	if !takes {
		return nil, errVersion
	}
	var list []extension
	for _, e := range m.Extrinsic.Signed() {
		if known, ok := extensions[e.Name]; ok {
			list = append(list, known)
		} else if !m.Sizeless(e.Extra) || !m.Sizeless(e.Implicit) {
			return nil, &UnsupportedError{e.Name}
		}
	}
	return list, nil
}
