package devchain

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/coder/websocket"
)

// Limits of the server, after the defaults of a Substrate node.
const (
	maxConns    = 100
	maxSubs     = 1024     // of one connection
	maxRequest  = 15 << 20 // bytes
	maxResponse = 15 << 20 // bytes
	maxBatch    = 1024     // requests
	// maxQueue bounds what waits for a slow reader, in bytes.
	maxQueue = 64 << 20
	// writeWait is how long a reader may take for one message.
	writeWait = 30 * time.Second
	// headerWait is how long a connection may take to ask for a websocket.
	headerWait = 10 * time.Second
)

// Listen serves JSON-RPC over websocket on addr, a loopback address such as
// "127.0.0.1:0", until ctx ends or the node is closed, and returns where:
// "ws://127.0.0.1:PORT". Web pages of other origins are refused.
func (n *Node) Listen(ctx context.Context, addr string) (endpoint string, err error) {
	if err := loopback(addr); err != nil {
		return "", fmt.Errorf("serve devchain on %s: %w", addr, err)
	}
	var config net.ListenConfig
	l, err := config.Listen(ctx, "tcp", addr)
	if err != nil {
		return "", fmt.Errorf("serve devchain: %w", err)
	}
	ctx, end := context.WithCancel(ctx)
	s := &http.Server{
		Handler: http.HandlerFunc(n.serve), ReadHeaderTimeout: headerWait, IdleTimeout: headerWait,
		BaseContext: func(net.Listener) context.Context { return ctx },
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed {
		end()
		_ = l.Close()
		return "", errors.New("serve devchain: the node is closed")
	}
	n.running.Go(func() { _ = s.Serve(l) }) // always http.ErrServerClosed in the end
	n.running.Go(func() {
		defer end() // which ends the connections
		select {
		case <-ctx.Done():
		case <-n.quitted.Done():
		}
		_ = s.Close()
	})
	return "ws://" + l.Addr().String(), nil
}

// loopback says whether only this machine can reach an address.
func loopback(addr string) error {
	host, _, err := net.SplitHostPort(addr)
	if err != nil {
		return err
	}
	if host == "localhost" {
		return nil
	}
	if ip, err := netip.ParseAddr(host); err != nil || !ip.IsLoopback() {
		return errors.New("not a loopback address")
	}
	return nil
}

func (n *Node) serve(w http.ResponseWriter, r *http.Request) {
	// A page whose name was made to resolve to this machine has its own name here.
	if loopback(r.Host) != nil && loopback(net.JoinHostPort(r.Host, "80")) != nil {
		http.Error(w, "not a loopback name", http.StatusForbidden)
		return
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	c := &conn{node: n, cut: cancel, wake: make(chan struct{}, 1), subs: map[string]*subscription{}}
	if !n.enter(c) {
		http.Error(w, "too many connections", http.StatusServiceUnavailable)
		return
	}
	defer n.leave(c)
	ws, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // the answer was written
	}
	defer func() { _ = ws.CloseNow() }()
	ws.SetReadLimit(maxRequest)
	written := make(chan struct{})
	go func() {
		defer close(written)
		c.write(ctx, ws)
	}()
	for {
		_, message, err := ws.Read(ctx)
		if err != nil {
			break
		}
		c.handle(message)
	}
	cancel()
	<-written
}

// enter counts a connection, if there is room.
func (n *Node) enter(c *conn) bool {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.closed || len(n.conns) >= maxConns {
		return false
	}
	n.conns[c] = true
	n.running.Add(1)
	return true
}

func (n *Node) leave(c *conn) {
	defer n.running.Done()
	n.mu.Lock()
	defer n.mu.Unlock()
	delete(n.conns, c)
	for _, s := range c.subs {
		n.end(s)
	}
}
