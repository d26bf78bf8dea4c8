package taskserver

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"time"

	"finest/internal/canon"
	"finest/internal/contract"
)

// requestTimeout bounds the work on one request.
const requestTimeout = 20 * time.Second

// endpoint answers a request with a value to be sent as JSON, none{} for no
// content, or with an error.
type endpoint func(*Server, *http.Request) (any, error)

// answer makes a handler of a route: parameters, timeout, JSON, problems, panics.
// Only as many requests as large has places are prepared at a time.
func (s *Server) answer(pattern string, of route, large turns) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, err := s.prepare(r, of, large)
		switch {
		case err != nil:
			s.refuse(w, pattern, err)
		case body == nil:
			w.WriteHeader(http.StatusNoContent)
		default:
			w.Header().Set("Content-Type", "application/json")
			s.send(w, r, pattern, body)
		}
	})
}

// prepare returns the JSON of an answer; nil for none.
func (s *Server) prepare(r *http.Request, of route, large turns) ([]byte, error) {
	if err := of.checkQuery(r.URL.RawQuery); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
	defer cancel()
	done, err := large.take(ctx)
	if err != nil {
		return nil, err
	}
	defer done()
	value, err := guard(s, of.serve, r.WithContext(ctx))
	if err != nil || value == (none{}) {
		return nil, err
	}
	body, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("%w: encode answer: %w", errInternal, err)
	}
	return body, nil
}

func (s *Server) refuse(w http.ResponseWriter, pattern string, err error) {
	p := s.problemOf(err)
	s.logProblem(pattern, p, err)
	s.writeProblem(w, p)
}

// send writes an answer in pieces, so that it is seen which clients read theirs.
func (s *Server) send(w http.ResponseWriter, r *http.Request, route string, body []byte) {
	load := s.carry(r)
	defer load.done()
	load.grow(len(body))
	for piece := range slices.Chunk(body, pieceSize) {
		if _, err := w.Write(piece); err != nil {
			s.log.Debug().Str("route", route).Err(err).Msg("answer was not sent")
			return
		}
		load.grow(0)
	}
	_, _ = io.WriteString(w, "\n") // a line for people; appended it would copy a large body
}

// guard turns a panic into an error: one request must not take others down.
func guard(s *Server, e endpoint, r *http.Request) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("%w: panic: %v", errInternal, p)
		}
	}()
	return e(s, r)
}

// request is a body of a signed operation.
type request interface{ Validate() error }

// signed makes an endpoint of an operation: it checks who signed the request
// for what and reads the body.
func signed[T request, A any](op string, limit int64, do func(*Server, context.Context, call, T) (A, error)) endpoint {
	return func(s *Server, r *http.Request) (any, error) {
		if r.ContentLength > limit {
			return nil, tooLarge(limit)
		}
		ctx := r.Context()
		c, err := s.checkHeaders(ctx, r.Header)
		if err != nil {
			return nil, err
		}
		body, done, err := s.readBody(r, c.limit(limit))
		if err != nil {
			return nil, err
		}
		defer done()
		c.body = body
		if err := s.checkSignature(c); err != nil {
			return nil, err
		}
		req, err := decode[T](c.body, op)
		if err != nil {
			return nil, err
		}
		if err := s.advance(ctx, c.Head.Number); err != nil {
			return nil, err
		}
		return do(s, ctx, c, req)
	}
}

// limit is how large a body may be. Large ones are of validators alone, so that
// no miner keeps the server busy with them.
func (c call) limit(limit int64) int64 {
	if c.Permit {
		return limit
	}
	return min(limit, maxBody)
}

// readBody reads the body of a request. It waits for a turn to work on a large
// one, which done gives back.
func (s *Server) readBody(r *http.Request, limit int64) (body []byte, done func(), err error) {
	if r.ContentLength > limit {
		return nil, nil, tooLarge(limit)
	}
	load := s.carry(r)
	defer load.done()
	pieces, size, err := readPieces(io.LimitReader(r.Body, limit+1), load)
	if err != nil {
		return nil, nil, problem(contract.ProblemMalformed, "the body could not be read")
	}
	if int64(size) > limit {
		return nil, nil, tooLarge(limit)
	}
	s.arrived(r)
	var large turns
	if size > maxBody {
		large = s.bodies
	}
	if done, err = large.take(r.Context()); err != nil {
		return nil, nil, err
	}
	return bytes.Join(pieces, nil), done, nil
}

// readPieces reads all of r in pieces, so that a body under way takes the memory
// of what has come of it: io.ReadAll would take twice as much, and leave five
// times the whole to the garbage collector.
func readPieces(r io.Reader, load *load) (pieces [][]byte, size int, err error) {
	for next := 1 << 10; err == nil; next = min(2*next, pieceSize) {
		load.grow(next)
		piece, n := make([]byte, next), 0
		for n < next && err == nil {
			var more int
			more, err = r.Read(piece[n:])
			n += more
		}
		pieces = append(pieces, piece[:n])
		size += n
	}
	if errors.Is(err, io.EOF) {
		err = nil
	}
	return pieces, size, err
}

func tooLarge(limit int64) error {
	return problem(contract.ProblemTooLarge, "this hotkey may send %d bytes here", limit)
}

// decode reads a request. Order and white space do not matter, but every field
// must be there, once, and no other.
func decode[T request](body []byte, op string) (req T, err error) {
	raw, err := canon.Canonicalize(body)
	if err != nil {
		return req, problem(contract.ProblemMalformed, "%v", err)
	}
	var named struct {
		Op string `json:"op"`
	}
	if err := json.Unmarshal(raw, &named); err != nil {
		return req, problem(contract.ProblemMalformed, "the body is not an object with an op")
	}
	if named.Op != op {
		return req, problem(contract.ProblemWrongOperation, "it is for %.40q, this is %q", named.Op, op)
	}
	if err := canon.Unmarshal(raw, &req); errors.Is(err, canon.ErrNotCanonical) {
		return req, problem(contract.ProblemMalformed, "fields are missing or misspelt")
	} else if err != nil {
		return req, problem(contract.ProblemMalformed, "%v", err)
	}
	return req, req.Validate()
}

// checkCanonical refuses a body that is JSON in another form than the canonical
// one.
func checkCanonical(body []byte) error {
	raw, err := canon.Canonicalize(body)
	if err != nil || string(raw) != string(body) {
		return problem(contract.ProblemMalformed, "this operation wants canonical JSON (RFC 8785), so that others can check its signature")
	}
	return nil
}
