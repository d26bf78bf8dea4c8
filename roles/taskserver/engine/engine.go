// Package engine holds the rules of a task server: who gets which task, when a
// lease ends, what a task becomes. It reads no clock and no chain: blocks and
// callers are handed in, and what happened is in the Store and its audit log.
//
//	available ──lease──▶ leased ──submit──▶ submitted ──verdicts──▶ accepted
//	    ▲                  │ release,           │ verdicts  ▲│
//	    │                  │ deadline           ▼           │▼
//	    ├──────────────────┤               rejected ◀─ verdicts ─▶ accepted
//	    │                  │                    │ deadline
//	    └──────────────────┴────────────────────┘
//	after too many attempts, or with files that cannot be read: quarantined
//
// A task is issued again, with the next generation, only after its deadline
// block or a signed release. Verdicts of validators move submitted tasks, by
// their stake; the engine decides no weights.
package engine

import (
	"time"

	"finest/chain"
	"finest/internal/contract"
)

// Rules are the terms of a server.
type Rules struct {
	// DeadlineBlocks is how long a lease lasts.
	DeadlineBlocks uint64
	// ConfirmBlocks is how long after the deadline a submission may wait for
	// verdicts before its task is issued again.
	ConfirmBlocks uint64
	// Slots and ColdkeySlots are the most leases that a hotkey, and all hotkeys of
	// a coldkey, hold at a time.
	Slots, ColdkeySlots int
	// MaxAttempts is how many leases of a task may lead to nothing before it is
	// quarantined.
	MaxAttempts int
	// Recipes are those that leases are granted for, each from its block on.
	Recipes []contract.RecipeActivation
}

// Request is what is known of a signed request whose signature is good.
type Request struct {
	// Head is the newest finalised block.
	Head chain.Block
	// Hotkey and Coldkey are addresses, Key the public key of the hotkey.
	Hotkey, Coldkey string
	Key             chain.PublicKey
	// Permit and Stake (rao) are those of a validator.
	Permit bool
	Stake  uint64
	// UUID is used once; it must be remembered until Until.
	UUID  string
	Until time.Time
}
