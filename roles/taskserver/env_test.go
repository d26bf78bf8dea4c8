package taskserver_test

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain"
	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
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
	neuronsErr     error         // of reading neurons alone
	delay          time.Duration // of every read
	// commitments are those written, in order.
	commitments []chain.Commitment
}

func (c *fakeChain) Finalized(context.Context) (chain.Block, error) {
	c.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.heads++
	return blockOf(c.head), c.err
}

func (c *fakeChain) Neurons(_ context.Context, of uint16, at chain.Block) ([]chain.Neuron, error) {
	c.wait()
	c.mu.Lock()
	defer c.mu.Unlock()
	c.members++
	if of != netuid || at != blockOf(at.Number) {
		return nil, fmt.Errorf("neurons of subnet %d at %v", of, at)
	}
	return c.neurons, errors.Join(c.err, c.neuronsErr)
}

// wait passes the time that a read takes.
func (c *fakeChain) wait() {
	c.mu.Lock()
	delay := c.delay
	c.mu.Unlock()
	time.Sleep(delay)
}

func (c *fakeChain) SetCommitment(_ context.Context, by chain.Signer, of uint16, fields [][]byte) (chain.Inclusion, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if of != netuid {
		return chain.Inclusion{}, fmt.Errorf("commitment on subnet %d", of)
	}
	c.head++
	c.commitments = append(c.commitments, chain.Commitment{Hotkey: by.PublicKey(), Block: c.head, Fields: fields})
	return chain.Inclusion{Block: blockOf(c.head)}, c.err
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
	chain  *fakeChain
	store  engine.Store
	server *taskserver.Server
	signer *wallet.Hotkey
	change []func(*taskserver.Options)

	mu  sync.Mutex
	now time.Time
}

func newEnv(t testing.TB, tasks int, change ...func(*taskserver.Options)) *env {
	t.Helper()
	e := &env{t: t, chain: &fakeChain{head: firstHead}, store: memstore.New(), signer: key(t, "//Server"), now: start, change: change}
	for i, uri := range registry {
		e.chain.neurons = append(e.chain.neurons, neuron(t, i, uri, i == len(registry)-1))
	}
	t.Cleanup(func() { check(t, e.store.Close()) })
	e.start()
	if tasks > 0 {
		e.importCrawl(crawl, 2*tasks)
	}
	return e
}

// neuron has a coldkey of its own.
func neuron(t testing.TB, uid int, uri string, permit bool) chain.Neuron {
	t.Helper()
	return chain.Neuron{UID: uint16(uid), Hotkey: key(t, uri).PublicKey(), Coldkey: key(t, uri+"//cold").PublicKey(), Permit: permit, Stake: 1000}
}

// start makes a server over the store.
func (e *env) start() {
	e.t.Helper()
	o := taskserver.Options{
		Store: e.store, Chain: e.chain, Netuid: netuid, Keys: []taskserver.Key{{Signer: e.signer}}, Clock: e.clock, Burst: 1000,
		Rules: engine.Rules{DeadlineBlocks: deadline, ConfirmBlocks: deadline, Slots: 1, ColdkeySlots: 8, MaxAttempts: 5,
			Recipes: []contract.RecipeActivation{{RecipeRef: fineweb}}},
	}
	for _, f := range e.change {
		f(&o)
	}
	var err error
	e.server, err = taskserver.New(o)
	check(e.t, err)
}

// importCrawl adds files in tasks of two.
func (e *env) importCrawl(name string, n int) {
	e.t.Helper()
	list, err := catalogue.New(files(n))
	check(e.t, err)
	crawl, tasks, err := catalogue.Tasks(name, list, 2)
	check(e.t, err)
	_, err = e.server.Engine().Import(e.t.Context(), firstHead, crawl, tasks)
	check(e.t, err)
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

// submitted leases a task and submits a result, whose claim is one block later.
func (e *env) submitted(uri string) contract.Receipt {
	e.t.Helper()
	r := e.lease(uri)
	e.mine(1)
	check(e.t, e.client(uri).Submit(e.t.Context(), submission(r)))
	return r
}

// state returns that of a task.
func (e *env) state(task string) string {
	e.t.Helper()
	view, err := e.client("//Other").Task(e.t.Context(), task)
	check(e.t, err)
	return view.State
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

// keys are those made so far: each takes milliseconds.
var keys sync.Map

func key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	if known, ok := keys.Load(uri); ok {
		return known.(*wallet.Hotkey)
	}
	k, err := wallet.FromURI(uri)
	check(t, err)
	keys.Store(uri, k)
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

// signatureOf reads 128 hex digits.
func signatureOf(t testing.TB, digits string) (signature [64]byte) {
	t.Helper()
	raw, err := hex.DecodeString(digits)
	check(t, err)
	equal(t, "bytes of the signature", copy(signature[:], raw), len(signature))
	return signature
}
