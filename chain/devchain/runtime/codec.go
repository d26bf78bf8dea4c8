package runtime

import (
	"encoding/binary"

	"finest/chain"
	"finest/chain/scale"
)

// codec writes and reads values of one type. What it writes is what the schema
// says of the storage item; a test compares the two.
type codec[V any] struct {
	append func([]byte, V) []byte
	read   func(*scale.Decoder) V
}

var (
	u8Codec  = codec[uint8]{func(b []byte, v uint8) []byte { return append(b, v) }, (*scale.Decoder).U8}
	u16Codec = codec[uint16]{binary.LittleEndian.AppendUint16, (*scale.Decoder).U16}
	u32Codec = codec[uint32]{binary.LittleEndian.AppendUint32, (*scale.Decoder).U32}
	u64Codec = codec[uint64]{binary.LittleEndian.AppendUint64, (*scale.Decoder).U64}

	boolCodec = codec[bool]{
		func(b []byte, v bool) []byte {
			if v {
				return append(b, 1)
			}
			return append(b, 0)
		},
		(*scale.Decoder).Bool,
	}
	accountCodec = codec[chain.PublicKey]{
		func(b []byte, v chain.PublicKey) []byte { return append(b, v[:]...) },
		func(d *scale.Decoder) (v chain.PublicKey) {
			copy(v[:], d.Fixed(len(v)))
			return v
		},
	}
	hashCodec = codec[chain.Hash]{
		func(b []byte, v chain.Hash) []byte { return append(b, v[:]...) },
		func(d *scale.Decoder) (v chain.Hash) {
			copy(v[:], d.Fixed(len(v)))
			return v
		},
	}
	bytesCodec = codec[[]byte]{
		scale.AppendBytes[[]byte],
		func(d *scale.Decoder) []byte { return append([]byte(nil), d.Bytes()...) },
	}
)

// list is the codec of a sequence.
func list[V any](c codec[V]) codec[[]V] {
	return codec[[]V]{
		func(b []byte, v []V) []byte {
			b = scale.AppendCompact(b, uint64(len(v)))
			for _, x := range v {
				b = c.append(b, x)
			}
			return b
		},
		func(d *scale.Decoder) []V {
			v := make([]V, 0, d.Len(1))
			for range cap(v) {
				v = append(v, c.read(d))
			}
			return v
		},
	}
}
