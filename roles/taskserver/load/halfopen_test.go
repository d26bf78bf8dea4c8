package main

import (
	"context"
	"io"
	"net"
	"runtime"
	"testing"
)

func TestHalfOpen(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skipf("%s is an address of loopback on Linux only", halfOpenFrom)
	}
	listener, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", loopback)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	const wanted = 3
	h := &halfOpen{addr: listener.Addr().String(), n: wanted}
	h.start(ctx)
	var conns []net.Conn
	for range wanted + 1 { // the first is closed, and opened again
		conn, err := listener.Accept()
		if err != nil {
			t.Fatal(err)
		}
		got := make([]byte, len(half))
		if _, err := io.ReadFull(conn, got); err != nil || string(got) != half {
			t.Fatalf("sent %q, %v", got, err)
		}
		if from := conn.RemoteAddr().(*net.TCPAddr).IP.String(); from != halfOpenFrom {
			t.Errorf("it comes from %s", from)
		}
		if conns == nil {
			_ = conn.Close()
		}
		conns = append(conns, conn)
	}
	cancel()
	for _, conn := range conns[1:] {
		if n, err := conn.Read(make([]byte, 1)); n != 0 || err == nil {
			t.Errorf("%d bytes, %v at the end", n, err)
		}
		_ = conn.Close()
	}
	h.group.Wait()
	if h.opened.Load() != wanted+1 || h.open.Load() != 0 {
		t.Errorf("%d opened, %d open", h.opened.Load(), h.open.Load())
	}
}
