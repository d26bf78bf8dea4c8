package taskserver

import (
	"context"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// uuidMargin is how much longer than necessary used UUIDs are kept: a clock that
// jumps ahead by as much and back again makes no old request good.
const uuidMargin = time.Hour

// call is a signed request.
type call struct {
	engine.Request
	headers contract.SignedHeaders
	body    []byte
}

// checkHeaders refuses what headers alone give away, before a body is read. It
// reads the chain only through the cache.
func (s *Server) checkHeaders(ctx context.Context, header http.Header) (call, error) {
	if err := s.checkClient(header); err != nil {
		return call{}, err
	}
	h, err := contract.ParseSignedHeaders(header)
	if err != nil {
		return call{}, problem(headerProblem(err), "%v", err)
	}
	if err := s.checkTime(h); err != nil {
		return call{}, err
	}
	head, err := s.chain.Head(ctx)
	if err != nil {
		return call{}, err
	}
	if !s.keys.accepts(h.SignedFor, head.Number) {
		return call{}, problem(contract.ProblemWrongReceiver, "it is signed for %s; this server is %s", h.SignedFor, s.keys.at(head.Number).Address())
	}
	neuron, err := s.chain.Neuron(ctx, h.SignedBy)
	if err != nil {
		return call{}, err
	}
	return call{headers: h, Request: engine.Request{
		Head: head, Hotkey: h.SignedBy, Coldkey: wallet.Address(neuron.Coldkey), Key: neuron.Hotkey,
		Permit: neuron.Permit, Stake: neuron.Stake,
		UUID: h.UUID, Until: h.Time().Add(s.o.TimestampWindow + uuidMargin),
	}}, nil
}

// checkClient refuses a client that says it is older than this server serves.
func (s *Server) checkClient(header http.Header) error {
	text := header.Get(contract.HeaderClient)
	if text == "" || s.o.MinClient == 0 {
		return nil
	}
	version, err := strconv.Atoi(text)
	if err != nil || version < 0 {
		return problem(contract.ProblemMalformed, "%s %.20q is not a number", contract.HeaderClient, text)
	}
	if version < s.o.MinClient {
		return problem(contract.ProblemOutdated, "the client speaks version %d, this server serves version %d and later: install a newer release", version, s.o.MinClient)
	}
	return nil
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

func (s *Server) checkTime(h contract.SignedHeaders) error {
	off := h.Time().Sub(s.o.Clock())
	if off.Abs() <= s.o.TimestampWindow {
		return nil
	}
	kind := contract.ProblemStale
	if off > 0 {
		kind = contract.ProblemFuture
	}
	return problem(kind, "the timestamp is %s from this server's clock; %s are allowed: check the clock",
		off.Round(time.Millisecond), s.o.TimestampWindow)
}

// checkSignature decides whether who signed the headers signed the body. That
// it is for the first time is decided with what the request does.
func (s *Server) checkSignature(c call) error {
	if !wallet.Verify(c.Key, c.headers.Message(c.body), c.headers.Signature) {
		return problem(contract.ProblemBadSignature, "it is not an sr25519 signature of this request by %s", c.Hotkey)
	}
	if wait := s.limiter.take(c.Hotkey); wait > 0 {
		return retry(problem(contract.ProblemTooManyRequests, "wait %s", wait.Round(time.Millisecond)), wait)
	}
	return nil
}

// permitted lets only validators pass. What is refused cannot be sent again,
// should its sender become one.
func (s *Server) permitted(ctx context.Context, c call, what string) error {
	if c.Permit {
		return nil
	}
	err := s.store.Change(ctx, func(tx engine.Tx) error { return tx.UseUUID(c.Hotkey, c.UUID, c.Until) })
	if err != nil {
		return err
	}
	return problem(contract.ProblemNoPermit, "only validators %s", what)
}

// statement is a signed request as others can check it.
func (c call) statement() contract.Statement {
	h := c.headers
	return contract.Statement{SHA256: contract.StatementID(h.SignedBy, c.body), Validator: h.SignedBy, SignedFor: h.SignedFor,
		UUID: h.UUID, Timestamp: h.Timestamp, Signature: hex.EncodeToString(h.Signature[:]), Body: c.body}
}
