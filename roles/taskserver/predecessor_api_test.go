package taskserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

// Faults of the predecessor in what it kept and showed, and in how it was run.

// FS-2: a score replaced the one before, and its signature was thrown away.
func TestFS2ScoresAreKeptSigned(t *testing.T) {
	e := newEnv(t, 1)
	r := e.submitted("//Miner")
	validator := e.client("//Validator")
	for _, pay := range []string{"1", "2"} {
		check(t, validator.Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictAccepted, pay)}, firstHead))
	}
	verdicts, _, err := e.client("//Other").Verdicts(t.Context(), r.Hotkey, 0)
	check(t, err)
	equal(t, "verdicts", len(verdicts), 2)
	for i, v := range verdicts {
		equal(t, "pay", v.Pay, fmt.Sprint(i+1))
		s, err := e.client("//Other").Statement(t.Context(), v.Statement) // which checks the signature
		check(t, err)
		equal(t, "signed by", s.Validator, v.Validator)
	}
}

// sumCounter counts how often all tasks are counted.
type sumCounter struct {
	engine.Store
	mu   sync.Mutex
	sums int
}

type countedView struct {
	engine.View
	of *sumCounter
}

func (s *sumCounter) View(ctx context.Context, f func(engine.View) error) error {
	return s.Store.View(ctx, func(v engine.View) error { return f(countedView{v, s}) })
}

func (v countedView) TaskCounts() ([]engine.TaskCount, error) {
	v.of.mu.Lock()
	v.of.sums++
	v.of.mu.Unlock()
	return v.View.TaskCounts()
}

// FS-19: each look at the statistics asked the chain anew. Here many looks at
// all pages with sums read store and chain once.
func TestFS19SumsAreReadOnce(t *testing.T) {
	var counter *sumCounter
	e := newEnv(t, 3, func(o *taskserver.Options) {
		counter = &sumCounter{Store: o.Store}
		o.Store = counter
	})
	var wait sync.WaitGroup
	for _, path := range []string{"/v1/stats", "/v1/crawls", "/v1/leaderboard", "/leaderboard", "/metrics"} {
		for range 20 {
			wait.Go(func() {
				w := httptest.NewRecorder()
				e.server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", path, nil))
				if w.Code != 200 {
					t.Errorf("%s: status %d", path, w.Code)
				}
			})
		}
	}
	wait.Wait()
	equal(t, "countings of all tasks", counter.sums, 1)
	e.chain.set(func(c *fakeChain) { equal(t, "reads of the head", c.heads, 1) })
}

// FS-21: a route took a parameter in its path that its function did not. Here
// every route that is described answers, with all its parameters.
func TestFS21EveryRouteAnswers(t *testing.T) {
	e := newEnv(t, 2)
	r := e.submitted("//Miner")
	check(t, e.client("//Validator").Score(t.Context(), []contract.Verdict{verdictOn(r, contract.VerdictAccepted, "1")}, firstHead))
	verdicts, _, err := e.client("//Other").Verdicts(t.Context(), "", 0)
	check(t, err)
	values := map[string]string{"id": r.Task, "sha256": verdicts[0].Statement, "crawl": crawl, "state": contract.TaskSubmitted, "after": crawl,
		"limit": "1", "since": "0", "task": r.Task, "hotkey": r.Hotkey}
	routes := 0
	for path, operations := range e.document().Paths {
		op, ok := operations["get"]
		if !ok {
			continue
		}
		routes++
		var query []string
		for _, p := range op.Parameters {
			if values[p.Name] == "" {
				t.Errorf("%s has the parameter %q", path, p.Name)
			}
			if p.In == "path" {
				path = strings.Replace(path, "{"+p.Name+"}", values[p.Name], 1)
			} else {
				query = append(query, p.Name+"="+values[p.Name])
			}
		}
		if len(query) > 0 {
			path += "?" + strings.Join(query, "&")
		}
		status, body := e.get(path)
		if status != 200 {
			t.Errorf("%s: %d %s", path, status, body)
		}
	}
	equal(t, "routes that are described", routes, 15)
}

// FS-22: the description gave the type of a request as that of its answer. Here
// the answers of signed operations are what is described (of the others see
// TestAnswersFitTheDocument).
func TestFS22AnswersAreAsDescribed(t *testing.T) {
	e := newEnv(t, 2)
	d := e.document()
	registry := d.registry(t)
	r := e.lease("//Validator")
	e.mine(1)
	submit := submission(r)
	submit.Op = contract.OpSubmit
	for i, c := range []struct {
		op     string
		body   any
		answer string
	}{
		{"lease", contract.LeaseRequest{Op: "lease", Slot: 1, Recipe: "fineweb"}, "Receipt"},
		{"renew", contract.RenewRequest{Op: "renew", Task: r.Task, Generation: 1}, "LeaseStatus"},
		{"submit", submit, "LeaseStatus"},
		{"score", contract.ScoreRequest{Op: "score", WeightsBlock: firstHead, Verdicts: []contract.Verdict{verdictOn(r, contract.VerdictRejected, "0")}}, ""},
		{"proof", contract.ProofRequest{Op: "proof", Proof: json.RawMessage(`{}`)}, ""},
	} {
		op := d.Paths["/v1/"+c.op]["post"]
		w := httptest.NewRecorder()
		e.server.Handler().ServeHTTP(w, e.signedRequest("//Validator", c.op, []byte(canonical(t, c.body)), uuidOf(i)))
		described, ok := op.Responses[fmt.Sprint(w.Code)]
		equal(t, fmt.Sprintf("status %d of %s is described", w.Code, c.op), ok && w.Code < 300, true)
		ref := described.Content["application/json"].Schema.Ref
		equal(t, "answer of "+c.op, strings.TrimPrefix(ref, "#/components/schemas/"), c.answer)
		if c.answer == "" {
			equal(t, "answer of "+c.op, w.Body.String(), "")
			continue
		}
		for _, err := range misfits(t, registry, ref, w.Body.String()) {
			t.Errorf("%s: %v", c.op, err)
		}
		request := op.RequestBody.Content["application/json"].Schema.Ref
		if len(misfits(t, registry, request, w.Body.String())) == 0 {
			t.Errorf("%s is answered with its request", c.op)
		}
	}
}

// FS-24: one file that could not be asked for ended the whole import.
func TestFS24OneFileStopsNothing(t *testing.T) {
	dir := t.TempDir()
	names := []string{"a.warc.gz", "b.warc.gz", "c.warc.gz"}
	for _, name := range names {
		check(t, os.WriteFile(filepath.Join(dir, name), warc(t), 0o600))
	}
	check(t, os.Remove(filepath.Join(dir, names[1])))
	base, err := polite.OpenBase(dir, nil)
	check(t, err)
	e := newEnv(t, 0, func(o *taskserver.Options) { o.Crawls = base })
	list, err := catalogue.Read(strings.NewReader(strings.Join(names, "\n") + "\n"))
	check(t, err)
	c, tasks, err := catalogue.Tasks(crawl, list, 1)
	check(t, err)
	_, err = e.server.Engine().Import(t.Context(), firstHead, c, tasks)
	check(t, err)
	e.pass(catalogue.DefaultPoll)
	report, err := e.server.Once(t.Context())
	check(t, err)
	equal(t, "tasks surveyed", report.Survey.Surveyed, 2)
	equal(t, "tasks quarantined", report.Survey.Quarantined, 1)
	e.lease("//Miner")
}

// FS-25: a second import failed on the rows of the first.
func TestFS25ImportMayBeRepeated(t *testing.T) {
	e := newEnv(t, 3)
	e.lease("//Miner")
	before := e.summary()
	e.importCrawl(crawl, 6)
	equal(t, "tables after the same import", e.summary(), before)
	e.importCrawl("CC-TEST-2024-18", 2)
	stats, err := e.client("//Other").Stats(t.Context())
	check(t, err)
	equal(t, "tasks", stats.Tally, contract.TaskTally{Available: 3, Leased: 1, Ready: 3})
}

// FS-27, FS-28: a database and a dashboard were open to everybody, and hosts and
// addresses of its operator stood in the code. Here there is the API, and it
// names nobody.
func TestFS27NothingBesideTheAPI(t *testing.T) {
	e := newEnv(t, 1)
	for _, path := range []string{"/admin/", "/accounts/", "/users/", "/flower", "/debug/pprof/", "/debug/vars", "/static/", "/v1/", "/api/schema/", "/.env"} {
		status, _ := e.get(path)
		equal(t, "status of "+path, status, 404)
	}
	_, document := e.get("/v1/openapi.json")
	_, info := e.get("/v1/server")
	for _, foreign := range []string{"http://", "https://", "@", `"servers"`} {
		if strings.Contains(document+info, foreign) {
			t.Errorf("the API names a host or an address: it has %q", foreign)
		}
	}
}
