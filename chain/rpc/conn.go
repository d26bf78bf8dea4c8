package rpc

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
)

// conn is one connection. A goroutine reads it, another writes it, a third asks
// for signs of life; done is closed when all have to end.
type conn struct {
	host  string
	o     *Options
	ws    *websocket.Conn
	out   chan []byte
	done  chan struct{}
	stop  context.CancelFunc
	wg    sync.WaitGroup
	next  atomic.Uint64 // id of the last request
	heard atomic.Uint64 // messages received

	mu      sync.Mutex
	err     error // why done is closed
	bad     bool  // the endpoint misbehaved: try another one first
	pending map[uint64]*request
	subs    map[string]*Subscription
}

// request waits for its answer; the channel has room for it.
type request struct {
	answer chan answer
	sub    *Subscription // to be registered with the answer, nil for a call
}

type answer struct {
	result json.RawMessage
	err    error
}

// message is anything that a server sends: an answer has an ID, a notification
// has Params.
type message struct {
	ID     *uint64         `json:"id"`
	Result json.RawMessage `json:"result"`
	Error  *Error          `json:"error"`
	Params *struct {
		Subscription json.RawMessage `json:"subscription"`
		Result       json.RawMessage `json:"result"`
	} `json:"params"`
}

func newConn(ws *websocket.Conn, host string, o *Options) *conn {
	ctx, stop := context.WithCancel(context.Background())
	c := &conn{
		host: host, o: o, ws: ws, stop: stop,
		out:     make(chan []byte),
		done:    make(chan struct{}),
		pending: map[uint64]*request{},
		subs:    map[string]*Subscription{},
	}
	ws.SetReadLimit(-1) // read keeps the limit, and knows whose answer passed it
	c.wg.Add(3)
	go c.readAll(ctx)
	go c.writeAll(ctx)
	go c.ping(ctx)
	return c
}

// fail ends the connection and everything that waits on it. bad marks its
// endpoint as one to be avoided for now.
func (c *conn) fail(err error, bad bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return
	}
	c.err, c.bad = err, bad
	close(c.done)
	c.stop()
	for id, r := range c.pending {
		r.answer <- answer{err: err}
		delete(c.pending, id)
	}
	for id, s := range c.subs {
		s.end(err)
		delete(c.subs, id)
	}
}

// close ends the connection and waits for its goroutines.
func (c *conn) close(err error) {
	c.fail(err, false)
	c.ws.CloseNow() //nolint:errcheck // it is given up either way
	c.wg.Wait()
}

func (c *conn) alive() bool {
	select {
	case <-c.done:
		return false
	default:
		return true
	}
}

// lost is the error of a connection that ended by err.
func (c *conn) lost(err error) error {
	return fmt.Errorf("%s: %w: %w", c.host, ErrDisconnected, err)
}

func (c *conn) readAll(ctx context.Context) {
	defer c.wg.Done()
	defer c.ws.CloseNow() //nolint:errcheck // it is given up either way
	for {
		_, r, err := c.ws.Reader(ctx)
		if err != nil {
			c.fail(c.lost(err), false)
			return
		}
		data, err := io.ReadAll(io.LimitReader(r, c.o.MessageLimit+1))
		if err != nil {
			c.fail(c.lost(err), false)
			return
		}
		if int64(len(data)) > c.o.MessageLimit {
			c.oversized(data)
			return
		}
		if err := c.take(data); err != nil {
			c.fail(c.lost(err), true)
			return
		}
		c.heard.Add(1)
	}
}

// oversized ends the connection after a message that is too long: with a
// SizeError for the call whose answer it is, or for all if its beginning does
// not tell.
func (c *conn) oversized(start []byte) {
	err := fmt.Errorf("%s: %w", c.host, &SizeError{Limit: c.o.MessageLimit})
	id, ok := leadingID(start)
	if !ok {
		c.fail(err, true)
		return
	}
	c.mu.Lock()
	culprit := c.pending[id]
	delete(c.pending, id)
	c.mu.Unlock()
	// First the end of the connection, then the answer: who has the answer may
	// call again at once, and must not be given this connection.
	c.fail(c.lost(err), true)
	if culprit != nil {
		culprit.answer <- answer{err: err}
	}
}

// leadingID finds the id of an answer that is cut off, where it stands before
// the result.
func leadingID(start []byte) (uint64, bool) {
	start = start[:min(len(start), 256)]
	d := json.NewDecoder(bytes.NewReader(start))
	if t, err := d.Token(); err != nil || t != json.Delim('{') {
		return 0, false
	}
	for {
		key, err := d.Token()
		if err != nil {
			return 0, false
		}
		if key == "id" {
			var id uint64
			err := d.Decode(&id)
			return id, err == nil && d.InputOffset() < int64(len(start)) // else cut off itself
		}
		if v, err := d.Token(); err != nil || v == json.Delim('{') || v == json.Delim('[') {
			return 0, false
		}
	}
}

// take handles one message. An error means that the server does not speak the
// protocol.
func (c *conn) take(data []byte) error {
	var m message
	if err := json.Unmarshal(data, &m); err != nil {
		return fmt.Errorf("message is no JSON-RPC: %s", clip(err.Error())) // it may quote a long number
	}
	if m.Error != nil {
		m.Error.Message = clip(m.Error.Message)
	}
	switch {
	case m.ID != nil && m.Error != nil:
		c.resolve(*m.ID, answer{err: m.Error})
	case m.ID != nil:
		c.resolve(*m.ID, answer{result: m.Result})
	case m.Params != nil:
		c.notify(string(m.Params.Subscription), m.Params.Result)
	case m.Error != nil:
		return fmt.Errorf("server refuses a request that it does not name: %w", m.Error)
	}
	return nil
}

func (c *conn) resolve(id uint64, a answer) {
	c.mu.Lock()
	defer c.mu.Unlock()
	r := c.pending[id]
	if r == nil {
		return // the caller went away
	}
	delete(c.pending, id)
	if r.sub != nil && a.err == nil {
		r.sub.id = append(json.RawMessage(nil), a.result...)
		c.subs[string(r.sub.id)] = r.sub
	}
	r.answer <- a
}

func (c *conn) notify(id string, value json.RawMessage) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if s := c.subs[id]; s != nil && !s.put(value) {
		s.end(ErrSlowReader)
		delete(c.subs, id)
	}
}

func (c *conn) writeAll(ctx context.Context) {
	defer c.wg.Done()
	for {
		select {
		case <-c.done:
			return
		case data := <-c.out:
			if err := c.ws.Write(ctx, websocket.MessageText, data); err != nil {
				c.fail(c.lost(err), false)
				return
			}
		}
	}
}

// ping ends a connection whose server does not answer pings: without it, nobody
// who only waits for notifications would learn that they cannot come any more.
func (c *conn) ping(ctx context.Context) {
	defer c.wg.Done()
	for {
		select {
		case <-c.done:
			return
		case <-c.o.After(c.o.PingInterval):
		}
		pong := make(chan error, 1)
		pingCtx, cancel := context.WithCancel(ctx)
		c.wg.Go(func() { pong <- c.ws.Ping(pingCtx) })
		var err error
		select {
		case err = <-pong:
		case <-c.o.After(c.o.CallTimeout):
			err = errors.New("ping was not answered")
		}
		cancel()
		if err != nil {
			c.fail(c.lost(err), true)
			return
		}
	}
}

// do sends a request and waits for its answer. The error tells whether the
// request was sent: ErrTimeout and ErrDisconnected leave that open.
func (c *conn) do(ctx context.Context, timeout <-chan time.Time, method string, params []any, sub *Subscription) (json.RawMessage, error) {
	id := c.next.Add(1)
	data, err := encode(id, method, params)
	if err != nil {
		return nil, err
	}
	r := &request{answer: make(chan answer, 1), sub: sub}
	c.mu.Lock()
	if c.err != nil {
		err := c.err
		c.mu.Unlock()
		return nil, err
	}
	c.pending[id] = r
	c.mu.Unlock()
	heard := c.heard.Load()

	out := c.out
	for {
		select {
		case out <- data:
			out = nil
		case a := <-r.answer:
			return a.result, a.err
		case <-ctx.Done():
			c.forget(id, r)
			return nil, ctx.Err()
		case <-timeout:
			c.forget(id, r)
			if c.heard.Load() == heard {
				// Nothing at all came: the whole connection is silent, or in
				// the midst of a message without end.
				c.fail(c.lost(ErrTimeout), true)
			}
			return nil, fmt.Errorf("%s: %w", c.host, ErrTimeout)
		}
	}
}

// forget drops a request. If it was one for a subscription and the answer comes
// still, the server goes on notifying into the void, until the connection ends.
func (c *conn) forget(id uint64, r *request) {
	c.mu.Lock()
	defer c.mu.Unlock()
	delete(c.pending, id)
	if r.sub != nil && r.sub.id != nil {
		delete(c.subs, string(r.sub.id))
	}
}

// send writes a request whose answer nobody waits for.
func (c *conn) send(method string, params ...any) {
	data, err := encode(c.next.Add(1), method, params)
	if err != nil {
		return
	}
	select {
	case c.out <- data:
	case <-c.done:
	case <-c.o.After(c.o.CallTimeout):
	}
}

func encode(id uint64, method string, params []any) ([]byte, error) {
	if params == nil {
		params = []any{}
	}
	data, err := json.Marshal(struct {
		Version string `json:"jsonrpc"`
		ID      uint64 `json:"id"`
		Method  string `json:"method"`
		Params  []any  `json:"params"`
	}{"2.0", id, method, params})
	if err != nil {
		return nil, fmt.Errorf("encode parameters of %s: %w", method, err)
	}
	return data, nil
}
