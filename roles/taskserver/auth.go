package taskserver

import (
	"context"
	"errors"
	"net/http"
	"time"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/contract"
)

// uuidMargin is how much longer than necessary used UUIDs are kept, so that a
// clock that is set back makes no old request good again.
const uuidMargin = 10 * time.Minute

// caller is who signed a request.
type caller struct {
	address string
	neuron  chain.Neuron
}

// checkHeaders refuses what headers alone give away, before a body is read.
func (s *Server) checkHeaders(ctx context.Context, header http.Header) (contract.SignedHeaders, caller, error) {
	h, err := contract.ParseSignedHeaders(header)
	if err != nil {
		return h, caller{}, problem(headerProblem(err), "%v", err)
	}
	if h.SignedFor != s.info.Server {
		return h, caller{}, problem(contract.ProblemWrongReceiver, "it is signed for %s; this server is %s", h.SignedFor, s.info.Server)
	}
	if off := h.Time().Sub(s.clock()); off.Abs() > s.window {
		kind := contract.ProblemStale
		if off > 0 {
			kind = contract.ProblemFuture
		}
		return h, caller{}, problem(kind,
			"the timestamp is %s from this server's clock; %s are allowed: check the clock", off.Round(time.Millisecond), s.window)
	}
	neuron, err := s.chain.Neuron(ctx, h.SignedBy)
	if err != nil {
		return h, caller{}, err
	}
	return h, caller{address: h.SignedBy, neuron: neuron}, nil
}

// headerProblem tells apart what is wrong with the headers of a request.
func headerProblem(err error) string {
	switch {
	case errors.Is(err, contract.ErrUnsigned):
		return contract.ProblemUnsigned
	case errors.Is(err, contract.ErrTruncated):
		return contract.ProblemTruncatedSignature
	case errors.Is(err, contract.ErrScheme):
		return contract.ProblemWrongScheme
	}
	return contract.ProblemMalformedHeader
}

// checkSignature decides whether who signed the headers signed the body, for
// the first time.
func (s *Server) checkSignature(ctx context.Context, h contract.SignedHeaders, who caller, body []byte) error {
	if !wallet.Verify(who.neuron.Hotkey, h.Message(body), h.Signature) {
		return problem(contract.ProblemBadSignature, "it is not an sr25519 signature of this request by %s", h.SignedBy)
	}
	if wait := s.limiter.take(who.address); wait > 0 {
		return retry(problem(contract.ProblemTooManyRequests, "wait %s", wait.Round(time.Millisecond)), wait)
	}
	return s.store.UseUUID(ctx, h.SignedBy, h.UUID, h.Time().Add(s.window+uuidMargin), s.clock())
}
