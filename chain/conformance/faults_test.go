package conformance

import (
	"context"
	"slices"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
	"finest/chain/subtensor"
)

// Group 10: a uid that changes hands between two reads is never mixed up: reads at
// one block agree, and a commitment is that of the hotkey.
func testRecycled(t *testing.T, n *node, _ subnet) {
	s := n.newSubnet(t, "recycled", 2)
	for _, by := range s.hotkeys {
		n.do(t, by, "Commitments", "set_commitment", s.commitmentArgs(rawField([]byte(by.Address()))))
	}
	full := len(s.hotkeys) + 1
	if err := n.sudo(t, "sudo_set_max_allowed_uids", metadata.Args{"netuid": s.id, "max_allowed_uids": full}); err != nil {
		n.store(t, full, "SubtensorModule", "MaxAllowedUids", s.id)
	}
	before := n.head(t)
	old := n.neurons(t, s, before)
	comer := n.key(t, "recycled comer")
	in := n.register(t, s, comer)
	uid := uint16(in.event(t, "SubtensorModule", "NeuronRegistered").Fields[1].Value.(uint64))
	if int(uid) >= len(old) {
		t.Fatalf("uid %d was not taken before", uid)
	}
	gone := old[uid].Hotkey
	if again := n.neurons(t, s, before); !slices.Equal(old, again) {
		t.Errorf("block %d has neurons %+v, before it had %+v", before.Number, again, old)
	}
	if now := n.neurons(t, s, in.block)[uid]; now.Hotkey != comer.PublicKey() || now.RegisteredAt != in.block.Number {
		t.Errorf("uid %d is %+v, want %s registered in block %d", uid, now, comer.Address(), in.block.Number)
	}
	if c, err := n.client.Commitment(t.Context(), s.id, comer.PublicKey(), in.block); err != nil || c != nil {
		t.Errorf("the new hotkey has the commitment %+v, %v; want none", c, err)
	}
	list, err := n.client.Commitments(t.Context(), s.id, in.block)
	if err != nil || slices.ContainsFunc(list, func(c chain.Commitment) bool { return c.Hotkey == gone }) {
		t.Errorf("commitments %+v, %v: want none of the hotkey that left", list, err)
	}
	list, err = n.client.Commitments(t.Context(), s.id, before)
	if err != nil || !slices.ContainsFunc(list, func(c chain.Commitment) bool { return c.Hotkey == gone }) {
		t.Errorf("commitments before %+v, %v: want one of the hotkey that left later", list, err)
	}
}

func (n *node) neurons(t *testing.T, s subnet, at chain.Block) []chain.Neuron {
	t.Helper()
	list, err := n.client.Neurons(t.Context(), s.id, at)
	if err != nil {
		t.Fatal(err)
	}
	return list
}

// Group 11: a client that was connected before an upgrade reads and writes after
// it, though all indices moved.
func testUpgrade(t *testing.T, n *node, s subnet) {
	if n.dev == nil {
		t.Skip("the code of this node's runtime cannot be changed from here")
	}
	by, fields := s.hotkeys[0], [][]byte{[]byte("before the upgrade")}
	set := func() chain.Inclusion {
		t.Helper()
		in, err := n.client.SetCommitment(t.Context(), by, s.id, fields)
		if err != nil {
			t.Fatal(err)
		}
		return in
	}
	before := set()
	spec := n.spec
	n.dev.Faults().Upgrade(runtime.V2)
	const blocks = 2 // one changes the code, the next one runs it
	n.pass(t, blocks)
	fields = [][]byte{[]byte("after the upgrade")}
	after := set()
	if n.refresh(t); n.spec <= spec {
		t.Fatalf("spec is %d after %d", n.spec, spec)
	}
	for at, want := range map[chain.Block]string{before.Block: "before the upgrade", after.Block: "after the upgrade"} {
		events, err := n.client.CommitmentEvents(t.Context(), s.id, at)
		if err != nil || len(events) != 1 || string(events[0].Fields[0]) != want {
			t.Errorf("events of block %d are %+v, %v; want %q", at.Number, events, err, want)
		}
	}
	n.refused(t, "Commitments.AccountNotAllowedCommit", s.stranger, "Commitments", "set_commitment", s.commitmentArgs(rawField([]byte("x"))))
}

// Group 12: a connection that is lost while a transaction is on its way, before or
// after the node has it, leaves one effect.
func testLost(t *testing.T, n *node, s subnet) {
	for name, after := range map[string]bool{"before the node has it": false, "before the answer": true} {
		t.Run(name, func(t *testing.T) {
			p := startProxy(t, n.endpoint)
			client := devchaintest.Dial(t, p.endpoint, func(o *subtensor.Options) { o.Poll = 100 * time.Millisecond })
			by := s.hotkeys[2]
			nonce := n.nonce(t, by)
			p.cutNext(after)
			ctx, cancel := context.WithTimeout(t.Context(), patience)
			defer cancel()
			in, err := client.SetCommitment(ctx, by, s.id, [][]byte{[]byte(name)})
			if err != nil {
				t.Fatal(err)
			}
			if cuts := p.cutsMade(); cuts != 1 {
				t.Errorf("the connection was cut %d times, want 1", cuts)
			}
			if got := n.nonce(t, by); got != nonce+1 {
				t.Errorf("%d transactions took effect, want 1", got-nonce)
			}
			got, err := n.client.Commitment(t.Context(), s.id, by.PublicKey(), in.Block)
			if err != nil || got == nil || got.Block != in.Block.Number || string(got.Fields[0]) != name {
				t.Errorf("commitment is %+v, %v; want %q of block %d", got, err, name, in.Block.Number)
			}
		})
	}
}

func (n *node) nonce(t *testing.T, by chain.Signer) uint64 {
	t.Helper()
	return n.read(t, "System", "Account", by.PublicKey()).(metadata.Record).Get("nonce").(uint64)
}
