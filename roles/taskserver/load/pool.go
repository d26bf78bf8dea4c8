package main

import (
	"context"
	"fmt"
	"net"
	"sync"
	"time"
)

// pool holds the connections to the server. A request has one to itself, read and
// written by the goroutine that makes the request: net/http has two more for every
// connection, and their waking takes as much time as signing.
type pool struct {
	addr string
	// places are as many as there may be connections; one in use takes one.
	places chan struct{}

	mu   sync.Mutex
	idle []*conn // the last used is the last
}

// conn is a connection with its buffers.
type conn struct {
	net.Conn
	answers *answers
	request []byte
}

func newPool(addr string, connections int) *pool {
	return &pool{addr: addr, places: make(chan struct{}, connections)}
}

// take returns the connection used last of those that are idle, or a new one. It
// waits for a place, until the deadline.
func (p *pool) take(ctx context.Context, deadline time.Time) (*conn, error) {
	select {
	case p.places <- struct{}{}:
	default:
		if err := p.wait(ctx, deadline); err != nil {
			return nil, err
		}
	}
	for c := p.pop(); c != nil; c = p.pop() {
		if quiet(c.Conn) {
			return c, nil
		}
		_ = c.Close() // the server closed it
	}
	dialer := net.Dialer{Deadline: deadline}
	dialled, err := dialer.DialContext(ctx, "tcp", p.addr)
	if err != nil {
		<-p.places
		return nil, err
	}
	return &conn{Conn: dialled, answers: newAnswers(dialled)}, nil
}

func (p *pool) wait(ctx context.Context, deadline time.Time) error {
	ctx, cancel := context.WithDeadline(ctx, deadline)
	defer cancel()
	select {
	case p.places <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("wait for a connection: %w", ctx.Err())
	}
}

func (p *pool) pop() *conn {
	p.mu.Lock()
	defer p.mu.Unlock()
	if len(p.idle) == 0 {
		return nil
	}
	c := p.idle[len(p.idle)-1]
	p.idle = p.idle[:len(p.idle)-1]
	return c
}

// give gives a connection back, to be used again or closed.
func (p *pool) give(c *conn, again bool) {
	if again {
		p.mu.Lock()
		p.idle = append(p.idle, c)
		p.mu.Unlock()
	} else {
		_ = c.Close()
	}
	<-p.places
}

// close closes the idle connections.
func (p *pool) close() {
	for c := p.pop(); c != nil; c = p.pop() {
		_ = c.Close()
	}
}
