package miner_test

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"time"

	"finest/hub/devhub"
	"finest/roles/miner"
)

// Whatever becomes of the replies to a commit, there is one commit and one claim
// a task.
func TestLostReplies(t *testing.T) {
	t.Parallel()
	const all = -1
	commit := devhub.Match{Method: http.MethodPost, Path: "/commit/main$"}
	for name, fail := range map[string]func(*devhub.Faults){
		"made, and the connection cut":  func(f *devhub.Faults) { f.Drop(commit, 1) },
		"made, and cut in the reply":    func(f *devhub.Faults) { f.CutAfter(commit, 1, 5) },
		"made, and 500":                 func(f *devhub.Faults) { f.After(commit, 1, 500) },
		"made, and 429":                 func(f *devhub.Faults) { f.After(commit, 1, 429) },
		"made, and 412":                 func(f *devhub.Faults) { f.After(commit, 1, 412) },
		"every reply is lost":           func(f *devhub.Faults) { f.Drop(commit, all) },
		"cut in the request, then made": func(f *devhub.Faults) { f.CutUpload(commit, 1, 40); f.Drop(commit, 1) },
		"503, then made and cut":        func(f *devhub.Faults) { f.Reply(commit, 1, 503, nil, ""); f.Drop(commit, 1) },
		"another commit is being made":  func(f *devhub.Faults) { f.Reply(commit, 2, 409, nil, "") },
		"a page of a proxy, after it":   func(f *devhub.Faults) { f.Rewrite(commit, 1, proxyPage) },
		"made and cut, then the head lost": func(f *devhub.Faults) {
			f.Drop(commit, 1)
			f.Reply(devhub.Match{Path: "/revision/main"}, 9, 502, nil, "")
		},
		"every upload cut once": func(f *devhub.Faults) {
			f.CutUpload(devhub.Match{Method: http.MethodPut}, 1, 10)
			f.Drop(devhub.Match{Method: http.MethodPut}, 1)
			f.After(devhub.Match{Path: "/objects/batch$"}, 1, 503)
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tasks = 1
			fail(w.hub.Server.Faults())
			w.workOff()
			if err := w.checkOnce(); err != nil {
				t.Error(err)
			}
		})
	}
}

func proxyPage(h http.Header, _ []byte) (int, http.Header, []byte) {
	h.Set("Content-Type", "text/html")
	return http.StatusOK, h, []byte("<html>Please log in</html>")
}

// The hub says when to ask again: the miner waits that long and no less, within
// its patience for one step, and beyond it between two attempts.
func TestHubAsksToWait(t *testing.T) {
	t.Parallel()
	quota := "You have exceeded the rate limit for repository commits (128 per hour)."
	for name, tt := range map[string]struct {
		header      http.Header
		body        string
		least, most time.Duration
		patient     bool // one step waits
	}{
		"Retry-After":         {header: http.Header{"Retry-After": {"420"}}, least: 420 * time.Second, most: 440 * time.Second, patient: true},
		"window used up":      {header: http.Header{"Ratelimit": {`"api";r=0;t=299`}}, least: 300 * time.Second, most: 320 * time.Second, patient: true},
		"quota of the hour":   {header: http.Header{"Ratelimit": {`"api";r=949;t=1`}}, body: quota, least: time.Hour, most: time.Hour + time.Minute},
		"longer than an hour": {header: http.Header{"Retry-After": {"999999"}}, least: time.Hour, most: time.Hour + time.Minute},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			w.tasks = 1
			w.hub.Server.Faults().Reply(devhub.Match{Method: http.MethodPost, Path: "/commit/"}, 1, http.StatusTooManyRequests, tt.header, tt.body)
			if tt.patient {
				started := w.clock.Now()
				w.submitsTask(0)
				if waited := w.clock.Now().Sub(started); waited < tt.least || waited > tt.most {
					t.Errorf("it waited for %s", waited)
				}
				return
			}
			var slept time.Duration
			ctx, cancel := context.WithCancel(t.Context())
			err, _ := w.live(func(m *miner.Miner) error { return m.Run(ctx) }, func(o *miner.Options) {
				o.Clock = &parkedClock{w.clock, &slept, func() bool { return len(w.submitted) == 1 }, cancel}
			})
			if !errors.Is(err, context.Canceled) || slept < tt.least || slept > tt.most {
				t.Errorf("it waited for %s, error %v", slept, err)
			}
			if err := w.checkOnce(); err != nil {
				t.Error(err)
			}
		})
	}
}

// parkedClock passes hours, too, for which the chain stands still, as an hour of
// blocks takes seconds. It notes the longest wait but for the heartbeat, and ends
// the work when it is done.
type parkedClock struct {
	*clock
	longest *time.Duration
	done    func() bool
	end     context.CancelFunc
}

func (c *parkedClock) After(d time.Duration) <-chan time.Time {
	if d > 2*time.Hour {
		return make(chan time.Time)
	}
	*c.longest = max(*c.longest, d)
	c.mu.Lock()
	if d < time.Hour {
		c.pass(d)
	} else {
		c.now = c.now.Add(d)
	}
	c.mu.Unlock()
	if c.done() {
		c.end()
	}
	fired := make(chan time.Time, 1)
	fired <- c.Now()
	return fired
}

// checkOnce makes sure of one commit and one claim a task.
func (w *world) checkOnce() error {
	w.fault.at = 0
	return w.check()
}
