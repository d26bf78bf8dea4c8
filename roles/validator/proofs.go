package validator

import (
	"context"
	"errors"

	"finest/chain"
	"finest/eval"
	"finest/eval/audit"
	"finest/internal/contract"
)

// maxWaiting bounds the proofs that wait for their case or for the crawl.
const maxWaiting = 256

// waitingProof is a proof of somebody else that could not be looked at yet.
type waitingProof struct {
	contract.ProofView
	// Since is the block at which it was first seen.
	Since uint64 `json:"since"`
}

// proofs sends the proofs found here and confirms those of others.
func (v *Validator) proofs(ctx context.Context, final chain.Block) error {
	if v.o.Board == nil {
		return nil
	}
	for _, c := range v.store.state.Cases {
		if c.ProofSent || c.Verdict == nil || c.Verdict.Proof() == nil {
			continue
		}
		if err := v.o.Board.SendProof(ctx, c.Verdict.Proof()); err != nil {
			return v.boardError(ctx, "send a fraud proof", err)
		}
		sent := *c
		sent.ProofSent = true
		if err := v.store.add(event{Case: &sent}); err != nil {
			return err
		}
	}
	for {
		list, next, err := v.o.Board.Proofs(ctx, v.store.state.Proofs.Cursor)
		if err != nil {
			if err := v.boardError(ctx, "read fraud proofs", err); err != nil {
				return err
			}
			list = nil
		}
		news := len(list) > 0 && next > v.store.state.Proofs.Cursor
		if !news && len(v.store.state.Proofs.Waiting) == 0 {
			return nil
		}
		if err := v.confirmAll(ctx, list, max(next, v.store.state.Proofs.Cursor), final.Number); err != nil || !news {
			return err
		}
	}
}

// confirmAll looks at the waiting proofs and those of list, and records which
// of them wait on.
func (v *Validator) confirmAll(ctx context.Context, list []contract.ProofView, cursor int64, now uint64) error {
	next := proofsState{Cursor: cursor}
	all := append([]waitingProof(nil), v.store.state.Proofs.Waiting...)
	for _, p := range list {
		all = append(all, waitingProof{p, now})
	}
	for _, p := range all {
		done, err := v.confirm(ctx, p.ProofView)
		if err != nil {
			return err
		}
		if !done && now-p.Since <= v.o.Protocol.UndecidedFor && len(next.Waiting) < maxWaiting {
			next.Waiting = append(next.Waiting, p)
		}
	}
	return v.store.add(event{Proofs: &next})
}

// boardError turns a failure of the board into a log line: what is shared
// matters to others, not to the weights.
func (v *Validator) boardError(ctx context.Context, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	v.o.Log.Warn().Err(err).Msg("cannot " + what + ", will try again")
	return nil
}

// confirm looks at a proof that somebody else sent. A proof that does not hold
// changes nothing; done is false where it could not be looked at yet.
func (v *Validator) confirm(ctx context.Context, view contract.ProofView) (done bool, err error) {
	log := v.o.Log.With().Str("sender", view.Sender).Logger()
	proof, err := audit.ParseProof(view.Proof)
	if err != nil {
		log.Debug().Err(err).Msg("fraud proof is malformed")
		return true, nil
	}
	c := v.store.state.index[caseKey{proof.Hotkey, proof.Task, proof.Generation}]
	if c == nil {
		return false, nil
	}
	if c.Fraud != "" || c.Line.Manifest != proof.Manifest {
		return true, nil
	}
	target, err := v.target(*c)
	if err != nil {
		return false, err
	}
	reason, err := v.resolver.Confirm(ctx, target, proof)
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case eval.FaultOf(err) != eval.FaultNone:
		log.Warn().Str("task", proof.Task).Err(err).Msg("fraud proof cannot be checked now")
		return false, nil
	case errors.Is(err, audit.ErrRefuted):
		log.Info().Str("task", proof.Task).Err(err).Msg("fraud proof is refuted")
		return true, nil
	case err != nil:
		return false, err
	}
	log.Info().Str("task", proof.Task).Str("hotkey", proof.Hotkey).Str("reason", reason).Msg("fraud proof is confirmed")
	proven := *c
	proven.Fraud = reason
	none := int64(0)
	return true, v.store.add(event{Case: &proven, Streak: &none})
}
