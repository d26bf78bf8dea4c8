package runtime

import (
	"slices"

	"finest/chain"
)

// register gives hotkey a uid of the subnet: a new one, or where the subnet is
// full that of the neuron which leaves for it. Whether it may is for the caller.
func (x *exec) register(netuid uint16, hotkey, coldkey chain.PublicKey) (uid uint16, ok bool) {
	if uid, ok = x.s.Register(netuid, hotkey, coldkey); ok {
		x.deposit("SubtensorModule", "NeuronRegistered", netuid, uid, hotkey)
	}
	return uid, ok
}

// Register registers a hotkey in the block of the state, as a registration over
// the wire does, but for its price. False says that the subnet is full of neurons
// that stay.
func (s *State) Register(netuid uint16, hotkey, coldkey chain.PublicKey) (uid uint16, ok bool) {
	n := subnetworkN.get(s, netuid)
	if n < maxAllowedUIDs.get(s, netuid) {
		subnetworkN.put(s, n+1, netuid)
		s.seat(netuid, n, hotkey, coldkey)
		return n, true
	}
	if uid, ok = s.leaving(netuid); ok {
		s.Replace(netuid, uid, hotkey, coldkey)
	}
	return uid, ok
}

// Replace gives a uid to another hotkey, as a registration in a full subnet does.
func (s *State) Replace(netuid, uid uint16, hotkey, coldkey chain.PublicKey) {
	s.clear(netuid, uid)
	s.seat(netuid, uid, hotkey, coldkey)
}

// seat writes what a new neuron has.
func (s *State) seat(netuid, uid uint16, hotkey, coldkey chain.PublicKey) {
	block := uint64(blockNumber.get(s))
	s.own(hotkey, coldkey)
	keys.put(s, hotkey, netuid, uid)
	uids.put(s, uid, netuid, hotkey)
	isNetworkMember.put(s, true, hotkey, netuid)
	blockAtRegistration.put(s, block, netuid, uid)
	active.put(s, set(active.get(s, netuid), uid, true), netuid)
	for _, item := range []item[[]uint16]{consensus, dividends, validatorTrust} {
		item.put(s, set(item.get(s, netuid), uid, 0), netuid)
	}
	emission.put(s, set(emission.get(s, netuid), uid, 0), netuid)
	validatorPermit.put(s, set(validatorPermit.get(s, netuid), uid, false), netuid)
	for _, index := range s.mechanisms(netuid) {
		lastUpdate.put(s, set(lastUpdate.get(s, index), uid, block), index)
		incentive.put(s, set(incentive.get(s, index), uid, 0), index)
	}
}

// leaving is the uid that a full subnet gives away: of the neurons out of their
// immunity the one with the lowest emission, of equals the one registered first,
// then the lowest uid; where all are immune, of all. The owner's hotkey stays.
// Subtensor looks at more: it also keeps a least number of neurons that are not
// immune.
func (s *State) leaving(netuid uint16) (uint16, bool) {
	type candidate struct {
		immune          bool
		emission, since uint64
		uid             uint16
	}
	var all []candidate
	block, immunity := uint64(blockNumber.get(s)), uint64(immunityPeriod.get(s, netuid))
	boss, earned := subnetOwnerHotkey.get(s, netuid), emission.get(s, netuid)
	for uid := range subnetworkN.get(s, netuid) {
		if keys.get(s, netuid, uid) == boss {
			continue
		}
		since := blockAtRegistration.get(s, netuid, uid)
		all = append(all, candidate{block-since < immunity, nth(earned, uid), since, uid})
	}
	if len(all) == 0 {
		return 0, false
	}
	return slices.MinFunc(all, func(a, b candidate) int {
		switch {
		case a.immune != b.immune:
			return order(b.immune)
		case a.emission != b.emission:
			return order(a.emission < b.emission)
		case a.since != b.since:
			return order(a.since < b.since)
		}
		return order(a.uid < b.uid)
	}).uid, true
}

// order is -1 if a comes first.
func order(first bool) int {
	if first {
		return -1
	}
	return 1
}

// clear takes a uid from its neuron with all that is written under it. What is
// written under the hotkey, such as its commitment, stays.
func (s *State) clear(netuid, uid uint16) {
	hotkey := keys.get(s, netuid, uid)
	uids.drop(s, netuid, hotkey)
	isNetworkMember.drop(s, hotkey, netuid)
	axons.drop(s, netuid, hotkey)
	prometheus.drop(s, netuid, hotkey)
	for _, index := range s.mechanisms(netuid) {
		weightsOf.drop(s, index, uid)
	}
}

// mechanismStride is the distance of the storage indices of the mechanisms of a
// subnet (subtensor_runtime_common): mechanism·4096 + netuid.
const mechanismStride = 4096

// mechanisms are the storage indices of the mechanisms of a subnet.
func (s *State) mechanisms(netuid uint16) (out []uint16) {
	for m := range uint16(mechanismCount.get(s, netuid)) {
		out = append(out, m*mechanismStride+netuid)
	}
	return out
}

// rootNetwork is the number of the network that weighs the others.
const rootNetwork uint16 = 0
