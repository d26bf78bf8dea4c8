package runtime

import "finest/chain"

// serveAxon is serve_axon and serve_axon_tls. The chain keeps the certificate of
// the latter for other neurons; here it is not kept, since nothing reads it.
func serveAxon(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid := c.u16("netuid")
	a := axon{
		block: c.block(), version: c.u32("version"), ip: c.u128("ip"), port: c.u16("port"), ipType: c.u8("ip_type"),
		protocol: c.u8("protocol"), placeholder1: c.u8("placeholder1"), placeholder2: c.u8("placeholder2"),
	}
	before, served := axons.lookup(c.s, netuid, c.signer)
	if err := c.checkServing(netuid, c.signer, a.ip, a.ipType, a.port, before.block, served); err != nil {
		return err
	}
	axons.put(c.s, a, netuid, c.signer)
	c.deposit("SubtensorModule", "AxonServed", netuid, c.signer)
	return nil
}

func servePrometheus(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid := c.u16("netuid")
	p := prometheusInfo{
		block: c.block(), version: c.u32("version"), ip: c.u128("ip"), port: c.u16("port"), ipType: c.u8("ip_type"),
	}
	before, served := prometheus.lookup(c.s, netuid, c.signer)
	if err := c.checkServing(netuid, c.signer, p.ip, p.ipType, p.port, before.block, served); err != nil {
		return err
	}
	prometheus.put(c.s, p, netuid, c.signer)
	c.deposit("SubtensorModule", "PrometheusServed", netuid, c.signer)
	return nil
}

// checkServing are the checks of what a neuron says of its server.
func (x *exec) checkServing(netuid uint16, who chain.PublicKey, ip [16]byte, ipType uint8, port uint16, before uint64, served bool) error {
	switch {
	case !x.registeredAnywhere(who):
		return subtensorError("HotKeyNotRegisteredInNetwork")
	case ipType != 4 && ipType != 6:
		return subtensorError("InvalidIpType")
	case !validIP(ip, ipType):
		return subtensorError("InvalidIpAddress")
	case port == 0:
		return subtensorError("InvalidPort")
	case served && x.block()-before < servingRateLimit.get(x.s, netuid):
		return subtensorError("ServingRateLimitExceeded")
	}
	return nil
}

func (x *exec) registeredAnywhere(who chain.PublicKey) bool {
	found := false
	isNetworkMember.each(x.s, func(_ []byte, member bool) { found = found || member }, who)
	return found
}

// validIP refuses the address zero and, for version 4, one of more than 32 bits or
// the broadcast address. Loopback is taken: a devchain serves there.
func validIP(ip [16]byte, ipType uint8) bool {
	zero := ip == [16]byte{}
	if ipType == 6 {
		return !zero
	}
	return !zero && [12]byte(ip[4:]) == [12]byte{} && [4]byte(ip[:4]) != [4]byte{255, 255, 255, 255}
}

// burnedRegister registers a hotkey for a price that is burned. register_limit
// states the most that the caller pays.
func burnedRegister(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid, hotkey := c.u16("netuid"), c.hotkey()
	price := burn.get(c.s, netuid)
	if err := c.mayRegister(netuid, hotkey); err != nil {
		return err
	}
	if c.arg("limit_price") != nil && price > c.u64("limit_price") {
		return subtensorError("RegistrationPriceLimitExceeded")
	}
	if boss, ok := owner.lookup(c.s, hotkey); ok && boss != c.signer {
		return subtensorError("NonAssociatedColdKey")
	}
	if err := c.burnFrom(c.signer, price); err != nil {
		return err
	}
	if _, ok := c.register(netuid, hotkey, c.signer); !ok {
		return subtensorError("NoNeuronIdAvailable")
	}
	registrationsNow.put(c.s, registrationsNow.get(c.s, netuid)+1, netuid)
	burnedSoFar.put(c.s, burnedSoFar.get(c.s, netuid)+price, netuid)
	return nil
}

func (x *exec) mayRegister(netuid uint16, hotkey chain.PublicKey) error {
	switch {
	case netuid == rootNetwork:
		return subtensorError("RegistrationNotPermittedOnRootSubnet")
	case !networksAdded.get(x.s, netuid):
		return subtensorError("SubnetNotExists")
	case !registrationAllowed.get(x.s, netuid):
		return subtensorError("SubNetRegistrationDisabled")
	case registrationsNow.get(x.s, netuid) >= maxRegistrations.get(x.s, netuid):
		return subtensorError("TooManyRegistrationsThisBlock")
	case isNetworkMember.get(x.s, hotkey, netuid):
		return subtensorError("HotKeyAlreadyRegisteredInSubNet")
	}
	return nil
}

// burnFrom takes amount from an account, which must stay alive.
func (x *exec) burnFrom(who chain.PublicKey, amount uint64) error {
	a := accountOf.get(x.s, who)
	if a.spendable() < amount || a.free-amount < ExistentialDeposit {
		return subtensorError("NotEnoughBalanceToStake")
	}
	x.withdraw(who, amount)
	return nil
}

// addStake stakes at a price of one to one. Subtensor trades the token of the
// subnet; here there is no pool.
func addStake(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid, hotkey, amount := c.u16("netuid"), c.hotkey(), c.u64("amount_staked")
	if err := c.mayStake(netuid, hotkey, amount); err != nil {
		return err
	}
	if err := c.burnFrom(c.signer, amount); err != nil {
		return err
	}
	c.s.SetStake(netuid, hotkey, totalHotkeyAlpha.get(c.s, hotkey, netuid)+amount)
	c.deposit("SubtensorModule", "StakeAdded", c.signer, hotkey, amount, amount, netuid, 0)
	return nil
}

// removeStake gives stake back to the coldkey that owns the hotkey; the shares of
// other coldkeys are not kept apart.
func removeStake(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid, hotkey, amount := c.u16("netuid"), c.hotkey(), c.u64("amount_unstaked")
	if err := c.mayStake(netuid, hotkey, amount); err != nil {
		return err
	}
	stake := totalHotkeyAlpha.get(c.s, hotkey, netuid)
	if owner.get(c.s, hotkey) != c.signer || stake < amount {
		return subtensorError("NotEnoughStakeToWithdraw")
	}
	c.s.SetStake(netuid, hotkey, stake-amount)
	totalIssuance.put(c.s, totalIssuance.get(c.s)+amount)
	c.credit(c.signer, amount)
	c.deposit("SubtensorModule", "StakeRemoved", c.signer, hotkey, amount, amount, netuid, 0)
	return nil
}

func (x *exec) mayStake(netuid uint16, hotkey chain.PublicKey, amount uint64) error {
	if !networksAdded.get(x.s, netuid) {
		return subtensorError("SubnetNotExists")
	}
	if !subtokenEnabled.get(x.s, netuid) {
		return subtensorError("SubtokenDisabled")
	}
	if _, ok := owner.lookup(x.s, hotkey); !ok {
		return subtensorError("HotKeyAccountNotExists")
	}
	if amount == 0 {
		return subtensorError("AmountTooLow")
	}
	return nil
}
