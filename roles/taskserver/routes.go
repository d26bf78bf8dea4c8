package taskserver

import (
	"context"
	"fmt"
	"net/http"
	"reflect"
	"strings"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	recorder "github.com/slok/go-http-metrics/metrics/prometheus"
	"github.com/slok/go-http-metrics/middleware"
	"github.com/slok/go-http-metrics/middleware/std"

	"finest/internal/contract"
)

// Limits of bodies: of most requests, of a full score request, of a proof.
const (
	maxBody      = 16 << 10
	maxScoreBody = 512 << 10
	maxProofBody = contract.MaxProof + 4<<10
)

// route is one operation of the API: what the mux serves and what the OpenAPI
// document says come from the same place.
type route struct {
	method, path string
	// id names the operation, summary says what it does.
	id, summary string
	params      []param
	// request and response are the types of the bodies; nil for none.
	request, response reflect.Type
	maxBody           int64
	// problems are the types that it can be refused with, besides those that all
	// operations of its kind can.
	problems []string
	// largeAnswers may be megabytes: few are made at a time.
	largeAnswers bool
	serve        endpoint
}

// param is a part of the path or of the query.
type param struct {
	name, about string
	inPath      bool
	// integer bounds it, from 0 or 1 up to max; 0 for a text.
	min, max int
}

// post is a route of a signed operation.
func post[T request, A any](op, summary string, maxBody int64, do func(*Server, context.Context, call, T) (A, error), problems ...string) route {
	return route{method: http.MethodPost, path: "/v1/" + op, id: op, summary: summary, maxBody: maxBody,
		request: reflect.TypeFor[T](), response: bodyType[A](), problems: problems, serve: signed(op, maxBody, do)}
}

// get is a route of what everybody may read.
func get[A any](path, id, summary string, do func(*Server, *http.Request) (A, error), params []param, problems ...string) route {
	return route{method: http.MethodGet, path: path, id: id, summary: summary, params: params, response: bodyType[A](), problems: problems,
		serve: func(s *Server, r *http.Request) (any, error) { return do(s, r) }}
}

// largeAnswersAtOnce is how many large answers are read from the store and
// encoded at a time, largeBodiesAtOnce how many large bodies are read as JSON and
// acted on. No client can hold a place: the body is here, and nothing is sent yet.
const (
	largeAnswersAtOnce = 2
	largeBodiesAtOnce  = 2
)

func large(r route) route {
	r.largeAnswers = true
	return r
}

func bodyType[A any]() reflect.Type {
	if t := reflect.TypeFor[A](); t != reflect.TypeFor[none]() {
		return t
	}
	return nil
}

// table is the API.
func table() []route {
	const lost, foreign, unknown, permit = contract.ProblemFenced, contract.ProblemNotHolder, contract.ProblemUnknownTask, contract.ProblemNoPermit
	const gone = contract.ProblemNotFound
	since := param{name: "since", about: "what the page before gave as next; the first page without", max: maxSeq}
	limit := param{name: "limit", about: "how many at most", min: 1, max: maxPage}
	limitOfTasks := limit
	limitOfTasks.about = fmt.Sprintf("how many at most; a page ends earlier with %d files, and only the last has an empty next", maxPageFiles)
	ofTask := param{name: "task", about: "only those of this task"}
	return []route{
		post(contract.OpLease, "Lease a task: the one the slot holds, else a new one", maxBody, (*Server).lease,
			contract.ProblemNoTask, contract.ProblemUnknownRecipe, contract.ProblemSlot, contract.ProblemQuota, contract.ProblemBanned),
		post(contract.OpRenew, "Give a sign of life for a lease", maxBody, (*Server).renew, lost, foreign, unknown),
		post(contract.OpRelease, "Give a lease back before its deadline", maxBody, (*Server).release, lost, foreign, unknown),
		post(contract.OpSubmit, "Announce the result of a lease", maxBody, (*Server).submit,
			lost, foreign, unknown, contract.ProblemAlreadySubmitted, contract.ProblemAhead),
		post(contract.OpScore, "Publish verdicts whose weights are on chain", maxScoreBody, (*Server).score, permit, contract.ProblemAhead),
		post(contract.OpProof, "Share a fraud proof", maxProofBody, (*Server).proof, permit),

		get("/v1/server", "getServer", "Who serves what, at which terms", (*Server).getServer, nil),
		get("/v1/recipes", "getRecipes", "Recipes that tasks are leased for", (*Server).getRecipes, nil),
		get("/v1/crawls", "getCrawls", "Crawls and how far they are", (*Server).getCrawls, nil),
		get("/v1/stats", "getStats", "All crawls together", (*Server).getStats, nil),
		get("/v1/tasks", "getTasks", "Tasks in the order of their ids", (*Server).getTasks, []param{
			{name: "crawl", about: "only those of this crawl"}, {name: "state", about: "only those in this state"},
			{name: "after", about: "what the page before gave as next; the first page without"}, limitOfTasks}),
		get("/v1/tasks/{id}", "getTask", "One task with its results and verdicts", (*Server).getTask,
			[]param{{name: "id", about: "the task", inPath: true}}, unknown),
		get("/v1/submissions", "getSubmissions", "Results in the order they arrived", (*Server).getSubmissions,
			[]param{ofTask, since, limit}),
		get("/v1/verdicts", "getVerdicts", "Verdicts in the order they arrived", (*Server).getVerdicts,
			[]param{ofTask, {name: "hotkey", about: "only those on results of this miner"}, since, limit}),
		get("/v1/statements/{sha256}", "getStatement", "The signed request that verdicts came with", (*Server).getStatement,
			[]param{{name: "sha256", about: "the statement of a verdict", inPath: true}}, gone),
		get("/v1/leaderboard", "getLeaderboard", "What is known of each miner", (*Server).getLeaderboard, nil),
		large(get("/v1/proofs", "getProofs", "Fraud proofs in the order they arrived", (*Server).getProofs, []param{since})),
		get("/v1/audit", "getAudit", "The head of the audit log", (*Server).getAudit, nil),
		get("/v1/openapi.json", "getOpenapi", "This document", (*Server).getDocument, nil),
		get("/healthz", "getHealth", "Whether the server runs", (*Server).getHealth, nil),
		get("/readyz", "getReady", "Whether it can do its work", (*Server).getReady, nil, contract.ProblemNotReady),
	}
}

// routes builds the HTTP API.
func (s *Server) routes(registry *prometheus.Registry) (http.Handler, error) {
	if err := s.metrics.register(registry); err != nil {
		return nil, err
	}
	measured := middleware.New(middleware.Config{Recorder: recorder.NewRecorder(recorder.Config{Registry: registry})})
	mux := http.NewServeMux()
	for _, r := range table() {
		pattern := r.method + " " + r.path
		var large turns
		if r.largeAnswers {
			large = make(turns, largeAnswersAtOnce)
		}
		mux.Handle(pattern, std.Handler(r.path, measured, s.answer(pattern, r, large)))
		mux.HandleFunc(r.path, s.otherMethods(r.method, r.path))
	}
	shown, err := s.newPage()
	if err != nil {
		return nil, err
	}
	mux.Handle("GET /leaderboard", std.Handler("/leaderboard", measured, shown))
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	for _, path := range []string{"/leaderboard", "/metrics"} {
		mux.HandleFunc(path, s.otherMethods(http.MethodGet, path))
	}
	mux.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		s.writeProblem(w, problem(contract.ProblemNotFound, "there is no %.100q here", r.URL.Path))
	})
	return s.outer(mux), nil
}

// otherMethods refuses all methods but that of a path. It stays out of the
// metrics of requests, as strangers make up names of methods.
func (s *Server) otherMethods(method, path string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Allow", strings.Replace(method, http.MethodGet, "GET, HEAD", 1))
		s.writeProblem(w, problem(contract.ProblemMethod, "%s wants %s", path, method))
	}
}

// outer is around everything: headers of all answers, and what the limit of
// connections has to know.
func (s *Server) outer(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.ContentLength == 0 {
			s.arrived(r)
		}
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		next.ServeHTTP(w, r)
	})
}
