package taskserver

import (
	"context"

	"finest/internal/canon"
	"finest/internal/contract"
)

// score adds verdicts of a validator to the record.
func (s *Server) score(ctx context.Context, who caller, req contract.ScoreRequest) (any, error) {
	if !who.neuron.Permit {
		return nil, problem(contract.ProblemNoPermit, "only validators publish verdicts")
	}
	if err := s.store.AddVerdicts(ctx, who.address, req.WeightsBlock, req.Verdicts); err != nil {
		return nil, err
	}
	s.log.Info().Str("hotkey", who.address).Int("verdicts", len(req.Verdicts)).Uint64("block", req.WeightsBlock).Msg("verdicts published")
	return nil, nil
}

// proof relays a fraud proof.
func (s *Server) proof(ctx context.Context, who caller, req contract.ProofRequest) (any, error) {
	if !who.neuron.Permit {
		return nil, problem(contract.ProblemNoPermit, "only validators share fraud proofs")
	}
	sum := canon.Sum(req.Proof)
	if err := s.store.AddProof(ctx, who.address, sum, req.Proof); err != nil {
		return nil, err
	}
	s.log.Info().Str("hotkey", who.address).Str("proof", sum).Msg("fraud proof shared")
	return nil, nil
}
