package huggingface_test

import (
	"bytes"
	"errors"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rs/zerolog"

	"finest/hub"
	"finest/hub/huggingface"
)

// TestTooManyRequests obeys every way in which a hub says when to come again.
func TestTooManyRequests(t *testing.T) {
	const backoff = time.Second
	quota := `{"error":"You have exceeded the rate limit for repository commits (128 per hour). You can retry this action in about 41 minutes."}`
	for name, c := range map[string]struct {
		status int
		body   string
		header []string
		wait   time.Duration // before the request is sent again
		parked time.Duration // or what the error says instead
	}{
		"the window is used up":              {429, "", []string{"RateLimit", `"api";r=0;t=20`}, 21 * time.Second, 0},
		"almost the whole window":            {429, "", []string{"RateLimit", `"api";r=0;t=299`}, 300 * time.Second, 0},
		"another window than the first":      {429, "", []string{"RateLimit", `"api";r=10;t=5, "resolvers";r=0;t=33`}, 34 * time.Second, 0},
		"spaces and no quotes":               {429, "", []string{"RateLimit", `api; r=0; t=3`}, 4 * time.Second, 0},
		"requests are left, so t is no wait": {429, "", []string{"RateLimit", `"api";r=949;t=200`}, backoff, 0},
		"requests are left, Retry-After":     {429, "", []string{"RateLimit", `"api";r=949;t=200`, "Retry-After", "7"}, 7 * time.Second, 0},
		"used up, and a longer Retry-After":  {429, "", []string{"RateLimit", `"api";r=0;t=20`, "Retry-After", "50"}, 50 * time.Second, 0},
		"Retry-After as a date":              {429, "", []string{"Retry-After", "Sat, 01 Jan 2000 00:00:30 GMT"}, 30 * time.Second, 0},
		"Retry-After as a date gone by":      {429, "", []string{"Retry-After", "Sat, 01 Jan 2000 00:00:00 GMT"}, backoff, 0},
		"nothing":                            {429, "", nil, backoff, 0},
		"nonsense":                           {429, "\x00", []string{"RateLimit", `"api";r=-1;t=x;;=`, "Retry-After", "soon"}, backoff, 0},
		"numbers beyond all":                 {429, "", []string{"RateLimit", `"api";r=0;t=99999999999999999999`, "Retry-After", "99999999999999999999"}, backoff, 0},
		"busy":                               {503, "", []string{"Retry-After", "9"}, 9 * time.Second, 0},
		"busy, with a window used up":        {503, "", []string{"RateLimit", `"api";r=0;t=20`}, 21 * time.Second, 0},
		"text that asks for seconds":         {429, `{"error":"retry this action in 30 seconds"}`, nil, 30 * time.Second, 0},

		"more than is waited for":         {429, "", []string{"Retry-After", "1000"}, 0, 1000 * time.Second},
		"more than an hour":               {429, "", []string{"Retry-After", "86400"}, 0, time.Hour},
		"a quota by the hour":             {429, quota, []string{"RateLimit", `"api";r=949;t=200`}, 0, 41 * time.Minute},
		"a quota by the hour, no time":    {429, `{"error":"You have exceeded our hourly quotas for action: commit. We invite you to retry later."}`, nil, 0, time.Hour},
		"a quota by the hour, in a line":  {429, "", []string{"X-Error-Message", "rate limit for repository commits"}, 0, time.Hour},
		"a quota by the hour, about one":  {429, `{"error":"you can retry this action in about 1 hour"}`, nil, 0, time.Hour},
		"a quota by the hour, in an hour": {429, `{"error":"you can retry this action in an hour"}`, nil, 0, time.Hour},
		"a quota of days":                 {429, `{"error":"retry in 200 hours"}`, nil, 0, time.Hour},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				first := says(c.status, c.body, c.header...)
				n := newNetwork(t, map[string]http.HandlerFunc{endpoint: each(first, says(200, `{"sha":"`+commit+`"}`))})
				begin := time.Now()
				sha, err := n.client(endpoint, waiting).Head(t.Context(), pinned)
				if took := time.Since(begin); took != c.wait {
					t.Errorf("waited %v, want %v", took, c.wait)
				}
				if c.parked == 0 {
					if err != nil || sha != commit || len(n.requests) != 2 {
						t.Errorf("%q, %v after %d requests", sha, err, len(n.requests))
					}
					return
				}
				if !errors.Is(err, hub.ErrUnavailable) || hub.RetryAfter(err) != c.parked || len(n.requests) != 1 {
					t.Errorf("error %v asks for %v after %d requests, want %v", err, hub.RetryAfter(err), len(n.requests), c.parked)
				}
			})
		})
	}
}

// While one request waits for the window, the others do not use it up.
func TestTooManyRequestsPauseAll(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var mu sync.Mutex
		var times []time.Duration
		begin := time.Now()
		reply := each(says(429, "", "RateLimit", `"api";r=0;t=59`), says(200, `{"sha":"`+commit+`"}`))
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: func(w http.ResponseWriter, r *http.Request) {
			mu.Lock() // both requests end their pause at once
			times = append(times, time.Since(begin))
			mu.Unlock()
			reply(w, r)
		}})
		c := n.client(endpoint, waiting)
		done := make(chan error)
		go func() { _, err := c.Head(t.Context(), pinned); done <- err }()
		synctest.Wait()
		if _, err := c.Head(t.Context(), pinned); err != nil {
			t.Error(err)
		}
		if err := <-done; err != nil {
			t.Error(err)
		}
		if len(times) != 3 || times[0] != 0 || times[1] != time.Minute || times[2] != time.Minute {
			t.Errorf("requests at %v", times)
		}
	})
}

// TestRetries counts how often a request is sent.
func TestRetries(t *testing.T) {
	ctx := t.Context()
	head := func(c *huggingface.Client) error { _, err := c.Head(ctx, pinned); return err }
	paths := func(c *huggingface.Client) error { _, err := c.Paths(ctx, pinned, []string{"a"}); return err }
	pull := func(c *huggingface.Client) error { _, err := c.OpenPull(ctx, "owner/name", "t", ""); return err }
	create := func(c *huggingface.Client) error { return c.CreateRepo(ctx, "owner/name", false) }
	busy := says(503, "")
	for name, c := range map[string]struct {
		call   func(*huggingface.Client) error
		hub    http.HandlerFunc
		sent   int
		status error
	}{
		"a read":                         {head, busy, 6, hub.ErrUnavailable},
		"a read as POST":                 {paths, busy, 6, hub.ErrUnavailable},
		"a read, cut in its reply":       {head, says(200, `{"sha":`, "Content-Length", "100"), 6, hub.ErrUnavailable},
		"a read, cut in one reply":       {head, each(says(200, `{"sha":`, "Content-Length", "100"), says(200, `{"sha":"`+commit+`"}`)), 2, nil},
		"a read that gets a page":        {head, says(200, "<html>", "Content-Type", "text/html"), 1, hub.ErrUnavailable},
		"a read that gets half a reply":  {head, says(200, `{"sha":`), 1, hub.ErrUnavailable},
		"what must not come twice":       {pull, busy, 1, hub.ErrUnavailable},
		"what must not, cut":             {pull, says(200, "{", "Content-Length", "100"), 1, hub.ErrUnavailable},
		"what must not, reset":           {pull, func(http.ResponseWriter, *http.Request) { panic("reset") }, 1, hub.ErrUnavailable},
		"what must not, but was refused": {pull, each(says(429, ""), says(200, `{"num":7}`)), 2, nil},
		"another operation":              {create, each(says(409, `{"error":"another conflicting operation is in progress"}`), says(200, `{}`)), 2, nil},
		"another operation, for ever":    {create, says(409, `{"error":"another conflicting operation is in progress"}`), 6, hub.ErrUnavailable},
		"it exists":                      {create, says(409, `{"error":"You already created this dataset repo","url":"https://x"}`), 1, huggingface.ErrExists},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: c.hub})
			err := c.call(n.client(endpoint))
			if !errors.Is(err, c.status) || (err == nil) != (c.status == nil) || len(n.requests) != c.sent {
				t.Errorf("%d requests, %v, want %d, %v", len(n.requests), err, c.sent, c.status)
			}
		})
	}
}

// A warning of the hub is logged once, and shows no token.
func TestWarnings(t *testing.T) {
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: each(
		says(200, `{"sha":"`+commit+`"}`, "X-HF-Warning", "quota; nearly used up by "+token),
		says(200, `{"sha":"`+commit+`"}`, "X-HF-Warning", "quota; nearly used up"),
		says(200, `{"sha":"`+commit+`"}`, "X-HF-Warning", "client; please update"),
	)})
	var log bytes.Buffer
	c := n.client(endpoint, func(o *huggingface.Options) { o.Log = zerolog.New(&log) })
	for range 5 {
		if _, err := c.Head(t.Context(), pinned); err != nil {
			t.Fatal(err)
		}
	}
	if got := log.String(); strings.Count(got, "\n") != 2 || !strings.Contains(got, "nearly used up by [token]") || !strings.Contains(got, "please update") {
		t.Errorf("logged %s", got)
	}
}
