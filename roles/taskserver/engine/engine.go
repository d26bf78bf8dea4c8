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
// block or a signed release. Until then the result of its newest lease still
// counts, though it be late: announced after the deadline, or accepted by
// validators after the server gave up waiting for them. Verdicts of validators
// move submitted tasks, by their stake; the engine decides no weights.
package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
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
	// Recipes are those that leases are granted for, each from its block on; of
	// one name the one that came last.
	Recipes []contract.RecipeActivation
}

// Limits of rules.
const (
	maxBlocks   = 1 << 32
	maxAttempts = 100
)

// Validate says why a server cannot work by the rules.
func (r Rules) Validate() error {
	switch {
	case r.DeadlineBlocks < 1 || r.DeadlineBlocks > maxBlocks:
		return fmt.Errorf("%w: a lease of %d blocks", contract.ErrInvalid, r.DeadlineBlocks)
	case r.ConfirmBlocks > maxBlocks:
		return fmt.Errorf("%w: %d blocks to confirm a submission", contract.ErrInvalid, r.ConfirmBlocks)
	case r.Slots < 1 || r.Slots > contract.MaxSlot:
		return fmt.Errorf("%w: %d slots a hotkey, not 1 to %d", contract.ErrInvalid, r.Slots, contract.MaxSlot)
	case r.ColdkeySlots < 1:
		return fmt.Errorf("%w: %d slots a coldkey", contract.ErrInvalid, r.ColdkeySlots)
	case r.MaxAttempts < 1 || r.MaxAttempts > maxAttempts:
		return fmt.Errorf("%w: %d attempts, not 1 to %d", contract.ErrInvalid, r.MaxAttempts, maxAttempts)
	case len(r.Recipes) == 0:
		return fmt.Errorf("%w: no recipe is served", contract.ErrInvalid)
	}
	return nil
}

// Recipe returns the recipe that name stands for at a block.
func (r Rules) Recipe(name string, block uint64) (contract.RecipeRef, bool) {
	var found contract.RecipeActivation
	ok := false
	for _, a := range r.Recipes {
		if a.Name == name && a.FromBlock <= block && (!ok || a.FromBlock >= found.FromBlock) {
			found, ok = a, true
		}
	}
	return found.RecipeRef, ok
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

// Engine changes a Store by Rules. It is safe for concurrent use, also by
// several processes on one store.
type Engine struct {
	store Store
	rules Rules
	sign  func(contract.Receipt) (contract.Receipt, error)
	// passed is where a round of Advance gave up, and the next one goes on.
	passed atomic.Pointer[Due]
}

// New returns an engine. Sign fills in Server and Signature of a receipt; it is
// called within a change, so it must be quick and have no other effect.
func New(store Store, rules Rules, sign func(contract.Receipt) (contract.Receipt, error)) (*Engine, error) {
	if err := rules.Validate(); err != nil {
		return nil, fmt.Errorf("rules of the task server: %w", err)
	}
	return &Engine{store: store, rules: rules, sign: sign}, nil
}

// signed makes the change of a signed request, whose UUID is used up whether it
// is granted or refused: refused requests must not be tried again later by
// somebody who kept them. What is due at the request's block may have been done
// even if it is refused.
func (e *Engine) signed(ctx context.Context, who Request, f func(*change) error) error {
	var answer refused
	err := e.store.Change(ctx, func(tx Tx) error {
		answer = refused{}
		if err := tx.UseUUID(who.Hotkey, who.UUID, who.Until); err != nil {
			return err
		}
		err := f(&change{Tx: tx, rules: &e.rules, block: who.Head.Number, actor: who.Hotkey})
		if errors.As(err, &answer) {
			return nil
		}
		return err
	})
	if err != nil {
		return err
	}
	return answer.error
}

// unsigned makes a change of the server itself, or of its operator.
func (e *Engine) unsigned(ctx context.Context, block uint64, actor string, f func(*change) error) error {
	return e.store.Change(ctx, func(tx Tx) error {
		return f(&change{Tx: tx, rules: &e.rules, block: block, actor: actor})
	})
}
