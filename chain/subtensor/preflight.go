package subtensor

import (
	"fmt"
	"math"

	"finest/chain"
)

// Facts are what the chain checks weights against, as they stand before the
// block the weights would be set in.
type Facts struct {
	Subnet chain.Subnet
	// Neurons is the number of uids of the subnet, Mechanisms that of its
	// mechanisms.
	Neurons    uint16
	Mechanisms uint8
	// Caller sets the weights; nil where the hotkey is not registered. Its
	// LastUpdate is that of the mechanism.
	Caller *chain.Neuron
	// Block is the number of the block the weights would be set in: at the
	// earliest the one after the head.
	Block uint64
}

const (
	// rootNetuid is the root network, which takes no weights.
	rootNetuid = 0
	// noWeightLimit as MaxWeightsLimit limits nothing.
	noWeightLimit = math.MaxUint16
)

// Preflight tells why the chain would refuse weights, in the order of its own
// checks (do_set_mechanism_weights, internal_set_weights and
// do_commit_timelocked_mechanism_weights of subtensor, spec 425): nil if it would
// take them. Refusals are *RefusedError under the chain's names; one for the rate
// limit holds a *chain.RateLimitError. Where commit-reveal is on, the checks that
// the chain makes at the reveal count too: weights that fail them then are lost
// without an error.
func Preflight(f Facts, mechanism uint8, weights []chain.Weight, versionKey uint64) []error {
	p := preflight{Facts: f, weights: weights}
	p.subnet(mechanism)
	if c := f.Caller; c == nil {
		p.refuse("HotKeyNotRegisteredInSubNet", chain.ErrNotRegistered, "on subnet %d", f.Subnet.Netuid)
	} else {
		p.standing(c, versionKey)
	}
	p.uids()
	p.values()
	return p.refusals
}

type preflight struct {
	Facts
	weights  []chain.Weight
	refusals []error
}

func (p *preflight) refuse(name string, err error, format string, args ...any) {
	p.refusals = append(p.refusals, &RefusedError{Name: subtensorPallet + "." + name, Detail: fmt.Sprintf(format, args...), Err: err})
}

func (p *preflight) subnet(mechanism uint8) {
	if p.Subnet.Netuid == rootNetuid {
		p.refuse("CanNotSetRootNetworkWeights", chain.ErrRejected, "subnet %d", rootNetuid)
	}
	if mechanism >= p.Mechanisms {
		p.refuse("MechanismDoesNotExist", chain.ErrRejected, "mechanism %d of %d", mechanism, p.Mechanisms)
	}
	if len(p.weights) > int(p.Neurons) {
		p.refuse("UidsLengthExceedUidsInSubNet", chain.ErrRejected, "%d weights for %d uids", len(p.weights), p.Neurons)
	}
}

// standing checks what the caller is and did.
func (p *preflight) standing(c *chain.Neuron, versionKey uint64) {
	owner := c.Hotkey == p.Subnet.Owner
	if c.Stake < p.Subnet.StakeThreshold && !owner {
		p.refuse("NotEnoughStakeToSetWeights", chain.ErrLowStake, "%d rao of at least %d", c.Stake, p.Subnet.StakeThreshold)
	}
	if versionKey < p.Subnet.VersionKey {
		p.refuse("IncorrectWeightVersionKey", chain.ErrVersionKey, "%d, the subnet wants at least %d", versionKey, p.Subnet.VersionKey)
	}
	if retry := retryAt(c.LastUpdate, p.Subnet.WeightsRateLimit); p.Block < retry {
		name := "SettingWeightsTooFast"
		if p.Subnet.CommitReveal {
			name = "CommittingWeightsTooFast"
		}
		p.refuse(name, &chain.RateLimitError{RetryAt: retry}, "last set in block %d, the limit is %d blocks", c.LastUpdate, p.Subnet.WeightsRateLimit)
	}
	if !c.Permit && !owner && !p.self() {
		p.refuse("NeuronNoValidatorPermit", chain.ErrNoPermit, "uid %d", c.UID)
	}
}

// retryAt is the first block that accepts weights after those of block last; 0
// where none were set.
func retryAt(last, limit uint64) uint64 {
	if last == 0 {
		return 0
	}
	return last + limit
}

// self says whether the weights are one for the caller itself, which several
// rules leave alone.
func (p *preflight) self() bool {
	return p.Caller != nil && len(p.weights) == 1 && p.weights[0].UID == p.Caller.UID
}

func (p *preflight) uids() {
	seen := make(map[uint16]bool, len(p.weights))
	for _, w := range p.weights {
		if seen[w.UID] {
			p.refuse("DuplicateUids", chain.ErrRejected, "uid %d", w.UID)
			break
		}
		seen[w.UID] = true
	}
	for _, w := range p.weights {
		if w.UID >= p.Neurons {
			p.refuse("UidVecContainInvalidOne", chain.ErrRejected, "uid %d of %d", w.UID, p.Neurons)
			break
		}
	}
}

func (p *preflight) values() {
	if p.self() {
		return
	}
	if least := min(p.Subnet.MinWeights, p.Neurons); len(p.weights) < int(least) {
		p.refuse("WeightVecLengthIsLow", chain.ErrRejected, "%d weights of at least %d", len(p.weights), least)
	}
	if uid, share, limit := p.largestShare(); share > limit {
		p.refuse("MaxWeightExceeded", chain.ErrRejected, "uid %d has %.4f of the sum, at most %.4f is allowed",
			uid, float64(share)/fixedOne, float64(limit)/fixedOne)
	}
}

// fixedOne is 1 in the chain's fixed-point numbers (I32F32).
const fixedOne = 1 << 32

// largestShare is the largest weight's share of the sum, and the limit, as the
// chain compares them (check_vec_max_limited) after it scaled the weights so that
// the largest is 65535.
func (p *preflight) largestShare() (uid uint16, share, limit uint64) {
	if p.Subnet.MaxWeight == noWeightLimit {
		return 0, 0, fixedOne
	}
	var largest, sum uint64
	for _, w := range upscale(p.weights) {
		if sum += uint64(w.Value); uint64(w.Value) > largest {
			uid, largest = w.UID, uint64(w.Value)
		}
	}
	if sum > 0 {
		share = largest * fixedOne / sum
	}
	return uid, share, uint64(p.Subnet.MaxWeight) * fixedOne / math.MaxUint16
}
