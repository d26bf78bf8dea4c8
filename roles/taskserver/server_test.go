package taskserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
)

func TestPublicPages(t *testing.T) {
	e := newEnv(t, 3)
	e.lease("//Miner")
	var tasks contract.TaskList
	_, body := e.get("/v1/tasks?limit=2&crawl=" + crawl)
	check(t, json.Unmarshal([]byte(body), &tasks))
	equal(t, "tasks on the first page", len(tasks.Tasks), 2)
	equal(t, "next", tasks.Next, crawl+"-000001")
	equal(t, "files of the first task", tasks.Tasks[0].Files[1], files(6)[1])
	_, body = e.get("/v1/tasks?limit=2&after=" + tasks.Next)
	tasks = contract.TaskList{}
	check(t, json.Unmarshal([]byte(body), &tasks))
	equal(t, "tasks on the second page", len(tasks.Tasks), 1)
	equal(t, "next", tasks.Next, "")

	info, err := e.client("//Miner").Info(t.Context())
	check(t, err)
	equal(t, "server", info.Server, e.signer.Address())
	equal(t, "deadline", info.DeadlineBlocks, deadline)

	for _, c := range []struct{ path, want string }{
		{"/v1/recipes", `{"recipes":[{"name":"fineweb","hash":"` + sumA + `","from_block":0}]}`},
		{"/v1/submissions", `{"submissions":[],"next":0}`},
		{"/v1/proofs?since=7", `{"proofs":[],"next":7}`},
		{"/v1/leaderboard", `{"standings":[]}`},
		{"/healthz", `{"status":"ok"}`},
	} {
		status, body := e.get(c.path)
		equal(t, "status of "+c.path, status, 200)
		equal(t, c.path, strings.TrimSpace(body), c.want)
	}
	_, metrics := e.get("/metrics")
	for _, want := range []string{`finest_tasks{crawl="` + crawl + `",state="available"} 2`,
		`finest_tasks{crawl="` + crawl + `",state="leased"} 1`, `finest_leases_live 1`, `finest_leases_granted_total 1`, `finest_head_block 1000`,
		`http_request_duration_seconds_count{code="200",handler="/v1/lease",method="POST",service=""} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

// TestPage: people find there what programs read elsewhere, and no markup but
// the page's own.
func TestPage(t *testing.T) {
	e := newEnv(t, 3)
	r := e.submitted("//Miner")
	open := e.lease("//Other")
	w := httptest.NewRecorder()
	e.server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/leaderboard", nil))
	equal(t, "status", w.Code, 200)
	for _, want := range []string{"<td>" + crawl + "</td><td>3</td><td>1</td><td>1</td><td>1</td>", "<td>" + r.Hotkey + "</td><td>1</td>", "Block 1001."} {
		if !strings.Contains(w.Body.String(), want) {
			t.Errorf("the page lacks %s", want)
		}
	}
	if strings.Contains(w.Body.String(), open.Hotkey) {
		t.Error("the page tells who holds an open lease")
	}
	if policy := w.Header().Get("Content-Security-Policy"); !strings.HasPrefix(policy, "default-src 'none'") {
		t.Errorf("content security policy %q", policy)
	}
}

func TestRefusedGets(t *testing.T) {
	e := newEnv(t, 1)
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1/tasks/" + crawl + "-000009", contract.ProblemUnknownTask},
		{"GET", "/v1/tasks/%27%20OR%201=1", contract.ProblemUnknownTask},
		{"GET", "/v1/tasks/%00", contract.ProblemUnknownTask},
		{"GET", "/v1/tasks/%FF", contract.ProblemUnknownTask},
		{"GET", "/v1/tasks?crawl=%00", contract.ProblemMalformed},
		{"GET", "/v1/tasks?after=%FF", contract.ProblemMalformed},
		{"GET", "/v1/submissions?task=%00", contract.ProblemMalformed},
		{"GET", "/v1/verdicts?task=%FF", contract.ProblemMalformed},
		{"GET", "/v1/verdicts?hotkey=%00", contract.ProblemMalformed},
		{"GET", "/v1/statements/%00", contract.ProblemNotFound},
		{"GET", "/v1/tasks?limit=abc", contract.ProblemMalformed},
		{"GET", "/v1/tasks?limit=1000000", contract.ProblemMalformed},
		{"GET", "/v1/submissions?since=-1", contract.ProblemMalformed},
		{"GET", "/v1/proofs?since=x", contract.ProblemMalformed},
		{"GET", "/v1/lease", contract.ProblemMethod},
		{"POST", "/v1/tasks", contract.ProblemMethod},
		{"BREW", "/healthz", contract.ProblemMethod},
		{"GET", "/", contract.ProblemNotFound},
		{"GET", "/v2/tasks", contract.ProblemNotFound},
	} {
		r := httptest.NewRequestWithContext(t.Context(), c.method, c.path, nil)
		equal(t, c.method+" "+c.path, e.problemOf(r), c.want)
	}
}

// brokenStore fails at reading when it is told to.
type brokenStore struct {
	engine.Store
	fail func() error
}

func (s *brokenStore) View(ctx context.Context, f func(engine.View) error) error {
	if s.fail != nil {
		return s.fail()
	}
	return s.Store.View(ctx, f)
}

func (s *brokenStore) Ping(ctx context.Context) error {
	if s.fail != nil {
		return s.fail()
	}
	return s.Store.Ping(ctx)
}

func TestFailuresOfTheServer(t *testing.T) {
	secret := errors.New("secret path of the database")
	var broken *brokenStore
	e := newEnv(t, 1, func(o *taskserver.Options) {
		broken = &brokenStore{Store: o.Store}
		o.Store = broken
	})
	for name, f := range map[string]func() error{
		"error": func() error { return secret },
		"panic": func() error { panic(secret) },
	} {
		broken.fail = f
		status, body := e.get("/v1/tasks")
		equal(t, "status after "+name, status, 500)
		if !strings.Contains(body, contract.ProblemInternal) || strings.Contains(body, "secret") {
			t.Errorf("answer after %s: %s", name, body)
		}
	}
	broken.fail = func() error { return fmt.Errorf("%w: connection to postgres://secret refused", engine.ErrUnavailable) }
	status, body := e.get("/v1/tasks")
	equal(t, "status without a database", status, 503)
	if !strings.Contains(body, contract.ProblemUnavailable) || strings.Contains(body, "secret") {
		t.Errorf("answer without a database: %s", body)
	}
	broken.fail = nil
	status, _ = e.get("/v1/tasks")
	equal(t, "status of another request", status, 200)
}

func TestServe(t *testing.T) {
	e := newEnv(t, 1)
	l, err := net.Listen("tcp", "127.0.0.1:0")
	check(t, err)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- e.server.Serve(ctx, l) }()

	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := client.New("http://"+l.Addr().String()+"/", key(t, "//Miner"), &http.Client{Transport: transport}, e.clock)
	r, err := c.Lease(t.Context(), 1, "fineweb")
	check(t, err)
	check(t, c.Renew(t.Context(), r.Task, r.Generation))
	cancel()
	check(t, <-done)
	if err := c.Renew(t.Context(), r.Task, r.Generation); !errors.Is(err, client.ErrUnavailable) {
		t.Errorf("renew after the end: got error %v", err)
	}
}

func TestOptions(t *testing.T) {
	rules := engine.Rules{DeadlineBlocks: 1, Slots: 1, ColdkeySlots: 1, MaxAttempts: 1, Recipes: []contract.RecipeActivation{{RecipeRef: fineweb}}}
	server, next := key(t, "//Server"), key(t, "//Next")
	good := taskserver.Options{Store: memstore.New(), Chain: &fakeChain{}, Keys: []taskserver.Key{{Signer: server}}, Rules: rules}
	for name, change := range map[string]func(*taskserver.Options){
		"no store":         func(o *taskserver.Options) { o.Store = nil },
		"no chain":         func(o *taskserver.Options) { o.Chain = nil },
		"no key":           func(o *taskserver.Options) { o.Keys = nil },
		"a key of nothing": func(o *taskserver.Options) { o.Keys = []taskserver.Key{{}} },
		"no key at first":  func(o *taskserver.Options) { o.Keys = []taskserver.Key{{Signer: server, FromBlock: 1}} },
		"two keys at once": func(o *taskserver.Options) { o.Keys = []taskserver.Key{{Signer: server}, {Signer: next}} },
		"a key twice": func(o *taskserver.Options) {
			o.Keys = []taskserver.Key{{Signer: server}, {Signer: server, FromBlock: 9}}
		},
		"no rules":       func(o *taskserver.Options) { o.Rules = engine.Rules{} },
		"negative age":   func(o *taskserver.Options) { o.HeadAge = -1 },
		"no connections": func(o *taskserver.Options) { o.MaxConnections = -1 },
		"future clients": func(o *taskserver.Options) { o.MinClient = contract.ClientVersion + 1 },
	} {
		o := good
		change(&o)
		if _, err := taskserver.New(o); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
	_, err := taskserver.New(good)
	check(t, err)
}

// TestFewLargeAnswersAtOnce: pages of proofs are megabytes, so those who wait for
// one must not fill the memory, nor keep all others from the store.
func TestFewLargeAnswersAtOnce(t *testing.T) {
	var broken *brokenStore
	e := newEnv(t, 1, func(o *taskserver.Options) {
		broken = &brokenStore{Store: o.Store}
		o.Store = broken
	})
	reading, goOn := make(chan struct{}, 20), make(chan struct{})
	broken.fail = func() error {
		reading <- struct{}{}
		<-goOn
		return engine.ErrUnavailable
	}
	var all sync.WaitGroup
	for range 20 {
		all.Go(func() {
			w := httptest.NewRecorder()
			e.server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", "/v1/proofs", nil))
		})
	}
	<-reading
	<-reading
	select {
	case <-reading:
		t.Error("more than two pages of proofs are read at a time")
	case <-time.After(50 * time.Millisecond):
	}
	close(goOn)
	all.Wait()
}
