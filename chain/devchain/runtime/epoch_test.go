package runtime

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"finest/chain"
	"finest/chain/timelock"
)

func TestUpscale(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		in := rapid.SliceOf(rapid.Uint16()).Draw(t, "values")
		out := upscale(in)
		if len(out) != len(in) {
			t.Fatalf("%d values became %d", len(in), len(out))
		}
		for i := range in {
			if in[i] == slices.Max(in) && in[i] > 0 && out[i] != noWeightLimit {
				t.Errorf("the largest becomes %d", out[i])
			}
			if (in[i] == 0) != (out[i] == 0) {
				t.Errorf("%d becomes %d", in[i], out[i])
			}
			for j := range in {
				if in[i] < in[j] && out[i] > out[j] {
					t.Errorf("%d and %d become %d and %d", in[i], in[j], out[i], out[j])
				}
			}
		}
		if again := upscale(out); !slices.Equal(again, out) {
			t.Errorf("scaled twice %v becomes %v", out, again)
		}
	})
}

func TestProportions(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		shares := rapid.SliceOf(rapid.Float64Range(0, 1e18)).Draw(t, "shares")
		total := 0
		for _, p := range proportions(shares) {
			total += int(p)
		}
		if total > noWeightLimit {
			t.Errorf("sum %d", total)
		}
	})
}

func TestElected(t *testing.T) {
	for _, c := range []struct {
		stake     []uint64
		threshold uint64
		most      uint16
		want      string
	}{
		{nil, 0, 3, "[]"},
		{[]uint64{0, 1, 2}, 0, 3, "[false true true]"},
		{[]uint64{5, 5, 5}, 0, 2, "[true true false]"},
		{[]uint64{5, 9, 7}, 6, 3, "[false true true]"},
		{[]uint64{5, 9, 7}, 0, 0, "[false false false]"},
	} {
		if got := fmt.Sprint(elected(c.stake, c.threshold, c.most)); got != c.want {
			t.Errorf("stake %v: permits %s, want %s", c.stake, got, c.want)
		}
	}
}

// At most MaxEpochsPerBlock epochs run in a block; the others follow.
func TestEpochsAreDeferred(t *testing.T) {
	cfg := Config{BlockTime: time.Second, Start: time.Unix(1_800_000_000, 0)}
	for id := uint16(1); id <= 5; id++ {
		cfg.Subnets = append(cfg.Subnets, Subnet{Netuid: id, Tempo: 3})
	}
	r, s := New(V1, cfg), Genesis(cfg)
	var ran []uint64
	for n := uint32(1); n <= 6; n++ {
		r.Begin(s, n, chain.Hash{byte(n)})
		epochs := uint64(0)
		for id := uint16(1); id <= 5; id++ {
			epochs += subnetEpochIndex.get(s, id)
		}
		ran = append(ran, epochs)
	}
	if got := fmt.Sprint(ran); got != "[0 0 2 4 5 7]" {
		t.Errorf("epochs run up to each block: %s", got)
	}
}

// Pulses are signatures of the beacon that the chain states, of rounds that are
// out, and old ones are forgotten.
func TestPulses(t *testing.T) {
	cfg := Config{BlockTime: time.Second, Start: time.Unix(1000, 0), Drand: Beacon{Genesis: 1000, Period: 1}}
	r, s := New(V1, cfg), Genesis(cfg)
	info := beaconConfig.get(s)
	beacon := timelock.Scheme{PublicKey: timelock.PublicKey(info.publicKey), Genesis: time.Unix(int64(info.genesis), 0), Period: time.Second}
	for n, at := range []int64{1001, 1002, 1100, 5000} {
		r.Begin(s, uint32(n+1), chain.Hash{byte(n)})
		if err := r.Apply(s, 0, r.Inherent(time.Unix(at, 0))); err != nil {
			t.Fatal(err)
		}
		r.End(s)
		last := lastStoredRound.get(s)
		if want := beacon.RoundAt(time.Unix(at, 0)); last != want {
			t.Errorf("last round %d at %d, want %d", last, at, want)
		}
		p, ok := pulses.lookup(s, last)
		if !ok || beacon.Verify(last, timelock.Signature(p.signature)) != nil {
			t.Errorf("pulse of round %d: %v, %x", last, ok, p.signature)
		}
		if _, ok := pulses.lookup(s, last+1); ok {
			t.Errorf("round %d before its time", last+1)
		}
	}
	for round, want := range map[uint64]bool{1: false, 2: false, 101: false, 3993: false, 3994: true, 4001: true} {
		if _, ok := pulses.lookup(s, round); ok != want {
			t.Errorf("round %d is kept: %v, want %v", round, ok, want)
		}
	}
	if first := firstStoredRound.get(s); first != 4001-maxPulses+1 {
		t.Errorf("the first round is said to be %d", first)
	}
}
