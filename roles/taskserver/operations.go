package taskserver

import (
	"context"
	"errors"

	"github.com/rs/zerolog"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// none is the answer of an operation that has nothing to say.
type none struct{}

func (s *Server) lease(ctx context.Context, c call, req contract.LeaseRequest) (contract.Receipt, error) {
	r, granted, err := s.engine.Lease(ctx, c.Request, req)
	var quota *engine.QuotaError
	if errors.As(err, &quota) && req.Slot > s.o.Rules.Slots { // no waiting helps
		return r, problem(contract.ProblemSlot, "a hotkey has up to %d slots here", s.o.Rules.Slots)
	}
	if err == nil && granted {
		s.metrics.leases.granted.Inc()
		s.logLease(c, r.Task, r.Generation).Uint64("block", r.Block).Uint64("deadline_block", r.DeadlineBlock).Msg("lease granted")
	}
	return r, err
}

func (s *Server) renew(ctx context.Context, c call, req contract.RenewRequest) (contract.LeaseStatus, error) {
	return s.engine.Renew(ctx, c.Request, req)
}

func (s *Server) release(ctx context.Context, c call, req contract.ReleaseRequest) (contract.LeaseStatus, error) {
	status, err := s.engine.Release(ctx, c.Request, req)
	if err == nil {
		s.metrics.leases.released.Inc()
		s.logLease(c, req.Task, req.Generation).Str("reason", req.Reason).Str("missing", req.Missing).Msg("lease released")
	}
	return status, err
}

func (s *Server) submit(ctx context.Context, c call, req contract.SubmitRequest) (contract.LeaseStatus, error) {
	status, err := s.engine.Submit(ctx, c.Request, req)
	if err == nil {
		s.metrics.leases.submitted.Inc()
		s.logLease(c, req.Task, req.Generation).Str("claim", req.Claim).Uint64("block", req.Block).Msg("result submitted")
	}
	return status, err
}

func (s *Server) logLease(c call, task string, generation int64) *zerolog.Event {
	return s.log.Info().Str("task", task).Int64("generation", generation).Str("hotkey", c.Hotkey)
}

// score adds verdicts of a validator to the record, with the request itself, so
// that anybody can check them. What others check is the canonical form, so it
// must be what was signed.
func (s *Server) score(ctx context.Context, c call, req contract.ScoreRequest) (none, error) {
	if err := s.permitted(ctx, c, "publish verdicts"); err != nil {
		return none{}, err
	}
	if err := checkCanonical(c.body); err != nil {
		return none{}, err
	}
	if err := s.engine.Score(ctx, c.Request, req, c.statement()); err != nil {
		return none{}, err
	}
	s.metrics.verdicts.Add(float64(len(req.Verdicts)))
	s.log.Info().Str("hotkey", c.Hotkey).Int("verdicts", len(req.Verdicts)).Uint64("weights_block", req.WeightsBlock).Msg("verdicts published")
	return none{}, nil
}

// proof relays a fraud proof.
func (s *Server) proof(ctx context.Context, c call, req contract.ProofRequest) (none, error) {
	if err := s.permitted(ctx, c, "share fraud proofs"); err != nil {
		return none{}, err
	}
	sum := canon.Sum(req.Proof)
	if err := s.engine.Proof(ctx, c.Request, sum, req); err != nil {
		return none{}, err
	}
	s.metrics.proofs.Inc()
	s.log.Info().Str("hotkey", c.Hotkey).Str("proof", sum).Msg("fraud proof shared")
	return none{}, nil
}
