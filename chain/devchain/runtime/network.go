package runtime

// registerNetwork makes a subnet with the caller as owner and hotkey as its first
// neuron, for a price that is burned. Subtensor lowers the price with time and
// raises it with each subnet; here it stays the least.
func registerNetwork(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	hotkey := c.hotkey()
	if boss, ok := owner.lookup(c.s, hotkey); ok && boss != c.signer {
		return subtensorError("NonAssociatedColdKey")
	}
	list := networks(c.s)
	if len(list) >= int(subnetLimit.get(c.s)) {
		return subtensorError("SubnetLimitReached")
	}
	netuid := uint16(1)
	for _, n := range list {
		if since := networkRegistered.get(c.s, n); since > 0 && c.block()-since < networkRateLimit.get(c.s) {
			return subtensorError("NetworkTxRateLimitExceeded")
		}
		if n == netuid {
			netuid++
		}
	}
	price := networkMinLock.get(c.s)
	if a := accountOf.get(c.s, c.signer); a.spendable() < price {
		return subtensorError("CannotAffordLockCost")
	}
	if err := c.burnFrom(c.signer, price); err != nil {
		return err
	}
	networkLastLock.put(c.s, price)
	c.newNetwork(netuid, hotkey, c.signer)
	minAllowedWeights.put(c.s, newMinWeights, netuid)
	c.register(netuid, hotkey, c.signer)
	c.deposit("SubtensorModule", "NetworkAdded", netuid, subnetMechanism.get(c.s, netuid))
	return nil
}

// newMinWeights is MinAllowedWeights of a new subnet; the default of the storage
// item is for none.
const newMinWeights = 1

// startCall lets the emission of a new subnet begin.
func startCall(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid := c.u16("netuid")
	if !networksAdded.get(c.s, netuid) {
		return subtensorError("SubnetNotExists")
	}
	if subnetOwner.get(c.s, netuid) != c.signer {
		return errBadOrigin
	}
	if _, begun := firstEmissionBlock.lookup(c.s, netuid); begun {
		return subtensorError("FirstEmissionBlockNumberAlreadySet")
	}
	c.startSubnet(netuid)
	return nil
}

func (x *exec) startSubnet(netuid uint16) {
	firstEmissionBlock.put(x.s, x.block()+1, netuid)
	subtokenEnabled.put(x.s, true, netuid)
	x.deposit("SubtensorModule", "FirstEmissionBlockNumberSet", netuid, x.block()+1)
}

// adminSet is a call of AdminUtils that sets one value of a subnet.
func adminSet[V any](to item[V], arg, event string, read func(*call, string) V) func(*call) error {
	return func(c *call) error {
		netuid := c.u16("netuid")
		if !c.root && subnetOwner.get(c.s, netuid) != c.signer {
			return errBadOrigin
		}
		if !networksAdded.get(c.s, netuid) {
			return &dispatchError{"AdminUtils", "SubnetDoesNotExist"}
		}
		v := read(c, arg)
		to.put(c.s, v, netuid)
		if event != "" {
			c.deposit("SubtensorModule", event, netuid, v)
		}
		return nil
	}
}

// adminGlobal is one that sets a value of the whole chain.
func adminGlobal[V any](to item[V], arg, event string, read func(*call, string) V) func(*call) error {
	return func(c *call) error {
		if err := c.needRoot(); err != nil {
			return err
		}
		v := read(c, arg)
		to.put(c.s, v)
		c.deposit("SubtensorModule", event, v)
		return nil
	}
}

// rootOnly refuses subnet owners.
func rootOnly(run func(*call) error) func(*call) error {
	return func(c *call) error {
		if err := c.needRoot(); err != nil {
			return err
		}
		return run(c)
	}
}

// maxRevealPeriod is the most epochs of a reveal period.
const maxRevealPeriod = 100

func setRevealPeriod(c *call) error {
	switch n := c.u64("interval"); {
	case n == 0:
		return subtensorError("RevealPeriodTooSmall")
	case n > maxRevealPeriod:
		return subtensorError("RevealPeriodTooLarge")
	}
	return adminSet(revealPeriod, "interval", "CommitRevealPeriodsSet", (*call).u64)(c)
}

func setMechanismCount(c *call) error {
	if n := c.u8("mechanism_count"); n == 0 || n > maxMechanismCount.get(c.s) {
		return subtensorError("InvalidValue")
	}
	if err := adminSet(mechanismCount, "mechanism_count", "", (*call).u8)(c); err != nil {
		return err
	}
	netuid := c.u16("netuid")
	n := subnetworkN.get(c.s, netuid)
	for _, index := range c.s.mechanisms(netuid) {
		if have := lastUpdate.get(c.s, index); len(have) < int(n) {
			lastUpdate.put(c.s, append(have, make([]uint64, int(n)-len(have))...), index)
			incentive.put(c.s, append(incentive.get(c.s, index), make([]uint16, int(n)-len(have))...), index)
		}
	}
	return nil
}
