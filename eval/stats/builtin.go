package stats

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"io"
)

// builtin holds the calibrations of the built-in tiers, as finest eval calibrate
// wrote them; docs/evaluation.md has the commands.
//
//go:embed data/calibration.json
var builtin []byte

// Builtin returns the calibrations of the built-in tiers.
func Builtin() ([]Calibration, error) { return Read(bytes.NewReader(builtin)) }

// maxCalibration bounds the JSON of calibrations.
const maxCalibration = 1 << 20

// Read reads a JSON list of calibrations.
func Read(r io.Reader) ([]Calibration, error) {
	dec := json.NewDecoder(io.LimitReader(r, maxCalibration))
	dec.DisallowUnknownFields()
	var all []Calibration
	if err := dec.Decode(&all); err != nil {
		return nil, fmt.Errorf("read calibrations: %w", err)
	}
	for _, c := range all {
		if err := c.Validate(); err != nil {
			return nil, err
		}
	}
	return all, nil
}

// Find returns the calibration of a tier whose training spec, without a seed, has
// this hash.
func Find(all []Calibration, tier, spec string) (Calibration, bool) {
	for _, c := range all {
		if c.Tier == tier && c.Spec == spec {
			return c, true
		}
	}
	return Calibration{}, false
}
