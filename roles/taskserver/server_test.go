package taskserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
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
		{"/v1/recipes", `{"recipes":[{"name":"fineweb","hash":"` + sumA + `"}]}`},
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
	for _, want := range []string{`finest_tasks{state="available"} 2`, `finest_tasks{state="leased"} 1`,
		`http_request_duration_seconds_count{code="200",handler="/v1/lease",method="POST",service=""} 1`} {
		if !strings.Contains(metrics, want) {
			t.Errorf("metrics lack %s", want)
		}
	}
}

func TestRefusedGets(t *testing.T) {
	e := newEnv(t, 1)
	for _, c := range []struct{ method, path, want string }{
		{"GET", "/v1/tasks/" + crawl + "-000009", contract.ProblemUnknownTask},
		{"GET", "/v1/tasks/%27%20OR%201=1", contract.ProblemUnknownTask},
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

// brokenStore fails at what is asked of it.
type brokenStore struct {
	taskserver.Store
	fail func() error
}

func (s brokenStore) Standings(context.Context, uint64) ([]contract.Standing, error) {
	return nil, s.fail()
}

func TestFailuresOfTheServer(t *testing.T) {
	secret := errors.New("secret path of the database")
	var fail func() error
	e := newEnv(t, 1, func(o *taskserver.Options) {
		o.Store = brokenStore{o.Store, func() error { return fail() }}
	})
	for name, f := range map[string]func() error{
		"error": func() error { return secret },
		"panic": func() error { panic(secret) },
	} {
		fail = f
		status, body := e.get("/v1/leaderboard")
		equal(t, "status after "+name, status, 500)
		if !strings.Contains(body, contract.ProblemInternal) || strings.Contains(body, "secret") {
			t.Errorf("answer after %s: %s", name, body)
		}
	}
	status, _ := e.get("/v1/tasks")
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
	good := taskserver.Options{
		Store: brokenStore{}, Chain: &fakeChain{}, Signer: key(t, "//Server"), DeadlineBlocks: 1, Recipes: []contract.RecipeRef{fineweb},
	}
	for name, change := range map[string]func(*taskserver.Options){
		"no store":         func(o *taskserver.Options) { o.Store = nil },
		"no chain":         func(o *taskserver.Options) { o.Chain = nil },
		"no signer":        func(o *taskserver.Options) { o.Signer = nil },
		"no deadline":      func(o *taskserver.Options) { o.DeadlineBlocks = 0 },
		"no recipe":        func(o *taskserver.Options) { o.Recipes = nil },
		"a recipe twice":   func(o *taskserver.Options) { o.Recipes = []contract.RecipeRef{fineweb, fineweb} },
		"negative slots":   func(o *taskserver.Options) { o.Slots = -1 },
		"negative age":     func(o *taskserver.Options) { o.HeadAge = -1 },
		"slots beyond all": func(o *taskserver.Options) { o.Slots = contract.MaxSlot + 1 },
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
