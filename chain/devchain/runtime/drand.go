package runtime

import (
	"crypto/sha256"
	"fmt"
	"time"

	"finest/chain/timelock"
)

// beacon is the chain's own drand beacon: its key comes from the seed, the times
// of its rounds from the configuration. On Subtensor the pulses of quicknet come
// in unsigned extrinsics; here the runtime signs them itself.
func (c Config) beacon() (timelock.Scheme, *timelock.Secret) {
	scheme, secret := timelock.Quicknet(), timelock.NewSecret(c.Seed[:])
	if c.Drand != (Beacon{}) {
		scheme.Genesis = time.Unix(int64(c.Drand.Genesis), 0)
		scheme.Period = time.Duration(c.Drand.Period) * time.Second
	}
	scheme.PublicKey = secret.PublicKey()
	return scheme, secret
}

// Beacon is the beacon that the chain reveals with; clients read it from
// Drand.BeaconConfig.
func (r *Runtime) Beacon() timelock.Scheme { return r.beacon }

// Pulses that the chain keeps, and that it makes in one block: after a gap in time
// the ones before stay missing, but for those that somebody waits for.
const (
	maxPulses   = 2048
	newestInRow = 8
)

// addPulses stores the pulses of the rounds that are out at the time of the block.
func (x *exec) addPulses() {
	round := x.beacon.RoundAt(time.UnixMilli(int64(timestampNow.get(x.s))))
	var rounds []any
	add := func(n uint64) {
		if _, ok := pulses.lookup(x.s, n); !ok {
			x.addPulse(n)
			rounds = append(rounds, n)
		}
	}
	for _, n := range x.awaitedRounds() {
		if n > 0 && n <= round {
			add(n)
		}
	}
	from := lastStoredRound.get(x.s) + 1
	if round > newestInRow {
		from = max(from, round-newestInRow+1)
	}
	for n := from; n <= round; n++ {
		add(n)
	}
	if firstStoredRound.get(x.s) == 0 {
		firstStoredRound.put(x.s, from)
	}
	if len(rounds) == 0 {
		return
	}
	lastStoredRound.put(x.s, max(round, lastStoredRound.get(x.s)))
	if round > maxPulses {
		x.prunePulses(round - maxPulses)
	}
	x.deposit("Drand", "NewPulse", rounds)
}

func (x *exec) addPulse(round uint64) {
	signature, err := x.secret.Sign(round)
	if err != nil {
		panic(fmt.Errorf("sign round %d: %w", round, err)) // hashing to the curve finds a point for every round
	}
	randomness := sha256.Sum256(signature[:])
	pulses.put(x.s, pulse{round, randomness[:], signature[:]}, round)
}

// awaitedRounds are the rounds that a timelocked commitment or weights wait for.
func (x *exec) awaitedRounds() (rounds []uint64) {
	for _, t := range timelockedIndex.get(x.s) {
		c, _ := commitmentOf.lookup(x.s, t.netuid, t.who)
		for _, f := range c.fields {
			if f.tag == tagTimelocked {
				rounds = append(rounds, f.round)
			}
		}
	}
	timelockedCommits.each(x.s, func(_ []byte, commits []timelockedCommit) {
		for _, c := range commits {
			rounds = append(rounds, c.round)
		}
	})
	return rounds
}

// prunePulses forgets the rounds up to one.
func (x *exec) prunePulses(upTo uint64) {
	first := firstStoredRound.get(x.s)
	if first > upTo {
		return
	}
	for n := first; n <= upTo; n++ {
		pulses.drop(x.s, n)
	}
	firstStoredRound.put(x.s, upTo+1)
}
