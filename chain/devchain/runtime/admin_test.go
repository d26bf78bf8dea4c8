package runtime_test

import (
	"fmt"
	"testing"

	"finest/chain/devchain/runtime"
)

// What is written without an extrinsic is what the pallets would store.
func TestAdministration(t *testing.T) {
	w := newWorld(t, config(t))
	w.blocks(3)
	added, replaced := key(t, "//Added").PublicKey(), key(t, "//Replaced").PublicKey()
	uid, ok := w.state.Register(netuid, added, added)
	if !ok || uid != 4 {
		t.Fatalf("uid %d, %v", uid, ok)
	}
	w.state.SetPermit(netuid, added, true)
	w.state.SetPermit(netuid, replaced, true) // who is not registered yet
	w.state.SetStake(netuid, added, 7)
	w.state.Replace(netuid, 2, replaced, added)
	for _, c := range []struct {
		item string
		keys []any
		want string
	}{
		{"SubnetworkN", []any{netuid}, "5"},
		{"Uids", []any{netuid, replaced}, "2"},
		{"Uids", []any{netuid, key(t, "//Miner").PublicKey()}, "<nil>"},
		{"BlockAtRegistration", []any{netuid, 2}, "3"},
		{"ValidatorPermit", []any{netuid}, "[false true false false true]"},
		{"LastUpdate", []any{netuid}, "[0 0 3 0 3]"},
		{"TotalHotkeyAlpha", []any{added, netuid}, "7"},
		{"TotalStake", nil, "4000000000007"},
	} {
		if got := fmt.Sprint(w.read("SubtensorModule", c.item, c.keys...)); got != c.want {
			t.Errorf("%s: %s, want %s", c.item, got, c.want)
		}
	}
	if got := w.do(key(t, "//Added"), "SubtensorModule", "set_weights", weights(3, 1, 1, 2, 2)); got != "Custom error: 6" {
		t.Errorf("outcome %q of a neuron that was registered in the block before", got)
	}
	w.blocks(4)
	if got := w.do(key(t, "//Added"), "SubtensorModule", "set_weights", weights(3, 1, 1, 2, 2)); got != "" {
		t.Errorf("outcome %q", got)
	}
}

// A full subnet of the size that Subtensor has by default.
func BenchmarkBlock(b *testing.B) {
	cfg := config(b)
	s := &cfg.Subnets[0]
	for i := len(s.Neurons); i < 256; i++ {
		s.Neurons = append(s.Neurons, runtime.Neuron{Hotkey: [32]byte{1, byte(i)}, Stake: uint64(i)})
	}
	w := newWorld(b, cfg)
	r := w.runtime()
	for b.Loop() {
		w.number++
		w.now = w.now.Add(cfg.BlockTime)
		next := w.state.Copy()
		r.Begin(next, w.number, w.head)
		if err := r.Apply(next, 0, r.Inherent(w.now)); err != nil {
			b.Fatal(err)
		}
		r.End(next)
		w.state = next
	}
}
