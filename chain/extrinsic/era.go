package extrinsic

import (
	"fmt"
	"math/bits"

	"finest/chain/scale"
)

// Era says in which blocks an extrinsic is valid: Period blocks, from the block
// whose number is Phase modulo Period. The zero Era never ends.
type Era struct{ Period, Phase uint64 }

// Least and most blocks of a period; both powers of two
// (sp_runtime::generic::Era).
const (
	minPeriod = 4
	maxPeriod = 1 << 16
)

// MortalAt is the era of a period of blocks that holds block. The period is
// rounded up to a power of two from 4 to 65536, and in longer ones the phase is
// rounded down to what two bytes can say.
func MortalAt(block, period uint64) Era {
	if period > maxPeriod/2 {
		period = maxPeriod
	} else if period <= minPeriod {
		period = minPeriod
	} else {
		period = 1 << bits.Len64(period-1)
	}
	q := quantum(period)
	return Era{Period: period, Phase: block % period / q * q}
}

// quantum is the step of phases that two bytes can say.
func quantum(period uint64) uint64 { return max(period>>12, 1) }

// Immortal says that the extrinsic stays valid for ever.
func (e Era) Immortal() bool { return e.Period == 0 }

// Birth is the first block of the era that holds block current: the block whose
// hash is signed. For an immortal era it is 0, genesis.
func (e Era) Birth(current uint64) uint64 {
	if e.Immortal() {
		return 0
	}
	return (max(current, e.Phase)-e.Phase)/e.Period*e.Period + e.Phase
}

// Death is the first block in which the extrinsic is no longer valid, for the era
// that holds block current.
func (e Era) Death(current uint64) uint64 {
	if e.Immortal() {
		return ^uint64(0)
	}
	return e.Birth(current) + e.Period
}

// Append writes one byte for an immortal era, else two.
func (e Era) Append(b []byte) []byte {
	if e.Immortal() {
		return append(b, 0)
	}
	v := uint64(bits.TrailingZeros64(e.Period)-1) | e.Phase/quantum(e.Period)<<4
	return append(b, byte(v), byte(v>>8))
}

// DecodeEra reads an era.
func DecodeEra(d *scale.Decoder) Era {
	first := d.U8()
	if first == 0 {
		return Era{}
	}
	v := uint64(first) | uint64(d.U8())<<8
	e := Era{Period: 2 << (v & 15)}
	e.Phase = v >> 4 * quantum(e.Period)
	if e.Period < minPeriod || e.Phase >= e.Period {
		d.Fail(fmt.Errorf("era %#04x: phase %d of period %d", v, e.Phase, e.Period))
		return Era{}
	}
	return e
}
