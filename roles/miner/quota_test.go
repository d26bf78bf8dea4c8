package miner_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/miner"
	"finest/roles/taskserver/client"
)

// refusal is how the client tells of a problem.
func refusal(kind, detail string, after time.Duration) error {
	p := &contract.Problem{Type: kind, Title: "t", Detail: detail, RetryAfterMS: after.Milliseconds()}
	if kind == contract.ProblemQuota || kind == contract.ProblemTooManyRequests {
		return &client.Throttled{RetryAfter: after, Problem: p}
	}
	return p
}

// TestRefusedLeases: what the task server says decides whether a miner asks
// again at once, later, or not at all.
func TestRefusedLeases(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		name    string
		refusal error
		asks    int // until the unit of work ends
		outcome miner.Outcome
		err     error
	}{
		{"rate", refusal(contract.ProblemTooManyRequests, "wait", time.Second), 3, miner.Outcome{Status: miner.Submitted}, nil},
		{"quota", refusal(contract.ProblemQuota, "1 lease is open", time.Hour), 1,
			miner.Outcome{Status: miner.NoTask, Reason: "1 lease is open", RetryAfter: time.Hour}, nil},
		{"outdated", refusal(contract.ProblemOutdated, "version 2 is wanted", 0), 1, miner.Outcome{}, miner.ErrOutdated},
		{"banned", refusal(contract.ProblemBanned, "spam", 0), 1, miner.Outcome{}, &contract.Problem{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			asked := 0
			w.leaseErr = func() error {
				asked++
				if asked < 3 {
					return c.refusal
				}
				return nil
			}
			out, err := w.once()
			if asked != c.asks || out.Status != c.outcome.Status || out.Reason != c.outcome.Reason || out.RetryAfter != c.outcome.RetryAfter {
				t.Errorf("asked %d times, outcome %+v", asked, out)
			}
			var p *contract.Problem
			switch {
			case c.err == nil && err != nil, c.err != nil && !errors.As(err, &p):
				t.Errorf("error %v", err)
			case errors.Is(c.err, miner.ErrOutdated) != errors.Is(err, miner.ErrOutdated):
				t.Errorf("error %v", err)
			}
		})
	}
}

// TestRunWaitsAsTold: a miner over its quota asks again when it was told to, and
// no later.
func TestRunWaitsAsTold(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	const told = 7 * time.Minute
	var asked []time.Time
	ctx, cancel := context.WithCancel(t.Context())
	w.leaseErr = func() error {
		asked = append(asked, w.clock.now)
		if len(asked) == 3 {
			cancel()
		}
		return refusal(contract.ProblemQuota, "1 lease is open", told)
	}
	if err, _ := w.live(func(m *miner.Miner) error { return m.Run(ctx) }); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	for i := range asked[1:] {
		if waited := asked[i+1].Sub(asked[i]); waited != told {
			t.Errorf("waited %s", waited)
		}
	}
}

// TestOutdatedWhileAtWork: a claimed task is not given up because the task server
// wants a newer version in between: that one submits it.
func TestOutdatedWhileAtWork(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.submitErr = refusal(contract.ProblemOutdated, "version 2 is wanted", 0)
	if out, err := w.once(); !errors.Is(err, miner.ErrOutdated) {
		t.Fatalf("outcome %+v, error %v", out, err)
	}
	if err, _ := w.live(func(m *miner.Miner) error { return m.Run(t.Context()) }); !errors.Is(err, miner.ErrOutdated) {
		t.Errorf("it went on after error %v", err)
	}
	w.submitErr = nil
	w.submitsTask(0)
	w.submitsTask(1)
	if err := w.check(); err != nil {
		t.Error(err)
	}
}
