package taskserver_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
)

// told are lines of a log about outages: level, message, requests.
func told(t testing.TB, log *bytes.Buffer, kind string) (lines []string) {
	t.Helper()
	for line := range strings.Lines(log.String()) {
		var l struct {
			Level, Message, Problem, Error string
			Requests                       int
		}
		check(t, json.Unmarshal([]byte(line), &l))
		if l.Problem == kind {
			lines = append(lines, fmt.Sprintf("%s %s %d", l.Level, l.Message, l.Requests))
		}
	}
	return lines
}

// TestOutagesAreSummedUp: however many ask while the store or the chain is away,
// the log has a line when it begins, one a minute, and one when it is over.
func TestOutagesAreSummedUp(t *testing.T) {
	for kind, c := range map[string]struct {
		path string
		away func(*env, *brokenStore, bool)
	}{
		contract.ProblemUnavailable: {"/v1/tasks", func(_ *env, s *brokenStore, away bool) {
			s.fail = nil
			if away {
				s.fail = func() error { return fmt.Errorf("%w: no route to host", engine.ErrUnavailable) }
			}
		}},
		contract.ProblemNotReady: {"/readyz", func(e *env, _ *brokenStore, away bool) {
			e.chain.set(func(c *fakeChain) {
				c.err = nil
				if away {
					c.err = chain.ErrUnavailable
				}
			})
		}},
	} {
		t.Run(kind, func(t *testing.T) {
			var log bytes.Buffer
			var broken *brokenStore
			e := newEnv(t, 1, func(o *taskserver.Options) {
				broken = &brokenStore{Store: o.Store}
				o.Store, o.Log = broken, zerolog.New(&log).Level(zerolog.InfoLevel)
			})
			ask := func(times, want int) {
				t.Helper()
				for range times { // two a second
					e.pass(500 * time.Millisecond)
					status, _ := e.get(c.path)
					equal(t, "status", status, want)
				}
			}
			ask(1, http.StatusOK)
			e.pass(taskserver.DefaultHeadAge)
			c.away(e, broken, true)
			ask(301, http.StatusServiceUnavailable) // two and a half minutes
			c.away(e, broken, false)
			e.pass(taskserver.DefaultHeadAge)
			e.mine(1)
			ask(200, http.StatusOK)
			c.away(e, broken, true)
			e.pass(taskserver.DefaultHeadAge)
			ask(1, http.StatusServiceUnavailable)
			equal(t, "log", strings.Join(told(t, &log, kind), "\n"), strings.Join([]string{
				"warn requests are refused 0",
				"warn requests are still refused 120",
				"warn requests are still refused 120",
				"info requests are refused no more 301",
				"warn requests are refused 0",
			}, "\n"))
		})
	}
}

// TestOutageIsOverWithoutRequests: nobody need ask for the log to say so.
func TestOutageIsOverWithoutRequests(t *testing.T) {
	var log bytes.Buffer
	inBubble(t, 0, func(t *testing.T, e *env, _ func()) {
		status, _ := e.get("/v1/tasks")
		equal(t, "status", status, http.StatusServiceUnavailable)
		time.Sleep(3 * time.Minute)
		synctest.Wait()
		equal(t, "log", strings.Join(told(t, &log, contract.ProblemUnavailable), "\n"),
			"warn requests are refused 0\ninfo requests are refused no more 1")
	}, func(o *taskserver.Options) {
		o.Store, o.Log = &brokenStore{Store: o.Store, fail: func() error { return engine.ErrUnavailable }}, zerolog.New(zerolog.SyncWriter(&log)).Level(zerolog.InfoLevel)
	})
}

// TestRequestsAheadAreNoOutage: a claim that the server does not know of yet is
// nothing to wake an operator for.
func TestRequestsAheadAreNoOutage(t *testing.T) {
	var log bytes.Buffer
	e := newEnv(t, 1, func(o *taskserver.Options) { o.Log = zerolog.New(&log).Level(zerolog.InfoLevel) })
	r := e.lease("//Miner")
	wantProblem(t, "submit", e.client("//Miner").Submit(t.Context(), submission(r)), contract.ProblemAhead)
	if lines := told(t, &log, contract.ProblemAhead); len(lines) > 0 {
		t.Errorf("log of an outage: %q", lines)
	}
}

// TestOutageWithAClockThatIsSetBack: what the clock says does not silence the
// log.
func TestOutageWithAClockThatIsSetBack(t *testing.T) {
	var log bytes.Buffer
	e := newEnv(t, 1, func(o *taskserver.Options) {
		o.Store, o.Log = &brokenStore{Store: o.Store, fail: func() error { return engine.ErrUnavailable }}, zerolog.New(&log).Level(zerolog.InfoLevel)
	})
	for _, jump := range []time.Duration{0, -time.Hour, time.Second} {
		e.pass(jump)
		status, _ := e.get("/v1/tasks")
		equal(t, "status", status, http.StatusServiceUnavailable)
	}
	equal(t, "log", strings.Join(told(t, &log, contract.ProblemUnavailable), "\n"),
		"warn requests are refused 0\ninfo requests are refused no more 1\nwarn requests are refused 0")
}

// TestOutageOfManyAtOnce: requests that are refused at the same moment are of one
// outage, in whatever order they come.
func TestOutageOfManyAtOnce(t *testing.T) {
	const clients, each = 64, 20
	var log bytes.Buffer
	var later atomic.Int64
	e := newEnv(t, 1, func(o *taskserver.Options) {
		o.Clock = func() time.Time {
			defer runtime.Gosched() // another may read it before this time is used
			return time.Now().Add(time.Duration(later.Load()))
		}
		o.Store, o.Log = &brokenStore{Store: o.Store, fail: func() error { return engine.ErrUnavailable }}, zerolog.New(zerolog.SyncWriter(&log)).Level(zerolog.InfoLevel)
	})
	var group sync.WaitGroup
	for range clients {
		group.Go(func() {
			for range each {
				e.get("/v1/tasks")
			}
		})
	}
	group.Wait()
	equal(t, "log", strings.Join(told(t, &log, contract.ProblemUnavailable), "\n"), "warn requests are refused 0")
	later.Store(int64(2 * time.Minute))
	e.get("/v1/tasks")
	equal(t, "log after it", strings.Join(told(t, &log, contract.ProblemUnavailable), "\n"), fmt.Sprintf(
		"warn requests are refused 0\ninfo requests are refused no more %d\nwarn requests are refused 0", clients*each))
}

// TestBusyServerIsNoOutage: a request whose time was up is one only if the store
// or the chain did not answer.
func TestBusyServerIsNoOutage(t *testing.T) {
	for name, c := range map[string]struct {
		path, kind string
		err        error
		want       string
	}{
		"waited for its turn":      {"/v1/tasks", contract.ProblemUnavailable, context.DeadlineExceeded, "debug request refused 0"},
		"store did not answer":     {"/v1/tasks", contract.ProblemUnavailable, fmt.Errorf("%w: %w", engine.ErrUnavailable, context.DeadlineExceeded), "warn requests are refused 0\ndebug request refused 0"},
		"not ready, store is slow": {"/readyz", contract.ProblemNotReady, context.DeadlineExceeded, "warn requests are refused 0\ndebug request refused 0"},
	} {
		t.Run(name, func(t *testing.T) {
			var log bytes.Buffer
			e := newEnv(t, 1, func(o *taskserver.Options) {
				o.Store, o.Log = &brokenStore{Store: o.Store, fail: func() error { return c.err }}, zerolog.New(&log).Level(zerolog.DebugLevel)
			})
			status, _ := e.get(c.path)
			equal(t, "status", status, http.StatusServiceUnavailable)
			equal(t, "log", strings.Join(told(t, &log, c.kind), "\n"), c.want)
		})
	}
}
