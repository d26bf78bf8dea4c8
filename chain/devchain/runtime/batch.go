package runtime

import (
	"errors"

	"finest/chain"
)

// Batches of weight calls. A part that fails stops no other; events tell of it.

func batchSetWeights(c *call) error {
	netuids, keys := c.u16s("netuids"), c.u64s("version_keys")
	rows, _ := c.arg("weights").([]any)
	if len(netuids) != len(rows) || len(netuids) != len(keys) {
		return subtensorError("InputLengthsUnequal")
	}
	return c.batch(netuids, func(x *exec, i int) error {
		w := setting{netuid: netuids[i], versionKey: keys[i]}
		for _, pair := range rows[i].([]any) {
			pair := integers[uint16](pair)
			w.uids, w.values = append(w.uids, pair[0]), append(w.values, pair[1])
		}
		return x.setPlain(c.signer, w)
	})
}

func batchCommitWeights(c *call) error {
	netuids, hashes := c.u16s("netuids"), c.hashes("commit_hashes")
	if len(netuids) != len(hashes) {
		return subtensorError("InputLengthsUnequal")
	}
	return c.batch(netuids, func(x *exec, i int) error {
		return x.commitHash(c.signer, setting{netuid: netuids[i]}, hashes[i])
	})
}

// batch runs its parts, each on a copy of the state that is kept if it succeeds.
func (c *call) batch(netuids []uint16, part func(x *exec, i int) error) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	failed := false
	for i, netuid := range netuids {
		inner := *c.exec
		inner.s = c.s.Copy()
		var e *dispatchError
		if err := part(&inner, i); errors.As(err, &e) {
			failed = true
			c.deposit("SubtensorModule", "BatchWeightItemFailed", netuid, e.encode(c.meta))
			continue
		}
		*c.s = *inner.s
	}
	if failed {
		c.deposit("SubtensorModule", "BatchCompletedWithErrors")
	}
	c.deposit("SubtensorModule", "BatchWeightsCompleted", netuids, c.signer)
	return nil
}

// batchRevealWeights reveals several commits for one subnet, all or none.
func batchRevealWeights(c *call) error {
	if err := c.needSigner(); err != nil {
		return err
	}
	uids, values, salts, keys := c.lists("uids_list"), c.lists("values_list"), c.lists("salts_list"), c.u64s("version_keys")
	if len(uids) != len(values) || len(uids) != len(salts) || len(uids) != len(keys) {
		return subtensorError("InputLengthsUnequal")
	}
	netuid := c.u16("netuid")
	var hashes []chain.Hash
	for i := range uids {
		w := setting{netuid: netuid, uids: uids[i], values: values[i], versionKey: keys[i]}
		hash, err := c.revealHash(c.signer, w, salts[i])
		if err != nil {
			return err
		}
		hashes = append(hashes, hash)
	}
	c.deposit("SubtensorModule", "WeightsBatchRevealed", c.signer, netuid, hashes)
	return nil
}
