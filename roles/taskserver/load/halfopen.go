package main

import (
	"context"
	"net"
	"sync"
	"sync/atomic"
	"time"
)

const (
	// halfOpenFrom is the address that half-open connections come from: another
	// one of loopback, with ports of its own.
	halfOpenFrom = "127.0.0.2"
	// half is what they send: a request that does not end.
	half = "POST /v1/lease HTTP/1.1\r\nHost: tasks.test\r\nX-Slow: "
	// reopenAfter is how long after the server closed one it is opened again.
	reopenAfter = time.Second
)

// halfOpen holds connections open that never finish their first request.
type halfOpen struct {
	addr string
	n    int

	opened, open atomic.Int64
	group        sync.WaitGroup
}

// start opens them over a second and holds them until ctx ends.
func (h *halfOpen) start(ctx context.Context) {
	for i := range h.n {
		h.group.Go(func() {
			wait := reopenAfter * time.Duration(i) / time.Duration(h.n)
			for pause(ctx, wait) {
				h.hold(ctx)
				wait = reopenAfter
			}
		})
	}
}

// hold holds one connection open until the server or ctx ends it.
func (h *halfOpen) hold(ctx context.Context) {
	dialer := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(halfOpenFrom)}}
	conn, err := dialer.DialContext(ctx, "tcp", h.addr)
	if err != nil {
		return // the server is busy: opened again later
	}
	h.opened.Add(1)
	h.open.Add(1)
	defer h.open.Add(-1)
	defer func() { _ = conn.Close() }()
	stop := context.AfterFunc(ctx, func() { _ = conn.Close() })
	defer stop()
	if _, err := conn.Write([]byte(half)); err != nil {
		return
	}
	_, _ = conn.Read(make([]byte, 1)) // returns when it is closed
}

// pause reports whether d has passed before ctx ended.
func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
