package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"

	"finest/internal/canon"
	"finest/internal/contract"
)

// known is how many blocks after a block the server surely knows it.
const known = 2

var claim = "load/load@" + strings.Repeat("c", 40)

// holder is a hotkey that leases tasks and submits them, slot by slot.
type holder struct {
	sender *sender
	// leases are the bodies that ask for the lease of each slot.
	leases [slots][]byte
	// final is the newest final block of the chain.
	final func() uint64

	mu    sync.Mutex
	next  int
	slots [slots]slot
}

// slot is what a holder knows of one of its slots.
type slot struct {
	underWay int // requests
	// lease is the one it holds; nil for none.
	lease *lease
}

// send makes the next request and says which operation it was.
func (h *holder) send(ctx context.Context) (op string, err error) {
	n, held := h.begin()
	if held != nil {
		err = h.submit(ctx, *held)
		h.end(n, nil, err)
		return contract.OpSubmit, err
	}
	leased, err := h.sender.post(ctx, contract.OpLease, h.leases[n])
	h.end(n, &leased, err)
	return contract.OpLease, err
}

func (h *holder) submit(ctx context.Context, held lease) error {
	body, err := json.Marshal(result(held))
	if err != nil {
		return fmt.Errorf("%s: %w", contract.OpSubmit, err)
	}
	submitted, err := h.sender.post(ctx, contract.OpSubmit, body)
	if err == nil && (submitted.Task != held.Task || submitted.Generation != held.Generation) {
		err = fmt.Errorf("%s of %s: the answer is about %s", contract.OpSubmit, held.Task, submitted.Task)
	}
	return err
}

// begin chooses a slot: the next that has no request under way, if there is one.
// With a lease that slot's task is to be submitted, else one leased; a lease
// that is held already is asked for again, which is answered as before.
func (h *holder) begin() (n int, held *lease) {
	h.mu.Lock()
	defer h.mu.Unlock()
	n = h.next
	for i := range h.slots {
		if candidate := (h.next + i) % len(h.slots); h.slots[candidate].underWay == 0 {
			n = candidate
			break
		}
	}
	h.next = (n + 1) % len(h.slots)
	s := &h.slots[n]
	s.underWay++
	if l := s.lease; s.underWay == 1 && l != nil && h.final() > l.Block+known {
		return n, l
	}
	return n, nil
}

// end notes what the slot holds after a request that succeeded.
func (h *holder) end(n int, held *lease, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slots[n].underWay--
	if err == nil {
		h.slots[n].lease = held
	}
}

// result is the submission of a lease, whose claim is in the block after its
// receipt.
func result(l lease) contract.SubmitRequest {
	return contract.SubmitRequest{Op: contract.OpSubmit, Task: l.Task, Generation: l.Generation, Claim: claim, Manifest: canon.Sum([]byte(l.Task)), Block: l.Block + 1}
}

// newLeaseBodies returns the body of the lease of each slot, the same for all
// hotkeys.
func newLeaseBodies() (bodies [slots][]byte, err error) {
	for i := range bodies {
		if bodies[i], err = json.Marshal(contract.LeaseRequest{Op: contract.OpLease, Slot: i + 1, Recipe: recipe.Name}); err != nil {
			return bodies, err
		}
	}
	return bodies, nil
}
