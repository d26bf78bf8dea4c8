package subtensor

import (
	"testing"

	"finest/chain"
	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
)

// State that the node has pruned is an archive's to tell; without one it is
// unknown.
func TestArchive(t *testing.T) {
	grown := func() *fakeNode {
		n := newFakeNode(t)
		for i := range 5 {
			n.grow(func(b *fakeBlock) { n.set(b, uint64(i+1), "SubtensorModule", "Tempo", uint16(7)) })
		}
		n.finalize()
		return n
	}
	n, archive := grown(), grown()
	n.pruned = 4
	alone := n.dial(rpctest.NewClock())
	both := n.dial(rpctest.NewClock(), func(o *Options) { o.Archive = []string{archive.URL} })
	for number := uint64(5); number > 0; number-- {
		at := n.blocks[number].Block
		v, err := both.read(t.Context(), at, "SubtensorModule", "Tempo", uint16(7))
		if err != nil || v != number {
			t.Errorf("block %d reads %v, %v", number, v, err)
		}
		_, err = alone.read(t.Context(), at, "SubtensorModule", "Tempo", uint16(7))
		if number < 4 {
			wantErr(t, "pruned block", err, chain.ErrUnknownBlock)
		} else if err != nil {
			t.Errorf("block %d without an archive: %v", number, err)
		}
	}
	before := n.count("state_queryStorageAt")
	if _, err := both.read(t.Context(), n.blocks[2].Block, "SubtensorModule", "Tempo", uint16(7)); err != nil {
		t.Error(err)
	}
	if n.count("state_queryStorageAt") != before {
		t.Error("the node is asked again for what it has pruned")
	}
}

// A node that lags behind has pruned nothing: it is asked again.
func TestArchiveForANodeThatLags(t *testing.T) {
	n, archive := newFakeNode(t), newFakeNode(t)
	n.grow(nil)
	archive.grow(nil)
	c := n.dial(rpctest.NewClock(), func(o *Options) { o.Archive = []string{archive.URL} })
	lags := true
	n.script(func(r rpctest.Request) (any, error) {
		n.mu.Lock()
		defer n.mu.Unlock()
		if r.Method == "state_queryStorageAt" && lags {
			return nil, &rpc.Error{Code: 4003, Message: "Client error: UnknownBlock: Header was not found in the database"}
		}
		return nil, errPass
	})
	for _, want := range []int{1, 2} {
		if _, err := c.read(t.Context(), n.blocks[1].Block, "SubtensorModule", "Tempo", uint16(7)); err != nil {
			t.Fatal(err)
		}
		if got := n.count("state_queryStorageAt"); got != want {
			t.Errorf("the node was asked %d times, want %d", got, want)
		}
		n.mu.Lock()
		lags = false
		n.mu.Unlock()
	}
}
