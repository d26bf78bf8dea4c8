package subtensor

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
	"finest/chain/timelock"
	"finest/chain/wallet"
)

func TestGoldenWeightCalls(t *testing.T) {
	m, want := fixture(t, "metadata-spec424-v16.scale"), golden(t)
	weights := []chain.Weight{{UID: 1, Value: 65535}, {UID: 2, Value: 30000}}
	for mechanism, label := range map[uint8]string{0: "set_mechanism_weights(2, 0, [1, 2], [65535, 30000], 7)"} {
		call, args, err := plainCall(m, setting{netuid: 2, mechanism: mechanism, versionKey: 7}, weights)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Call(subtensorPallet, call, args); err != nil || !bytes.Equal(got, want[label]) {
			t.Errorf("%s is %x, error %v, want %x", label, got, err, want[label])
		}
	}
}

// A runtime without mechanisms gets the older call, with the same bytes as ever;
// what it cannot do is an error that names the call.
func TestOlderRuntimes(t *testing.T) {
	want := golden(t)["set_weights(2, [1, 2], [65535, 30000], 7)"]
	weights := []chain.Weight{{UID: 1, Value: 65535}, {UID: 2, Value: 30000}}
	for _, name := range []string{"metadata-spec240-v15.scale", "metadata-spec293-v14.scale"} {
		m := fixture(t, name)
		call, args, err := plainCall(m, setting{netuid: 2, versionKey: 7}, weights)
		if err != nil {
			t.Fatal(err)
		}
		if got, err := m.Call(subtensorPallet, call, args); err != nil || !bytes.Equal(got, want) {
			t.Errorf("%s: set_weights is %x, error %v", name, got, err)
		}
		var missing *metadata.MissingError
		if _, _, err := plainCall(m, setting{netuid: 2, mechanism: 1}, weights); !errors.As(err, &missing) || missing.Name != "SubtensorModule.set_mechanism_weights" {
			t.Errorf("%s: second mechanism: error %v", name, err)
		}
		_, _, err = setting{}.choose(m, "commit_timelocked_mechanism_weights", "commit_timelocked_weights", metadata.Args{})
		if !errors.As(err, &missing) || missing.Name != "SubtensorModule.commit_timelocked_weights" {
			t.Errorf("%s: timelocked weights: error %v", name, err)
		}
	}
}

// What bittensor-drand 2.0.0 (get_encrypted_commit_v2) computes, less the three
// blocks it adds: last epoch block, pending epoch, tempo, head, period.
func TestScheduledReveal(t *testing.T) {
	for _, c := range []struct{ last, pending, tempo, head, period, want uint64 }{
		{100, 0, 360, 150, 1, 460},
		{0, 0, 360, 150, 1, 360},
		{100, 120, 10, 108, 1, 110},
		{100, 0, 360, 460, 1, 821},
		{100, 0, 360, 459, 1, 820},
		{100, 0, 360, 458, 1, 460},
		{100, 0, 360, 150, 3, 1180},
	} {
		start := c.last + c.tempo
		if c.pending > 0 {
			start = min(start, c.pending)
		}
		if got := scheduledReveal(chain.Subnet{Tempo: c.tempo, RevealPeriod: c.period}, start, c.head+1); got != c.want {
			t.Errorf("%+v: revealed in block %d, want %d", c, got, c.want)
		}
	}
}

func TestModularReveal(t *testing.T) {
	epoch := func(s chain.Subnet, block uint64) uint64 { return (block + uint64(s.Netuid) + 1) / (s.Tempo + 1) }
	rapid.Check(t, func(t *rapid.T) {
		s := chain.Subnet{
			Netuid: rapid.Uint16Range(1, 500).Draw(t, "netuid"), Tempo: rapid.Uint64Range(1, 1000).Draw(t, "tempo"),
			RevealPeriod: rapid.Uint64Range(1, 10).Draw(t, "period"),
		}
		commit := rapid.Uint64Range(1000, 1<<32).Draw(t, "commit")
		got := modularReveal(s, commit)
		if got <= commit || epoch(s, got) != epoch(s, commit)+s.RevealPeriod || epoch(s, got-1) == epoch(s, got) {
			t.Fatalf("commit in block %d is revealed in block %d", commit, got)
		}
	})
}

func TestTimelockPayload(t *testing.T) {
	b := timelockPayload(chain.PublicKey{1: 7}, []chain.Weight{{UID: 1, Value: 65535}, {UID: 2, Value: 3}}, 9)
	d := scale.NewDecoder(b)
	if key := d.Bytes(); len(key) != 32 || key[1] != 7 {
		t.Errorf("hotkey %x", key)
	}
	for _, want := range [][]uint16{{1, 2}, {65535, 3}} {
		if n := d.Len(2); n != len(want) {
			t.Fatalf("%d values, want %d", n, len(want))
		}
		for _, w := range want {
			if got := d.U16(); got != w {
				t.Errorf("value %d, want %d", got, w)
			}
		}
	}
	if key := d.U64(); key != 9 || d.End() != nil {
		t.Errorf("version key %d, error %v", key, d.Err())
	}
}

func TestBeacon(t *testing.T) {
	m := fixture(t, "metadata-spec424-v16.scale")
	item, err := m.StorageItem("Drand", "BeaconConfig")
	if err != nil {
		t.Fatal(err)
	}
	v, err := item.Decode(nil)
	if err != nil {
		t.Fatal(err)
	}
	r := &reader{values: []any{v}}
	got := beaconOf(r, next[metadata.Record](r, "BeaconConfig"))
	if r.err != nil || got.PublicKey != timelock.Quicknet().PublicKey || !got.Genesis.Equal(timelock.Quicknet().Genesis) || got.Period != timelock.Quicknet().Period {
		t.Errorf("default of the runtime is %+v, error %v, want quicknet", got, r.err)
	}
	for name, want := range map[string]time.Duration{
		"metadata-spec240-v15.scale": 250 * time.Millisecond, "metadata-spec293-v14.scale": time.Second, "metadata-spec424-v16.scale": 12 * time.Second,
	} {
		if got := blockTime(fixture(t, name)); got != want {
			t.Errorf("%s: a block takes %v, want %v", name, got, want)
		}
	}
	if got := blockTime(&metadata.Metadata{}); got != 12*time.Second {
		t.Errorf("without constants a block takes %v", got)
	}
}

// What the Python SDK 10.5.0 (generate_weight_hash) computes for //Alice and the
// second mechanism of subnet 2.
func TestCommitHash(t *testing.T) {
	alice, err := wallet.FromURI("//Alice")
	if err != nil {
		t.Fatal(err)
	}
	weights := []chain.Weight{{UID: 1, Value: 100}, {UID: 2, Value: 200}}
	got := CommitHash(alice.PublicKey(), 2, 1, weights, []uint16{1, 2, 3, 4}, 7)
	if want := "08d61903676854c2e50a52725d6f8f80528f4347be27e68e6ed701b61f456adf"; got.String() != want {
		t.Errorf("hash is %s, want %s", got, want)
	}
}
