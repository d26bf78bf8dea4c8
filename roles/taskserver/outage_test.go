package taskserver_test

import (
	"bytes"
	"encoding/json"
	"fmt"
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
