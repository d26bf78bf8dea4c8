package submission

import (
	"context"
	"errors"
	"fmt"

	"finest/chain"
)

// FirstReadable returns the first block from from to to whose state the chain
// can still read. Nodes forget the state of old blocks, oldest first; to, a
// final block, must not be forgotten.
func FirstReadable(ctx context.Context, c chain.Client, netuid uint16, from, to uint64) (uint64, error) {
	// Invariant: blocks before from are forgotten, block to is not.
	for probe := from; from < to; probe = from + (to-from)/2 {
		known, err := readable(ctx, c, netuid, probe)
		if err != nil {
			return 0, fmt.Errorf("read block %d: %w", probe, err)
		}
		if known {
			to = probe
		} else {
			from = probe + 1
		}
	}
	return to, nil
}

func readable(ctx context.Context, c chain.Client, netuid uint16, number uint64) (bool, error) {
	at, err := c.BlockAt(ctx, number)
	if err == nil {
		_, err = c.CommitmentEvents(ctx, netuid, at)
	}
	if errors.Is(err, chain.ErrUnknownBlock) {
		return false, nil
	}
	return err == nil, err
}
