package lm

import (
	"fmt"

	"finest/eval"
	"finest/internal/canon"
)

// Version changes whenever the same Spec and Data train to another model.
const Version = 1

// Spec is all that a run depends on besides its data and its kernel class.
type Spec struct {
	Version int    `json:"version"`
	Config  Config `json:"config"`
	// Tokens is the least number of tokens to train on; the run stops after the
	// step that reaches it.
	Tokens int64 `json:"tokens"`
	// Batch is the number of sequences a step; a multiple of Shards.
	Batch int `json:"batch"`
	// MuonRate is the peak learning rate of the matrices between embedding and
	// head, AdamRate that of everything else.
	MuonRate eval.Decimal `json:"muon_rate"`
	AdamRate eval.Decimal `json:"adam_rate"`
	// The rates rise linearly over the first WarmUp of the steps, stay, and fall
	// linearly to 0 over the last Decay of them.
	WarmUp eval.Decimal `json:"warm_up"`
	Decay  eval.Decimal `json:"decay"`
	// Seed draws the initial weights.
	Seed eval.Seed `json:"seed"`
}

// Shards is the number of parts a batch's gradient is computed in. The parts are
// summed in order, so that no result depends on how many run at once.
const Shards = 4

// Steps is the number of optimiser steps of a valid spec.
func (s Spec) Steps() int {
	step := int64(s.Batch) * int64(s.Config.Context)
	return int((s.Tokens + step - 1) / step)
}

// Hash returns the SHA-256 of the spec's canonical JSON.
func (s Spec) Hash() (string, error) {
	raw, err := canon.Marshal(s)
	if err != nil {
		return "", fmt.Errorf("hash training spec: %w", err)
	}
	return canon.Sum(raw), nil
}
