package runtime

import (
	"encoding/binary"
	"fmt"
	"sync"

	"golang.org/x/crypto/blake2b"

	"finest/chain/metadata"
	"finest/chain/scale"
)

// Version names one of the runtimes that the devchain can run.
type Version int

// The runtimes. V2 does what V1 does under other numbers, as a real upgrade may
// leave it: the indices of pallets, calls, events and errors move, and NetUid is a
// newtype.
const (
	V1 Version = 1 // with the indices of Subtensor's spec 424
	V2 Version = 2
)

// SpecName is what the runtime calls itself and its implementation.
const SpecName = "node-subtensor"

// Further parts of the version of both runtimes, as Subtensor states them.
const (
	TxVersion        = 1
	AuthoringVersion = 1
	ImplVersion      = 1
	StateVersion     = 1
)

// Spec is the spec version that the runtime states.
func (v Version) Spec() uint32 {
	if v == V2 {
		return 425
	}
	return 424
}

// numbering is what differs between the runtimes.
type numbering struct {
	moved    bool
	newtypes map[string]typeDecl
}

func (v Version) numbering() numbering {
	if v != V2 {
		return numbering{}
	}
	return numbering{moved: true, newtypes: map[string]typeDecl{
		"NetUid": {path: []string{"subtensor_runtime_common", "NetUid"}, fields: []fieldDecl{{typ: expr{name: "u16"}}}},
	}}
}

// pallet keeps System and Timestamp where every client looks for them.
func (n numbering) pallet(p *palletDecl) uint8 {
	if n.moved && p.name != "System" && p.name != "Timestamp" {
		return p.index + 1
	}
	return p.index
}

func (n numbering) variant(index uint8) uint8 {
	if n.moved {
		return index + 1
	}
	return index
}

// Metadata describes a runtime; its Encode writes it in the form of V14, V15 or
// V16. The result is shared and must not be changed.
func Metadata(v Version) *metadata.Metadata {
	if v == V2 {
		return metadataV2()
	}
	return metadataV1()
}

var (
	metadataV1 = sync.OnceValue(func() *metadata.Metadata { return build(V1) })
	metadataV2 = sync.OnceValue(func() *metadata.Metadata { return build(V2) })
)

func build(v Version) *metadata.Metadata {
	b := newBuilder(v)
	m := &metadata.Metadata{}
	for _, p := range b.schema.pallets {
		m.Pallets = append(m.Pallets, b.pallet(v, p))
	}
	for _, a := range b.schema.apis {
		api := metadata.API{Name: a.name, Version: a.version}
		for _, d := range a.methods {
			api.Methods = append(api.Methods, metadata.Method{Name: d.name, Inputs: b.fields(d.inputs, nil), Output: b.of(d.output)})
		}
		m.APIs = append(m.APIs, api)
	}
	m.Extrinsic = b.extrinsic()
	m.Runtime = b.typ("Runtime")
	m.Outer = metadata.OuterEnums{Call: b.typ("RuntimeCall"), Event: b.typ("RuntimeEvent"), Error: b.typ("RuntimeError")}
	m.Types = b.types
	return m
}

func (b *builder) pallet(v Version, d *palletDecl) metadata.Pallet {
	p := metadata.Pallet{
		Name: d.name, Index: b.number.pallet(d),
		Calls: b.optional(d, "Call"), Events: b.optional(d, "Event"), Errors: b.optional(d, "Error"),
	}
	if len(d.storage) > 0 {
		p.Prefix = d.name
	}
	for _, s := range d.storage {
		item := metadata.Storage{Name: s.name, Optional: s.optional, Hashers: s.hashers, Value: b.of(s.value), Default: s.initial}
		if len(s.hashers) > 0 {
			item.Key = b.of(s.key)
		}
		p.Storage = append(p.Storage, item)
	}
	for _, c := range d.consts {
		p.Constants = append(p.Constants, metadata.Constant{Name: c.name, Type: b.of(c.typ), Value: c.value})
	}
	if d.name == "System" {
		p.Constants = append(p.Constants, metadata.Constant{Name: "Version", Type: b.typ("RuntimeVersion"), Value: v.runtimeVersion()})
	}
	return p
}

// extensions are the signed extensions of spec 424, in order: name, which is also
// that of the type of what it adds to the extrinsic, and what it adds to the
// signed payload.
var extensions = [][2]string{
	{"CheckNonZeroSender", "()"},
	{"CheckSpecVersion", "u32"},
	{"CheckTxVersion", "u32"},
	{"CheckGenesis", "H256"},
	{"CheckMortality", "H256"},
	{"CheckNonce", "()"},
	{"CheckWeight", "()"},
	{"ChargeTransactionPayment", "()"},
	{"SudoTransactionExtension", "()"},
	{"CheckShieldedTxValidity", "()"},
	{"SubtensorTransactionExtension", "()"},
	{"DrandPriority", "()"},
	{"CheckMetadataHash", "Option<[u8; 32]>"},
}

func (b *builder) extrinsic() metadata.Extrinsic {
	x := metadata.Extrinsic{Versions: []uint8{4}, ByVersion: make([]metadata.ExtensionSet, 1)}
	for i, e := range extensions {
		x.ByVersion[0].Indices = append(x.ByVersion[0].Indices, uint32(i))
		x.Extensions = append(x.Extensions, metadata.Extension{Name: e[0], Extra: b.typ(e[0]), Implicit: b.typ(e[1])})
	}
	x.Address, x.Call, x.Signature, x.Extra = b.typ("MultiAddress"), b.typ("RuntimeCall"), b.typ("MultiSignature"), b.typ("Extra")
	x.Type = b.typ("UncheckedExtrinsic")
	return x
}

// APIVersion is a runtime API in a list of them: BLAKE2b of its name with 8 bytes
// of output, and its version.
type APIVersion struct {
	ID      [8]byte
	Version uint32
}

// APIs are the runtime APIs that state_getRuntimeVersion lists.
func APIs() (list []APIVersion) {
	for _, a := range loadSchema().apis {
		h, err := blake2b.New(8, nil)
		if err != nil { // only for sizes out of 1..64
			panic(err)
		}
		h.Write([]byte(a.name)) // never fails
		list = append(list, APIVersion{[8]byte(h.Sum(nil)), a.version})
	}
	return list
}

// runtimeVersion encodes sp_version::RuntimeVersion.
func (v Version) runtimeVersion() []byte {
	le := binary.LittleEndian
	b := scale.AppendBytes(nil, SpecName)
	b = scale.AppendBytes(b, SpecName)
	b = le.AppendUint32(b, AuthoringVersion)
	b = le.AppendUint32(b, v.Spec())
	b = le.AppendUint32(b, ImplVersion)
	apis := APIs()
	b = scale.AppendCompact(b, uint64(len(apis)))
	for _, a := range apis {
		b = le.AppendUint32(append(b, a.ID[:]...), a.Version)
	}
	b = le.AppendUint32(b, TxVersion)
	return append(b, StateVersion)
}

// String is the name and spec version, as node-subtensor-424.
func (v Version) String() string { return fmt.Sprintf("%s-%d", SpecName, v.Spec()) }
