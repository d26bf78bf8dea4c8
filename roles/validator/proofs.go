package validator

import (
	"context"
	"errors"
	"slices"

	"finest/chain"
	"finest/eval"
	"finest/eval/audit"
	"finest/internal/contract"
)

// What waits of others' proofs is bounded, and so is what one round looks at:
// anyone may send proofs, and each costs a read of the crawl.
const (
	maxWaiting      = 256
	maxWaitingBytes = 64 << 20
	maxPerRound     = 64
)

// inbox holds the proofs of others that were read from the board. Only how far
// everything is done is remembered across restarts: the rest is read again, and
// looking at a proof twice changes nothing.
type inbox struct {
	// read is the cursor of what was read, which state.Proofs follows.
	read    int64
	waiting []waitingProof
	bytes   int
}

// waitingProof is a proof that could not be looked at yet.
type waitingProof struct {
	contract.ProofView
	// since is the block at which it was first seen, next that of the next
	// attempt after tries.
	since, next uint64
	tries       int
}

// proofs sends the proofs found here and looks at those of others. A failure of
// the board does not keep weights from being set.
func (v *Validator) proofs(ctx context.Context, final chain.Block) error {
	if v.o.Board == nil {
		return nil
	}
	if v.board.due(final.Number) {
		failures := v.board.tries
		if err := v.sendProofs(ctx, final); err != nil {
			return err
		}
		if err := v.readProofs(ctx, final); err != nil {
			return err
		}
		if v.board.tries == failures {
			v.board = backoff{}
		}
	}
	return v.confirmAll(ctx, final)
}

func (v *Validator) sendProofs(ctx context.Context, final chain.Block) error {
	for _, c := range v.store.state.Cases {
		if c.ProofSent || c.Verdict == nil || c.Verdict.Proof() == nil {
			continue
		}
		if err := v.o.Board.SendProof(ctx, c.Verdict.Proof()); err != nil {
			if err := v.boardFailed(ctx, final, "send a fraud proof", err); err != nil {
				return err
			}
			continue // this one may be refused for what it is
		}
		// The board keeps the proof from now on.
		sent := *c
		sent.ProofSent, sent.Verdict = true, withoutProofs(*c.Verdict)
		if err := v.store.add(event{Case: &sent}); err != nil {
			return err
		}
	}
	return nil
}

// readProofs fetches what is new on the board.
func (v *Validator) readProofs(ctx context.Context, final chain.Block) error {
	v.inbox.read = max(v.inbox.read, v.store.state.ProofCursor)
	for news := 0; news < maxPerRound && len(v.inbox.waiting) < maxWaiting && v.inbox.bytes < maxWaitingBytes; {
		list, next, err := v.o.Board.Proofs(ctx, v.inbox.read)
		if err != nil {
			return v.boardFailed(ctx, final, "read fraud proofs", err)
		}
		if len(list) == 0 || next <= v.inbox.read {
			return nil
		}
		for _, p := range list {
			v.inbox.bytes += len(p.Proof)
			v.inbox.waiting = append(v.inbox.waiting, waitingProof{ProofView: p, since: final.Number})
		}
		v.inbox.read = next
		news += len(list)
	}
	return nil
}

// confirmAll looks at the proofs whose time has come.
func (v *Validator) confirmAll(ctx context.Context, final chain.Block) error {
	looked := 0
	var left []waitingProof
	for _, p := range v.inbox.waiting {
		if p.next > final.Number || looked >= maxPerRound {
			left = append(left, p)
			continue
		}
		looked++
		done, err := v.confirm(ctx, p.ProofView)
		if err != nil {
			return err
		}
		p.tries++
		p.next = final.Number + pause(p.tries, v.longestPause())
		if !done && !v.o.Protocol.Expired(p.since, final.Number) {
			left = append(left, p)
		}
	}
	v.inbox.waiting, v.inbox.bytes = left, 0
	cursor := v.inbox.read
	for _, p := range left {
		v.inbox.bytes += len(p.Proof)
		cursor = min(cursor, p.Seq-1)
	}
	if cursor <= v.store.state.ProofCursor {
		return nil
	}
	return v.store.add(event{ProofCursor: &cursor})
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
	log = log.With().Str("task", proof.Task).Str("hotkey", proof.Hotkey).Logger()
	reason, err := v.resolver.Confirm(ctx, target, proof)
	switch {
	case ctx.Err() != nil:
		return false, context.Cause(ctx)
	case eval.FaultOf(err) != eval.FaultNone:
		log.Warn().Err(err).Msg("fraud proof cannot be checked now")
		return false, nil
	case errors.Is(err, audit.ErrRefuted):
		log.Info().Err(err).Msg("fraud proof is refuted")
		return true, nil
	case err != nil:
		return false, err
	}
	log.Info().Str("reason", reason).Msg("fraud proof is confirmed")
	return true, v.convict(*c, proof, view, reason)
}

// convict rejects a case that somebody else proved to be fraud, whatever was
// found here, and has the new verdict published.
func (v *Validator) convict(c caseState, proof audit.Proof, view contract.ProofView, reason string) error {
	verdict := eval.Verdict{Task: c.Line.Task, Generation: c.Line.Generation, Hotkey: c.Hotkey, Manifest: c.Line.Manifest}
	if c.Verdict != nil {
		verdict.Audited, verdict.Checks = c.Verdict.Audited, slices.Clone(c.Verdict.Checks)
	}
	name := eval.CheckSlice
	if proof.Kind == audit.KindClusters {
		name = eval.CheckClusters
	}
	verdict.Checks = append(verdict.Checks, eval.Reject(name, reason).With("proof_by", view.Sender))
	c.Verdict, c.Settled, c.Fraud = withoutProofs(verdict.Judge()), true, reason
	c.ProofSent = true // the board has it
	c.Counted, c.Weighed, c.Committed, c.Published = false, false, 0, false
	none := int64(0)
	return v.store.add(event{Case: &c, Streak: &none})
}

// withoutProofs returns the verdict as it is remembered when the board has its
// proof, which may be long.
func withoutProofs(v eval.Verdict) *eval.Verdict {
	v.Checks = slices.Clone(v.Checks)
	for i := range v.Checks {
		v.Checks[i].Evidence.Proof = nil
	}
	return &v
}

// backoff says when a board that failed is asked again.
type backoff struct {
	tries int
	next  uint64
}

func (b backoff) due(now uint64) bool { return b.next <= now }

// boardFailed turns a failure of the board into a log line: what is shared
// matters to others, not to the weights.
func (v *Validator) boardFailed(ctx context.Context, final chain.Block, what string, err error) error {
	if ctx.Err() != nil {
		return context.Cause(ctx)
	}
	v.o.Metrics.board.WithLabelValues(what).Inc()
	v.board.tries++
	v.board.next = final.Number + pause(v.board.tries, v.longestPause())
	v.o.Log.Warn().Err(err).Uint64("block", v.board.next).Msg("cannot " + what + ", will try again")
	return nil
}
