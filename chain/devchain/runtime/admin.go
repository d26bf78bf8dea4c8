package runtime

import (
	"slices"

	"finest/chain"
)

// Administration: what tests and tools write without an extrinsic, as the pallets
// would store it.

// SetBalance makes free the balance of an account, in rao.
func (s *State) SetBalance(who chain.PublicKey, free uint64) {
	a := accountOf.get(s, who)
	totalIssuance.put(s, totalIssuance.get(s)-a.free+free)
	a.free = free
	a.providers = max(a.providers, 1)
	accountOf.put(s, a, who)
}

// Balance is the free balance of an account, in rao.
func (s *State) Balance(who chain.PublicKey) uint64 { return accountOf.get(s, who).free }

// SetStake makes stake what a hotkey has on a subnet, in rao.
func (s *State) SetStake(netuid uint16, hotkey chain.PublicKey, stake uint64) {
	before := totalHotkeyAlpha.get(s, hotkey, netuid)
	totalHotkeyAlpha.put(s, stake, hotkey, netuid)
	totalStake.put(s, totalStake.get(s)-before+stake)
}

// Stake is what a hotkey has on a subnet, in rao.
func (s *State) Stake(netuid uint16, hotkey chain.PublicKey) uint64 {
	return totalHotkeyAlpha.get(s, hotkey, netuid)
}

// SetPermit says whether a hotkey may set weights, until an epoch that elects. It
// does nothing for one that is not registered.
func (s *State) SetPermit(netuid uint16, hotkey chain.PublicKey, permit bool) {
	if uid, ok := uids.lookup(s, netuid, hotkey); ok {
		validatorPermit.put(s, set(validatorPermit.get(s, netuid), uid, permit), netuid)
	}
}

// own notes that a coldkey owns a hotkey. The first owner stays.
func (s *State) own(hotkey, coldkey chain.PublicKey) {
	if _, ok := owner.lookup(s, hotkey); ok {
		return
	}
	owner.put(s, coldkey, hotkey)
	for _, item := range []item[[]chain.PublicKey]{ownedHotkeys, stakingHotkeys} {
		if list := item.get(s, coldkey); !slices.Contains(list, hotkey) {
			item.put(s, append(list, hotkey), coldkey)
		}
	}
}
