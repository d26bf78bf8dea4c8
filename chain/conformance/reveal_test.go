package conformance

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"slices"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
	"finest/chain/subtensor"
	"finest/chain/timelock"
)

// shortTempo is so many blocks that a commit and an early reveal fit one epoch.
const shortTempo = 20

// Group 9: commit-reveal by hash, and by timelock with a pulse of the suite's own.
func testReveal(t *testing.T, n *node, s subnet) {
	t.Run("timelocked commitment", func(t *testing.T) { n.revealsCommitment(t, s) })
	n.set(t, "sudo_set_tempo", metadata.Args{"netuid": s.id, "tempo": shortTempo})
	enable := func(on bool) {
		n.set(t, "sudo_set_commit_reveal_weights_enabled", metadata.Args{"netuid": s.id, "enabled": on})
	}
	enable(true)
	defer enable(false)
	t.Run("plain call", func(t *testing.T) {
		n.refused(t, "SubtensorModule.CommitRevealEnabled", s.owner, "SubtensorModule", "set_weights", s.weightArgs(chain.Weight{UID: 1, Value: 1}))
	})
	t.Run("by hash", func(t *testing.T) { n.revealsHash(t, s) })
	t.Run("timelocked weights", func(t *testing.T) { n.revealsWeights(t, s) })
}

// beacon is a drand beacon of the suite. Chains check the decryption, not whose
// signature it was.
func beacon() (timelock.Scheme, *timelock.Secret) {
	secret, scheme := timelock.NewSecret([]byte("conformance")), timelock.Quicknet()
	scheme.PublicKey = secret.PublicKey()
	return scheme, secret
}

// farRound is a round that no beacon gets to, another one for each use.
func farRound(n *node, t *testing.T) uint64 {
	scheme, _ := beacon()
	const years = 20 * 365 * 24 * time.Hour
	return scheme.RoundAt(time.Now().Add(years)) + n.head(t).Number
}

// inject makes the pulse of a round known to the chain.
func (n *node) inject(t *testing.T, round uint64) {
	t.Helper()
	_, secret := beacon()
	signature, err := secret.Sign(round)
	if err != nil {
		t.Fatal(err)
	}
	n.store(t, metadata.Args{"round": round, "randomness": make([]byte, 32), "signature": signature[:]}, "Drand", "Pulses", round)
}

func sealTo(t *testing.T, round uint64, plain []byte) []byte {
	t.Helper()
	scheme, _ := beacon()
	sealed, err := timelock.Encrypt(scheme, round, plain, rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	return sealed
}

func (n *node) revealsCommitment(t *testing.T, s subnet) {
	n.need(t, "dev_setStorage")
	by, round, plain := s.hotkeys[2], farRound(n, t), []byte("shown later")
	field := metadata.Enum{Name: "TimelockEncrypted", Fields: metadata.Record{
		{Name: "encrypted", Value: sealTo(t, round, plain)}, {Name: "reveal_round", Value: round},
	}}
	in := n.do(t, by, "Commitments", "set_commitment", s.commitmentArgs(field))
	if got := in.event(t, "Commitments", "TimelockCommitment").Fields.Get("reveal_round"); got != round {
		t.Errorf("event names round %v, want %d", got, round)
	}
	n.inject(t, round)
	const blocks = 3 // where setting storage makes a block, and where it does not
	revealed, err := n.client.Revealed(t.Context(), s.id, n.pass(t, blocks))
	if err != nil {
		t.Fatal(err)
	}
	texts := revealed[by.PublicKey()]
	if len(texts) != 1 || string(texts[0].Data) != string(plain) || texts[0].Block <= in.block.Number {
		t.Errorf("revealed %+v, want %q after block %d", texts, plain, in.block.Number)
	}
	if left := n.commitmentOf(t, s, by); left != nil {
		t.Errorf("the commitment without fields stays as %x", left)
	}
}

// revealWithin is in how many blocks an epoch for the reveal must have come.
const revealWithin = 4 * shortTempo

func (n *node) revealsHash(t *testing.T, s subnet) {
	weights := []chain.Weight{{UID: 1, Value: maxWeight}, {UID: 2, Value: maxWeight / 3}}
	salt := []uint16{1, 2, 3, 4}
	commit := metadata.Args{"netuid": s.id, "commit_hash": subtensor.CommitHash(s.owner.PublicKey(), s.id, 0, weights, salt, 0)}
	in := n.do(t, s.owner, "SubtensorModule", "commit_weights", commit)
	in.event(t, "SubtensorModule", "WeightsCommitted")
	uids, values := columns(weights)
	args := func(salt []uint16) metadata.Args {
		return metadata.Args{"netuid": s.id, "uids": uids, "values": values, "salt": salt, "version_key": 0}
	}
	n.refused(t, "SubtensorModule.InvalidRevealCommitHashNotMatch", s.owner, "SubtensorModule", "reveal_weights", args([]uint16{9}))
	early := 0
	for n.head(t).Number < in.block.Number+revealWithin {
		shown, err := n.try(t, s.owner, "SubtensorModule", "reveal_weights", args(salt))
		var r *refusal
		switch {
		case err == nil:
			shown.event(t, "SubtensorModule", "WeightsRevealed")
			got, err := n.client.Weights(t.Context(), s.id, 0, shown.block)
			if err != nil || !slices.Equal(got, weights) {
				t.Errorf("the weights are %v, %v; want %v", got, err, weights)
			}
			// Where blocks are fast, an epoch may have ended before the first try.
			if early == 0 && !n.epochAfter(t, s, in.block.Number) {
				t.Error("the reveal is taken in the epoch of the commit")
			}
			return
		case !errors.As(err, &r) || !r.is("SubtensorModule.RevealTooEarly"):
			t.Fatalf("reveal: %v", err)
		}
		early++
		n.pass(t, 1)
	}
	t.Errorf("no reveal is taken within %d blocks of the commit", revealWithin)
}

// epochAfter reports whether an epoch began after a block. Older runtimes do not
// say.
func (n *node) epochAfter(t *testing.T, s subnet, block uint64) bool {
	t.Helper()
	if _, err := n.meta.StorageItem("SubtensorModule", "LastEpochBlock"); err != nil {
		return false
	}
	last, ok := n.read(t, "SubtensorModule", "LastEpochBlock", s.id).(uint64)
	return ok && last > block
}

func (n *node) revealsWeights(t *testing.T, s subnet) {
	n.need(t, "dev_setStorage")
	version := n.read(t, "SubtensorModule", "CommitRevealWeightsVersion")
	round, weights := farRound(n, t), []chain.Weight{{UID: 1, Value: maxWeight / 5}, {UID: 3, Value: maxWeight}}
	key := s.owner.PublicKey()
	uids, values := columns(weights)
	plain := appendU16s(appendU16s(scale.AppendBytes(nil, key[:]), uids), values)
	plain = binary.LittleEndian.AppendUint64(plain, 0) // version key
	in := n.do(t, s.owner, "SubtensorModule", "commit_timelocked_weights", metadata.Args{
		"netuid": s.id, "commit": sealTo(t, round, plain), "reveal_round": round, "commit_reveal_version": version,
	})
	in.event(t, "SubtensorModule", "TimelockedWeightsCommitted")
	n.inject(t, round)
	for at := in.block; at.Number < in.block.Number+revealWithin; at = n.pass(t, 1) {
		got, err := n.client.Weights(t.Context(), s.id, 0, at)
		if err != nil {
			t.Fatal(err)
		}
		if slices.Equal(got, weights) {
			return
		}
	}
	t.Errorf("the weights are not shown within %d blocks of the commit", revealWithin)
}

func appendU16s(b []byte, values []uint16) []byte {
	b = scale.AppendCompact(b, uint64(len(values)))
	for _, v := range values {
		b = binary.LittleEndian.AppendUint16(b, v)
	}
	return b
}
