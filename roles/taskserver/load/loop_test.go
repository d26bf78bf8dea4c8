package main

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"finest/internal/contract"
)

// Answers that take long neither delay the requests after them nor hide how long
// they take.
func TestLoopIsOpen(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		const pace, slow = 10 * time.Millisecond, 3 * time.Second
		begin := time.Now()
		l := &loop{rate: 100, requests: 50, maxUnderWay: 1000, send: func(_ context.Context, i int) (string, error) {
			if got, want := time.Since(begin), time.Duration(i)*pace; got != want {
				t.Errorf("request %d was sent after %s, want %s", i, got, want)
			}
			time.Sleep(slow)
			return contract.OpLease, nil
		}}
		samples := l.run(t.Context())
		if len(samples) != 50 || time.Since(begin) != 49*pace+slow {
			t.Errorf("%d samples after %s", len(samples), time.Since(begin))
		}
		for _, s := range samples {
			if s.took != slow || s.failure != "" || s.op != contract.OpLease {
				t.Fatalf("sample %+v", s)
			}
		}
	})
}

// A sender that is late counts from when it should have started.
func TestLoopCountsFromIntendedStart(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		l := &loop{rate: 1, requests: 2, send: func(context.Context, int) (string, error) { return "", nil }}
		at := time.Now().Add(-time.Minute)
		if got := l.at(at, 30).Sub(at); got != 30*time.Second {
			t.Errorf("request 30 is due after %s", got)
		}
		timer := time.NewTimer(0)
		if !waitUntil(t.Context(), timer, at) {
			t.Error("what is overdue was not sent")
		}
	})
}

func TestLoopIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		time.AfterFunc(time.Minute, func() { close(hang) })
		l := &loop{rate: 1000, requests: 12, maxUnderWay: 5, send: func(context.Context, int) (string, error) {
			<-hang
			return "", nil
		}}
		dropped := 0
		for _, s := range l.run(t.Context()) {
			if s.failure == failureUnderWay {
				dropped++
			}
		}
		if dropped != 7 {
			t.Errorf("%d requests were dropped, want 7", dropped)
		}
	})
}

func TestLoopEnds(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), 95*time.Millisecond)
		defer cancel()
		l := &loop{rate: 100, requests: 1000, maxUnderWay: 1000, send: func(context.Context, int) (string, error) { return "", nil }}
		if n := len(l.run(ctx)); n != 10 {
			t.Errorf("%d requests were sent, want 10", n)
		}
	})
}

func TestFailureOf(t *testing.T) {
	for _, c := range []struct {
		err  error
		want string
	}{
		{fmt.Errorf("lease: %w", &contract.Problem{Type: contract.ProblemNoTask, Status: 404}), contract.ProblemNoTask},
		{&contract.Problem{Title: "Bad Gateway", Status: 502}, "status 502"},
		{errors.New("connection refused"), failureNoAnswer},
	} {
		if got := failureOf(c.err); got != c.want {
			t.Errorf("%v: got %q, want %q", c.err, got, c.want)
		}
	}
}
