package miner

import (
	"context"
	"errors"
	"fmt"
	"time"

	"finest/chain"
	"finest/hub"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/taskserver/client"
)

// Once goes on with the lease that is under way, else takes a new one, and
// returns when its task is claimed or given up, or there is none. After an
// error calling Once again, also in another process, goes on with the step that
// failed.
func (m *Miner) Once(ctx context.Context) (Outcome, error) {
	out, err := m.once(ctx)
	if outdated(err) {
		err = fmt.Errorf("%w: %w", ErrOutdated, err)
	}
	m.Metrics.worked(err)
	return out, err
}

func (m *Miner) once(ctx context.Context) (Outcome, error) {
	l, err := m.openLease()
	if err != nil {
		return Outcome{}, err
	}
	defer l.close()
	if l.step == stepNone {
		receipt, err := m.acquire(ctx)
		if errors.Is(err, client.ErrNoTask) {
			return Outcome{Status: NoTask, RetryAfter: client.RetryAfter(err)}, nil
		}
		if overQuota(err) {
			m.Log.Warn().Err(err).Msg("no task for this hotkey now")
			return Outcome{Status: NoTask, RetryAfter: client.RetryAfter(err), Reason: sentence(err)}, nil
		}
		if err != nil {
			return Outcome{}, err
		}
		if err := l.record(entry{Step: stepLeased, Receipt: &receipt}); err != nil {
			return Outcome{}, err
		}
		m.Metrics.leases.WithLabelValues(leaseBegun).Inc()
		m.Log.Info().Str("task", receipt.Task).Int64("generation", receipt.Generation).
			Uint64("deadline_block", receipt.DeadlineBlock).Int64("bytes", receipt.Bytes()).Msg("task leased")
	} else {
		m.Log.Info().Str("task", l.receipt.Task).Str("step", string(l.step)).Msg("going on with a lease")
	}
	return m.advance(ctx, l)
}

// advance takes a lease through all steps that are left.
func (m *Miner) advance(ctx context.Context, l *lease) (Outcome, error) {
	var exclusive *durable.Lock
	defer func() {
		if exclusive != nil {
			_ = exclusive.Unlock()
		}
	}()
	for {
		// A log continues the one claimed before, so only one slot at a time
		// may be between making its log and having it claimed for good.
		if needed := l.step.extendsLog(); needed != (exclusive != nil) {
			if err := m.holdLog(ctx, &exclusive, needed); err != nil {
				return Outcome{}, err
			}
		}
		m.Metrics.under(l.step, l.receipt)
		var err error
		switch l.step {
		case stepLeased:
			err = m.refine(ctx, l)
		case stepSigned:
			err = m.store(ctx, l)
		case stepStored:
			err = m.prepare(ctx, l)
		case stepPrepared:
			err = m.publish(ctx, l)
		case stepPublished:
			err = m.claim(ctx, l)
		case stepClaiming:
			err = m.findClaim(ctx, l)
		case stepClaimed:
			err = m.confirm(ctx, l)
		case stepConfirmed:
			return m.submit(ctx, l)
		case stepDropped:
			return m.drop(ctx, l)
		default:
			err = fmt.Errorf("journal of the lease names step %q, which this version does not know", l.step)
		}
		var give *giveUp
		if errors.As(err, &give) {
			err = l.record(entry{Step: stepDropped, Reason: give.reason, Missing: give.missing})
		}
		if err != nil {
			return Outcome{}, err
		}
	}
}

// giveUp ends a lease without a result.
type giveUp struct {
	reason string
	// missing is the path of the file that is to blame, if one is.
	missing string
}

func (g *giveUp) Error() string { return "lease given up: " + g.reason }

// inTime gives the lease up if a claim cannot be in time any more.
func (m *Miner) inTime(ctx context.Context, l *lease) error {
	head, err := m.head(ctx)
	if err == nil && head.Number >= l.receipt.DeadlineBlock {
		return &giveUp{reason: fmt.Sprintf("block %d is past the last block in which a claim can be sent for deadline %d", head.Number, l.receipt.DeadlineBlock)}
	}
	return err
}

func (m *Miner) head(ctx context.Context) (head chain.Block, err error) {
	err = m.try(ctx, "read the head of the chain", func() error {
		head, err = m.Chain.Head(ctx)
		return err
	})
	if err == nil {
		m.Metrics.at(head)
	}
	return head, err
}

// drop ends a lease that was given up. The task server need not hear of it: it
// issues the task again after the deadline anyway.
func (m *Miner) drop(ctx context.Context, l *lease) (Outcome, error) {
	err := m.try(ctx, "release task "+l.receipt.Task, func() error {
		return m.Tasks.Release(ctx, contract.ReleaseRequest{
			Task: l.receipt.Task, Generation: l.receipt.Generation, Reason: l.reason, Missing: l.missing,
		})
	})
	if err != nil && (ctx.Err() != nil || temporary(err) || outdated(err)) {
		return Outcome{}, err
	}
	m.Log.Warn().Str("task", l.receipt.Task).Str("reason", l.reason).Msg("lease given up")
	event := leaseAbandoned
	if l.missing != "" {
		event = leaseMissing
	}
	m.Metrics.ended(event)
	out := Outcome{Status: Abandoned, Task: l.receipt.Task, Generation: l.receipt.Generation, Reason: l.reason}
	return out, l.remove()
}

// Retries start after a second and double up to a minute.
const firstRetry, lastRetry = time.Second, time.Minute

// try calls op until it succeeds, fails for good, or was refused by absent
// services for as long as patience reaches.
func (m *Miner) try(ctx context.Context, what string, op func() error) error {
	started := m.Clock.Now()
	for wait := firstRetry; ; wait = min(2*wait, lastRetry) {
		err := op()
		if err == nil {
			if wait != firstRetry {
				m.Metrics.worked(nil)
			}
			return nil
		}
		if !temporary(err) || ctx.Err() != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
		pause := max(time.Duration(float64(wait)*(0.5+m.Rand()/2)), client.RetryAfter(err), hub.RetryAfter(err))
		if m.Clock.Now().Add(pause).Sub(started) > m.Patience {
			return fmt.Errorf("%s: %w", what, err)
		}
		m.Log.Warn().Err(err).Stringer("retry_in", pause.Round(time.Millisecond)).Msg("cannot " + what)
		m.Metrics.retry(what, err)
		if err := m.sleep(ctx, pause); err != nil {
			return fmt.Errorf("%s: %w", what, err)
		}
	}
}

// temporary reports whether what failed with err may work soon, unchanged.
func temporary(err error) bool {
	var throttled *client.Throttled
	return errors.Is(err, chain.ErrUnavailable) || errors.Is(err, chain.ErrSpaceLimit) || errors.Is(err, hub.ErrUnavailable) ||
		errors.Is(err, client.ErrUnavailable) || errors.As(err, &throttled) && !overQuota(err)
}

// overQuota reports whether the task server has no lease for this hotkey until
// others of it are over, or until it has waited for those that led to nothing.
func overQuota(err error) bool { return client.IsProblem(err, contract.ProblemQuota) }

// outdated reports whether the task server wants a newer version.
func outdated(err error) bool { return client.IsProblem(err, contract.ProblemOutdated) }

// sentence returns what a task server told people, by which it refused.
func sentence(err error) string {
	var p *contract.Problem
	if errors.As(err, &p) && p.Detail != "" {
		return p.Detail
	}
	return err.Error()
}

func (m *Miner) sleep(ctx context.Context, d time.Duration) error {
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-m.Clock.After(d):
		return nil
	}
}
