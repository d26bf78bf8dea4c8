// Package rpctest is a JSON-RPC server for tests whose every answer is scripted,
// wrong ones included.
package rpctest

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"

	"github.com/coder/websocket"

	"finest/chain/rpc"
)

// Errors of a Handler that are not sent.
var (
	// ErrSilent leaves a request without an answer.
	ErrSilent = errors.New("no answer")
	// ErrDrop cuts the connection instead of an answer.
	ErrDrop = errors.New("connection is cut")
)

// Request is what a client sent.
type Request struct {
	ID     uint64            `json:"id"`
	Method string            `json:"method"`
	Params []json.RawMessage `json:"params"`
	// Conn is the connection it came by.
	Conn *Conn `json:"-"`
}

// Param decodes one parameter; the zero value where there is none.
func (r Request) Param(t testing.TB, i int, v any) {
	t.Helper()
	if i < len(r.Params) {
		if err := json.Unmarshal(r.Params[i], v); err != nil {
			t.Errorf("parameter %d of %s: %v", i, r.Method, err)
		}
	}
}

// Handler answers a request with a result, or an *rpc.Error, ErrSilent, ErrDrop.
// Each request has its own goroutine.
type Handler func(Request) (any, error)

// Conn is one connection to the server.
type Conn struct {
	ctx context.Context
	ws  *websocket.Conn
}

// Write sends bytes as one message.
func (c *Conn) Write(data []byte) { _ = c.ws.Write(c.ctx, websocket.MessageText, data) }

// Stream sends a chunk again and again as one message that ends after n chunks;
// never, if n is negative, until the client hangs up.
func (c *Conn) Stream(start string, chunk []byte, n int) {
	w, err := c.ws.Writer(c.ctx, websocket.MessageText)
	if err != nil {
		return
	}
	if _, err := w.Write([]byte(start)); err != nil {
		return
	}
	for ; n != 0; n-- {
		if _, err := w.Write(chunk); err != nil {
			return
		}
	}
	_ = w.Close()
}

// Begin sends the beginning of a message that never ends.
func (c *Conn) Begin(start string) {
	if w, err := c.ws.Writer(c.ctx, websocket.MessageText); err == nil {
		_, _ = w.Write([]byte(start))
	}
}

// Notify sends a notification to a subscription.
func (c *Conn) Notify(id string, value any) {
	data, err := json.Marshal(map[string]any{
		"jsonrpc": "2.0", "method": "note",
		"params": map[string]any{"subscription": id, "result": value},
	})
	if err != nil {
		panic(err)
	}
	c.Write(data)
}

// Drop cuts the connection without a word.
func (c *Conn) Drop() { _ = c.ws.CloseNow() }

// Server listens on a loopback address until the test ends.
type Server struct {
	// URL begins with ws://.
	URL string

	t       testing.TB
	handler Handler
	deaf    bool
	wg      sync.WaitGroup
	mu      sync.Mutex
	conns   []*Conn
	opened  int
}

// New starts a server.
func New(t testing.TB, handler Handler) *Server {
	return start(&Server{t: t, handler: handler})
}

// NewDeaf starts a server that answers the first request of a connection and
// reads nothing after it, pings neither.
func NewDeaf(t testing.TB, handler Handler) *Server {
	return start(&Server{t: t, handler: handler, deaf: true})
}

func start(s *Server) *Server {
	ctx, cancel := context.WithCancel(context.Background())
	h := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.wg.Add(1)
		defer s.wg.Done()
		s.serve(ctx, w, r)
	}))
	s.URL = strings.Replace(h.URL, "http", "ws", 1)
	s.t.Cleanup(func() {
		cancel()
		s.Drop()
		s.wg.Wait()
		h.Close()
	})
	return s
}

// Drop cuts all connections.
func (s *Server) Drop() {
	s.mu.Lock()
	conns := s.conns
	s.conns = nil
	s.mu.Unlock()
	for _, c := range conns {
		c.Drop()
	}
}

// Opened is the number of connections that were made so far.
func (s *Server) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

func (s *Server) serve(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer ws.CloseNow() //nolint:errcheck // it is given up either way
	c := &Conn{ctx: ctx, ws: ws}
	s.mu.Lock()
	s.conns = append(s.conns, c)
	s.opened++
	s.mu.Unlock()
	var wg sync.WaitGroup
	defer wg.Wait()
	for {
		_, data, err := ws.Read(ctx)
		if err != nil {
			return
		}
		req := Request{Conn: c}
		if err := json.Unmarshal(data, &req); err != nil {
			s.t.Errorf("client sent %q: %v", data, err)
			return
		}
		if s.deaf {
			s.answer(req)
			<-ctx.Done()
			return
		}
		wg.Go(func() { s.answer(req) })
	}
}

func (s *Server) answer(req Request) {
	result, err := s.handler(req)
	reply := map[string]any{"jsonrpc": "2.0", "id": req.ID, "result": result}
	var refusal *rpc.Error
	switch {
	case errors.Is(err, ErrSilent):
		return
	case errors.Is(err, ErrDrop):
		req.Conn.Drop()
		return
	case errors.As(err, &refusal):
		delete(reply, "result")
		reply["error"] = refusal
	case err != nil:
		s.t.Errorf("%s: %v", req.Method, err)
		return
	}
	data, err := json.Marshal(reply)
	if err != nil {
		s.t.Errorf("%s: %v", req.Method, err)
		return
	}
	req.Conn.Write(data)
}
