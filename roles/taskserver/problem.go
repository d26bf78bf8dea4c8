package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// errInternal is wrapped by failures that are not the request's, whatever else
// they wrap.
var errInternal = errors.New("internal")

// kind is what all problems of one type have in common.
type kind struct {
	status int
	title  string
}

var kinds = map[string]kind{
	contract.ProblemMalformed:          {http.StatusBadRequest, "request is malformed"},
	contract.ProblemWrongOperation:     {http.StatusBadRequest, "body is for another operation"},
	contract.ProblemTooLarge:           {http.StatusRequestEntityTooLarge, "body is too large"},
	contract.ProblemUnsigned:           {http.StatusUnauthorized, "request is not signed"},
	contract.ProblemMalformedHeader:    {http.StatusUnauthorized, "a header of the signature is malformed"},
	contract.ProblemTruncatedSignature: {http.StatusUnauthorized, "signature is cut off"},
	contract.ProblemWrongScheme:        {http.StatusUnauthorized, "signature is not of sr25519"},
	contract.ProblemBadSignature:       {http.StatusUnauthorized, "signature does not fit"},
	contract.ProblemStale:              {http.StatusUnauthorized, "timestamp is too old"},
	contract.ProblemFuture:             {http.StatusUnauthorized, "timestamp is in the future"},
	contract.ProblemWrongReceiver:      {http.StatusUnauthorized, "request is for another server"},
	contract.ProblemReplayed:           {http.StatusConflict, "request was used before"},
	contract.ProblemNotRegistered:      {http.StatusForbidden, "hotkey is not registered"},
	contract.ProblemNoPermit:           {http.StatusForbidden, "hotkey has no validator permit"},
	contract.ProblemBanned:             {http.StatusForbidden, "hotkey or coldkey is banned"},
	contract.ProblemOutdated:           {http.StatusUpgradeRequired, "client is outdated"},
	contract.ProblemNotHolder:          {http.StatusForbidden, "lease is held by another hotkey"},
	contract.ProblemUnknownTask:        {http.StatusNotFound, "no such task or lease"},
	contract.ProblemUnknownRecipe:      {http.StatusUnprocessableEntity, "recipe is not served"},
	contract.ProblemSlot:               {http.StatusUnprocessableEntity, "no hotkey has so many slots"},
	contract.ProblemQuota:              {http.StatusTooManyRequests, "quota is used up"},
	contract.ProblemNoTask:             {http.StatusNotFound, "no task is available"},
	contract.ProblemFenced:             {http.StatusConflict, "lease is over"},
	contract.ProblemAlreadySubmitted:   {http.StatusConflict, "lease has another result already"},
	contract.ProblemTooManyRequests:    {http.StatusTooManyRequests, "too many requests"},
	contract.ProblemAhead:              {http.StatusServiceUnavailable, "block is not final yet"},
	contract.ProblemChainUnavailable:   {http.StatusServiceUnavailable, "chain is unavailable"},
	contract.ProblemUnavailable:        {http.StatusServiceUnavailable, "server is busy"},
	contract.ProblemNotReady:           {http.StatusServiceUnavailable, "server is not ready"},
	contract.ProblemNotFound:           {http.StatusNotFound, "no such resource"},
	contract.ProblemMethod:             {http.StatusMethodNotAllowed, "method is not allowed"},
	contract.ProblemInternal:           {http.StatusInternalServerError, "server failed"},
}

// problem returns a problem of one of the contract.Problem types.
func problem(kind, format string, args ...any) *contract.Problem {
	k := kinds[kind]
	return &contract.Problem{Type: kind, Title: k.title, Status: k.status, Detail: fmt.Sprintf(format, args...)}
}

// retry returns p with the time after which the request may succeed.
func retry(p *contract.Problem, after time.Duration) *contract.Problem {
	p.RetryAfterMS = after.Milliseconds()
	return p
}

// refusals are the engine's errors that are the caller's doing.
var refusals = []struct {
	err  error
	kind string
}{
	{engine.ErrNotHolder, contract.ProblemNotHolder},
	{engine.ErrFenced, contract.ProblemFenced},
	{engine.ErrSubmitted, contract.ProblemAlreadySubmitted},
	{engine.ErrBanned, contract.ProblemBanned},
	{engine.ErrNotFound, contract.ProblemUnknownTask},
	{contract.ErrInvalid, contract.ProblemMalformed},
}

// problemOf says what a client may know of an error. What it may not know is in
// the log.
func (s *Server) problemOf(err error) *contract.Problem {
	var p *contract.Problem
	var quota *engine.QuotaError
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, errInternal): // whatever else it is
		return problem(contract.ProblemInternal, "the server's log holds the reason")
	case errors.As(err, &quota):
		return s.quotaProblem(quota)
	case errors.Is(err, engine.ErrReplayed):
		return problem(contract.ProblemReplayed, "sign every request with a new UUID")
	case errors.Is(err, engine.ErrNoTask):
		return retry(problem(contract.ProblemNoTask, "all tasks are leased or done"), s.o.RetryAfter)
	case errors.Is(err, engine.ErrRecipe):
		return problem(contract.ProblemUnknownRecipe, "GET /v1/recipes lists those that are")
	case errors.Is(err, engine.ErrAhead):
		return retry(problem(contract.ProblemAhead, "%v", err), s.o.BlockTime)
	case errors.Is(err, chain.ErrNotRegistered):
		return problem(contract.ProblemNotRegistered, "register the hotkey on subnet %d first", s.o.Netuid)
	case errors.Is(err, errChain):
		return retry(problem(contract.ProblemChainUnavailable, "the chain cannot be read now"), s.o.RetryAfter)
	case errors.Is(err, engine.ErrUnavailable):
		return retry(problem(contract.ProblemUnavailable, "the database does not answer now"), s.o.RetryAfter)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return retry(problem(contract.ProblemUnavailable, "the request took too long"), s.o.RetryAfter)
	}
	for _, r := range refusals {
		if errors.Is(err, r.err) {
			return problem(r.kind, "%v", err)
		}
	}
	return problem(contract.ProblemInternal, "the server's log holds the reason")
}

// quotaProblem says how long to wait for a lease.
func (s *Server) quotaProblem(e *engine.QuotaError) *contract.Problem {
	wait := s.o.RetryAfter
	if now := s.chain.number(); e.Until > now {
		wait = max(time.Duration(e.Until-now)*s.o.BlockTime, s.o.BlockTime)
	}
	return retry(problem(contract.ProblemQuota, "%v", e), wait)
}

// writeProblem answers with p.
func (s *Server) writeProblem(w http.ResponseWriter, p *contract.Problem) {
	s.metrics.problems.WithLabelValues(p.Type).Inc()
	body, err := json.Marshal(p)
	if err != nil { // strings and integers always encode
		panic(err)
	}
	if p.RetryAfterMS > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt((p.RetryAfterMS+999)/1000, 10))
	}
	if p.Status == http.StatusUpgradeRequired { // RFC 9110, section 15.5.22
		w.Header().Set("Upgrade", "finest-client/"+strconv.Itoa(s.o.MinClient))
		w.Header().Set("Connection", "Upgrade")
	}
	w.Header().Set("Content-Type", contract.ProblemMediaType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // nobody is left to tell
}

// logProblem logs what an operator should see: each failure of the server's own,
// and in sum what it refuses because something it depends on is away.
func (s *Server) logProblem(pattern string, p *contract.Problem, err error) {
	event := s.log.Debug()
	switch {
	case errors.Is(err, context.Canceled), p.Type == contract.ProblemAhead: // the client went away, or ahead
	case p.Status == http.StatusInternalServerError:
		event = s.log.Error()
	case p.Type == contract.ProblemUnavailable && tookTooLong(err): // the server is busy, nothing is away
	case p.Status > http.StatusInternalServerError:
		s.outages.refused(p.Type, pattern, err)
	}
	event.Str("route", pattern).Int("status", p.Status).Str("problem", p.Type).Err(err).Msg("request refused")
}

// tookTooLong reports whether the time of a request was up, and neither the chain
// nor the store failed.
func tookTooLong(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) && !errors.Is(err, engine.ErrUnavailable) && !errors.Is(err, errChain)
}
