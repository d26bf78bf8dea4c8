package main

import (
	"errors"
	"testing"
)

// A holder goes through its slots in turn, leaves out those with a request under
// way, and submits a lease once its claim may have a block.
func TestSlots(t *testing.T) {
	head := uint64(100)
	h := &holder{final: func() uint64 { return head }}
	begin := func(slot int, submit bool) *lease {
		t.Helper()
		n, held := h.begin()
		if n != slot || (held != nil) != submit {
			t.Fatalf("slot %d, submit %t; want slot %d, submit %t", n, held != nil, slot, submit)
		}
		return held
	}
	leased := &lease{Task: "C-000001", Block: 100}

	begin(0, false)
	begin(1, false)
	h.end(1, leased, nil)
	for slot := 2; slot < slots; slot++ {
		begin(slot, false)
	}
	begin(1, false) // 0 is under way; too early to submit
	begin(2, false) // all are under way
	h.end(1, leased, nil)
	head = leased.Block + known + 1
	if got := begin(1, true); got != leased {
		t.Errorf("submits %v", got)
	}
	begin(2, false)
	h.end(1, nil, errors.New("refused"))
	begin(1, true) // again
	h.end(1, nil, nil)
	begin(1, false) // its slot is free
}

func TestResultLiesWithinLease(t *testing.T) {
	r := result(lease{Task: "CC-LOAD-2024-10-000001", Generation: 2, Block: 100})
	if err := r.Validate(); err != nil || r.Block != 101 || r.Generation != 2 {
		t.Errorf("result %+v: %v", r, err)
	}
}
