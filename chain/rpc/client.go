package rpc

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"github.com/coder/websocket"
	"github.com/rs/zerolog"
)

// Defaults of Options.
const (
	DefaultCallTimeout  = 30 * time.Second
	DefaultDialTimeout  = 10 * time.Second
	DefaultPingInterval = 20 * time.Second
	// DefaultMessageLimit in bytes holds the metadata of today's runtimes (about
	// 700 KB as hex) and a thousand large storage values many times over.
	DefaultMessageLimit = 64 << 20
	DefaultMinBackoff   = 250 * time.Millisecond
	DefaultMaxBackoff   = 10 * time.Second
)

// dialRounds is how often one call has all endpoints tried before it gives up.
const dialRounds = 3

// Options of a Client; only Endpoints is needed.
type Options struct {
	// Endpoints are ws:// or wss:// URLs, in order of preference. Only their hosts
	// appear in logs and errors: the rest may hold a key.
	Endpoints []string
	Log       zerolog.Logger
	// CallTimeout bounds a call from its start to its answer, connecting included;
	// DialTimeout one attempt to connect.
	CallTimeout, DialTimeout time.Duration
	// PingInterval is the time between two pings of a connection. A ping that is
	// not answered within CallTimeout ends it.
	PingInterval time.Duration
	// MessageLimit in bytes ends a connection that sends a longer message.
	MessageLimit int64
	// MinBackoff is the pause after the first round of endpoints that all failed;
	// it doubles with each further one up to MaxBackoff. Half of it is chance.
	MinBackoff, MaxBackoff time.Duration
	// Check is called on each new connection before anything else uses it; an
	// error makes the client try the next endpoint. nil checks nothing.
	Check func(ctx context.Context, call CallFunc) error
	// After, Now and Rand are time.After, time.Now and a number in [0, 1), for
	// tests.
	After func(time.Duration) <-chan time.Time
	Now   func() time.Time
	Rand  func() float64
}

// CallFunc calls a method and decodes its result, unless that is nil.
type CallFunc func(ctx context.Context, result any, method string, params ...any) error

// Client of one chain. Its methods are safe for concurrent use.
type Client struct {
	o         Options
	hosts     []string
	transport *http.Transport
	ctx       context.Context // ends with Close
	stop      context.CancelFunc
	wg        sync.WaitGroup

	mu       sync.Mutex
	conn     *conn
	dial     *dial
	next     int // endpoint to try first
	failures int // rounds that failed since the last connection
	short    int // connections in a row that were lost soon after they were made
	tried    time.Time
}

// dial is a round of endpoints that several calls may wait for.
type dial struct {
	done chan struct{}
	conn *conn
	err  error
}

// New returns a client that connects when it is first used.
func New(o Options) (*Client, error) {
	if len(o.Endpoints) == 0 {
		return nil, errors.New("open RPC client: no endpoint is given")
	}
	c := &Client{transport: http.DefaultTransport.(*http.Transport).Clone()}
	for i, e := range o.Endpoints {
		u, err := url.Parse(e)
		if err != nil || u.Host == "" || (u.Scheme != "ws" && u.Scheme != "wss") {
			return nil, fmt.Errorf("open RPC client: endpoint %d is no ws:// or wss:// URL", i+1)
		}
		c.hosts = append(c.hosts, u.Host)
	}
	o.Endpoints = slices.Clone(o.Endpoints)
	setDefault(&o.CallTimeout, DefaultCallTimeout)
	setDefault(&o.DialTimeout, DefaultDialTimeout)
	setDefault(&o.PingInterval, DefaultPingInterval)
	setDefault(&o.MessageLimit, DefaultMessageLimit)
	setDefault(&o.MinBackoff, DefaultMinBackoff)
	setDefault(&o.MaxBackoff, DefaultMaxBackoff)
	if o.After == nil {
		o.After = time.After
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	c.o = o
	c.ctx, c.stop = context.WithCancel(context.Background())
	return c, nil
}

func setDefault[T comparable](v *T, value T) {
	var zero T
	if *v == zero {
		*v = value
	}
}

// Close ends the connection; calls that wait return an error.
func (c *Client) Close() error {
	c.stop()
	c.hangUp()
	c.wg.Wait()
	c.hangUp() // a round that was under way may have made one
	c.transport.CloseIdleConnections()
	return nil
}

func (c *Client) hangUp() {
	c.mu.Lock()
	conn := c.conn
	c.conn = nil
	c.mu.Unlock()
	if conn != nil {
		conn.close(conn.lost(ErrClosed))
	}
}

// Call calls a method and decodes its result, unless that is nil. It never sends
// a request twice. Errors: *Error of the server, ErrUnreachable (not sent),
// ErrDisconnected and ErrTimeout (may have been sent), *SizeError.
func (c *Client) Call(ctx context.Context, result any, method string, params ...any) error {
	_, err := c.call(ctx, result, nil, method, params)
	return err
}

// Subscribe calls a method that opens a subscription, which unsubscribe closes.
// Its errors are those of Call.
func (c *Client) Subscribe(ctx context.Context, method, unsubscribe string, params ...any) (*Subscription, error) {
	return c.call(ctx, nil, &unsubscribe, method, params)
}

// call makes one request: of a subscription if unsubscribe is given.
func (c *Client) call(ctx context.Context, result any, unsubscribe *string, method string, params []any) (sub *Subscription, err error) {
	timeout := c.o.After(c.o.CallTimeout)
	conn, err := c.connect(ctx, timeout)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", method, err)
	}
	if unsubscribe != nil {
		sub = newSubscription(conn, *unsubscribe)
	}
	raw, err := conn.do(ctx, timeout, method, params, sub)
	if err != nil {
		return nil, fmt.Errorf("call %s: %w", method, err)
	}
	if result != nil {
		if err := json.Unmarshal(raw, result); err != nil {
			// The error quotes a number that does not fit, however long.
			return nil, fmt.Errorf("call %s: result from %s: %s", method, conn.host, clip(err.Error()))
		}
	}
	return sub, nil
}

// connect returns the connection, after making one if there is none.
func (c *Client) connect(ctx context.Context, timeout <-chan time.Time) (*conn, error) {
	var last error
	for range dialRounds {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		d, conn := c.current()
		if conn != nil {
			return conn, nil
		}
		select {
		case <-d.done:
			if d.err == nil {
				return d.conn, nil
			}
			last = d.err
		case <-ctx.Done():
			return nil, ctx.Err()
		case <-timeout:
			if last == nil {
				last = ErrTimeout
			}
			return nil, unreachable(last)
		}
		if errors.Is(last, ErrClosed) {
			return nil, last
		}
	}
	return nil, unreachable(last)
}

// unreachable says why no endpoint took a connection. It does not wrap the
// reason: a connection lost while it was checked is ErrDisconnected, which would
// say that the request may have been sent.
func unreachable(reason error) error { return fmt.Errorf("%w: %v", ErrUnreachable, reason) } //nolint:errorlint // see above

// current is the connection, or the round of endpoints that is to bring one.
func (c *Client) current() (*dial, *conn) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.conn != nil {
		if c.conn.alive() {
			return nil, c.conn
		}
		c.drop(c.conn)
	}
	if c.dial == nil {
		c.dial = &dial{done: make(chan struct{})}
		if c.ctx.Err() != nil {
			c.dial.err = ErrClosed
			close(c.dial.done)
		} else {
			c.wg.Go(func() { c.round(c.dial, c.pause()) })
		}
	}
	return c.dial, nil
}

// drop gives up the connection, which has ended; c.mu is held.
func (c *Client) drop(old *conn) {
	c.conn = nil
	old.mu.Lock()
	err, bad := old.err, old.bad
	old.mu.Unlock()
	if bad {
		c.next++
	}
	if c.o.Now().Sub(c.tried) < c.o.MaxBackoff {
		c.short++
	} else {
		c.short = 0
	}
	c.o.Log.Warn().Str("host", old.host).Err(err).Msg("chain connection lost")
	c.wg.Go(func() { old.close(err) })
}

// pause is what is left of the time between two rounds; c.mu is held. A
// connection that is lost soon counts as a failure too, unless it is the first
// one: an endpoint that takes connections and drops them would be dialled on and
// on.
func (c *Client) pause() time.Duration {
	failures := max(c.failures, c.short-1)
	if failures <= 0 {
		return 0
	}
	full := c.o.MaxBackoff
	if shift := failures - 1; shift < 32 && c.o.MinBackoff<<shift < full {
		full = c.o.MinBackoff << shift
	}
	wait := full/2 + time.Duration(c.o.Rand()*float64(full/2))
	return wait - c.o.Now().Sub(c.tried)
}

// round tries every endpoint once, after a pause.
func (c *Client) round(d *dial, pause time.Duration) {
	defer close(d.done)
	if pause > 0 {
		select {
		case <-c.o.After(pause):
		case <-c.ctx.Done():
		}
	}
	c.mu.Lock()
	first := c.next
	c.mu.Unlock()
	for i := range c.hosts {
		if c.ctx.Err() != nil {
			d.err = ErrClosed
			break
		}
		n := (first + i) % len(c.hosts)
		var err error
		if d.conn, err = c.open(n); err == nil {
			d.err = nil
			first = n
			break
		}
		c.o.Log.Warn().Str("host", c.hosts[n]).Err(err).Msg("cannot connect to chain")
		d.err = errors.Join(d.err, fmt.Errorf("%s: %w", c.hosts[n], err))
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.dial, c.conn, c.tried = nil, d.conn, c.o.Now()
	if d.err != nil {
		c.failures++
		return
	}
	c.next, c.failures = first, 0
	c.o.Log.Debug().Str("host", d.conn.host).Msg("connected to chain")
}

// open connects to one endpoint and checks it.
func (c *Client) open(n int) (*conn, error) {
	ctx, cancel := context.WithCancelCause(c.ctx)
	defer cancel(nil)
	timeout := c.o.After(c.o.DialTimeout)
	c.wg.Go(func() {
		select {
		case <-timeout:
			cancel(ErrTimeout)
		case <-ctx.Done():
		}
	})
	//nolint:bodyclose // the body is the connection
	ws, _, err := websocket.Dial(ctx, c.o.Endpoints[n], &websocket.DialOptions{HTTPClient: &http.Client{
		Transport: c.transport,
		// A redirect would carry the key of the endpoint elsewhere.
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}})
	if err != nil {
		return nil, dialError(ctx, err)
	}
	conn := newConn(ws, c.hosts[n], &c.o)
	if c.o.Check == nil {
		return conn, nil
	}
	err = c.o.Check(ctx, func(ctx context.Context, result any, method string, params ...any) error {
		raw, err := conn.do(ctx, nil, method, params, nil)
		if err != nil || result == nil {
			return err
		}
		return json.Unmarshal(raw, result)
	})
	if err != nil {
		conn.close(err)
		return nil, dialError(ctx, err)
	}
	return conn, nil
}

// dialError leaves out the URL that the error of an HTTP request names, and says
// why ctx ended where that was the reason: for a caller whose own context goes
// on, "context canceled" would be a lie.
func dialError(ctx context.Context, err error) error {
	switch cause := context.Cause(ctx); {
	case errors.Is(cause, ErrTimeout):
		return ErrTimeout
	case cause != nil:
		return ErrClosed
	}
	var u *url.Error
	if errors.As(err, &u) {
		return u.Err
	}
	return err
}
