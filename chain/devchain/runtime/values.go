package runtime

import (
	"finest/chain"
	"finest/chain/scale"
)

// accountInfo is a value of System.Account: nonce, references, and balances in rao.
type accountInfo struct {
	nonce, consumers, providers, sufficients uint32
	free, reserved, frozen                   uint64
	flags                                    [16]byte
}

var accountInfoCodec = codec[accountInfo]{
	func(b []byte, v accountInfo) []byte {
		for _, n := range []uint32{v.nonce, v.consumers, v.providers, v.sufficients} {
			b = u32Codec.append(b, n)
		}
		for _, n := range []uint64{v.free, v.reserved, v.frozen} {
			b = u64Codec.append(b, n)
		}
		return append(b, v.flags[:]...)
	},
	func(d *scale.Decoder) (v accountInfo) {
		v.nonce, v.consumers, v.providers, v.sufficients = d.U32(), d.U32(), d.U32(), d.U32()
		v.free, v.reserved, v.frozen = d.U64(), d.U64(), d.U64()
		copy(v.flags[:], d.Fixed(len(v.flags)))
		return v
	},
}

// upgrade is a value of System.LastRuntimeUpgrade.
type upgrade struct {
	spec uint64
	name string
}

var upgradeCodec = codec[upgrade]{
	func(b []byte, v upgrade) []byte { return scale.AppendBytes(scale.AppendCompact(b, v.spec), v.name) },
	func(d *scale.Decoder) upgrade { return upgrade{d.Compact(), d.String()} },
}

// pulse is the signature of a drand round, and its hash.
type pulse struct {
	round                 uint64
	randomness, signature []byte
}

var pulseCodec = codec[pulse]{
	func(b []byte, v pulse) []byte {
		return scale.AppendBytes(scale.AppendBytes(u64Codec.append(b, v.round), v.randomness), v.signature)
	},
	func(d *scale.Decoder) pulse {
		return pulse{d.U64(), bytesCodec.read(d), bytesCodec.read(d)}
	},
}

// beaconInfo is a value of Drand.BeaconConfig.
type beaconInfo struct {
	publicKey                   []byte
	period, genesis             uint32
	hash, groupHash, scheme, id []byte
}

var beaconCodec = codec[beaconInfo]{
	func(b []byte, v beaconInfo) []byte {
		b = scale.AppendBytes(b, v.publicKey)
		b = u32Codec.append(u32Codec.append(b, v.period), v.genesis)
		for _, x := range [][]byte{v.hash, v.groupHash, v.scheme, v.id} {
			b = scale.AppendBytes(b, x)
		}
		return b
	},
	func(d *scale.Decoder) (v beaconInfo) {
		v.publicKey, v.period, v.genesis = bytesCodec.read(d), d.U32(), d.U32()
		v.hash, v.groupHash, v.scheme, v.id = bytesCodec.read(d), bytesCodec.read(d), bytesCodec.read(d), bytesCodec.read(d)
		return v
	},
}

var weightCodec = codec[chain.Weight]{
	func(b []byte, v chain.Weight) []byte { return u16Codec.append(u16Codec.append(b, v.UID), v.Value) },
	func(d *scale.Decoder) chain.Weight { return chain.Weight{UID: d.U16(), Value: d.U16()} },
}

// weightCommit is one entry of SubtensorModule.WeightCommits. The last number of
// its encoding is always 0.
type weightCommit struct {
	hash         chain.Hash
	epoch, block uint64
}

var weightCommitCodec = codec[weightCommit]{
	func(b []byte, v weightCommit) []byte {
		b = append(b, v.hash[:]...)
		return u64Codec.append(u64Codec.append(u64Codec.append(b, v.epoch), v.block), 0)
	},
	func(d *scale.Decoder) weightCommit {
		v := weightCommit{hashCodec.read(d), d.U64(), d.U64()}
		d.U64()
		return v
	},
}

// timelockedCommit is one entry of SubtensorModule.TimelockedWeightCommits.
type timelockedCommit struct {
	who    chain.PublicKey
	block  uint64
	commit []byte
	round  uint64
}

var timelockedCommitCodec = codec[timelockedCommit]{
	func(b []byte, v timelockedCommit) []byte {
		b = u64Codec.append(append(b, v.who[:]...), v.block)
		return u64Codec.append(scale.AppendBytes(b, v.commit), v.round)
	},
	func(d *scale.Decoder) timelockedCommit {
		return timelockedCommit{accountCodec.read(d), d.U64(), bytesCodec.read(d), d.U64()}
	},
}

// axon is where a neuron serves. The address is a number of 128 bits, little
// endian.
type axon struct {
	block                                        uint64
	version                                      uint32
	ip                                           [16]byte
	port                                         uint16
	ipType, protocol, placeholder1, placeholder2 uint8
}

var axonCodec = codec[axon]{
	func(b []byte, v axon) []byte {
		b = append(u32Codec.append(u64Codec.append(b, v.block), v.version), v.ip[:]...)
		return append(u16Codec.append(b, v.port), v.ipType, v.protocol, v.placeholder1, v.placeholder2)
	},
	func(d *scale.Decoder) (v axon) {
		v.block, v.version = d.U64(), d.U32()
		copy(v.ip[:], d.Fixed(len(v.ip)))
		v.port, v.ipType, v.protocol, v.placeholder1, v.placeholder2 = d.U16(), d.U8(), d.U8(), d.U8(), d.U8()
		return v
	},
}

// prometheusInfo is where a neuron tells of itself.
type prometheusInfo struct {
	block   uint64
	version uint32
	ip      [16]byte
	port    uint16
	ipType  uint8
}

var prometheusCodec = codec[prometheusInfo]{
	func(b []byte, v prometheusInfo) []byte {
		b = append(u32Codec.append(u64Codec.append(b, v.block), v.version), v.ip[:]...)
		return append(u16Codec.append(b, v.port), v.ipType)
	},
	func(d *scale.Decoder) (v prometheusInfo) {
		v.block, v.version = d.U64(), d.U32()
		copy(v.ip[:], d.Fixed(len(v.ip)))
		v.port, v.ipType = d.U16(), d.U8()
		return v
	},
}
