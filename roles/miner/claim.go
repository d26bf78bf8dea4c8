package miner

import (
	"context"
	"errors"
	"fmt"
	"os"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/taskserver/client"
)

// claim writes the claim on chain, unless it is there.
func (m *Miner) claim(ctx context.Context, l *lease) error {
	head, err := m.head(ctx)
	if err != nil {
		return err
	}
	last, block, ok, err := m.commitment(ctx, head)
	switch {
	case err != nil:
		return err
	case ok && last == l.claim:
		return m.claimed(l, block)
	case ok && last.LogSHA256 != l.base:
		m.Log.Info().Str("task", l.receipt.Task).Str("claim", last.String()).Msg("another claim came first; continuing its log")
		return l.record(entry{Step: stepStored})
	case head.Number >= l.receipt.DeadlineBlock:
		return m.inTime(ctx, l)
	}
	if err := l.record(entry{Step: stepClaiming, Block: head.Number}); err != nil {
		return err
	}
	var included chain.Inclusion
	err = m.try(ctx, "claim "+l.claim.String(), func() (err error) {
		included, err = m.Chain.SetCommitment(ctx, m.Signer, m.Netuid, l.claim.Fields())
		return err
	})
	if err != nil {
		return err
	}
	return m.claimed(l, included.Block.Number)
}

func (m *Miner) claimed(l *lease, block uint64) error {
	m.Metrics.claims.Inc()
	m.Log.Info().Str("task", l.receipt.Task).Str("claim", l.claim.String()).Uint64("block", block).Msg("task claimed")
	return l.record(entry{Step: stepClaimed, Block: block})
}

// settleBlocks is for how many blocks a claim that was sent may get into one:
// the era it was signed for.
const settleBlocks = 64

// findClaim decides whether a claim that this or a killed process sent took
// effect: it looks at final blocks until one has it, or none can have it any
// more.
func (m *Miner) findClaim(ctx context.Context, l *lease) error {
	for next := l.block + 1; ; {
		final, err := m.waitFinal(ctx, next)
		if err != nil {
			return err
		}
		last, block, ok, err := m.commitment(ctx, final)
		if err != nil {
			return err
		}
		if ok && last == l.claim {
			return m.claimed(l, block)
		}
		if final.Number >= l.block+settleBlocks {
			return l.record(entry{Step: stepPublished})
		}
		next = final.Number + 1
	}
}

// confirm waits until the claim is final and notes the log that the next one
// continues.
func (m *Miner) confirm(ctx context.Context, l *lease) error {
	final, err := m.waitFinal(ctx, l.block)
	if err != nil {
		return err
	}
	last, block, ok, err := m.commitment(ctx, final)
	if err != nil {
		return err
	}
	if !ok || last != l.claim {
		m.Log.Warn().Str("task", l.receipt.Task).Str("claim", l.claim.String()).Msg("the claim is in no final block; claiming again")
		return l.record(entry{Step: stepPublished})
	}
	log, err := os.ReadFile(l.outFile(contract.LogPath))
	if errors.Is(err, os.ErrNotExist) || err == nil && canon.Sum(log) != last.LogSHA256 {
		log, err = m.logOf(ctx, last)
	}
	if err != nil {
		return err
	}
	if err := durable.WriteBytes(m.logCopy(), 0o644, log); err != nil {
		return err
	}
	return l.record(entry{Step: stepConfirmed, Block: block})
}

func (m *Miner) waitFinal(ctx context.Context, number uint64) (final chain.Block, err error) {
	err = m.try(ctx, fmt.Sprintf("wait for block %d to be final", number), func() error {
		final, err = m.Chain.WaitFinalized(ctx, number)
		return err
	})
	return final, err
}

// submit announces the result and ends the lease. What counts is the claim: if
// the task server will not hear of it, that is worth a line in the log.
func (m *Miner) submit(ctx context.Context, l *lease) (Outcome, error) {
	out := Outcome{
		Status: Submitted, Task: l.receipt.Task, Generation: l.receipt.Generation,
		Claim: l.claim.String(), Manifest: l.manifestSHA256, Block: l.block,
	}
	if l.block > l.receipt.DeadlineBlock {
		out.Status = Abandoned
		out.Reason = fmt.Sprintf("claimed in block %d, after deadline block %d", l.block, l.receipt.DeadlineBlock)
		m.Log.Warn().Str("task", out.Task).Msg(out.Reason)
		m.Metrics.ended(leaseAbandoned)
		return out, l.remove()
	}
	err := m.try(ctx, "submit task "+out.Task, func() error {
		return m.Tasks.Submit(ctx, contract.SubmitRequest{
			Op: contract.OpSubmit, Task: out.Task, Generation: out.Generation,
			Claim: out.Claim, Manifest: out.Manifest, Block: out.Block,
		})
	})
	if err != nil && (ctx.Err() != nil || temporary(err) || outdated(err)) {
		return Outcome{}, err
	}
	if err != nil {
		out.Reason = err.Error()
		m.Log.Warn().Err(err).Str("task", out.Task).Msg("claimed, but the task server refuses the submission")
	} else {
		m.Log.Info().Str("task", out.Task).Str("claim", out.Claim).Uint64("block", out.Block).Msg("task submitted")
	}
	m.Metrics.ended(leaseSubmitted)
	return out, l.remove()
}

func fenced(err error) bool { return errors.Is(err, client.ErrFenced) }
