package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/contract"
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
	contract.ProblemFuture:             {http.StatusUnauthorized, "timestamp is in the future"},
	contract.ProblemBadSignature:       {http.StatusUnauthorized, "signature does not fit"},
	contract.ProblemStale:              {http.StatusUnauthorized, "timestamp is too old"},
	contract.ProblemWrongReceiver:      {http.StatusUnauthorized, "request is for another server"},
	contract.ProblemReplayed:           {http.StatusConflict, "request was used before"},
	contract.ProblemNotRegistered:      {http.StatusForbidden, "hotkey is not registered"},
	contract.ProblemNoPermit:           {http.StatusForbidden, "hotkey has no validator permit"},
	contract.ProblemNotHolder:          {http.StatusForbidden, "lease is held by another hotkey"},
	contract.ProblemUnknownTask:        {http.StatusNotFound, "no such task or lease"},
	contract.ProblemUnknownRecipe:      {http.StatusUnprocessableEntity, "recipe is not served"},
	contract.ProblemSlot:               {http.StatusUnprocessableEntity, "slot is beyond the quota"},
	contract.ProblemNoTask:             {http.StatusNotFound, "no task is available"},
	contract.ProblemFenced:             {http.StatusConflict, "lease is over"},
	contract.ProblemAlreadySubmitted:   {http.StatusConflict, "lease has another result already"},
	contract.ProblemTooManyRequests:    {http.StatusTooManyRequests, "too many requests"},
	contract.ProblemChainUnavailable:   {http.StatusServiceUnavailable, "chain is unavailable"},
	contract.ProblemUnavailable:        {http.StatusServiceUnavailable, "server is busy"},
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

// problemOf says what a client may know of an error. What it may not know is in
// the log.
func (s *Server) problemOf(err error) *contract.Problem {
	var p *contract.Problem
	switch {
	case errors.As(err, &p):
		return p
	case errors.Is(err, errInternal): // whatever else it is
	case errors.Is(err, contract.ErrInvalid):
		return problem(contract.ProblemMalformed, "%v", err)
	case errors.Is(err, chain.ErrNotRegistered):
		return problem(contract.ProblemNotRegistered, "register the hotkey on subnet %d first", s.netuid)
	case errors.Is(err, ErrNotHolder):
		return problem(contract.ProblemNotHolder, "%v", err)
	case errors.Is(err, ErrFenced):
		return problem(contract.ProblemFenced, "%v", err)
	case errors.Is(err, ErrSubmitted):
		return problem(contract.ProblemAlreadySubmitted, "%v", err)
	case errors.Is(err, ErrReplayed):
		return problem(contract.ProblemReplayed, "sign every request with a new UUID")
	case errors.Is(err, ErrNotFound):
		return problem(contract.ProblemUnknownTask, "%v", err)
	case errors.Is(err, errChain):
		return retry(problem(contract.ProblemChainUnavailable, "the chain cannot be read now"), s.retryAfter)
	case errors.Is(err, context.DeadlineExceeded), errors.Is(err, context.Canceled):
		return retry(problem(contract.ProblemUnavailable, "the request took too long"), s.retryAfter)
	}
	return problem(contract.ProblemInternal, "the server's log holds the reason")
}

// writeProblem answers with p.
func writeProblem(w http.ResponseWriter, p *contract.Problem) {
	body, err := json.Marshal(p)
	if err != nil { // strings and integers always encode
		panic(err)
	}
	if p.RetryAfterMS > 0 {
		w.Header().Set("Retry-After", strconv.FormatInt((p.RetryAfterMS+999)/1000, 10))
	}
	w.Header().Set("Content-Type", contract.ProblemMediaType)
	w.WriteHeader(p.Status)
	_, _ = w.Write(body) // nobody is left to tell
}

// logProblem logs what an operator should see: failures of the server's own,
// and of what it depends on.
func logProblem(log zerolog.Logger, pattern string, p *contract.Problem, err error) {
	event := log.Debug()
	switch {
	case errors.Is(err, context.Canceled): // the client went away
	case p.Status == http.StatusInternalServerError:
		event = log.Error()
	case p.Status > http.StatusInternalServerError:
		event = log.Warn()
	}
	event.Str("route", pattern).Int("status", p.Status).Str("problem", p.Type).Err(err).Msg("request refused")
}
