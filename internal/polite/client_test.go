package polite_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"finest/internal/polite"
)

// transport answers requests without a network. In a synctest bubble its time
// is the bubble's.
type transport func(*http.Request) (*http.Response, error)

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r) }

func answer(r *http.Request, status int, body string, header ...string) *http.Response {
	resp := &http.Response{StatusCode: status, Status: fmt.Sprint(status, " ", http.StatusText(status)), Header: make(http.Header),
		Body: io.NopCloser(strings.NewReader(body)), ContentLength: int64(len(body)), Request: r}
	for i := 0; i+1 < len(header); i += 2 {
		resp.Header.Set(header[i], header[i+1])
	}
	return resp
}

func newClient(t transport) *polite.Client {
	c := polite.NewClient("finest/test (+mailto:someone@example.org)")
	c.Transport = t
	c.Chance = func() float64 { return 1 }
	return c
}

func get(t testing.TB, url string) *http.Request {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, url, nil)
	if err != nil {
		t.Fatal(err)
	}
	return req
}

func TestClientKeepsItsPacePerHost(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		times := make(map[string][]time.Time)
		c := newClient(func(r *http.Request) (*http.Response, error) {
			mu.Lock()
			defer mu.Unlock()
			times[r.URL.Host] = append(times[r.URL.Host], time.Now())
			if r.URL.Path == "/moved" {
				return answer(r, http.StatusFound, "", "Location", "http://b/there"), nil
			}
			return answer(r, 200, "ok"), nil
		})
		begin := time.Now()
		var wg sync.WaitGroup
		for i := range 10 {
			wg.Go(func() {
				for range 4 {
					resp, err := c.Do(get(t, "http://a/"+[]string{"x", "moved"}[i%2]))
					if err != nil {
						t.Error(err)
						return
					}
					_ = resp.Body.Close()
				}
			})
		}
		wg.Wait()
		for host, want := range map[string]int{"a": 40, "b": 20} {
			slices.SortFunc(times[host], time.Time.Compare)
			if len(times[host]) != want {
				t.Errorf("host %s got %d requests, want %d", host, len(times[host]), want)
			}
			for i := 1; i < len(times[host]); i++ {
				if gap := times[host][i].Sub(times[host][i-1]); gap < c.Interval {
					t.Errorf("host %s: request %d came %v after the one before", host, i, gap)
				}
			}
		}
		if took, want := time.Since(begin), 39*c.Interval; took > want+2*c.Interval {
			t.Errorf("took %v, the pace allows %v", took, want)
		}
	})
}

func TestClientRepeatsWhatMayBeRepeated(t *testing.T) {
	reset := errors.New("connection reset by peer")
	for _, tc := range []struct {
		name     string
		method   string
		marked   bool
		answers  []any // statuses, errors; the last is repeated
		attempts int
		status   int // 0: an error
		wait     time.Duration
	}{
		{"success", "GET", false, []any{200}, 1, 200, 0},
		{"not found", "GET", false, []any{404}, 1, 404, 0},
		{"once unavailable", "GET", false, []any{503, 200}, 2, 200, time.Second},
		{"two kinds of trouble", "GET", false, []any{reset, 429, 200}, 3, 200, 3 * time.Second},
		{"always unavailable", "GET", false, []any{502}, 6, 502, 31 * time.Second},
		{"always reset", "GET", false, []any{reset}, 6, 0, 31 * time.Second},
		{"PUT", "PUT", false, []any{500, 200}, 2, 200, time.Second},
		{"POST", "POST", false, []any{503, 200}, 1, 503, 0},
		{"POST refused before it was looked at", "POST", false, []any{429, 200}, 2, 200, time.Second},
		{"POST and reset", "POST", false, []any{reset, 200}, 1, 0, 0},
		{"POST marked", "POST", true, []any{reset, 503, 200}, 3, 200, 3 * time.Second},
		{"asked to wait", "GET", false, []any{http.Header{"Retry-After": {"45"}}, 200}, 2, 200, 45 * time.Second},
		{"asked for less than the backoff", "GET", false, []any{http.Header{"Retry-After": {"0"}}, 200}, 2, 200, time.Second},
		{"asked to wait until a date", "GET", false, []any{http.Header{"Retry-After": {"Sat, 01 Jan 2000 00:00:30 GMT"}}, 200}, 2, 200, 30 * time.Second},
		{"asked to wait too long", "GET", false, []any{http.Header{"Retry-After": {"3600"}}, 200}, 1, 503, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				attempts := 0
				c := newClient(func(r *http.Request) (*http.Response, error) {
					next := tc.answers[min(attempts, len(tc.answers)-1)]
					attempts++
					if body, err := io.ReadAll(r.Body); err != nil || string(body) != "question" {
						t.Errorf("attempt %d sent %q, %v", attempts, body, err)
					}
					if agent := r.Header.Get("User-Agent"); !strings.HasPrefix(agent, "finest/test") {
						t.Errorf("User-Agent %q", agent)
					}
					if len(r.Header["Idempotency-Key"]) > 0 {
						t.Error("the mark was sent")
					}
					switch next := next.(type) {
					case error:
						return nil, next
					case http.Header:
						return answer(r, 503, "", "Retry-After", next.Get("Retry-After")), nil
					default:
						return answer(r, next.(int), "answer"), nil
					}
				})
				req, err := http.NewRequestWithContext(t.Context(), tc.method, "http://user:secret@a/path?token=secret", strings.NewReader("question"))
				if err != nil {
					t.Fatal(err)
				}
				if tc.marked {
					req.Header["Idempotency-Key"] = nil
				}
				begin := time.Now()
				resp, err := c.Do(req)
				if took := time.Since(begin); took < tc.wait || took > tc.wait+time.Duration(attempts)*c.Interval {
					t.Errorf("took %v, want %v", took, tc.wait)
				}
				if attempts != tc.attempts {
					t.Errorf("%d attempts, want %d", attempts, tc.attempts)
				}
				if tc.status == 0 {
					if !errors.Is(err, polite.ErrUnavailable) || !errors.Is(err, reset) || strings.Contains(err.Error(), "secret") {
						t.Errorf("error %v", err)
					}
					return
				}
				if err != nil || resp.StatusCode != tc.status {
					t.Fatalf("%v, %v", resp, err)
				}
				_ = resp.Body.Close()
			})
		})
	}
}

// Whoever waits for an answer can know why it takes so long; the last failure is
// the caller's.
func TestClientTellsThatItAsksAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		replies := []int{503, 0, 503}
		var told []string
		c := newClient(func(r *http.Request) (*http.Response, error) {
			status := replies[0]
			replies = replies[1:]
			if status == 0 {
				return nil, errors.New("connection refused")
			}
			return answer(r, status, ""), nil
		})
		c.Attempts = len(replies)
		c.Retrying = func(request string, why error, wait time.Duration) {
			told = append(told, fmt.Sprintf("%s: %v, %v", request, why, wait))
		}
		resp, err := c.Do(get(t, "http://a/b?sig=secret"))
		if err != nil || resp.StatusCode != 503 {
			t.Fatalf("response %v, error %v", resp, err)
		}
		want := []string{"GET http://a/b: 503 Service Unavailable, 1s", "GET http://a/b: connection refused, 2s"}
		if !slices.Equal(told, want) {
			t.Errorf("told %q, want %q", told, want)
		}
	})
}

// A service can have redirects and waits of its own.
func TestClientKeepsToTheRulesOfAService(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var times []time.Duration
		begin := time.Now()
		c := newClient(func(r *http.Request) (*http.Response, error) {
			times = append(times, time.Since(begin))
			if len(times) == 1 {
				return answer(r, 429, "in 40 seconds", "Retry-After", "1"), nil
			}
			return answer(r, 302, "", "Location", "http://b/there"), nil
		})
		resp, err := c.DoBy(polite.Rules{
			KeepRedirects: true,
			Wait: func(resp *http.Response, now time.Time) (time.Duration, bool) {
				if body, err := io.ReadAll(resp.Body); string(body) != "in 40 seconds" || err != nil || !now.Equal(time.Now()) {
					t.Errorf("asked about %q, %v, at %v", body, err, now)
				}
				return 40 * time.Second, true
			},
		}, get(t, "http://a/here"))
		if err != nil || resp.StatusCode != http.StatusFound || resp.Header.Get("Location") != "http://b/there" {
			t.Fatalf("%v, %v, want the redirect itself", resp, err)
		}
		_ = resp.Body.Close()
		if want := []time.Duration{0, 40 * time.Second}; !slices.Equal(times, want) {
			t.Errorf("requests after %v, want %v", times, want)
		}
		begin = time.Now()
		if err := c.Rest(t.Context(), 3); err != nil || time.Since(begin) != 4*c.Backoff {
			t.Errorf("rested %v after the third attempt, %v", time.Since(begin), err)
		}
	})
}

func TestClientStopsWithItsContext(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(func(r *http.Request) (*http.Response, error) { return nil, errors.New("reset") })
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		req := get(t, "http://a/").WithContext(ctx)
		begin := time.Now()
		if _, err := c.Do(req); !errors.Is(err, context.DeadlineExceeded) || errors.Is(err, polite.ErrUnavailable) {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begin); took != 5*time.Second {
			t.Errorf("took %v", took)
		}
	})
}

// stuck is a body that sends some bytes slowly and then nothing.
type stuck struct {
	ctx   context.Context
	every time.Duration
	left  int
}

func (s *stuck) Read(p []byte) (int, error) {
	if s.left == 0 {
		<-s.ctx.Done()
		return 0, context.Cause(s.ctx)
	}
	time.Sleep(s.every)
	s.left--
	p[0] = 'x'
	return 1, nil
}

func (s *stuck) Close() error { return nil }

func TestWatchdogBitesOnlyWhatStandsStill(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := newClient(func(r *http.Request) (*http.Response, error) {
			if r.URL.Path == "/silent" {
				<-r.Context().Done()
				return nil, r.Context().Err()
			}
			resp := answer(r, 200, "")
			resp.Body = &stuck{r.Context(), c0.Stall * 9 / 10, 10}
			return resp, nil
		})
		resp, err := c.Do(get(t, "http://a/slow"))
		if err != nil {
			t.Fatal(err)
		}
		one := make([]byte, 1)
		for range 10 {
			if n, err := resp.Body.Read(one); n != 1 || err != nil {
				t.Fatalf("a slow transfer was ended: %v", err)
			}
			time.Sleep(10 * c.Stall) // a slow consumer
		}
		begin := time.Now()
		if _, err := resp.Body.Read(one); err == nil || !strings.Contains(err.Error(), "no progress") {
			t.Errorf("error %v", err)
		}
		if took := time.Since(begin); took != c.Stall {
			t.Errorf("took %v", took)
		}
		_ = resp.Body.Close()

		c.Attempts = 2
		begin = time.Now()
		if _, err := c.Do(get(t, "http://b/silent")); !errors.Is(err, polite.ErrUnavailable) || !strings.Contains(err.Error(), "no progress") {
			t.Errorf("error %v", err)
		}
		if took, want := time.Since(begin), 2*c.Stall+c.Backoff; took != want {
			t.Errorf("took %v, want %v", took, want)
		}
	})
}

// c0 has the defaults.
var c0 = polite.NewClient("")
