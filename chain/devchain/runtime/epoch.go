package runtime

import (
	"slices"
)

// maxWithoutStep is after how many blocks without one an epoch runs in any case.
const maxWithoutStep = 50_400

// due says whether an epoch of a subnet is to run in this block.
func (x *exec) due(netuid uint16) bool {
	length := uint64(tempo.get(x.s, netuid))
	if length == 0 {
		return false
	}
	if at := pendingEpochAt.get(x.s, netuid); at > 0 && x.block() >= at {
		return true
	}
	return x.block()-lastEpochBlock.get(x.s, netuid) >= length || blocksSinceLastStep.get(x.s, netuid) > maxWithoutStep
}

// epoch is the number of the epoch that this block belongs to. One that is due
// counts.
func (x *exec) epoch(netuid uint16) uint64 {
	n := subnetEpochIndex.get(x.s, netuid)
	if x.due(netuid) {
		n++
	}
	return n
}

// stepSubnets does for each subnet what every block does.
func (x *exec) stepSubnets() {
	left := maxEpochsPerBlock.get(x.s)
	for _, netuid := range networks(x.s) {
		registrationsNow.drop(x.s, netuid)
		for _, index := range x.s.mechanisms(netuid) {
			x.revealTimelocked(netuid, index)
		}
		blocksSinceLastStep.put(x.s, blocksSinceLastStep.get(x.s, netuid)+1, netuid)
		switch {
		case !x.due(netuid):
		case left == 0:
			x.deposit("SubtensorModule", "EpochDeferred", netuid, x.block(), x.block()+1)
		default:
			left--
			x.runEpoch(netuid)
		}
	}
}

// runEpoch counts the epoch and shares out its reward. It stands in for Yuma
// consensus, which the roles do not look at: a neuron's incentive is the mean of
// its weights from permitted validators, weighted by their stake; dividends follow
// the stake of those who set weights.
func (x *exec) runEpoch(netuid uint16) {
	s := x.s
	subnetEpochIndex.put(s, subnetEpochIndex.get(s, netuid)+1, netuid)
	lastEpochBlock.put(s, x.block(), netuid)
	pendingEpochAt.drop(s, netuid)
	blocksSinceLastStep.put(s, 0, netuid)
	lastStepBlock.put(s, x.block(), netuid)
	n := subnetworkN.get(s, netuid)
	stake := make([]uint64, n)
	alive := make([]bool, n)
	for uid := range n {
		stake[uid] = totalHotkeyAlpha.get(s, keys.get(s, netuid, uid), netuid)
		alive[uid] = x.block()-nth(lastUpdate.get(s, netuid), uid) < uint64(activityCutoff.get(s, netuid))
	}
	var pay, share []float64
	for _, index := range x.s.mechanisms(netuid) {
		in, div := x.rewards(netuid, index, stake, alive)
		incentive.put(s, proportions(in), index)
		pay, share = sum(pay, in), sum(share, div)
	}
	mined, validated := proportions(pay), proportions(share)
	consensus.put(s, mined, netuid)
	dividends.put(s, validated, netuid)
	validatorTrust.put(s, make([]uint16, n), netuid)
	emission.put(s, emissions(mined, validated, uint64(tempo.get(s, netuid))), netuid)
	active.put(s, alive, netuid)
	if elect, fixed := x.elect[netuid]; elect || !fixed {
		validatorPermit.put(s, elected(stake, stakeThreshold.get(s), maxValidators.get(s, netuid)), netuid)
	}
}

// rewards are the shares of neurons as miners and as validators for one mechanism.
func (x *exec) rewards(netuid, index uint16, stake []uint64, alive []bool) (in, div []float64) {
	n := uint16(len(stake))
	in, div = make([]float64, n), make([]float64, n)
	permits := validatorPermit.get(x.s, netuid)
	for uid := range n {
		row := weightsOf.get(x.s, index, uid)
		var total float64
		for _, w := range row {
			total += float64(w.Value)
		}
		if !nth(permits, uid) || !alive[uid] || total == 0 {
			continue
		}
		div[uid] = float64(stake[uid])
		for _, w := range row {
			if w.UID < n {
				in[w.UID] += float64(stake[uid]) * float64(w.Value) / total
			}
		}
	}
	return in, div
}

func sum(a, b []float64) []float64 {
	out := slices.Clone(b)
	for i := range a {
		out[i] += a[i]
	}
	return out
}

// proportions scales shares to integers with the sum 65535, rounded down.
func proportions(shares []float64) []uint16 {
	var total float64
	for _, v := range shares {
		total += v
	}
	out := make([]uint16, len(shares))
	for i, v := range shares {
		if total > 0 {
			out[i] = uint16(v / total * noWeightLimit)
		}
	}
	return out
}

// blockReward is what a subnet pays out for a block, in rao; miners and
// validators get 41 % each (subnet owners the rest, as on Subtensor).
const (
	blockReward = 1_000_000_000
	sideShare   = 41
)

func emissions(mined, validated []uint16, blocks uint64) []uint64 {
	out := make([]uint64, len(mined))
	side := blockReward / 100 * sideShare * blocks / noWeightLimit
	for i := range out {
		out[i] = (uint64(mined[i]) + uint64(validated[i])) * side
	}
	return out
}

// elected gives permits to the neurons with most stake, of equals to the lower uid.
// Those below the threshold or without stake get none.
func elected(stake []uint64, threshold uint64, most uint16) []bool {
	order := make([]int, 0, len(stake))
	for uid, v := range stake {
		if v > 0 && v >= threshold {
			order = append(order, uid)
		}
	}
	slices.SortStableFunc(order, func(a, b int) int {
		switch {
		case stake[a] > stake[b]:
			return -1
		case stake[a] < stake[b]:
			return 1
		}
		return 0
	})
	out := make([]bool, len(stake))
	for _, uid := range order[:min(len(order), int(most))] {
		out[uid] = true
	}
	return out
}
