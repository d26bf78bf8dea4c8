// Package chaintest holds the contract of chain.Client as tests that every
// implementation passes, and a clock for those that take one.
package chaintest

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"finest/chain"
)

// Env is one chain to test. Specs only add to it, and hold on a chain that
// others used before, so an implementation for which a chain is dear may hand
// out the same one every time.
type Env struct {
	Client chain.Client
	// Peer is a second connection to the same chain, as another process has it.
	Peer chain.Client
	// Netuid is a subnet with at least three neurons, a tempo of at least 5
	// blocks, a version key and a weights rate limit above 0.
	Netuid uint16
	// NoSubnet is the number of a subnet that does not exist.
	NoSubnet uint16
	// Validator is registered with a permit, Miner and Other without,
	// Stranger is not registered.
	Validator, Miner, Other, Stranger chain.Signer
	// Poor is registered with less stake than setting weights needs; nil where
	// the subnet needs none.
	Poor chain.Signer
	// Hidden is a subnet with commit-reveal where Validator has a permit and
	// nobody sets weights but the suite; 0 where there is none.
	Hidden uint16
}

// deadline bounds one spec: real chains make a block in seconds.
const deadline = 20 * time.Minute

// Suite runs the specs. newEnv is called once for each.
func Suite(t *testing.T, newEnv func(t *testing.T) Env) {
	specs := []struct {
		name string
		run  func(t *testing.T, s *spec)
	}{
		{"blocks/heads", specHeads},
		{"blocks/by number", specBlockAt},
		{"blocks/wait for finality", specWaitFinalized},
		{"reads/unknown block", specUnknownBlock},
		{"reads/unknown subnet", specUnknownSubnet},
		{"reads/subnet", specSubnet},
		{"reads/neurons", specNeurons},
		{"reads/state of old blocks stays", specOldState},
		{"commitments/sizes", specCommitmentSizes},
		{"commitments/refusals", specCommitmentRefusals},
		{"commitments/final on return", specCommitmentFinal},
		{"commitments/replace", specCommitmentReplaces},
		{"commitments/list", specCommitmentList},
		{"commitments/events", specCommitmentEvents},
		{"commitments/results are the caller's", specCommitmentCopies},
		{"commitments/space of an epoch", specSpaceLimit},
		{"commitments/concurrent writers", specConcurrentWriters},
		{"weights/set and read", specWeights},
		{"weights/short lists are padded", specPadding},
		{"weights/refusals", specWeightRefusals},
		{"weights/low stake", specLowStake},
		{"weights/commit and reveal", specHidden},
		{"weights/rate limit", specRateLimit},
		{"context/ended before", specContextEnded},
		{"context/ends during a write", specContextEndsDuringWrite},
		{"context/ends during a wait", specContextEndsDuringWait},
	}
	for _, sp := range specs {
		t.Run(sp.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			sp.run(t, &spec{TB: t, Env: newEnv(t), ctx: ctx})
		})
	}
}

// spec is the environment of one spec with helpers that fail it.
type spec struct {
	testing.TB
	Env
	ctx context.Context
}

func must[T any](s *spec, what string) func(T, error) T {
	return func(v T, err error) T {
		s.Helper()
		if err != nil {
			s.Fatalf("%s: %v", what, err)
		}
		return v
	}
}

func (s *spec) head() chain.Block {
	s.Helper()
	return must[chain.Block](s, "head")(s.Client.Head(s.ctx))
}

// pass waits until at least n further blocks are final.
func (s *spec) pass(n uint64) chain.Block {
	s.Helper()
	return must[chain.Block](s, "wait for finality")(s.Client.WaitFinalized(s.ctx, s.head().Number+n))
}

func (s *spec) subnet() chain.Subnet {
	s.Helper()
	return must[chain.Subnet](s, "subnet")(s.Client.Subnet(s.ctx, s.Netuid, s.head()))
}

func (s *spec) neurons(at chain.Block) []chain.Neuron {
	s.Helper()
	return must[[]chain.Neuron](s, "neurons")(s.Client.Neurons(s.ctx, s.Netuid, at))
}

func (s *spec) neuron(at chain.Block, who chain.Signer) chain.Neuron {
	s.Helper()
	for _, n := range s.neurons(at) {
		if n.Hotkey == who.PublicKey() {
			return n
		}
	}
	s.Fatalf("%s is not registered", who.Address())
	return chain.Neuron{}
}

// commit writes a commitment, in the next epoch if this one's space is used up.
func (s *spec) commit(by chain.Signer, fields ...[]byte) chain.Inclusion {
	s.Helper()
	in, err := s.Client.SetCommitment(s.ctx, by, s.Netuid, fields)
	if errors.Is(err, chain.ErrSpaceLimit) {
		s.pass(s.subnet().Tempo + 1)
		in, err = s.Client.SetCommitment(s.ctx, by, s.Netuid, fields)
	}
	return must[chain.Inclusion](s, "set commitment")(in, err)
}

func (s *spec) commitment(who chain.Signer, at chain.Block) *chain.Commitment {
	s.Helper()
	return must[*chain.Commitment](s, "commitment")(s.Client.Commitment(s.ctx, s.Netuid, who.PublicKey(), at))
}

func (s *spec) events(at chain.Block) []chain.Commitment {
	s.Helper()
	return must[[]chain.Commitment](s, "commitment events")(s.Client.CommitmentEvents(s.ctx, s.Netuid, at))
}

// setWeights sets weights as soon as the rate limit allows it.
func (s *spec) setWeights(by chain.Signer, weights []chain.Weight) (chain.Inclusion, error) {
	s.Helper()
	for {
		in, err := s.Client.SetWeights(s.ctx, by, s.Netuid, weights, s.subnet().VersionKey)
		var early *chain.RateLimitError
		if !errors.As(err, &early) {
			return in, err
		}
		must[chain.Block](s, "wait for the rate limit")(s.Client.WaitFinalized(s.ctx, early.RetryAt))
	}
}

// weights gives every neuron a weight: 1, 2, 3, …
func (s *spec) weights() (w []chain.Weight) {
	s.Helper()
	for i, n := range s.neurons(s.head()) {
		w = append(w, chain.Weight{UID: n.UID, Value: uint16(i + 1)})
	}
	return w
}

func (s *spec) wantErr(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// unique returns bytes that no other call returns in this spec's chain.
func (s *spec) unique(label string) []byte {
	return fmt.Appendf(nil, "%s %d", label, s.head().Number)
}

func equalFields(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}
