package huggingface

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"

	"finest/hub"
	"finest/internal/polite"
)

const (
	// maxReply bounds a reply that is read into memory.
	maxReply = 64 << 20
	// maxValues bounds the values in a reply, as told by its commas: two bytes of
	// JSON may become a hundred of memory. The longest reply that makes sense names
	// the parts of a batch of uploads, each by a signed URL.
	maxValues = 1 << 19
	// maxHops is how many redirects one request may take.
	maxHops = 5
)

const typeJSON = "application/json"

// request is one call of the API.
type request struct {
	method string
	// path is escaped and begins with a slash, below the endpoint.
	path  string
	query url.Values
	// message is sent as JSON.
	message any
	// stream is what is sent in place of a message, size bytes. It is called for
	// every attempt and must return the same bytes.
	stream func() (io.Reader, error)
	size   int64
	// contentType and accept are JSON if empty.
	contentType, accept string
	// repeatable says that the hub may get a POST twice. One that is not is sent
	// again only after 429, when the hub has not looked at it.
	repeatable bool
}

// call sends r to the endpoint, with the token, and returns a response with a
// status below 300. It follows redirects within the endpoint, as there are for
// renamed repositories, and refuses others. Errors wrap hub.ErrUnavailable
// (later it may work), the context's error, or are an *Error.
func (c *Client) call(ctx context.Context, r request) (*http.Response, error) {
	to, err := url.Parse(c.endpoint.String() + r.path)
	if err != nil {
		return nil, fmt.Errorf("path %.200q: %w", r.path, err)
	}
	to.RawQuery = r.query.Encode()
	if r.message != nil {
		if r.stream, r.size, err = encode(r.message); err != nil {
			return nil, err
		}
	}
	header := r.header()
	c.authorize(header, to)
	return c.follow(ctx, r.method, to, header, r.stream, r.size, func(next *url.URL) error {
		if !c.isOurs(next) {
			return strange("it leads to %s, which is not the hub", next.Host)
		}
		return nil
	})
}

// header returns the header lines of r.
func (r request) header() http.Header {
	h := http.Header{"Accept": {typeJSON}}
	if r.accept != "" {
		h.Set("Accept", r.accept)
	}
	if r.message != nil {
		h.Set("Content-Type", typeJSON)
	}
	if r.contentType != "" {
		h.Set("Content-Type", r.contentType)
	}
	if r.repeatable {
		h["Idempotency-Key"] = nil // the mark of net/http; it is not sent
	}
	return h
}

// encode returns a message as the body of a request, and its size.
func encode(message any) (func() (io.Reader, error), int64, error) {
	raw, err := json.Marshal(message)
	if err != nil {
		return nil, 0, fmt.Errorf("encode: %w", err)
	}
	return func() (io.Reader, error) { return bytes.NewReader(raw), nil }, int64(len(raw)), nil
}

// callJSON is call with a JSON reply of at most 64 MiB decoded into out, which
// may be nil. A reply that is cut is asked for again if the hub may get r twice.
func (c *Client) callJSON(ctx context.Context, r request, out any) error {
	_, err := c.callPage(ctx, r, out)
	return err
}

// callPage is callJSON and returns the header of the reply.
func (c *Client) callPage(ctx context.Context, r request, out any) (http.Header, error) {
	for attempt := 1; ; attempt++ {
		header, err := c.reply(ctx, r, out)
		if !errors.Is(err, errCut) || attempt >= c.http.Attempts || r.method == http.MethodPost && !r.repeatable {
			return header, err
		}
		if err := c.http.Rest(ctx, attempt); err != nil {
			return nil, err
		}
	}
}

// errCut says that a reply ended before its time.
var errCut = fmt.Errorf("the connection was cut: %w", hub.ErrUnavailable)

// reply is one attempt at callPage.
func (c *Client) reply(ctx context.Context, r request, out any) (http.Header, error) {
	resp, err := c.call(ctx, r)
	if err != nil {
		return nil, err
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxReply+1))
	switch {
	case ctx.Err() != nil:
		return nil, fmt.Errorf("%s: %w", polite.Describe(resp.Request), ctx.Err())
	case err != nil:
		return nil, fmt.Errorf("%s: %w: %w", polite.Describe(resp.Request), errCut, err)
	case len(raw) > maxReply:
		return nil, fmt.Errorf("%s: the reply has more than %d bytes: %w", polite.Describe(resp.Request), maxReply, hub.ErrTooLarge)
	case bytes.Count(raw, []byte(",")) > maxValues:
		return nil, fmt.Errorf("%s: the reply has more than %d values: %w", polite.Describe(resp.Request), maxValues, hub.ErrTooLarge)
	case out == nil:
		return resp.Header, nil
	}
	raw = c.redact(raw)
	if err := json.Unmarshal(raw, out); err != nil {
		return nil, fmt.Errorf("%s: the reply, %.80q of type %.40q, is not what the hub sends: %w: %w",
			polite.Describe(resp.Request), raw, resp.Header.Get("Content-Type"), err, hub.ErrUnavailable)
	}
	return resp.Header, nil
}

// send sends size bytes to a URL that the hub gave out, without the token (see
// authorize), and returns a response with a status below 300. body is called
// for every attempt and must return the same bytes; nil is no body. PUT is
// repeated, POST only with a nil Idempotency-Key in header. Redirects are
// followed, see follow.
func (c *Client) send(ctx context.Context, method string, to *url.URL, header http.Header, body func() (io.Reader, error), size int64) (*http.Response, error) {
	return c.follow(ctx, method, to, header, body, size, func(*url.URL) error { return nil })
}

// follow sends a request and follows redirects that keep its method and body and
// that check lets pass. Authorization stays at the host it was given for.
func (c *Client) follow(ctx context.Context, method string, to *url.URL, header http.Header, body func() (io.Reader, error), size int64, check func(next *url.URL) error) (*http.Response, error) {
	header = header.Clone()
	for range maxHops + 1 {
		resp, err := c.exchange(ctx, method, to, header, body, size)
		if err != nil {
			return nil, err
		}
		next, err := c.redirect(resp)
		switch {
		case err != nil:
			return nil, err
		case next == nil && resp.StatusCode >= 300:
			return nil, c.failure(resp)
		case next == nil:
			return resp, nil
		}
		polite.Discard(resp)
		if !keepsMethod(resp.StatusCode, method) {
			return nil, strange("%s: status %s would change its method", polite.Describe(resp.Request), resp.Status)
		}
		if err := check(next); err != nil {
			return nil, fmt.Errorf("%s: %w", polite.Describe(resp.Request), err)
		}
		if !sameOrigin(next, to) {
			header.Del("Authorization")
		}
		to = next
	}
	return nil, strange("%s %s: more than %d redirects", method, to.Host, maxHops)
}

// authorize puts the token into header if to is of the endpoint.
func (c *Client) authorize(header http.Header, to *url.URL) {
	if c.o.Token != "" && c.isOurs(to) {
		header.Set("Authorization", "Bearer "+c.o.Token)
	}
}

// storageURL reads a URL that the hub gave out. Those of the Hub itself become
// the endpoint's: mirrors hand them through as they are
// (https://github.com/huggingface/huggingface_hub/issues/2152).
func (c *Client) storageURL(href string) (*url.URL, error) {
	u, err := url.Parse(href)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "" || u.User != nil {
		return nil, fmt.Errorf("the hub gives out a URL of %d bytes that is no http or https URL: %w", len(href), hub.ErrUnavailable)
	}
	if u.Scheme+"://"+strings.ToLower(u.Host) == DefaultEndpoint {
		moved, err := url.Parse(c.endpoint.String() + u.EscapedPath())
		if err != nil {
			return nil, fmt.Errorf("the hub gives out a URL that cannot be moved to its mirror: %w", err)
		}
		moved.RawQuery = u.RawQuery
		u = moved
	}
	if u.Scheme == "http" && c.endpoint.Scheme == "https" {
		return nil, fmt.Errorf("the hub leads from https to http at %s: %w", u.Host, hub.ErrUnavailable)
	}
	return u, nil
}

// exchange sends one request, as often as polite does, and returns whatever
// comes.
func (c *Client) exchange(ctx context.Context, method string, to *url.URL, header http.Header, body func() (io.Reader, error), size int64) (*http.Response, error) {
	req, err := newRequest(ctx, method, to, header, body, size)
	if err != nil {
		return nil, err
	}
	if c.o.Offline {
		return nil, fmt.Errorf("%s: %w", polite.Describe(req), ErrOffline)
	}
	resp, err := c.http.DoBy(polite.Rules{KeepRedirects: true, Wait: askedWait}, req)
	switch {
	case err != nil && ctx.Err() != nil:
		return nil, err
	case err != nil:
		return nil, fmt.Errorf("%w: %w", hub.ErrUnavailable, err)
	}
	c.redactHeader(resp.Header)
	c.logWarning(resp.Header.Get("X-Hf-Warning"))
	return resp, nil
}

func newRequest(ctx context.Context, method string, to *url.URL, header http.Header, body func() (io.Reader, error), size int64) (*http.Request, error) {
	req, err := http.NewRequestWithContext(ctx, method, "/", http.NoBody)
	if err != nil {
		return nil, fmt.Errorf("request: %w", err)
	}
	req.URL, req.Host = to, to.Host
	if header != nil {
		req.Header = header.Clone()
	}
	// Contents are wanted as stored, and ranges of them.
	req.Header.Set("Accept-Encoding", "identity")
	if body == nil {
		return req, nil
	}
	req.ContentLength = size // object stores refuse chunked bodies
	req.GetBody = func() (io.ReadCloser, error) {
		r, err := body()
		return io.NopCloser(r), err
	}
	if size == 0 {
		req.GetBody = nil
		return req, nil
	}
	if req.Body, err = req.GetBody(); err != nil {
		return nil, fmt.Errorf("%s: open its body: %w", polite.Describe(req), err)
	}
	return req, nil
}

// redirect returns where resp leads, nil if it is no redirect.
func (c *Client) redirect(resp *http.Response) (*url.URL, error) {
	switch resp.StatusCode {
	case http.StatusMovedPermanently, http.StatusFound, http.StatusSeeOther, http.StatusTemporaryRedirect, http.StatusPermanentRedirect:
	default:
		return nil, nil
	}
	at, err := resp.Request.URL.Parse(resp.Header.Get("Location"))
	if err == nil && resp.Header.Get("Location") != "" {
		var next *url.URL
		if next, err = c.storageURL(at.String()); err == nil {
			return next, nil
		}
	}
	polite.Discard(resp)
	if err == nil {
		err = errors.New("no Location")
	}
	if outer := (*url.Error)(nil); errors.As(err, &outer) {
		err = outer.Err // a Location may hold a signature
	}
	return nil, fmt.Errorf("%s: status %s leads nowhere: %w: %w", polite.Describe(resp.Request), resp.Status, err, hub.ErrUnavailable)
}

// keepsMethod reports whether a redirect leaves method as it is. Moved (301) and
// found (302) turn POST into GET in most clients.
func keepsMethod(status int, method string) bool {
	return method == http.MethodGet || method == http.MethodHead || status == http.StatusTemporaryRedirect || status == http.StatusPermanentRedirect
}

// isOurs reports whether u is of the endpoint's scheme, host and port.
func (c *Client) isOurs(u *url.URL) bool { return sameOrigin(u, c.endpoint) }

func sameOrigin(a, b *url.URL) bool {
	return a.Scheme == b.Scheme && strings.EqualFold(a.Hostname(), b.Hostname()) && portOf(a) == portOf(b)
}

func portOf(u *url.URL) string {
	switch port := u.Port(); {
	case port != "":
		return port
	case u.Scheme == "https":
		return "443"
	default:
		return "80"
	}
}

// redact takes the token out of what came from outside, which may end up in an
// error or a log.
func (c *Client) redact(raw []byte) []byte {
	if c.o.Token == "" || !bytes.Contains(raw, []byte(c.o.Token)) {
		return raw
	}
	return bytes.ReplaceAll(raw, []byte(c.o.Token), []byte("[token]"))
}

// redactHeader is redact for the header of a response.
func (c *Client) redactHeader(h http.Header) {
	for _, values := range h {
		for i := range values {
			values[i] = string(c.redact([]byte(values[i])))
		}
	}
}

// logWarning logs a warning of the hub, "topic; message", once for each topic
// (huggingface_hub, utils/_http.py).
func (c *Client) logWarning(warning string) {
	if warning == "" {
		return
	}
	topic, message, _ := strings.Cut(warning, ";")
	topic = fmt.Sprintf("%.100s", topic)
	c.mu.Lock()
	fresh := !c.warned[topic] && len(c.warned) < maxTopics
	if fresh {
		c.warned[topic] = true
	}
	c.mu.Unlock()
	if fresh {
		c.o.Log.Warn().Str("topic", oneLine(topic)).Str("message", oneLine(message)).Msg("the hub warns")
	}
}
