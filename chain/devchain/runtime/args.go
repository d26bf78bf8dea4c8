package runtime

import (
	"fmt"
	"math/big"
	"slices"

	"finest/chain"
)

// The arguments of a call were decoded with the metadata of the runtime, so that
// they have the types that the schema gives; another one is an error of the
// program.

func (c *call) arg(name string) any { return c.args.Get(name) }

func (c *call) u64(name string) uint64 { return c.arg(name).(uint64) }

func (c *call) u32(name string) uint32 { return uint32(c.u64(name)) }

func (c *call) u16(name string) uint16 { return uint16(c.u64(name)) }

func (c *call) u8(name string) uint8 { return uint8(c.u64(name)) }

func (c *call) bool(name string) bool { return c.arg(name).(bool) }

func (c *call) bytes(name string) []byte { return c.arg(name).([]byte) }

func (c *call) hotkey() chain.PublicKey { return chain.PublicKey(c.bytes("hotkey")) }

func (c *call) hash(name string) chain.Hash { return chain.Hash(c.bytes(name)) }

// u128 returns the number in its 16 bytes, little endian.
func (c *call) u128(name string) (out [16]byte) {
	c.arg(name).(*big.Int).FillBytes(out[:])
	slices.Reverse(out[:])
	return out
}

func (c *call) u16s(name string) []uint16 { return integers[uint16](c.arg(name)) }

func (c *call) u64s(name string) []uint64 { return integers[uint64](c.arg(name)) }

// lists returns a sequence of sequences of u16.
func (c *call) lists(name string) (out [][]uint16) {
	for _, v := range c.arg(name).([]any) {
		out = append(out, integers[uint16](v))
	}
	return out
}

// hashes returns a sequence of hashes.
func (c *call) hashes(name string) (out []chain.Hash) {
	for _, v := range c.arg(name).([]any) {
		out = append(out, chain.Hash(v.([]byte)))
	}
	return out
}

func integers[T uint16 | uint64](v any) []T {
	items, ok := v.([]any)
	if !ok {
		panic(fmt.Sprintf("%T where integers were expected", v))
	}
	out := make([]T, len(items))
	for i, n := range items {
		out[i] = T(n.(uint64))
	}
	return out
}
