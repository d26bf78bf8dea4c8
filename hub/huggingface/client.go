// Package huggingface is a hub.Hub over the HTTP API of the Hugging Face Hub, in
// the standard library alone. The API is what the official clients use
// (https://github.com/huggingface/huggingface_hub and huggingface.js); contents
// travel by Git LFS, which every repository of the Hub takes.
//
// The token goes to the scheme, host and port of the endpoint and nowhere else:
// redirects are rebuilt by hand, as net/http would keep Authorization for
// subdomains.
package huggingface

import (
	"errors"
	"fmt"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"finest/hub"
	"finest/internal/polite"
)

// DefaultEndpoint is the Hub itself.
const DefaultEndpoint = "https://huggingface.co"

const (
	// defaultParallel keeps a line busy without crowding it.
	defaultParallel = 3
	// maxWait is longer than the windows of five minutes in which the Hub counts
	// requests (https://huggingface.co/docs/hub/rate-limits), and shorter than a
	// quota by the hour.
	maxWait = 6 * time.Minute
	// interval is the least time between two requests to a host that is not on
	// loopback. The Hub's limit, not this, bounds long runs.
	interval = 50 * time.Millisecond
	// idleConns are kept to a host, for transfers at the same time.
	idleConns = 16
	// maxHeader bounds the header of an answer, in bytes.
	maxHeader = 1 << 20
	// maxToken is longer than any token.
	maxToken = 1024
	// maxTopics bounds the kinds of warnings that are remembered.
	maxTopics = 100
)

// ErrOffline says that no request was sent because Options.Offline is set.
var ErrOffline = fmt.Errorf("the hub is switched off (HF_HUB_OFFLINE): %w: %w", hub.ErrUnavailable, hub.ErrSetup)

// Options are how a Client reaches the Hub.
type Options struct {
	// Endpoint is an http(s) URL, which may have a path; "" is DefaultEndpoint.
	Endpoint string
	// Token is sent to the endpoint alone; "" is anonymous.
	Token string
	// UserAgent names the program; it is for a client with HTTP nil.
	UserAgent string
	// Offline lets every request fail with ErrOffline.
	Offline bool
	// HTTP carries the requests, by the pace, attempts and watchdog it has; nil
	// is one with defaults for the Hub.
	HTTP *polite.Client
	// Parallel is how many contents are transferred at once; 0 is 3.
	Parallel int
	// Progress is told of transfers, one call at a time; may be nil.
	Progress func(Progress)
	Log      zerolog.Logger
}

// Client is a hub.Hub on the Hugging Face Hub.
type Client struct {
	o        Options // with its defaults set
	endpoint *url.URL
	http     *polite.Client
	stats    stats
	samples  samples
	slots    chan struct{} // one for each transfer at once

	mu     sync.Mutex
	warned map[string]bool // topics of X-HF-Warning that were logged
}

// New returns a client. It sends nothing.
func New(o Options) (*Client, error) {
	if o.Endpoint == "" {
		o.Endpoint = DefaultEndpoint
	}
	endpoint, err := parseEndpoint(o.Endpoint)
	if err != nil {
		return nil, err
	}
	o.Token = strings.TrimSpace(o.Token)
	if len(o.Token) > maxToken || strings.ContainsFunc(o.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		return nil, errors.New("open hub: the token holds spaces, control or other characters that no token has")
	}
	if o.HTTP == nil {
		o.HTTP = newHTTP(o.UserAgent, isLoopback(endpoint))
		o.HTTP.Retrying = func(request string, why error, wait time.Duration) {
			o.Log.Warn().Err(why).Str("request", request).Stringer("retry_in", wait.Round(time.Millisecond)).Msg("the hub cannot answer now")
		}
	}
	if o.Parallel <= 0 {
		o.Parallel = defaultParallel
	}
	if o.Progress != nil {
		o.Progress = oneByOne(o.Progress)
	}
	if o.Token != "" && endpoint.Scheme == "http" && !isLoopback(endpoint) {
		o.Log.Warn().Str("endpoint", endpoint.String()).Msg("the token travels unencrypted")
	}
	return &Client{o: o, endpoint: endpoint, http: o.HTTP, slots: make(chan struct{}, o.Parallel), warned: map[string]bool{}}, nil
}

// Endpoint returns the URL of the Hub, without a slash at its end.
func (c *Client) Endpoint() string { return c.endpoint.String() }

// newHTTP returns what carries requests unless the caller knows better.
func newHTTP(userAgent string, loopback bool) *polite.Client {
	h := polite.NewClient(userAgent)
	h.MaxWait = maxWait
	h.Interval = interval
	if loopback {
		h.Interval = 0
	}
	if t, ok := h.Transport.(*http.Transport); ok {
		t.MaxIdleConnsPerHost = idleConns
		t.WriteBufferSize = 64 << 10
		t.MaxResponseHeaderBytes = maxHeader
	}
	return h
}

// parseEndpoint reads the URL of a hub.
func parseEndpoint(s string) (*url.URL, error) {
	u, err := url.Parse(s)
	if err != nil {
		var outer *url.Error
		if errors.As(err, &outer) {
			err = outer.Err // the URL may hold a password
		}
		return nil, fmt.Errorf("open hub: %w", err)
	}
	if u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("open hub %s://%s: want an http or https URL with a host, and without user, query or fragment", u.Scheme, u.Host)
	}
	u.Path, u.RawPath = strings.TrimRight(u.Path, "/"), strings.TrimRight(u.RawPath, "/")
	return u, nil
}

// isLoopback reports whether u is on this machine.
func isLoopback(u *url.URL) bool {
	addr, err := netip.ParseAddr(u.Hostname())
	return u.Hostname() == "localhost" || err == nil && addr.IsLoopback()
}
