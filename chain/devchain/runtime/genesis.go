package runtime

import (
	"time"

	"finest/chain"
)

// Genesis returns the state after block 0. cfg must be valid.
func Genesis(cfg Config) *State {
	s := NewState()
	s.SetCode(V1)
	x := &exec{New(V1, cfg), s, initializing}
	lastUpgrade.put(s, upgrade{uint64(V1.Spec()), SpecName})
	timestampNow.put(s, uint64(cfg.Start.UnixMilli()))
	x.writeBeacon()
	stakeThreshold.put(s, cfg.StakeThreshold)
	boss := orDefault(cfg.Sudo, Alice)
	sudoKey.put(s, boss)
	s.SetBalance(boss, genesisBalance)
	for _, b := range cfg.Balances {
		s.SetBalance(b.Account, b.Free)
	}
	networksAdded.put(s, true, rootNetwork) // the root network, which has no neurons here
	for _, n := range cfg.Subnets {
		x.addSubnet(n)
	}
	s.Delete(eventsItem.key()) // block 0 has no events
	eventCount.drop(s)
	return s
}

func (x *exec) writeBeacon() {
	info := beaconConfig.get(x.s)
	info.publicKey = x.beacon.PublicKey[:]
	info.period, info.genesis = uint32(x.beacon.Period/time.Second), uint32(x.beacon.Genesis.Unix())
	beaconConfig.put(x.s, info)
}

func (x *exec) addSubnet(n Subnet) {
	s, id := x.s, n.Netuid
	coldkey := orDefault(n.OwnerColdkey, n.Owner)
	x.newNetwork(id, n.Owner, coldkey)
	x.startSubnet(id)
	tempo.put(s, n.Tempo, id)
	weightsRateLimit.put(s, n.WeightsRateLimit, id)
	minAllowedWeights.put(s, n.MinWeights, id)
	maxWeightsLimit.put(s, orDefault(n.MaxWeight, noWeightLimit), id)
	weightsVersionKey.put(s, n.VersionKey, id)
	commitRevealEnabled.put(s, n.CommitReveal, id)
	revealPeriod.put(s, orDefault(n.RevealPeriod, 1), id)
	mechanismCount.put(s, orDefault(n.Mechanisms, 1), id)
	maxAllowedUIDs.put(s, orDefault(n.MaxUIDs, defaultMaxUIDs), id)
	if n.MaxValidators > 0 {
		maxValidators.put(s, n.MaxValidators, id)
	}
	if n.ImmunityPeriod > 0 {
		immunityPeriod.put(s, n.ImmunityPeriod, id)
	}
	for _, neuron := range n.Neurons {
		x.register(id, neuron.Hotkey, orDefault(neuron.Coldkey, neuron.Hotkey))
		s.SetStake(id, neuron.Hotkey, neuron.Stake)
		s.SetPermit(id, neuron.Hotkey, neuron.Permit)
	}
}

// newNetwork writes what every subnet has.
func (x *exec) newNetwork(netuid uint16, hotkey, coldkey chain.PublicKey) {
	s := x.s
	networksAdded.put(s, true, netuid)
	networkRegistered.put(s, x.block(), netuid)
	lastEpochBlock.put(s, x.block(), netuid)
	subnetOwner.put(s, coldkey, netuid)
	subnetOwnerHotkey.put(s, hotkey, netuid)
	subnetMechanism.put(s, 1, netuid) // dynamic, as all subnets since 2025
	subnetworkN.put(s, 0, netuid)
	totalNetworks.put(s, totalNetworks.get(s)+1)
	s.own(hotkey, coldkey)
}
