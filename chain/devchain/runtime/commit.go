package runtime

import (
	"encoding/binary"
	"slices"

	"finest/chain"
	"finest/chain/metadata"
	"finest/chain/scale"
)

// maxCommits is how many unrevealed commits of weights a hotkey may have.
const maxCommits = 10

// maxTimelockedCommit is the most bytes of an encrypted commit of weights.
const maxTimelockedCommit = 5000

// target is the subnet and mechanism of a call; calls without mechanism mean the
// first one.
func (c *call) target() setting {
	w := setting{netuid: c.u16("netuid")}
	if c.arg("mecid") != nil {
		w.mechanism = c.u8("mecid")
	}
	return w
}

// commitWeights is commit_weights and commit_mechanism_weights: commit-reveal v2.
func commitWeights(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	return c.commitHash(c.signer, c.target(), c.hash("commit_hash"))
}

func (x *exec) commitHash(who chain.PublicKey, w setting, hash chain.Hash) error {
	uid, err := x.mayCommit(who, w)
	if err != nil {
		return err
	}
	queue := x.liveCommits(who, w)
	if len(queue) >= maxCommits {
		return subtensorError("TooManyUnrevealedCommits")
	}
	queue = append(queue, weightCommit{hash, x.epoch(w.netuid), x.block()})
	weightCommits.put(x.s, queue, w.index(), who)
	x.touch(w.index(), uid)
	x.deposit("SubtensorModule", "WeightsCommitted", who, w.index(), hash)
	return nil
}

// mayCommit are the checks that commits of both kinds share, but for the version.
func (x *exec) mayCommit(who chain.PublicKey, w setting) (uid uint16, err error) {
	if err := x.mechanismExists(w.netuid, w.mechanism); err != nil {
		return 0, err
	}
	if !commitRevealEnabled.get(x.s, w.netuid) {
		return 0, subtensorError("CommitRevealDisabled")
	}
	return x.inTime(who, w)
}

func (x *exec) inTime(who chain.PublicKey, w setting) (uid uint16, err error) {
	uid, ok := uids.lookup(x.s, w.netuid, who)
	if !ok {
		return 0, subtensorError("HotKeyNotRegisteredInSubNet")
	}
	if !x.passedRateLimit(w.netuid, w.index(), uid) {
		return 0, subtensorError("CommittingWeightsTooFast")
	}
	return uid, nil
}

// liveCommits are the commits of a hotkey whose epoch of reveal is not over.
func (x *exec) liveCommits(who chain.PublicKey, w setting) []weightCommit {
	queue, _ := weightCommits.lookup(x.s, w.index(), who)
	now, period := x.epoch(w.netuid), revealPeriod.get(x.s, w.netuid)
	return slices.DeleteFunc(queue, func(c weightCommit) bool { return now > c.epoch+period })
}

// revealWeights is reveal_weights and reveal_mechanism_weights.
func revealWeights(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	w := c.target()
	w.uids, w.values, w.versionKey = c.u16s("uids"), c.u16s("values"), c.u64("version_key")
	hash, err := c.revealHash(c.signer, w, c.u16s("salt"))
	if err != nil {
		return err
	}
	c.deposit("SubtensorModule", "WeightsRevealed", c.signer, w.index(), hash)
	return nil
}

// revealHash sets the weights that a hotkey committed to. Commits before that one
// are dropped with it.
func (x *exec) revealHash(who chain.PublicKey, w setting, salt []uint16) (chain.Hash, error) {
	if err := x.mechanismExists(w.netuid, w.mechanism); err != nil {
		return chain.Hash{}, err
	}
	if !commitRevealEnabled.get(x.s, w.netuid) {
		return chain.Hash{}, subtensorError("CommitRevealDisabled")
	}
	all, ok := weightCommits.lookup(x.s, w.index(), who)
	if !ok {
		return chain.Hash{}, subtensorError("NoWeightsCommitFound")
	}
	hash := CommitHash(who, w.index(), w.uids, w.values, salt, w.versionKey)
	same := func(c weightCommit) bool { return c.hash == hash }
	live := x.liveCommits(who, w)
	at := slices.IndexFunc(live, same)
	if at < 0 {
		if len(live) == 0 && !slices.ContainsFunc(all, same) {
			return chain.Hash{}, subtensorError("NoWeightsCommitFound")
		}
		if slices.ContainsFunc(all, same) {
			return chain.Hash{}, subtensorError("ExpiredWeightCommit")
		}
		return chain.Hash{}, subtensorError("InvalidRevealCommitHashNotMatch")
	}
	if x.epoch(w.netuid) != live[at].epoch+revealPeriod.get(x.s, w.netuid) {
		return chain.Hash{}, subtensorError("RevealTooEarly")
	}
	if err := x.writeWeights(who, w); err != nil {
		return chain.Hash{}, err
	}
	if rest := live[at+1:]; len(rest) > 0 {
		weightCommits.put(x.s, rest, w.index(), who)
	} else {
		weightCommits.drop(x.s, w.index(), who)
	}
	return hash, nil
}

// CommitHash is what a hotkey commits to in commit-reveal v2: BLAKE2b-256 of the
// encoded account, storage index, uids, values, salt and version key.
func CommitHash(who chain.PublicKey, index uint16, uids, values, salt []uint16, versionKey uint64) chain.Hash {
	b := u16Codec.append(append([]byte(nil), who[:]...), index)
	for _, v := range [][]uint16{uids, values, salt} {
		b = list(u16Codec).append(b, v)
	}
	return metadata.SumBlake2_256(u64Codec.append(b, versionKey))
}

// commitTimelocked is commit_timelocked_weights and its form for mechanisms.
func commitTimelocked(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	return c.commitEncrypted(c.signer, c.target(), c.bytes("commit"), c.u64("reveal_round"), c.u16("commit_reveal_version"))
}

// commitCRV3 is commit_crv3_mechanism_weights, which states no version.
func commitCRV3(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	return c.commitEncrypted(c.signer, c.target(), c.bytes("commit"), c.u64("reveal_round"), commitRevealVersion.get(c.s))
}

func (x *exec) commitEncrypted(who chain.PublicKey, w setting, commit []byte, round uint64, version uint16) error {
	if err := x.mechanismExists(w.netuid, w.mechanism); err != nil {
		return err
	}
	if !commitRevealEnabled.get(x.s, w.netuid) {
		return subtensorError("CommitRevealDisabled")
	}
	if version != commitRevealVersion.get(x.s) {
		return subtensorError("IncorrectCommitRevealVersion")
	}
	uid, err := x.inTime(who, w)
	if err != nil {
		return err
	}
	epoch := x.epoch(w.netuid)
	all := timelockedCommits.get(x.s, w.index(), epoch)
	own := 0
	for _, c := range all {
		if c.who == who {
			own++
		}
	}
	if own >= maxCommits {
		return subtensorError("TooManyUnrevealedCommits")
	}
	timelockedCommits.put(x.s, append(all, timelockedCommit{who, x.block(), commit, round}), w.index(), epoch)
	x.touch(w.index(), uid)
	hash := chain.Hash(metadata.SumBlake2_256(commit))
	x.deposit("SubtensorModule", "TimelockedWeightsCommitted", who, w.index(), hash, round)
	return nil
}

// payload is what an encrypted commit of weights holds.
type payload struct {
	hotkey       []byte
	uids, values []uint16
	versionKey   uint64
}

func readPayload(b []byte) (payload, error) {
	d := scale.NewDecoder(b)
	p := payload{bytesCodec.read(d), list(u16Codec).read(d), list(u16Codec).read(d), d.U64()}
	return p, d.End()
}

// revealTimelocked decrypts the weights that are due in this epoch and whose pulse
// is there, and sets them. Those without pulse wait within the epoch; after it
// they expire, and so do those that cannot be decrypted or break a rule, without
// an event.
func (x *exec) revealTimelocked(netuid, index uint16) {
	period, now := revealPeriod.get(x.s, netuid), x.epoch(netuid)
	timelockedCommits.each(x.s, func(rest []byte, commits []timelockedCommit) {
		if len(rest) != 16 { // the hash of the epoch and the epoch
			return // set by hand
		}
		epoch := binary.LittleEndian.Uint64(rest[8:])
		if epoch+period > now {
			return
		}
		timelockedCommits.drop(x.s, index, epoch)
		if epoch+period < now {
			return
		}
		var waiting []timelockedCommit
		for _, c := range commits {
			if p, ok := pulses.lookup(x.s, c.round); !ok {
				waiting = append(waiting, c)
			} else {
				x.revealOne(setting{netuid: netuid, mechanism: uint8(index / mechanismStride)}, c, p)
			}
		}
		if len(waiting) > 0 {
			timelockedCommits.put(x.s, waiting, index, epoch)
		}
	}, index)
}

func (x *exec) revealOne(w setting, c timelockedCommit, p pulse) {
	text, err := decrypt(c.commit, p)
	if err != nil {
		return
	}
	plain, err := readPayload(text)
	if err != nil || string(plain.hotkey) != string(c.who[:]) {
		return
	}
	w.uids, w.values, w.versionKey = plain.uids, plain.values, plain.versionKey
	if x.writeWeights(c.who, w) == nil {
		x.deposit("SubtensorModule", "TimelockedWeightsRevealed", w.index(), c.who)
	}
}
