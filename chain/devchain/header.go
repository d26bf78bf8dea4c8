package devchain

import (
	"encoding/binary"
	"encoding/hex"
	"slices"
	"strconv"

	"golang.org/x/crypto/blake2b"

	"finest/chain"
	"finest/chain/scale"
)

// header is the header of a Substrate block; its hash is that of its encoding.
type header struct {
	parent         chain.Hash
	number         uint32
	stateRoot      chain.Hash
	extrinsicsRoot chain.Hash
	// digest holds encoded items: the slot, and the seal.
	digest [][]byte
}

// Kinds of digest items, and the engine that Subtensor seals its blocks with.
const (
	digestSeal       = 5
	digestPreRuntime = 6
	engine           = "aura"
)

func (h *header) encode() []byte {
	b := slices.Clone(h.parent[:])
	b = scale.AppendCompact(b, uint64(h.number))
	b = append(b, h.stateRoot[:]...)
	b = append(b, h.extrinsicsRoot[:]...)
	b = scale.AppendCompact(b, uint64(len(h.digest)))
	for _, item := range h.digest {
		b = append(b, item...)
	}
	return b
}

func (h *header) hash() chain.Hash { return blake2b.Sum256(h.encode()) }

func digestItem(kind byte, content []byte) []byte {
	return scale.AppendBytes(append([]byte{kind}, engine...), content)
}

// slotDigest names the slot of a block, as the engine does.
func slotDigest(slot uint64) []byte {
	return digestItem(digestPreRuntime, binary.LittleEndian.AppendUint64(nil, slot))
}

// headerJSON is a header on the wire.
type headerJSON struct {
	ParentHash     string     `json:"parentHash"`
	Number         string     `json:"number"`
	StateRoot      string     `json:"stateRoot"`
	ExtrinsicsRoot string     `json:"extrinsicsRoot"`
	Digest         digestJSON `json:"digest"`
}

type digestJSON struct {
	Logs []string `json:"logs"`
}

func (h *header) json() headerJSON {
	out := headerJSON{
		ParentHash: hexBytes(h.parent[:]), Number: hexNumber(uint64(h.number)),
		StateRoot: hexBytes(h.stateRoot[:]), ExtrinsicsRoot: hexBytes(h.extrinsicsRoot[:]),
		Digest: digestJSON{Logs: []string{}},
	}
	for _, item := range h.digest {
		out.Digest.Logs = append(out.Digest.Logs, hexBytes(item))
	}
	return out
}

// hexBytes is how the wire writes bytes, hexNumber how it writes numbers.
func hexBytes(b []byte) string { return "0x" + hex.EncodeToString(b) }

func hexNumber(n uint64) string { return "0x" + strconv.FormatUint(n, 16) }
