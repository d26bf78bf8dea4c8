package main

import (
	"context"
	"strings"
	"sync"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/client"
)

// known is how many blocks after a block the server surely knows it.
const known = 2

var claim = "load/load@" + strings.Repeat("c", 40)

// holder is a hotkey that leases tasks and submits them, slot by slot.
type holder struct {
	client *client.Client
	// final is the newest final block of the chain.
	final func() uint64

	mu    sync.Mutex
	next  int
	slots [slots]slot
}

// slot is what a holder knows of one of its slots.
type slot struct {
	underWay int // requests
	// receipt is of the lease that it holds; nil for none.
	receipt *contract.Receipt
}

// send makes the next request and says which operation it was.
func (h *holder) send(ctx context.Context) (op string, err error) {
	n, receipt := h.begin()
	if receipt != nil {
		op, err = contract.OpSubmit, h.client.Submit(ctx, result(*receipt))
		receipt = nil
	} else {
		op = contract.OpLease
		var leased contract.Receipt
		if leased, err = h.client.Lease(ctx, n+1, recipe.Name); err == nil {
			receipt = &leased
		}
	}
	h.end(n, receipt, err)
	return op, err
}

// begin chooses a slot: the next that has no request under way, if there is one.
// With a receipt that slot's task is to be submitted, else one leased; a lease
// that is held already is asked for again, which is answered as before.
func (h *holder) begin() (n int, receipt *contract.Receipt) {
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
	if r := s.receipt; s.underWay == 1 && r != nil && h.final() > r.Block+known {
		return n, r
	}
	return n, nil
}

// end notes what the slot holds after a request that succeeded.
func (h *holder) end(n int, receipt *contract.Receipt, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.slots[n].underWay--
	if err == nil {
		h.slots[n].receipt = receipt
	}
}

// result is the submission of a lease, whose claim is in the block after its
// receipt.
func result(r contract.Receipt) contract.SubmitRequest {
	return contract.SubmitRequest{Task: r.Task, Generation: r.Generation, Claim: claim, Manifest: canon.Sum([]byte(r.Task)), Block: r.Block + 1}
}
