package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"sync"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

// forgetEvery is how often used UUIDs that cannot come again are forgotten.
const forgetEvery = time.Minute

// Report is what one round of background work did.
type Report struct {
	// Block is the newest finalised block, Ended how many tasks were due at it.
	Block uint64
	Ended int
	// Survey is what was found about files; zero without a survey.
	Survey catalogue.Report
	// Anchor is what was written on chain; nil for nothing.
	Anchor *contract.Anchored
}

// Once does one round of what Serve does in the background: ends what is due,
// surveys until nothing is left to do now, anchors the audit log, forgets UUIDs.
func (s *Server) Once(ctx context.Context) (r Report, err error) {
	head, err := s.chain.Head(ctx)
	if err != nil {
		return r, err
	}
	r.Block = head.Number
	if r.Ended, err = s.endDue(ctx, head.Number); err != nil {
		return r, err
	}
	if err := s.forget(ctx); err != nil {
		return r, err
	}
	if s.surveyor != nil {
		if r.Survey, err = s.survey(ctx); err != nil {
			return r, err
		}
	}
	r.Anchor, err = s.anchor(ctx)
	return r, err
}

// survey makes rounds until there is nothing more to be done now.
func (s *Server) survey(ctx context.Context) (sum catalogue.Report, err error) {
	for sum.Wait == 0 {
		r, err := s.surveyor.Round(ctx)
		if err != nil {
			return sum, fmt.Errorf("survey: %w", err)
		}
		sum.Surveyed += r.Surveyed
		sum.Quarantined += r.Quarantined
		sum.Confirmed += r.Confirmed
		sum.Refuted += r.Refuted
		sum.Undecided, sum.Wait = r.Undecided, r.Wait
	}
	return sum, nil
}

// work starts the background work of Serve; it ends with ctx.
func (s *Server) work(ctx context.Context, group *sync.WaitGroup) {
	group.Go(func() { s.every(ctx, s.o.HeadAge/2, "follow the chain", s.follow) })
	group.Go(func() { s.every(ctx, s.o.NeuronsAge/2, "read registrations", s.chain.refreshNeurons) })
	group.Go(func() { s.every(ctx, forgetEvery, "forget used UUIDs", s.forget) })
	group.Go(func() { s.every(ctx, tellEvery, "tell of outages", s.outages.settle) })
	if s.surveyor != nil {
		group.Go(func() { s.surveyor.Run(ctx) })
	}
	if s.o.AnchorEvery > 0 {
		group.Go(func() {
			s.every(ctx, s.o.BlockTime, "anchor the audit log", func(ctx context.Context) error {
				_, err := s.anchor(ctx)
				return err
			})
		})
	}
}

// maxRetry is the longest wait after a failure of background work.
const maxRetry = time.Minute

// every does something again and again until ctx ends; after failures less and
// less often.
func (s *Server) every(ctx context.Context, interval time.Duration, what string, do func(context.Context) error) {
	wait := interval
	for {
		timer := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			timer.Stop()
			return
		case <-timer.C:
		}
		err := do(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case err != nil:
			wait = min(2*wait, max(maxRetry, interval))
			s.log.Warn().Err(err).Stringer("retry_in", wait).Msg("cannot " + what)
		default:
			wait = interval
		}
	}
}

// follow keeps the known head young, and ends what is due at a new block, whether
// or not anybody asks.
func (s *Server) follow(ctx context.Context) error {
	head, err := s.chain.refreshHead(ctx)
	if err != nil {
		return err
	}
	return s.advance(ctx, head.Number)
}

// advance does the due work of a block, unless it is done or somebody else is at
// it: no request waits for the work of another, as the engine ends what is due
// of a task whenever it looks at it.
func (s *Server) advance(ctx context.Context, block uint64) error {
	if block <= s.advanced.Load() {
		return nil
	}
	select {
	case s.advancing <- struct{}{}:
		defer func() { <-s.advancing }()
	default:
		return nil
	}
	if block <= s.advanced.Load() {
		return nil
	}
	ended, err := s.endDue(ctx, block)
	if err != nil {
		return err
	}
	s.advanced.Store(block)
	if ended > 0 {
		s.metrics.ended.Add(float64(ended))
		s.log.Info().Uint64("block", block).Int("tasks", ended).Msg("tasks were due")
	}
	return nil
}

// endDue ends what is due at a block. Damaged tasks are told of and left: they
// are nobody's fault who asks, and all others go on.
func (s *Server) endDue(ctx context.Context, block uint64) (ended int, err error) {
	ended, err = s.engine.Advance(ctx, block)
	var damaged *engine.DamagedError
	switch {
	case errors.As(err, &damaged):
		s.log.Error().Err(damaged).Uint64("block", block).Msg("tasks are due and damaged: task-server check says what does not hold")
	case err != nil:
		return ended, fmt.Errorf("end what is due at block %d: %w", block, err)
	}
	return ended, nil
}

func (s *Server) forget(ctx context.Context) error {
	err := s.store.Change(ctx, func(tx engine.Tx) error { return tx.ForgetUUIDs(s.o.Clock()) })
	if err != nil {
		return fmt.Errorf("forget used UUIDs: %w", err)
	}
	return nil
}

// anchor writes the head of the audit log on chain, if it is time. Of several
// replicas more than one may do it; each is right.
func (s *Server) anchor(ctx context.Context) (*contract.Anchored, error) {
	head, err := s.chain.Head(ctx)
	if err != nil || s.o.AnchorEvery == 0 {
		return nil, err
	}
	var audit contract.AuditHead
	err = s.store.View(ctx, func(v engine.View) (err error) {
		audit, err = auditHead(v)
		return err
	})
	if err != nil || audit.Seq == 0 {
		return nil, err
	}
	if last := audit.Anchor; last != nil && (audit.Seq <= last.Seq || head.Number < last.Block+s.o.AnchorEvery) {
		return nil, nil //nolint:nilnil // nothing to anchor
	}
	return s.writeAnchor(ctx, contract.Anchor{Seq: audit.Seq, Hash: audit.Hash}, head.Number)
}

func (s *Server) writeAnchor(ctx context.Context, a contract.Anchor, block uint64) (*contract.Anchored, error) {
	signer := s.keys.at(block)
	done, err := s.o.Chain.SetCommitment(ctx, signer, s.o.Netuid, a.Fields())
	if err != nil {
		return nil, fmt.Errorf("anchor entry %d of the audit log: %w", a.Seq, err)
	}
	anchored := &contract.Anchored{Anchor: a, Hotkey: signer.Address(), Block: done.Block.Number}
	text, err := json.Marshal(anchored)
	if err != nil {
		return nil, fmt.Errorf("anchor entry %d of the audit log: %w", a.Seq, err)
	}
	err = s.store.Change(ctx, func(tx engine.Tx) error { return tx.PutSetting(anchorSetting, string(text)) })
	if err != nil {
		return nil, fmt.Errorf("note the anchor of entry %d: %w", a.Seq, err)
	}
	s.log.Info().Int64("seq", a.Seq).Uint64("block", anchored.Block).Msg("audit log anchored")
	return anchored, nil
}
