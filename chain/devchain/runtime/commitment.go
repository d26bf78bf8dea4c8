package runtime

import (
	"fmt"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// field is one field of a commitment: what the chain calls Data.
type field struct {
	tag   uint8
	body  []byte // raw bytes, a hash, or a ciphertext
	round uint64 // of a timelocked one
}

// Tags of fields; 1 + n is that of n raw bytes.
const (
	tagNone       = 0
	tagRaw        = 1
	maxRaw        = 128
	tagHash       = tagRaw + maxRaw + 1 // four kinds of hashes
	tagTimelocked = tagHash + 4
	tagResetBonds = tagTimelocked + 1
	tagBigRaw     = tagResetBonds + 1
)

// Most fields of a commitment, and most bytes of fields with a length (pallet
// commitments).
const (
	maxFields     = 3
	maxTimelocked = 1024
	maxBigRaw     = 512
)

var fieldCodec = codec[field]{
	func(b []byte, v field) []byte {
		b = append(b, v.tag)
		switch v.tag {
		case tagTimelocked:
			return u64Codec.append(scale.AppendBytes(b, v.body), v.round)
		case tagBigRaw:
			return scale.AppendBytes(b, v.body)
		}
		return append(b, v.body...)
	},
	func(d *scale.Decoder) field {
		v := field{tag: d.U8()}
		switch {
		case v.tag == tagNone, v.tag == tagResetBonds:
		case v.tag < tagHash:
			v.body = append([]byte(nil), d.Fixed(int(v.tag)-tagRaw)...)
		case v.tag < tagTimelocked:
			v.body = append([]byte(nil), d.Fixed(32)...)
		case v.tag == tagTimelocked:
			v.body, v.round = bytesCodec.read(d), d.U64()
		case v.tag == tagBigRaw:
			v.body = bytesCodec.read(d)
		default:
			d.Fail(fmt.Errorf("field with tag %d", v.tag))
		}
		return v
	},
}

// commitmentFields are those of the argument info of set_commitment: an enumeration
// each, whose index is the tag.
func commitmentFields(args metadata.Record) (out []field) {
	items, _ := args.Get("info").([]any)
	for _, item := range items {
		e, _ := item.(metadata.Enum)
		f := field{tag: e.Index}
		if len(e.Fields) > 0 {
			f.body, _ = e.Fields[0].Value.([]byte)
		}
		if len(e.Fields) > 1 {
			f.round, _ = e.Fields[1].Value.(uint64)
		}
		out = append(out, f)
	}
	return out
}

// registration is a value of Commitments.CommitmentOf.
type registration struct {
	deposit uint64
	block   uint32
	fields  []field
}

var registrationCodec = codec[registration]{
	func(b []byte, v registration) []byte {
		return list(fieldCodec).append(u32Codec.append(u64Codec.append(b, v.deposit), v.block), v.fields)
	},
	func(d *scale.Decoder) registration {
		return registration{d.U64(), d.U32(), list(fieldCodec).read(d)}
	},
}

// usage is what a hotkey wrote in an epoch.
type usage struct{ epoch, space uint64 }

var usageCodec = codec[usage]{
	func(b []byte, v usage) []byte { return u64Codec.append(u64Codec.append(b, v.epoch), v.space) },
	func(d *scale.Decoder) usage { return usage{d.U64(), d.U64()} },
}

// revealed is a decrypted field and the block of its decryption.
type revealed struct {
	text  []byte
	block uint64
}

var revealedCodec = codec[revealed]{
	func(b []byte, v revealed) []byte { return u64Codec.append(scale.AppendBytes(b, v.text), v.block) },
	func(d *scale.Decoder) revealed { return revealed{bytesCodec.read(d), d.U64()} },
}

// timelocked names a commitment with a timelocked field.
type timelocked struct {
	netuid uint16
	who    chain.PublicKey
}

var timelockedCodec = codec[timelocked]{
	func(b []byte, v timelocked) []byte { return append(u16Codec.append(b, v.netuid), v.who[:]...) },
	func(d *scale.Decoder) timelocked { return timelocked{d.U16(), accountCodec.read(d)} },
}
