package chaintest

import (
	"errors"
	"slices"
	"testing"

	"finest/chain"
)

const maxWeight = 65535

func specWeights(_ *testing.T, s *spec) {
	weights := s.weights()
	in := must[chain.Inclusion](s, "set weights")(s.setWeights(s.Validator, weights))
	n := s.neuron(in.Block, s.Validator)
	if n.LastUpdate != in.Block.Number {
		s.Errorf("last update is %d, want %d", n.LastUpdate, in.Block.Number)
	}
	got := must[[]chain.Weight](s, "weights")(s.Peer.Weights(s.ctx, s.Netuid, n.UID, in.Block))
	if len(got) != len(weights) {
		s.Fatalf("read %v, wrote %v", got, weights)
	}
	// The chain scales them so that the largest is 65535.
	most := int(weights[len(weights)-1].Value)
	for i, w := range weights {
		exact := int(w.Value) * maxWeight / most
		if got[i].UID != w.UID || int(got[i].Value) < exact-1 || int(got[i].Value) > exact+1 {
			s.Errorf("uid %d has weight %d for %d of %d, want about %d for uid %d", got[i].UID, got[i].Value, w.Value, most, exact, w.UID)
		}
	}
	if last := got[len(got)-1].Value; last != maxWeight {
		s.Errorf("largest weight is %d, want %d", last, maxWeight)
	}
	parent := must[chain.Block](s, "block")(s.Client.BlockAt(s.ctx, in.Block.Number-1))
	if s.neuron(parent, s.Validator).LastUpdate == in.Block.Number {
		s.Error("the block before knows of the update")
	}
	miner := s.neuron(in.Block, s.Miner).UID
	if got := must[[]chain.Weight](s, "weights")(s.Client.Weights(s.ctx, s.Netuid, miner, in.Block)); len(got) != 0 {
		s.Errorf("the miner, who set none, has weights %v", got)
	}
}

func specWeightRefusals(_ *testing.T, s *spec) {
	weights := s.weights()
	uids := len(weights)
	set := func(by chain.Signer, w []chain.Weight) error {
		_, err := s.setWeights(by, w)
		return err
	}
	s.wantErr("stranger", set(s.Stranger, weights), chain.ErrNotRegistered)
	s.wantErr("miner", set(s.Miner, weights), chain.ErrNoPermit)
	twice := append(weights[:uids-1:uids-1], weights[0])
	s.wantErr("uid twice", set(s.Validator, twice), chain.ErrRejected)
	unknown := append(weights[:uids-1:uids-1], chain.Weight{UID: weights[uids-1].UID + 1000, Value: 1})
	s.wantErr("unknown uid", set(s.Validator, unknown), chain.ErrRejected)
	s.wantErr("too many", set(s.Validator, append(weights[:uids:uids], unknown[uids-1])), chain.ErrRejected)
	_, err := s.Client.SetWeights(s.ctx, s.Validator, s.Netuid, weights, s.subnet().VersionKey-1)
	s.wantErr("old version key", err, chain.ErrVersionKey)
}

// A list shorter than the subnet wants is filled up with zeros, which pays nobody.
func specPadding(_ *testing.T, s *spec) {
	least := int(s.subnet().MinWeights)
	neurons := s.neurons(s.head())
	if least < 2 {
		s.Skipf("the subnet takes lists of %d weights", least)
	}
	paid := s.neuron(s.head(), s.Other).UID
	in := must[chain.Inclusion](s, "set weights")(s.setWeights(s.Validator, []chain.Weight{{UID: paid, Value: 7}}))
	uid := s.neuron(in.Block, s.Validator).UID
	got := must[[]chain.Weight](s, "weights")(s.Client.Weights(s.ctx, s.Netuid, uid, in.Block))
	if want := min(least, len(neurons)); len(got) != want {
		s.Errorf("%d weights are set, want %d", len(got), want)
	}
	for _, w := range got {
		if want := map[bool]uint16{true: maxWeight}[w.UID == paid]; w.Value != want {
			s.Errorf("uid %d has weight %d, want %d", w.UID, w.Value, want)
		}
	}
	_, err := s.setWeights(s.Validator, nil)
	s.wantErr("no weights", err, chain.ErrRejected)
}

func specLowStake(_ *testing.T, s *spec) {
	if s.Poor == nil {
		s.Skip("the subnet has no threshold of stake")
	}
	if n, least := s.neuron(s.head(), s.Poor), s.subnet().StakeThreshold; n.Stake >= least {
		s.Fatalf("the poor hotkey has a stake of %d rao, the threshold is %d", n.Stake, least)
	}
	_, err := s.setWeights(s.Poor, s.weights())
	s.wantErr("low stake", err, chain.ErrLowStake)
}

// Weights of a subnet with commit-reveal stay hidden until the chain shows them.
func specHidden(_ *testing.T, s *spec) {
	if s.Hidden == 0 {
		s.Skip("there is no subnet with commit-reveal")
	}
	s.Netuid = s.Hidden
	sub := s.subnet()
	if !sub.CommitReveal || sub.RevealPeriod == 0 {
		s.Fatalf("commit-reveal is off: %+v", sub)
	}
	uid := s.neuron(s.head(), s.Validator).UID
	before := must[[]chain.Weight](s, "weights")(s.Client.Weights(s.ctx, s.Netuid, uid, s.head()))
	weights := s.weights()
	if len(before) > 0 && before[0].Value == maxWeight {
		weights[1].Value, weights[0].Value = maxWeight, 0
	} else {
		weights[0].Value, weights[1].Value = maxWeight, 0
	}
	in := must[chain.Inclusion](s, "set weights")(s.setWeights(s.Validator, weights))
	if n := s.neuron(in.Block, s.Validator); n.LastUpdate != in.Block.Number {
		s.Errorf("last update is %d, want that of the commitment, %d", n.LastUpdate, in.Block.Number)
	}
	hidden := must[[]chain.Weight](s, "weights")(s.Client.Weights(s.ctx, s.Netuid, uid, in.Block))
	if !slices.Equal(hidden, before) {
		s.Errorf("the commitment changed the weights from %v to %v", before, hidden)
	}
	_, err := s.Client.SetWeights(s.ctx, s.Validator, s.Netuid, weights, sub.VersionKey)
	var early *chain.RateLimitError
	if !errors.As(err, &early) || early.RetryAt != in.Block.Number+sub.WeightsRateLimit {
		s.Errorf("a second commitment at once: error %v, want one to retry at block %d", err, in.Block.Number+sub.WeightsRateLimit)
	}
	last := in.Block.Number + (sub.RevealPeriod+1)*(sub.Tempo+1)
	for number := in.Block.Number + 1; number <= last; number++ {
		at := must[chain.Block](s, "wait")(s.Client.WaitFinalized(s.ctx, number))
		shown := must[[]chain.Weight](s, "weights")(s.Peer.Weights(s.ctx, s.Netuid, uid, at))
		if slices.Equal(shown, hidden) {
			continue
		}
		if len(shown) != len(weights) {
			s.Fatalf("committed to %v, the chain shows %v", weights, shown)
		}
		for i, w := range weights {
			if shown[i] != w {
				s.Errorf("committed to %v, the chain shows %v", w, shown[i])
			}
		}
		return
	}
	s.Errorf("the chain did not show the weights of block %d until block %d", in.Block.Number, last)
}

func specRateLimit(_ *testing.T, s *spec) {
	in := must[chain.Inclusion](s, "set weights")(s.setWeights(s.Validator, s.weights()))
	sub := s.subnet()
	_, err := s.Client.SetWeights(s.ctx, s.Validator, s.Netuid, s.weights(), sub.VersionKey)
	var early *chain.RateLimitError
	if !errors.As(err, &early) {
		if s.head().Number-in.Block.Number < sub.WeightsRateLimit {
			s.Fatalf("weights in two blocks running: error %v, want a rate limit", err)
		}
		s.Skip("the rate limit passed before the second write")
	}
	if want := in.Block.Number + sub.WeightsRateLimit; early.RetryAt != want {
		s.Errorf("retry at block %d, want %d", early.RetryAt, want)
	}
	head := s.head()
	if got := s.neuron(head, s.Validator).LastUpdate; got != in.Block.Number {
		s.Errorf("a refused write moved the last update from %d to %d", in.Block.Number, got)
	}
	must[chain.Block](s, "wait")(s.Client.WaitFinalized(s.ctx, early.RetryAt))
	if _, err := s.Client.SetWeights(s.ctx, s.Validator, s.Netuid, s.weights(), sub.VersionKey); err != nil {
		s.Errorf("at the block of the retry: %v", err)
	}
}
