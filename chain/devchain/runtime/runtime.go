package runtime

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"time"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/timelock"
)

// Runtime is one version of the state machine for one chain. It keeps no state of
// its own and is safe for concurrent use.
//
// A block is made from the state of its parent, copied:
//
//	r.Begin(s, number, parent)
//	r.Apply(s, 0, r.Inherent(now))
//	r.Apply(s, 1, xt) …   // one that returns an error is not in the block
//	r.End(s)
type Runtime struct {
	version Version
	cfg     Config
	meta    *metadata.Metadata
	elect   map[uint16]bool // whether permits of a subnet of block 0 are given anew
	beacon  timelock.Scheme
	secret  *timelock.Secret
}

// New returns a runtime for the chain that began with cfg, which must be valid.
func New(v Version, cfg Config) *Runtime {
	r := &Runtime{version: v, cfg: cfg, meta: forChain(Metadata(v), cfg), elect: map[uint16]bool{}}
	for _, s := range cfg.Subnets {
		r.elect[s.Netuid] = s.Elect
	}
	r.beacon, r.secret = cfg.beacon()
	return r
}

// Version is the version of the runtime.
func (r *Runtime) Version() Version { return r.version }

// Metadata describes this runtime; constants that follow from the block time are
// those of the chain. The result is shared and must not be changed.
func (r *Runtime) Metadata() *metadata.Metadata { return r.meta }

// forChain sets the constants that depend on the block time.
func forChain(m *metadata.Metadata, cfg Config) *metadata.Metadata {
	ms := uint64(cfg.BlockTime / time.Millisecond)
	out := *m
	out.Pallets = append([]metadata.Pallet(nil), m.Pallets...)
	for i := range out.Pallets {
		p := &out.Pallets[i]
		for j := range p.Constants {
			var value uint64
			switch p.Name + "." + p.Constants[j].Name {
			case "Aura.SlotDuration":
				value = ms
			case "Timestamp.MinimumPeriod":
				value = ms / 2
			default:
				continue
			}
			p.Constants = append([]metadata.Constant(nil), p.Constants...)
			p.Constants[j].Value = binary.LittleEndian.AppendUint64(nil, value)
		}
	}
	return &out
}

// codeKey is where a state keeps the code of its runtime. This chain's holds its
// name.
var codeKey = []byte(":code")

// VersionOf returns the version of the runtime in whose code a state ends: that
// which makes the next block.
func VersionOf(s *State) Version {
	if bytes.Equal(s.Get(codeKey), []byte(V2.String())) {
		return V2
	}
	return V1
}

// SetCode makes v the runtime of the blocks that follow. Their first one tells of
// it with the event System.CodeUpdated.
func (s *State) SetCode(v Version) { s.Set(codeKey, []byte(v.String())) }

// PoolError says why an extrinsic may not enter the pool or a block, as the
// JSON-RPC error that a node answers with.
type PoolError struct {
	Code    int
	Message string
	Data    string
}

func (e *PoolError) Error() string { return fmt.Sprintf("%d: %s: %s", e.Code, e.Message, e.Data) }

// Tx is what the pool needs to know of a valid extrinsic.
type Tx struct {
	Hash   chain.Hash
	Signer chain.PublicKey
	Nonce  uint32
	// Future says that extrinsics of the signer with lower nonces are missing.
	Future bool
	// Longevity is for how many further blocks it stays valid.
	Longevity uint64
	Tip       uint64
}
