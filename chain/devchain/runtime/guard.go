package runtime

import (
	"errors"
	"strings"

	"finest/chain"
	"finest/chain/metadata"
)

// Numbers of the refusals of guards (Subtensor's
// CustomTransactionError).
const (
	refuseStake         = 1
	refuseRateLimit     = 6
	refuseNotRegistered = 10
	refuseIP            = 11
	refuseServingLimit  = 12
	refusePort          = 13
	refuseRevealRound   = 15
	refuseNoCommit      = 16
	refuseRevealRange   = 17
	refuseLengths       = 18
)

// guard refuses calls that would fail for certain before they enter the pool or a
// block, as SubtensorTransactionExtension does.
func (x *exec) guard(who chain.PublicKey, c metadata.Call) error {
	if c.Pallet != "SubtensorModule" || x.cfg.NoGuards {
		return nil
	}
	inner := *x
	inner.s = x.s.Copy() // what a guard tries leaves no trace
	g := &call{&inner, false, who, c.Args}
	switch {
	case strings.HasPrefix(c.Name, "serve_"):
		return g.guardServing()
	case strings.Contains(c.Name, "weights"):
		return g.guardWeights(c.Name)
	}
	return nil
}

func (c *call) guardServing() error {
	refused := map[string]uint8{
		"HotKeyNotRegisteredInNetwork": refuseNotRegistered, "InvalidIpType": refuseIP, "InvalidIpAddress": refuseIP,
		"InvalidPort": refusePort, "ServingRateLimitExceeded": refuseServingLimit,
	}
	run := serveAxon
	if c.arg("protocol") == nil {
		run = servePrometheus
	}
	var e *dispatchError
	if errors.As(run(c), &e) {
		return custom(refused[e.name])
	}
	return nil
}

// guardWeights looks, in this order, at the lengths of a batch, the stake, what is
// revealed or the round of a timelocked commit, and the rate limit.
func (c *call) guardWeights(name string) error {
	if strings.HasPrefix(name, "batch_") {
		return c.guardBatch(name)
	}
	w := c.target()
	if !c.enoughStake(w.netuid, c.signer) {
		return custom(refuseStake)
	}
	switch name {
	case "reveal_weights", "reveal_mechanism_weights":
		w.uids, w.values, w.versionKey = c.u16s("uids"), c.u16s("values"), c.u64("version_key")
		return c.guardReveal(w, c.u16s("salt"))
	case "commit_timelocked_weights", "commit_timelocked_mechanism_weights", "commit_crv3_mechanism_weights":
		if c.u64("reveal_round") < lastStoredRound.get(c.s) {
			return custom(refuseRevealRound)
		}
	case "set_weights", "set_mechanism_weights":
		if !commitRevealEnabled.get(c.s, w.netuid) {
			return c.guardRate(w)
		}
	case "commit_weights", "commit_mechanism_weights":
		return c.guardRate(w)
	}
	return nil
}

func (c *call) guardRate(w setting) error {
	if uid, ok := uids.lookup(c.s, w.netuid, c.signer); ok && !c.passedRateLimit(w.netuid, w.index(), uid) {
		return custom(refuseRateLimit)
	}
	return nil
}

func (c *call) guardReveal(w setting, salt []uint16) error {
	queue, _ := weightCommits.lookup(c.s, w.index(), c.signer)
	hash := CommitHash(c.signer, w.index(), w.uids, w.values, salt, w.versionKey)
	for _, commit := range queue {
		if commit.hash != hash {
			continue
		}
		if c.epoch(w.netuid) != commit.epoch+revealPeriod.get(c.s, w.netuid) {
			return custom(refuseRevealRange)
		}
		return nil
	}
	return custom(refuseNoCommit)
}

func (c *call) guardBatch(name string) error {
	lengths := map[string][]string{
		"batch_set_weights":    {"netuids", "weights", "version_keys"},
		"batch_commit_weights": {"netuids", "commit_hashes"},
		"batch_reveal_weights": {"uids_list", "values_list", "salts_list", "version_keys"},
	}[name]
	first, _ := c.arg(lengths[0]).([]any)
	for _, other := range lengths[1:] {
		if items, _ := c.arg(other).([]any); len(items) != len(first) {
			return custom(refuseLengths)
		}
	}
	if name == "batch_reveal_weights" {
		if !c.enoughStake(c.u16("netuid"), c.signer) {
			return custom(refuseStake)
		}
		for i := range first {
			w := setting{netuid: c.u16("netuid"), uids: c.lists("uids_list")[i], values: c.lists("values_list")[i], versionKey: c.u64s("version_keys")[i]}
			if err := c.guardReveal(w, c.lists("salts_list")[i]); err != nil {
				return err
			}
		}
		return nil
	}
	for _, netuid := range c.u16s("netuids") {
		if !c.enoughStake(netuid, c.signer) {
			return custom(refuseStake)
		}
	}
	return nil
}
