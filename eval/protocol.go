package eval

import (
	"encoding/json"
	"fmt"
	"math"
	"strconv"

	"finest/internal/canon"
)

// Decimal is a constant with a fraction. Contracts hold no such numbers, so its
// JSON is a string: the shortest decimal that reads back as the same value.
type Decimal float64

// MarshalJSON writes the shortest decimal.
func (d Decimal) MarshalJSON() ([]byte, error) {
	if math.IsNaN(float64(d)) || math.IsInf(float64(d), 0) {
		return nil, fmt.Errorf("decimal %v is not a number", float64(d))
	}
	return json.Marshal(strconv.FormatFloat(float64(d), 'f', -1, 64))
}

// UnmarshalJSON reads what MarshalJSON writes.
func (d *Decimal) UnmarshalJSON(raw []byte) error {
	var s string
	if err := json.Unmarshal(raw, &s); err != nil {
		return err
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil || math.IsNaN(f) || math.IsInf(f, 0) {
		return fmt.Errorf("decimal %.40q", s)
	}
	*d = Decimal(f)
	return nil
}

// Protocol is one block of the constants that all validators of a network
// share. Whoever checks the same bytes of a claim with the same constants finds
// the same thing.
type Protocol struct {
	Version int `json:"version"`
	// ReferenceRecipe is the recipe whose quality is 1 by identity.
	ReferenceRecipe string `json:"reference_recipe"`
	// SeedDelay is k: seeds come from the block this many after the claim's.
	SeedDelay uint64 `json:"seed_delay"`
	// Slice is the length of an audited slice in compressed bytes, before it is
	// widened to borders.
	Slice int64 `json:"slice"`
	// AuditAlways: a hotkey with fewer accepted tasks since its last failure is
	// always audited, one with more with probability
	// max(AuditLeast, 1/sqrt(accepted)).
	AuditAlways int64   `json:"audit_always"`
	AuditLeast  Decimal `json:"audit_least"`
	// Deadline is the length of a lease in blocks.
	Deadline uint64 `json:"deadline"`
	// The reference time of a task is ReferenceBase blocks, and one more for
	// each begun ReferenceBytes of its input; ReferenceBytes 0 adds none.
	ReferenceBase  uint64 `json:"reference_base"`
	ReferenceBytes int64  `json:"reference_bytes"`
	// TimeShare is w, the share of the pay that timeliness decides.
	TimeShare Decimal `json:"time_share"`
	// HalfLife of a score, and Window over which work is summed, in blocks.
	HalfLife uint64 `json:"half_life"`
	Window   uint64 `json:"window"`
	// UndecidedFor is how many blocks a verdict may stay undecided.
	UndecidedFor uint64 `json:"undecided_for"`
	// QualityFloor: a recipe below it counts 0.
	QualityFloor Decimal `json:"quality_floor"`
	// ComparisonSeeds is the least number of seeds a comparison trains with.
	ComparisonSeeds int `json:"comparison_seeds"`
}

// Mainnet returns the constants of the public network.
func Mainnet() Protocol {
	return Protocol{
		Version: 1, ReferenceRecipe: "fineweb", SeedDelay: 10, Slice: 8 << 20,
		AuditAlways: 10, AuditLeast: 0.1, Deadline: 7200,
		ReferenceBase: 25, ReferenceBytes: 12 << 20, TimeShare: 0.2,
		HalfLife: 7200, Window: 7200, UndecidedFor: 3600, QualityFloor: 0.5, ComparisonSeeds: 2,
	}
}

// Devnet returns the constants of a network on one machine.
func Devnet() Protocol {
	p := Mainnet()
	p.ReferenceRecipe, p.SeedDelay, p.AuditLeast = "fineweb-nolists", 2, 1
	p.Deadline, p.ReferenceBase, p.ReferenceBytes = 120, 20, 0
	p.HalfLife, p.Window, p.UndecidedFor = 120, 120, 60
	return p
}

// Hash returns the SHA-256 of the constants' canonical JSON: validators that
// print the same hash agree on all of them.
func (p Protocol) Hash() (string, error) {
	raw, err := canon.Marshal(p)
	if err != nil {
		return "", fmt.Errorf("hash protocol constants: %w", err)
	}
	return canon.Sum(raw), nil
}

// Validate says which constant no network can run with.
func (p Protocol) Validate() error {
	share := func(d Decimal) bool { return d >= 0 && d <= 1 }
	switch {
	case p.Version < 1:
		return fmt.Errorf("protocol version %d", p.Version)
	case p.ReferenceRecipe == "":
		return fmt.Errorf("protocol has no reference recipe")
	case p.SeedDelay < 1:
		return fmt.Errorf("protocol seed delay %d: the seed must come after the claim", p.SeedDelay)
	case p.Slice < 1 || p.Slice > 1<<30:
		return fmt.Errorf("protocol slice of %d bytes", p.Slice)
	case p.AuditAlways < 0 || !share(p.AuditLeast):
		return fmt.Errorf("protocol audit probability %v after %d tasks", float64(p.AuditLeast), p.AuditAlways)
	case p.Deadline < 1 || p.HalfLife < 1 || p.Window < 1 || p.ReferenceBytes < 0:
		return fmt.Errorf("protocol deadline %d, half-life %d, window %d, reference bytes %d", p.Deadline, p.HalfLife, p.Window, p.ReferenceBytes)
	case !share(p.TimeShare) || !share(p.QualityFloor):
		return fmt.Errorf("protocol time share %v, quality floor %v", float64(p.TimeShare), float64(p.QualityFloor))
	}
	return nil
}

// WindowOf returns the number of the window that holds a block; window borders
// are multiples of the window.
func (p Protocol) WindowOf(block uint64) uint64 { return block / p.Window }

// SeedBlock returns the number of the block whose hash seeds the checks of a
// task claimed in block.
func (p Protocol) SeedBlock(block uint64) uint64 { return block + p.SeedDelay }

// Expired reports whether a task claimed in block may no longer wait undecided
// at block now.
func (p Protocol) Expired(block, now uint64) bool { return now > block && now-block > p.UndecidedFor }
