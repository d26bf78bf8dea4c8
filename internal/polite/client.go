// Package polite is how the program speaks to other people's servers: one
// request-rate cap per host, few requests, retries with jittered backoff,
// Retry-After obeyed, and a watchdog for transfers that make no progress.
package polite

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"sync"
	"time"
)

// Defaults of a Client.
const (
	// DefaultInterval keeps to four requests a second.
	DefaultInterval = 250 * time.Millisecond
	// DefaultAttempts with DefaultBackoff give up after about half a minute.
	DefaultAttempts = 6
	DefaultBackoff  = time.Second
	// DefaultMaxWait is longer than servers under load ask for, and shorter than
	// a quota that is used up.
	DefaultMaxWait = 2 * time.Minute
	// DefaultStall is longer than any server needs for its next byte.
	DefaultStall = time.Minute
)

// maxDrain is how much of an unwanted response is read to keep its connection.
const maxDrain = 64 << 10

// Client is an HTTP client for all hosts that keeps to the limits. It is safe
// for concurrent use; all requests of the process to a host should go through
// one Client. Its fields must not change once it is in use.
type Client struct {
	// UserAgent names the program and whom to contact about it.
	UserAgent string
	// Interval is the least time between the starts of two requests to one host.
	Interval time.Duration
	// Attempts is how often a request is sent at most.
	Attempts int
	// Backoff is the wait before the second attempt; it doubles from attempt to
	// attempt, and half of each wait is chance.
	Backoff time.Duration
	// MaxWait is the longest wait between attempts. A server that asks for more
	// gets no further attempt.
	MaxWait time.Duration
	// Stall is how long a transfer may go without a byte before it counts as cut.
	Stall time.Duration

	// Retrying, unless nil, is told before each wait for another attempt which
	// request failed and why. It is called by whoever sends a request.
	Retrying func(request string, why error, wait time.Duration)

	// Now, Sleep and Chance are the time and the randomness (in [0, 1)) of pacing
	// and waits between attempts.
	Now    func() time.Time
	Sleep  func(ctx context.Context, d time.Duration) error
	Chance func() float64

	// Transport carries the requests.
	Transport http.RoundTripper

	mu   sync.Mutex
	next map[string]time.Time // when the next request to a host may start
}

// NewClient returns a client with the defaults. Bodies come as stored: it asks
// for no compression.
func NewClient(userAgent string) *Client {
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableCompression = true
	return &Client{
		UserAgent: userAgent,
		Interval:  DefaultInterval,
		Attempts:  DefaultAttempts,
		Backoff:   DefaultBackoff,
		MaxWait:   DefaultMaxWait,
		Stall:     DefaultStall,
		Now:       time.Now,
		Sleep:     sleep,
		Chance:    rand.Float64,
		Transport: transport,
		next:      make(map[string]time.Time),
	}
}

// Rules are where a service differs from plain HTTP.
type Rules struct {
	// KeepRedirects hands redirects to the caller instead of following them.
	KeepRedirects bool
	// Wait returns how long a response with a temporary status asks to wait, and
	// whether it does; nil is RetryAfter. It may read the body if it puts another
	// in its place.
	Wait func(resp *http.Response, now time.Time) (time.Duration, bool)
}

// Do sends req and returns the response, as http.Client does: any final status
// is a response and not an error, and the caller closes the body.
//
// Requests are repeated after broken connections and the statuses 408, 429,
// 500, 502, 503 and 504, if the server may get them twice: those with the
// methods GET, HEAD, OPTIONS, PUT and DELETE, and others whose header has an
// Idempotency-Key, which with a nil value is not sent (net/http knows the same
// convention). After 429 all are repeated, as the server did not look at them. A
// request with a body is repeated only if it has GetBody.
//
// An error wraps ErrUnavailable if the server could not be reached or broke
// off, and the context's error if that ended. Errors name no query, as tokens
// may be in it.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	return c.DoBy(Rules{}, req)
}

// DoBy is Do by the rules of a service.
func (c *Client) DoBy(rules Rules, req *http.Request) (*http.Response, error) {
	waitFor := rules.Wait
	if waitFor == nil {
		waitFor = RetryAfter
	}
	for attempt := 1; ; attempt++ {
		resp, err := c.once(req, attempt, rules.KeepRedirects)
		if err == nil && !isTemporary(resp.StatusCode) {
			return resp, nil
		}
		last := attempt >= c.Attempts || !isRepeatable(req, resp)
		wait := c.backoff(attempt)
		switch {
		case req.Context().Err() != nil:
			Discard(resp)
			return nil, fmt.Errorf("%s: %w", Describe(req), req.Context().Err())
		case err != nil && isPermanent(err):
			return nil, fmt.Errorf("%s: %w", Describe(req), err)
		case err != nil && last:
			return nil, fmt.Errorf("%s: %w: %w", Describe(req), ErrUnavailable, err)
		case err == nil:
			if after, ok := waitFor(resp, c.Now()); ok {
				wait = max(wait, after)
			}
			if last || wait > c.MaxWait {
				return resp, nil
			}
			err = fmt.Errorf("%d %s", resp.StatusCode, http.StatusText(resp.StatusCode))
			Discard(resp)
			c.pause(req.URL.Host, wait)
		}
		if c.Retrying != nil {
			c.Retrying(Describe(req), err, wait)
		}
		if err := c.Sleep(req.Context(), wait); err != nil {
			return nil, fmt.Errorf("%s: %w", Describe(req), err)
		}
	}
}

// once sends req one time. The body of the response ends with an error if no
// byte comes for too long.
func (c *Client) once(req *http.Request, attempt int, keepRedirects bool) (*http.Response, error) {
	if err := c.pace(req.Context(), req.URL.Host); err != nil {
		return nil, err
	}
	dog := newWatchdog(req.Context(), c.Stall)
	out := req.Clone(dog.ctx)
	if req.Body != nil && req.Body != http.NoBody {
		body := req.Body
		if attempt > 1 {
			var err error
			if body, err = req.GetBody(); err != nil {
				dog.stop()
				return nil, fmt.Errorf("read the body again: %w", err)
			}
		}
		out.Body = &sending{body, dog}
	}
	if out.Header.Get("User-Agent") == "" {
		out.Header.Set("User-Agent", c.UserAgent)
	}
	send := (&http.Client{Transport: c.Transport, CheckRedirect: c.followRedirect(dog)}).Do
	if keepRedirects {
		// An http.Client would name a Location that it cannot read in its error.
		send = c.Transport.RoundTrip
	}
	dog.start()
	resp, err := send(out)
	dog.pause()
	if err != nil {
		err = dog.explain(err)
		dog.stop()
		return nil, err
	}
	resp.Body = &receiving{resp.Body, dog}
	return resp, nil
}

// followRedirect paces redirects too, and lets the watchdog rest meanwhile.
func (c *Client) followRedirect(dog *watchdog) func(*http.Request, []*http.Request) error {
	return func(req *http.Request, via []*http.Request) error {
		if len(via) >= 10 {
			return errors.New("too many redirects")
		}
		dog.pause()
		defer dog.start()
		return c.pace(req.Context(), req.URL.Host)
	}
}

// isRepeatable reports whether the server may get req again after resp (nil if
// none came), and can.
func isRepeatable(req *http.Request, resp *http.Response) bool {
	if req.Body != nil && req.Body != http.NoBody && req.GetBody == nil {
		return false
	}
	_, marked := req.Header["Idempotency-Key"]
	refused := resp != nil && resp.StatusCode == http.StatusTooManyRequests
	safe := []string{"", http.MethodGet, http.MethodHead, http.MethodOptions, http.MethodPut, http.MethodDelete}
	return marked || refused || slices.Contains(safe, req.Method)
}

// isTemporary reports whether another attempt may bring another status.
func isTemporary(status int) bool {
	switch status {
	case http.StatusRequestTimeout, http.StatusTooManyRequests, http.StatusInternalServerError,
		http.StatusBadGateway, http.StatusServiceUnavailable, http.StatusGatewayTimeout:
		return true
	}
	return false
}

// isPermanent reports whether err will come again: the server is not the one
// it should be.
func isPermanent(err error) bool {
	return errors.As(err, new(*tls.CertificateVerificationError))
}

// Describe names a request in an error: without credentials, and without its
// query, which may hold a signature.
func Describe(req *http.Request) string {
	method := req.Method
	if method == "" {
		method = http.MethodGet
	}
	return fmt.Sprintf("%s %s://%s%.400s", method, req.URL.Scheme, req.URL.Host, req.URL.EscapedPath())
}

// Discard gives up a response, which may be nil, and keeps its connection if that
// is cheap.
func Discard(resp *http.Response) {
	if resp != nil {
		_, _ = io.CopyN(io.Discard, resp.Body, maxDrain)
		_ = resp.Body.Close()
	}
}
