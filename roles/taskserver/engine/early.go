package engine

import (
	"fmt"
	"maps"
	"slices"

	"finest/internal/contract"
)

// early are the verdicts of a request on leases that are live, by task. A claim
// may be on chain before its miner announces it, so they are kept. But whoever
// has a permit could name every hotkey for a lease and see which verdict is
// taken, so until the lease is over nothing tells whether it was: no table that
// is shown, no entry of the log, no refusal. At most one of a lease is written,
// as time tells something, too.
type early map[string]Verdict

func (c *change) keepEarly(said early) error {
	for _, task := range slices.Sorted(maps.Keys(said)) {
		if err := c.PutEarly(said[task]); err != nil {
			return fmt.Errorf("verdict on task %s: %w", task, err)
		}
	}
	return nil
}

// PutLease keeps a lease, and publishes what was said of it early once it is
// over. A verdict gets its sequence number when it is published, so whoever
// reads on from the last one misses none.
func (c *change) PutLease(l Lease) error {
	if err := c.Tx.PutLease(l); err != nil || l.State == contract.LeaseLive {
		return err
	}
	said, err := c.TakeEarly(l.Receipt.Task, l.Receipt.Generation)
	if err != nil {
		return fmt.Errorf("early verdicts on task %s: %w", l.Receipt.Task, err)
	}
	for _, v := range said {
		by := *c
		by.actor = v.Validator
		by.block = max(c.block, v.WeightsBlock) // this server may lag behind the one that heard it
		if err := by.publish(v); err != nil {
			return fmt.Errorf("early verdict on task %s: %w", v.Task, err)
		}
	}
	return nil
}
