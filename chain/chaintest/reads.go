package chaintest

import (
	"math"
	"reflect"
	"testing"

	"finest/chain"
)

// stateReads are all methods that read the state after a block.
func (s *spec) stateReads(netuid uint16, at chain.Block) map[string]error {
	errs := map[string]error{}
	_, errs["subnet"] = s.Client.Subnet(s.ctx, netuid, at)
	_, errs["neurons"] = s.Client.Neurons(s.ctx, netuid, at)
	_, errs["weights"] = s.Client.Weights(s.ctx, netuid, 0, at)
	_, errs["commitment"] = s.Client.Commitment(s.ctx, netuid, s.Miner.PublicKey(), at)
	_, errs["commitments"] = s.Client.Commitments(s.ctx, netuid, at)
	_, errs["commitment events"] = s.Client.CommitmentEvents(s.ctx, netuid, at)
	return errs
}

func specUnknownBlock(_ *testing.T, s *spec) {
	final := s.pass(1)
	forged := final
	forged.Hash[0] ^= 1
	for name, at := range map[string]chain.Block{
		"ahead":         {Number: final.Number + 1<<20, Hash: final.Hash},
		"of no number":  {Number: math.MaxUint64, Hash: final.Hash},
		"of other hash": forged,
	} {
		for method, err := range s.stateReads(s.Netuid, at) {
			s.wantErr(method+" at a block "+name, err, chain.ErrUnknownBlock)
		}
	}
	for method, err := range s.stateReads(s.Netuid, final) {
		s.wantErr(method+" at a final block", err, nil)
	}
}

func specUnknownSubnet(_ *testing.T, s *spec) {
	if got, err := s.Client.Subnet(s.ctx, s.NoSubnet, s.head()); err == nil {
		s.Errorf("subnet %d does not exist, but is %v", s.NoSubnet, got)
	}
	if _, err := s.Client.SetCommitment(s.ctx, s.Miner, s.NoSubnet, [][]byte{[]byte("x")}); err == nil {
		s.Error("a commitment on a subnet that does not exist is taken")
	}
	if _, err := s.Client.SetWeights(s.ctx, s.Validator, s.NoSubnet, nil, math.MaxUint32); err == nil {
		s.Error("weights on a subnet that does not exist are taken")
	}
}

func specSubnet(_ *testing.T, s *spec) {
	head := s.head()
	sub := must[chain.Subnet](s, "subnet")(s.Client.Subnet(s.ctx, s.Netuid, head))
	if sub.Netuid != s.Netuid || sub.Tempo < 5 || sub.WeightsRateLimit == 0 || sub.VersionKey == 0 || sub.MaxWeight == 0 {
		s.Errorf("settings do not fit the suite: %+v", sub)
	}
	if sub.Owner == (chain.PublicKey{}) {
		s.Error("the subnet has no owner")
	}
	if peer := must[chain.Subnet](s, "subnet")(s.Peer.Subnet(s.ctx, s.Netuid, head)); peer != sub {
		s.Errorf("peer reads %+v, want %+v", peer, sub)
	}
}

func specNeurons(_ *testing.T, s *spec) {
	head := s.head()
	neurons := s.neurons(head)
	if len(neurons) < 3 {
		s.Fatalf("%d neurons, the suite needs 3", len(neurons))
	}
	seen := map[chain.PublicKey]bool{}
	for i, n := range neurons {
		if i > 0 && n.UID <= neurons[i-1].UID {
			s.Errorf("uid %d follows uid %d", n.UID, neurons[i-1].UID)
		}
		if seen[n.Hotkey] {
			s.Errorf("hotkey of uid %d has two uids", n.UID)
		}
		seen[n.Hotkey] = true
		if n.RegisteredAt > head.Number || n.LastUpdate > head.Number {
			s.Errorf("uid %d registered in block %d and updated in %d, after block %d", n.UID, n.RegisteredAt, n.LastUpdate, head.Number)
		}
	}
	if !s.neuron(head, s.Validator).Permit {
		s.Error("the validator has no permit")
	}
	if s.neuron(head, s.Miner).Permit || s.neuron(head, s.Other).Permit {
		s.Error("a miner has a permit")
	}
	if seen[s.Stranger.PublicKey()] {
		s.Error("the stranger is registered")
	}
	if peer := must[[]chain.Neuron](s, "neurons")(s.Peer.Neurons(s.ctx, s.Netuid, head)); !reflect.DeepEqual(peer, neurons) {
		s.Errorf("peer reads %+v, want %+v", peer, neurons)
	}
}

// What was read at a final block reads the same after anything that follows.
func specOldState(_ *testing.T, s *spec) {
	s.commit(s.Miner, s.unique("old"))
	must[chain.Inclusion](s, "set weights")(s.setWeights(s.Validator, s.weights()))
	final := s.pass(0)
	type snapshot struct {
		subnet      chain.Subnet
		neurons     []chain.Neuron
		weights     []chain.Weight
		commitments []chain.Commitment
		events      []chain.Commitment
	}
	read := func(c chain.Client) (got snapshot) {
		s.Helper()
		got.subnet = must[chain.Subnet](s, "subnet")(c.Subnet(s.ctx, s.Netuid, final))
		got.neurons = must[[]chain.Neuron](s, "neurons")(c.Neurons(s.ctx, s.Netuid, final))
		uid := s.neuron(final, s.Validator).UID
		got.weights = must[[]chain.Weight](s, "weights")(c.Weights(s.ctx, s.Netuid, uid, final))
		got.commitments = must[[]chain.Commitment](s, "commitments")(c.Commitments(s.ctx, s.Netuid, final))
		got.events = must[[]chain.Commitment](s, "events")(c.CommitmentEvents(s.ctx, s.Netuid, final))
		return got
	}
	before := read(s.Client)
	s.commit(s.Miner, s.unique("new"))
	changed := s.weights()
	changed[0].Value = 9
	must[chain.Inclusion](s, "set weights")(s.setWeights(s.Validator, changed))
	s.pass(1)
	for name, c := range map[string]chain.Client{"client": s.Client, "peer": s.Peer} {
		if after := read(c); !reflect.DeepEqual(before, after) {
			s.Errorf("%s reads block %d as\n%+v, want\n%+v", name, final.Number, after, before)
		}
	}
}
