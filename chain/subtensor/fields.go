package subtensor

import (
	"fmt"
	"strings"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// Limits of a commitment (pallet Commitments, spec 424).
const (
	// MaxFields is the most fields of a commitment.
	MaxFields = 3
	// MaxRaw and MaxBigRaw are the most bytes of a field as Raw and as BigRaw,
	// which spec 240 did not have and spec 293 has.
	MaxRaw    = 128
	MaxBigRaw = 512
	// MaxTimelocked is the most bytes of a ciphertext in a field.
	MaxTimelocked = 1024
)

// Kinds of Field. What is not one of these is kept under its own name.
const (
	KindNone        = "None"
	KindRaw         = "Raw"
	KindBigRaw      = "BigRaw"
	KindBlakeTwo256 = "BlakeTwo256"
	KindSha256      = "Sha256"
	KindKeccak256   = "Keccak256"
	KindShaThree256 = "ShaThree256"
	KindTimelocked  = "TimelockEncrypted"
	KindResetBonds  = "ResetBondsFlag"
)

// Field is one field of a commitment.
type Field struct {
	// Kind is KindRaw for Raw0 to Raw128, else the name of the variant.
	Kind string
	// Data are the raw bytes, the hash, or the ciphertext; nil where there are
	// none, or where the kind is unknown and does not consist of bytes.
	Data []byte
	// Round is the drand round at which the chain reveals a ciphertext.
	Round uint64
}

// RawField is data as Raw where it fits, else as BigRaw.
func RawField(data []byte) Field {
	if len(data) <= MaxRaw {
		return Field{Kind: KindRaw, Data: data}
	}
	return Field{Kind: KindBigRaw, Data: data}
}

// value returns the field as metadata encodes it, or an error that is
// chain.ErrRejected where the chain has no place for it.
func (f Field) value() (metadata.Enum, error) {
	tooLong := func(limit int) (metadata.Enum, error) {
		return metadata.Enum{}, fmt.Errorf("%s field of %d bytes, at most %d fit: %w", f.Kind, len(f.Data), limit, chain.ErrRejected)
	}
	switch f.Kind {
	case KindRaw:
		if len(f.Data) > MaxRaw {
			return tooLong(MaxRaw)
		}
		return metadata.NewEnum(fmt.Sprintf("%s%d", KindRaw, len(f.Data)), f.Data), nil
	case KindBigRaw:
		if len(f.Data) > MaxBigRaw {
			return tooLong(MaxBigRaw)
		}
		return metadata.NewEnum(KindBigRaw, f.Data), nil
	case KindTimelocked:
		if len(f.Data) > MaxTimelocked {
			return tooLong(MaxTimelocked)
		}
		return metadata.NewEnum(KindTimelocked, f.Data, f.Round), nil
	case KindBlakeTwo256, KindSha256, KindKeccak256, KindShaThree256:
		if len(f.Data) != len(chain.Hash{}) {
			return metadata.Enum{}, fmt.Errorf("%s field of %d bytes, %d are a hash: %w", f.Kind, len(f.Data), len(chain.Hash{}), chain.ErrRejected)
		}
		return metadata.NewEnum(f.Kind, f.Data), nil
	case KindNone, KindResetBonds:
		return metadata.NewEnum(f.Kind), nil
	}
	return metadata.Enum{}, fmt.Errorf("field of kind %.40q: %w", f.Kind, chain.ErrRejected)
}

// fieldOf takes a decoded field.
func fieldOf(v any) (Field, error) {
	e, ok := v.(metadata.Enum)
	if !ok {
		return Field{}, fmt.Errorf("field of a commitment is a %T, not an enumeration", v)
	}
	f := Field{Kind: e.Name}
	if strings.HasPrefix(e.Name, KindRaw) {
		f.Kind = KindRaw
	}
	switch {
	case len(e.Fields) == 1:
		f.Data, _ = e.Fields[0].Value.([]byte)
	case e.Name == KindTimelocked:
		f.Data, _ = e.Fields.Get("encrypted").([]byte)
		f.Round, _ = e.Fields.Get("reveal_round").(uint64)
	}
	return f, nil
}

// Commitment is what a hotkey wrote last, as the chain stores it.
type Commitment struct {
	Hotkey chain.PublicKey
	// Block is the number of the block it was written in.
	Block  uint64
	Fields []Field
}

// plain is the commitment without the kinds of its fields.
func (c *Commitment) plain() chain.Commitment {
	out := chain.Commitment{Hotkey: c.Hotkey, Block: c.Block, Fields: make([][]byte, len(c.Fields))}
	for i, f := range c.Fields {
		out.Fields[i] = f.Data
	}
	return out
}

// commitmentOf takes a decoded value of Commitments.CommitmentOf.
func commitmentOf(hotkey chain.PublicKey, v any) (*Commitment, error) {
	registration, ok := v.(metadata.Record)
	if !ok {
		return nil, fmt.Errorf("commitment is a %T, not a record", v)
	}
	block, ok := registration.Get("block").(uint64)
	if !ok {
		return nil, fmt.Errorf("commitment has the block %v", registration.Get("block"))
	}
	// CommitmentInfo has the one field "fields", so it is its value.
	list, ok := registration.Get("info").([]any)
	if !ok {
		return nil, fmt.Errorf("commitment has the fields %v", registration.Get("info"))
	}
	c := &Commitment{Hotkey: hotkey, Block: block, Fields: make([]Field, len(list))}
	for i, f := range list {
		var err error
		if c.Fields[i], err = fieldOf(f); err != nil {
			return nil, fmt.Errorf("field %d: %w", i, err)
		}
	}
	return c, nil
}

// Reveal is a commitment that the chain decrypted.
type Reveal struct {
	// Block is the number of the block it was decrypted in.
	Block uint64
	// Data are the bytes as they were encrypted. The Python SDK writes the length
	// of a text before it; Text is without.
	Data []byte
}

// Text is Data without a compact length before it, if one is there that fits.
func (r Reveal) Text() string {
	d := scale.NewDecoder(r.Data)
	if text := d.Bytes(); d.End() == nil && len(r.Data) > 0 {
		return string(text)
	}
	return string(r.Data)
}
