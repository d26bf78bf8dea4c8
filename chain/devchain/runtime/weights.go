package runtime

import (
	"slices"

	"finest/chain"
)

// setting is what a validator wants its weights to be.
type setting struct {
	netuid       uint16
	mechanism    uint8
	uids, values []uint16
	versionKey   uint64
}

// index is the storage index of the mechanism.
func (w setting) index() uint16 { return uint16(w.mechanism)*mechanismStride + w.netuid }

// setWeights is set_weights and set_mechanism_weights.
func setWeights(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	w := c.target()
	w.uids, w.values, w.versionKey = c.u16s("dests"), c.u16s("weights"), c.u64("version_key")
	return c.setPlain(c.signer, w)
}

func (x *exec) setPlain(who chain.PublicKey, w setting) error {
	if commitRevealEnabled.get(x.s, w.netuid) {
		return subtensorError("CommitRevealEnabled")
	}
	return x.writeWeights(who, w)
}

// writeWeights checks weights and stores them, in the order of the chain
// (Subtensor's internal_set_weights). Plain ones and revealed ones come here.
func (x *exec) writeWeights(who chain.PublicKey, w setting) error {
	s := x.s
	if w.netuid == rootNetwork {
		return subtensorError("CanNotSetRootNetworkWeights")
	}
	if len(w.uids) != len(w.values) {
		return subtensorError("WeightVecNotEqualSize")
	}
	if err := x.mechanismExists(w.netuid, w.mechanism); err != nil {
		return err
	}
	n := subnetworkN.get(s, w.netuid)
	if len(w.uids) > int(n) {
		return subtensorError("UidsLengthExceedUidsInSubNet")
	}
	uid, ok := uids.lookup(s, w.netuid, who)
	if !ok {
		return subtensorError("HotKeyNotRegisteredInSubNet")
	}
	if !x.enoughStake(w.netuid, who) {
		return subtensorError("NotEnoughStakeToSetWeights")
	}
	if w.versionKey < weightsVersionKey.get(s, w.netuid) {
		return subtensorError("IncorrectWeightVersionKey")
	}
	plain := !commitRevealEnabled.get(s, w.netuid)
	if plain && !x.passedRateLimit(w.netuid, w.index(), uid) {
		return subtensorError("SettingWeightsTooFast")
	}
	if err := x.checkWeights(who, uid, n, w); err != nil {
		return err
	}
	x.storeWeights(uid, w)
	if plain {
		x.touch(w.index(), uid)
	}
	x.deposit("SubtensorModule", "WeightsSet", w.index(), uid)
	return nil
}

// checkWeights are the checks 10 to 15: permit, uids, least number, largest value.
func (x *exec) checkWeights(who chain.PublicKey, uid, n uint16, w setting) error {
	s := x.s
	self := len(w.uids) == 1 && w.uids[0] == uid
	boss := subnetOwnerHotkey.get(s, w.netuid) == who
	if !self && !boss && !nth(validatorPermit.get(s, w.netuid), uid) {
		return subtensorError("NeuronNoValidatorPermit")
	}
	sorted := slices.Clone(w.uids)
	slices.Sort(sorted)
	if len(slices.Compact(sorted)) != len(w.uids) {
		return subtensorError("DuplicateUids")
	}
	for _, u := range w.uids {
		if u >= n {
			return subtensorError("UidVecContainInvalidOne")
		}
	}
	if least := min(minAllowedWeights.get(s, w.netuid), n); len(w.uids) < int(least) && !self {
		return subtensorError("WeightVecLengthIsLow")
	}
	if limit := maxWeightsLimit.get(s, w.netuid); limit != noWeightLimit && !self && largestShare(w.values) > share(limit) {
		return subtensorError("MaxWeightExceeded")
	}
	return nil
}

// largestShare is what the largest value has of the sum, as a fixed-point number
// with 32 bits behind the point, after the values were scaled.
func largestShare(values []uint16) uint64 {
	var sum, most uint64
	for _, v := range upscale(values) {
		sum, most = sum+uint64(v), max(most, uint64(v))
	}
	return most << 32 / max(sum, 1)
}

// share is limit of 65535 in the same form.
func share(limit uint16) uint64 { return uint64(limit) << 32 / noWeightLimit }

func (x *exec) storeWeights(uid uint16, w setting) {
	out := make([]chain.Weight, len(w.uids))
	for i, v := range upscale(w.values) {
		out[i] = chain.Weight{UID: w.uids[i], Value: v}
	}
	weightsOf.put(x.s, out, w.index(), uid)
}

// upscale scales values so that the largest is 65535, rounding to the nearest.
func upscale(in []uint16) []uint16 {
	out := slices.Clone(in)
	if len(in) == 0 {
		return out
	}
	if most := uint64(slices.Max(in)); most > 0 {
		for i, v := range in {
			out[i] = uint16((uint64(v)*noWeightLimit + most/2) / most)
		}
	}
	return out
}

func (x *exec) mechanismExists(netuid uint16, mechanism uint8) error {
	if !networksAdded.get(x.s, netuid) || mechanism >= mechanismCount.get(x.s, netuid) {
		return subtensorError("MechanismDoesNotExist")
	}
	return nil
}

// enoughStake says whether a hotkey has the stake that setting weights needs; the
// subnet owner's needs none.
func (x *exec) enoughStake(netuid uint16, who chain.PublicKey) bool {
	return subnetOwnerHotkey.get(x.s, netuid) == who ||
		totalHotkeyAlpha.get(x.s, who, netuid) >= stakeThreshold.get(x.s)
}

// passedRateLimit says whether enough blocks passed since a uid last set or
// committed weights.
func (x *exec) passedRateLimit(netuid, index, uid uint16) bool {
	last := nth(lastUpdate.get(x.s, index), uid)
	return last == 0 || x.block()-last >= weightsRateLimit.get(x.s, netuid)
}

// touch notes that a uid set or committed weights in this block.
func (x *exec) touch(index, uid uint16) {
	lastUpdate.put(x.s, set(lastUpdate.get(x.s, index), uid, x.block()), index)
}
