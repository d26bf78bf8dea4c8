package taskserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/sqlite"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const (
	crawl     = "CC-TEST-2024-10"
	netuid    = 63
	deadline  = 120
	firstHead = 1000
)

var (
	start    = time.UnixMilli(1_700_000_000_000)
	sumA     = strings.Repeat("a", 64)
	sumB     = strings.Repeat("b", 64)
	fineweb  = contract.RecipeRef{Name: "fineweb", Hash: sumA}
	claim    = "someone/data@" + strings.Repeat("c", 40)
	registry = []string{"//Miner", "//Other", "//Validator"} // the last with a permit
)

// fakeChain has a head and neurons that tests set, and counts its reads.
type fakeChain struct {
	chain.Client // nil: whatever else is called panics

	mu             sync.Mutex
	head           uint64
	neurons        []chain.Neuron
	err            error
	heads, members int
}

func (c *fakeChain) Finalized(context.Context) (chain.Block, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads++
	return blockOf(c.head), c.err
}

func (c *fakeChain) Neurons(_ context.Context, of uint16, at chain.Block) ([]chain.Neuron, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members++
	if of != netuid || at != blockOf(at.Number) {
		return nil, fmt.Errorf("neurons of subnet %d at %v", of, at)
	}
	return c.neurons, c.err
}

func (c *fakeChain) set(change func(*fakeChain)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(c)
}

func blockOf(number uint64) chain.Block {
	b := chain.Block{Number: number}
	copy(b.Hash[:], fmt.Sprintf("hash of block %d", number))
	return b
}

// env is a server with what surrounds it. Its clock stands still unless moved.
type env struct {
	t      testing.TB
	dir    string
	chain  *fakeChain
	store  taskserver.Store
	server *taskserver.Server
	signer *wallet.Hotkey

	mu  sync.Mutex
	now time.Time
}

func newEnv(t testing.TB, tasks int, change ...func(*taskserver.Options)) *env {
	t.Helper()
	e := &env{t: t, dir: t.TempDir(), chain: &fakeChain{head: firstHead}, signer: key(t, "//Server"), now: start}
	for i, uri := range registry {
		e.chain.neurons = append(e.chain.neurons, chain.Neuron{UID: uint16(i), Hotkey: key(t, uri).PublicKey(), Permit: i == len(registry)-1})
	}
	e.start(change...)
	t.Cleanup(func() { check(t, e.store.Close()) })
	if tasks > 0 {
		report, err := taskserver.Import(t.Context(), e.store, crawl, files(2*tasks), sumB, 2)
		check(t, err)
		equal(t, "tasks imported", report.Added, tasks)
	}
	return e
}

// start opens the store and makes the server.
func (e *env) start(change ...func(*taskserver.Options)) {
	e.t.Helper()
	store, err := sqlite.Open(e.t.Context(), filepath.Join(e.dir, "tasks.sqlite"))
	check(e.t, err)
	e.store = store
	o := taskserver.Options{
		Store: store, Chain: e.chain, Netuid: netuid, Signer: e.signer, DeadlineBlocks: deadline,
		Recipes: []contract.RecipeRef{fineweb}, Clock: e.clock, Burst: 1000,
	}
	for _, f := range change {
		f(&o)
	}
	e.server, err = taskserver.New(o)
	check(e.t, err)
}

func (e *env) restart() {
	e.t.Helper()
	check(e.t, e.store.Close())
	e.start()
}

func (e *env) clock() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now
}

// pass moves the clock.
func (e *env) pass(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now = e.now.Add(d)
}

// mine moves the head, and the clock so far that the server looks again.
func (e *env) mine(blocks uint64) {
	e.chain.set(func(c *fakeChain) { c.head += blocks })
	e.pass(taskserver.DefaultHeadAge)
}

// RoundTrip makes the env a transport straight into the server.
func (e *env) RoundTrip(r *http.Request) (*http.Response, error) {
	w := httptest.NewRecorder()
	e.server.Handler().ServeHTTP(w, r)
	return w.Result(), nil
}

func (e *env) client(uri string) *client.Client {
	return client.New("http://tasks.test", key(e.t, uri), &http.Client{Transport: e}, e.clock)
}

// lease leases slot 1 for a key.
func (e *env) lease(uri string) contract.Receipt {
	e.t.Helper()
	r, err := e.client(uri).Lease(e.t.Context(), 1, "fineweb")
	check(e.t, err)
	return r
}

// get returns status and body of a GET.
func (e *env) get(path string) (int, string) {
	e.t.Helper()
	w := httptest.NewRecorder()
	e.server.Handler().ServeHTTP(w, httptest.NewRequestWithContext(e.t.Context(), "GET", path, nil))
	return w.Code, w.Body.String()
}

// signedRequest is a request as a client would send it.
func (e *env) signedRequest(uri, op string, body []byte, uuid string) *http.Request {
	e.t.Helper()
	signer := key(e.t, uri)
	h, err := contract.SignRequest(body, e.clock(), uuid, signer.Address(), e.signer.Address(), signer.Sign)
	check(e.t, err)
	r := httptest.NewRequestWithContext(e.t.Context(), "POST", "/v1/"+op, bytes.NewReader(body))
	for name, value := range h.Values() {
		r.Header.Set(name, value)
	}
	return r
}

// problemOf sends a request and returns the type of the problem it meets; ""
// for success.
func (e *env) problemOf(r *http.Request) string {
	e.t.Helper()
	w := httptest.NewRecorder()
	e.server.Handler().ServeHTTP(w, r)
	if w.Code < 300 {
		return ""
	}
	var p contract.Problem
	if err := json.Unmarshal(w.Body.Bytes(), &p); err != nil {
		e.t.Fatalf("%d %s: %v", w.Code, w.Body, err)
	}
	equal(e.t, "media type", w.Header().Get("Content-Type"), contract.ProblemMediaType)
	equal(e.t, "status of "+p.Type, p.Status, w.Code)
	if p.Title == "" {
		e.t.Errorf("problem %s has no title", p.Type)
	}
	return p.Type
}

func uuidOf(n int) string { return fmt.Sprintf("00000000-0000-4000-8000-%012d", n) }

func files(n int) []contract.InputFile {
	list := make([]contract.InputFile, n)
	for i := range list {
		list[i] = contract.InputFile{Path: fmt.Sprintf("crawl-data/%s/%05d.warc.gz", crawl, i), Bytes: int64(1000 + i)}
	}
	return list
}

func submission(r contract.Receipt) contract.SubmitRequest {
	return contract.SubmitRequest{Task: r.Task, Generation: r.Generation, Claim: claim, Manifest: sumA, Block: r.Block + 1}
}

func key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	k, err := wallet.FromURI(uri)
	check(t, err)
	return k
}

func check(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func equal[T comparable](t testing.TB, what string, got, want T) {
	t.Helper()
	if got != want {
		t.Fatalf("%s: got %v, want %v", what, got, want)
	}
}

// wantProblem checks that a client's call failed with a type of problem.
func wantProblem(t testing.TB, what string, err error, kind string) {
	t.Helper()
	if !client.IsProblem(err, kind) {
		t.Fatalf("%s: got error %v, want %s", what, err, kind)
	}
}
