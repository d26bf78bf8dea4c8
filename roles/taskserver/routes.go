package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	recorder "github.com/slok/go-http-metrics/metrics/prometheus"
	"github.com/slok/go-http-metrics/middleware"
	"github.com/slok/go-http-metrics/middleware/std"

	"finest/internal/canon"
	"finest/internal/contract"
)

const (
	// requestTimeout bounds the work on one request.
	requestTimeout = 20 * time.Second
	// maxBody bounds the body of most requests, maxScoreBody that of a full
	// score request, maxProofBody that of a proof.
	maxBody      = 16 << 10
	maxScoreBody = 512 << 10
	maxProofBody = contract.MaxProof + 4<<10
)

// endpoint answers a request with a value to be sent as JSON, nil for no
// content, or with an error.
type endpoint func(*http.Request) (any, error)

// routes builds the HTTP API.
func (s *Server) routes(registry *prometheus.Registry) http.Handler {
	metrics := middleware.New(middleware.Config{Recorder: recorder.NewRecorder(recorder.Config{Registry: registry})})
	mux := http.NewServeMux()
	add := func(method, path string, e endpoint) {
		pattern := method + " " + path
		mux.Handle(pattern, std.Handler(path, metrics, s.answer(pattern, e)))
		// Other methods stay out of the metrics: strangers make up their names.
		mux.HandleFunc(path, func(w http.ResponseWriter, _ *http.Request) {
			w.Header().Set("Allow", method)
			writeProblem(w, problem(contract.ProblemMethod, "%s wants %s", path, method))
		})
	}
	add("POST", "/v1/lease", signed(s, contract.OpLease, maxBody, s.lease))
	add("POST", "/v1/renew", signed(s, contract.OpRenew, maxBody, s.renew))
	add("POST", "/v1/release", signed(s, contract.OpRelease, maxBody, s.release))
	add("POST", "/v1/submit", signed(s, contract.OpSubmit, maxBody, s.submit))
	add("POST", "/v1/score", signed(s, contract.OpScore, maxScoreBody, s.score))
	add("POST", "/v1/proof", signed(s, contract.OpProof, maxProofBody, s.proof))

	add("GET", "/v1/server", s.getServer)
	add("GET", "/v1/recipes", s.getRecipes)
	add("GET", "/v1/tasks", s.getTasks)
	add("GET", "/v1/tasks/{id}", s.getTask)
	add("GET", "/v1/submissions", s.getSubmissions)
	add("GET", "/v1/proofs", s.getProofs)
	add("GET", "/v1/leaderboard", s.getLeaderboard)
	add("GET", "/healthz", s.getHealth)
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		writeProblem(w, problem(contract.ProblemNotFound, "there is no %.100q here", r.URL.Path))
	})
	return mux
}

// answer makes a handler of an endpoint: timeout, JSON, problems, panics.
func (s *Server) answer(pattern string, e endpoint) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), requestTimeout)
		defer cancel()
		value, err := guard(e, r.WithContext(ctx))
		if err != nil {
			p := s.problemOf(err)
			logProblem(s.log, pattern, p, err)
			writeProblem(w, p)
			return
		}
		w.Header().Set("Cache-Control", "no-store")
		if value == nil {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		w.Header().Set("Content-Type", "application/json")
		if err := json.NewEncoder(w).Encode(value); err != nil {
			s.log.Debug().Str("route", pattern).Err(err).Msg("answer was not sent")
		}
	})
}

// guard turns a panic into an error: one request must not take others down.
func guard(e endpoint, r *http.Request) (value any, err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("panic: %v", p)
		}
	}()
	return e(r)
}

// signed makes an endpoint of an operation: it checks who signed the request
// for what and reads the body.
func signed[T interface{ Validate() error }, A any](s *Server, op string, maxBody int64, do func(context.Context, caller, T) (A, error)) endpoint {
	return func(r *http.Request) (any, error) {
		headers, who, err := s.checkHeaders(r.Context(), r.Header)
		if err != nil {
			return nil, err
		}
		body, err := readBody(r, maxBody)
		if err != nil {
			return nil, err
		}
		if err := s.checkSignature(r.Context(), headers, who, body); err != nil {
			return nil, err
		}
		req, err := decode[T](body, op)
		if err != nil {
			return nil, err
		}
		return do(r.Context(), who, req)
	}
}

func readBody(r *http.Request, limit int64) ([]byte, error) {
	body, err := io.ReadAll(io.LimitReader(r.Body, limit+1))
	if err != nil {
		return nil, problem(contract.ProblemMalformed, "the body could not be read")
	}
	if int64(len(body)) > limit {
		return nil, problem(contract.ProblemTooLarge, "%d bytes are allowed", limit)
	}
	return body, nil
}

// decode reads a request. Order and white space do not matter, but every field
// must be there, once, and no other.
func decode[T interface{ Validate() error }](body []byte, op string) (req T, err error) {
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
