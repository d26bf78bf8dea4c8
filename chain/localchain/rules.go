package localchain

import (
	"fmt"

	"finest/chain"
)

// Limits of commitments: Raw0..Raw128 fields, at most three, and MaxSpace bytes
// an epoch of which each commitment takes at least minSpace.
const (
	maxFields = 3
	maxField  = 128
	minSpace  = 100
	maxSpace  = 3100
)

// noWeightLimit is both the largest weight and the limit that limits nothing.
const noWeightLimit = 65535

func reject(format string, args ...any) error {
	return fmt.Errorf(format+": %w", append(args, chain.ErrRejected)...)
}

// check applies the rules of a Subtensor node to an extrinsic, in the node's
// order, and returns its effect on the state. It changes nothing itself.
func (s *state) check(x extrinsic) (effect func(), err error) {
	if x.Block == 0 || x.Block < s.last {
		return nil, reject("block %d after block %d", x.Block, s.last)
	}
	c := &x.Call
	hotkey := chain.PublicKey(c.Hotkey)
	if c.Genesis != s.genesis {
		return nil, reject("call for the chain with genesis %.16s…", c.Genesis)
	}
	if !c.administration() && c.Nonce != s.nonces[hotkey] {
		return nil, reject("nonce %d, the next one is %d", c.Nonce, s.nonces[hotkey])
	}
	if err := x.verify(); err != nil {
		return nil, err
	}
	sub, ok := s.subnets[c.Netuid]
	if !ok {
		return nil, reject("SubnetNotExists: subnet %d", c.Netuid)
	}
	n := sub.registered(hotkey, x.Block)
	switch c.Name {
	case callSetCommitment:
		return sub.checkCommitment(n, x.Block, c)
	case callSetWeights:
		return sub.checkWeights(n, x.Block, c)
	case callRegister:
		return sub.checkRegister(n, x.Block, c)
	case callSetStanding:
		if n == nil {
			return nil, chain.ErrNotRegistered
		}
		return func() { n.standing.set(x.Block, standing{c.Stake, c.Permit}) }, nil
	}
	return nil, reject("unknown call %.40q", c.Name)
}

func (s *subnet) checkRegister(n *neuron, block uint64, c *call) (func(), error) {
	if n != nil {
		return nil, reject("HotKeyAlreadyRegisteredInSubNet: uid %d", n.uid)
	}
	if len(s.neurons) >= MaxNeurons {
		return nil, reject("subnet %d has no room for more than %d neurons", s.settings.Netuid, MaxNeurons)
	}
	if c.Coldkey == nil {
		return nil, reject("registration without coldkey")
	}
	return func() {
		s.register(block, chain.PublicKey(c.Hotkey), chain.PublicKey(*c.Coldkey), standing{c.Stake, c.Permit})
	}, nil
}

// checkCommitment follows Commitments.set_commitment: registration, number of
// fields, space of the epoch. That a field is no longer than 128 bytes is a
// matter of its type there.
func (s *subnet) checkCommitment(n *neuron, block uint64, c *call) (func(), error) {
	if n == nil {
		return nil, chain.ErrNotRegistered
	}
	fields, err := c.fields()
	if err != nil {
		return nil, err
	}
	if len(fields) == 0 || len(fields) > maxFields {
		return nil, reject("TooManyFieldsInCommitmentInfo: %d fields, one to %d are allowed", len(fields), maxFields)
	}
	var size uint64
	for i, f := range fields {
		if len(f) > maxField {
			return nil, reject("field %d has %d bytes, more than %d", i, len(f), maxField)
		}
		size += uint64(len(f))
	}
	epoch, used := block/s.settings.Tempo, uint64(0)
	if epoch == n.epoch {
		used = n.used
	}
	used += max(minSpace, size)
	if used > maxSpace {
		return nil, fmt.Errorf("SpaceLimitExceeded: %d bytes in epoch %d, %d are allowed: %w", used, epoch, maxSpace, chain.ErrSpaceLimit)
	}
	return func() { s.commit(n, block, fields, epoch, used) }, nil
}

// checkWeights follows SubtensorModule.set_weights without commit-reveal.
func (s *subnet) checkWeights(n *neuron, block uint64, c *call) (func(), error) {
	neurons := s.neuronsAt(block)
	if len(c.Weights) > len(neurons) {
		return nil, reject("UidsLengthExceedUidsInSubNet: %d weights for %d neurons", len(c.Weights), len(neurons))
	}
	if n == nil {
		return nil, chain.ErrNotRegistered
	}
	if c.VersionKey < s.settings.VersionKey {
		return nil, reject("IncorrectWeightVersionKey: %d, at least %d is wanted", c.VersionKey, s.settings.VersionKey)
	}
	last, set := n.weights.last()
	if set && block-last.block < s.settings.WeightsRateLimit {
		return nil, &chain.RateLimitError{RetryAt: last.block + s.settings.WeightsRateLimit}
	}
	self := len(c.Weights) == 1 && c.Weights[0][0] == n.uid
	permit, _ := n.standing.last()
	if !permit.value.permit && !self && n.hotkey != s.settings.Owner {
		return nil, chain.ErrNoPermit
	}
	seen := make(map[uint16]bool, len(c.Weights))
	for _, w := range c.Weights {
		if seen[w[0]] {
			return nil, reject("DuplicateUids: uid %d", w[0])
		}
		seen[w[0]] = true
	}
	for _, w := range c.Weights {
		if int(w[0]) >= len(neurons) {
			return nil, reject("UidVecContainInvalidOne: uid %d of %d", w[0], len(neurons))
		}
	}
	if least := min(int(s.settings.MinWeights), len(neurons)); len(c.Weights) < least && !self {
		return nil, reject("WeightVecLengthIsLow: %d weights, at least %d are wanted", len(c.Weights), least)
	}
	weights := upscale(c.Weights)
	for _, w := range weights {
		if w.Value > s.settings.MaxWeight && !self {
			return nil, reject("MaxWeightExceeded: %d, at most %d is allowed", w.Value, s.settings.MaxWeight)
		}
	}
	return func() { n.weights.set(block, weights) }, nil
}

// upscale scales weights so that the largest is 65535, rounding to the nearest.
func upscale(in [][2]uint16) []chain.Weight {
	var most uint64
	for _, w := range in {
		most = max(most, uint64(w[1]))
	}
	out := make([]chain.Weight, len(in))
	for i, w := range in {
		out[i] = chain.Weight{UID: w[0], Value: w[1]}
		if most > 0 {
			out[i].Value = uint16((uint64(w[1])*noWeightLimit + most/2) / most)
		}
	}
	return out
}
