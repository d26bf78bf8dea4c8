package runtime

// minSpace is what a commitment counts at least, in bytes.
const minSpace = 100

// setCommitment is Commitments.set_commitment: registration, number of fields,
// space of the epoch. A commitment replaces the one before.
func setCommitment(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	netuid, who := c.u16("netuid"), c.signer
	if !isNetworkMember.get(c.s, who, netuid) {
		return commitmentError("AccountNotAllowedCommit")
	}
	fields := commitmentFields(c.args)
	if len(fields) > maxFields {
		return commitmentError("TooManyFieldsInCommitmentInfo")
	}
	space := uint64(0)
	var locked *field
	for i, f := range fields {
		space += uint64(len(f.body))
		switch f.tag {
		case tagTimelocked:
			locked = &fields[i]
		case tagResetBonds:
			lastBondsReset.put(c.s, uint32(c.block()), netuid, who)
		}
	}
	used := usage{epoch: subnetEpochIndex.get(c.s, netuid)}
	if u, ok := usedSpaceOf.lookup(c.s, netuid, who); ok && u.epoch == used.epoch {
		used = u
	}
	used.space += max(minSpace, space)
	if used.space > uint64(maxSpace.get(c.s)) {
		return commitmentError("SpaceLimitExceeded")
	}
	usedSpaceOf.put(c.s, used, netuid, who)
	commitmentOf.put(c.s, registration{block: uint32(c.block()), fields: fields}, netuid, who)
	lastCommitment.put(c.s, uint32(c.block()), netuid, who)
	c.indexTimelocked(timelocked{netuid, who}, locked != nil)
	if locked != nil {
		c.deposit("Commitments", "TimelockCommitment", netuid, who, locked.round)
	} else {
		c.deposit("Commitments", "Commitment", netuid, who)
	}
	return nil
}

func setMaxSpace(c *call) error {
	if err := c.needRoot(); err != nil {
		return err
	}
	maxSpace.put(c.s, c.u32("new_limit"))
	return nil
}
