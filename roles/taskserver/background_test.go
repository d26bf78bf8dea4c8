package taskserver_test

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
)

// silence is a listener that nobody connects to.
type silence struct{ closed chan struct{} }

func newSilence() *silence { return &silence{make(chan struct{})} }

func (s *silence) Accept() (net.Conn, error) {
	<-s.closed
	return nil, net.ErrClosed
}

func (s *silence) Close() error {
	select {
	case <-s.closed:
	default:
		close(s.closed)
	}
	return nil
}

func (s *silence) Addr() net.Addr { return &net.UnixAddr{Name: "nowhere"} }

// inBubble serves in a bubble of its own time while do runs.
func inBubble(t *testing.T, tasks int, do func(t *testing.T, e *env, stop func()), change ...func(*taskserver.Options)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		e := newEnv(t, tasks, append(change, func(o *taskserver.Options) { o.Clock = time.Now })...)
		e.now = time.Now() // clients sign at the beginning of the bubble's time
		ctx, stop := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- e.server.Serve(ctx, newSilence()) }()
		defer stop()
		do(t, e, stop)
		stop()
		check(t, <-done)
	})
}

// raw returns the state of a task as the store has it, which a request for it
// could change.
func (e *env) raw(task string) (state string) {
	e.t.Helper()
	check(e.t, e.store.View(e.t.Context(), func(v engine.View) error {
		found, err := v.Task(task)
		state = found.State
		return err
	}))
	return state
}

func TestDeadlinesPassWithoutRequests(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, e *env, _ func()) {
		r := e.lease("//Miner")
		e.chain.set(func(c *fakeChain) { c.head += deadline })
		time.Sleep(2 * taskserver.DefaultHeadAge)
		equal(t, "state at the deadline", e.raw(r.Task), contract.TaskLeased)
		e.chain.set(func(c *fakeChain) { c.head++ })
		time.Sleep(2 * taskserver.DefaultHeadAge)
		equal(t, "state after it", e.raw(r.Task), contract.TaskAvailable)
	})
}

// TestWorkGoesOnAfterFailures: a chain that is away for a day stops nothing for
// good.
func TestWorkGoesOnAfterFailures(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, e *env, _ func()) {
		r := e.lease("//Miner")
		e.chain.set(func(c *fakeChain) { c.err = chain.ErrUnavailable })
		time.Sleep(24 * time.Hour)
		var reads int
		e.chain.set(func(c *fakeChain) { reads = c.heads })
		if reads > 2*24*60+100 { // one a minute for each of head and registrations
			t.Errorf("%d reads of a chain that was away for a day", reads)
		}
		e.chain.set(func(c *fakeChain) { c.err, c.head = nil, c.head+deadline+1 })
		time.Sleep(2 * time.Minute)
		equal(t, "state", e.raw(r.Task), contract.TaskAvailable)
	})
}

func TestUsedUUIDsAreForgotten(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, e *env, _ func()) {
		equal(t, "problem", e.problemOf(e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))), "")
		again := func() error {
			return e.store.Change(t.Context(), func(tx engine.Tx) error {
				return tx.UseUUID(key(t, "//Miner").Address(), uuidOf(1), time.Now().Add(time.Hour))
			})
		}
		time.Sleep(time.Hour) // a clock that is wrong by as much makes no old request good
		if err := again(); !errors.Is(err, engine.ErrReplayed) {
			t.Errorf("after an hour: got error %v", err)
		}
		time.Sleep(2 * time.Minute)
		check(t, again())
	})
}

// TestAnchor: the head of the audit log is written on chain, by the key of its
// block, and no more often than wanted.
func TestAnchor(t *testing.T) {
	const every = 100
	e := newEnv(t, 3, func(o *taskserver.Options) { o.AnchorEvery = every })
	once := func() *contract.Anchored {
		t.Helper()
		e.pass(taskserver.DefaultHeadAge)
		report, err := e.server.Once(t.Context())
		check(t, err)
		return report.Anchor
	}
	audit := func() contract.AuditHead {
		t.Helper()
		head, err := e.client("//Other").Audit(t.Context())
		check(t, err)
		return head
	}
	if head := audit(); head.Anchor != nil || head.Seq != 1 {
		t.Fatalf("audit before an anchor: %+v", head)
	}
	first := once()
	if first == nil {
		t.Fatal("the log of an import is not anchored")
	}
	written := e.chain.commitments[0]
	got, err := contract.ParseAnchor(written.Fields)
	check(t, err)
	head := audit()
	equal(t, "anchor on chain", got, contract.Anchor{Seq: head.Seq, Hash: head.Hash})
	equal(t, "hotkey of the anchor", written.Hotkey, e.signer.PublicKey())
	equal(t, "anchor told", *head.Anchor, contract.Anchored{Anchor: got, Hotkey: e.signer.Address(), Block: written.Block})

	e.mine(every)
	if again := once(); again != nil {
		t.Errorf("a log without new entries was anchored again: %+v", again)
	}
	e.lease("//Miner")
	second := once()
	if second == nil || second.Seq != 2 {
		t.Fatalf("after a lease: anchor %+v", second)
	}
	e.lease("//Other")
	if early := once(); early != nil {
		t.Errorf("anchored again after %d blocks", early.Block-second.Block)
	}
	e.mine(every)
	if third := once(); third == nil || third.Seq != 3 {
		t.Errorf("after %d blocks: anchor %+v", every, third)
	}
}

func TestOnceReportsWhatWasDue(t *testing.T) {
	e := newEnv(t, 2)
	e.lease("//Miner")
	e.lease("//Other")
	e.mine(deadline + 1)
	report, err := e.server.Once(t.Context())
	check(t, err)
	equal(t, "report", report, taskserver.Report{Block: firstHead + deadline + 1, Ended: 2})
}

// ready returns the status of /readyz and what it says.
func (e *env) ready() (int, string) {
	e.t.Helper()
	status, body := e.get("/readyz")
	var p contract.Problem
	if status != http.StatusOK {
		check(e.t, json.Unmarshal([]byte(body), &p))
		equal(e.t, "type", p.Type, contract.ProblemNotReady)
	}
	return status, p.Detail
}

func TestReadiness(t *testing.T) {
	var broken *brokenStore
	e := newEnv(t, 1, func(o *taskserver.Options) {
		broken = &brokenStore{Store: o.Store}
		o.Store = broken
	})
	want := func(what string, wantStatus int, wantDetail string) {
		t.Helper()
		status, detail := e.ready()
		equal(t, "status "+what, status, wantStatus)
		if !strings.Contains(detail, wantDetail) {
			t.Errorf("%s: says %q", what, detail)
		}
	}
	want("at first", 200, "")
	broken.fail = func() error { return errors.New("secret") }
	want("without a store", 503, "store")
	broken.fail = nil
	e.chain.set(func(c *fakeChain) { c.err = chain.ErrUnavailable })
	e.pass(taskserver.DefaultHeadAge)
	want("without a chain", 503, "chain")
	e.chain.set(func(c *fakeChain) { c.err = nil })
	e.pass(taskserver.DefaultHeadAge)
	want("with a chain again", 200, "")
	e.pass(11 * taskserver.DefaultBlockTime)
	want("with a chain that stands still", 503, "block has been 1000")
	e.mine(1)
	want("with a new block", 200, "")
	status, _ := e.get("/healthz")
	equal(t, "health", status, 200)
}

// TestDrain: a server that ends says so first, and goes on for a while.
func TestDrain(t *testing.T) {
	inBubble(t, 1, func(t *testing.T, e *env, stop func()) {
		status, _ := e.ready()
		equal(t, "ready", status, 200)
		stop()
		synctest.Wait()
		status, detail := e.ready()
		equal(t, "ready while it ends", status, 503)
		equal(t, "detail", detail, "the server ends")
		e.lease("//Miner")
		_, metrics := e.get("/metrics")
		if !strings.Contains(metrics, "finest_draining 1") {
			t.Error("metrics do not tell that the server ends")
		}
	}, func(o *taskserver.Options) { o.DrainDelay = 5 * time.Second })
}

// TestRequestsUnderWayFinish: a request that is being answered when the server
// is told to end is answered.
func TestRequestsUnderWayFinish(t *testing.T) {
	entered, release := make(chan struct{}), make(chan struct{})
	var broken *brokenStore
	e := newEnv(t, 1, func(o *taskserver.Options) {
		broken = &brokenStore{Store: o.Store}
		o.Store = broken
	})
	broken.fail = func() error {
		close(entered)
		<-release
		return engine.ErrUnavailable
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	check(t, err)
	ctx, stop := context.WithCancel(t.Context())
	done, answered := make(chan error), make(chan error)
	go func() { done <- e.server.Serve(ctx, l) }()
	go func() {
		req, err := http.NewRequestWithContext(context.WithoutCancel(ctx), http.MethodGet, "http://"+l.Addr().String()+"/v1/audit", nil)
		if err == nil {
			var resp *http.Response
			if resp, err = (&http.Transport{DisableKeepAlives: true}).RoundTrip(req); err == nil {
				err = resp.Body.Close()
			}
		}
		answered <- err
	}()
	<-entered
	stop()
	close(release)
	check(t, <-answered)
	check(t, <-done)
}

// TestDamagedTaskIsToldOfOnce: it keeps neither requests nor the background work
// from going on, and is named in the log once a block.
func TestDamagedTaskIsToldOfOnce(t *testing.T) {
	var log strings.Builder
	e := newEnv(t, 3, func(o *taskserver.Options) { o.Log = zerolog.New(&log).Level(zerolog.ErrorLevel) })
	bad, good := e.lease("//Miner"), e.lease("//Other")
	check(t, e.store.Change(t.Context(), func(tx engine.Tx) error {
		k, err := tx.Task(bad.Task)
		k.Generation = 99 // a lease that was never granted
		return errors.Join(err, tx.PutTask(k))
	}))
	told := 0
	for range 2 {
		e.mine(deadline + 1)
		equal(t, "state of the other task", e.state(good.Task), contract.TaskAvailable)
		equal(t, "block is over", e.state(good.Task), contract.TaskAvailable)
		if told++; strings.Count(log.String(), bad.Task) != told {
			t.Fatalf("after %d blocks the log says\n%s", told, log.String())
		}
	}
	e.lease("//Other")
	_, err := e.server.Once(t.Context())
	check(t, err)
}
