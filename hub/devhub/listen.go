package devhub

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"sync"
	"time"
)

// Limits of the listeners. Transfers have no deadline of their own.
const (
	headerWait = 10 * time.Second
	idleWait   = 2 * time.Minute
	maxHeader  = 64 << 10 // bytes
)

// running is what Listen started.
type running struct {
	stop    context.CancelFunc
	servers []*http.Server
	ended   sync.WaitGroup
}

// Listen serves the API on addr, a loopback address such as "127.0.0.1:0", and
// the storage on another port of the same address, until ctx ends or the server
// is closed. It returns the API's URL, "http://127.0.0.1:PORT".
func (s *Server) Listen(ctx context.Context, addr string) (endpoint string, err error) {
	if !loopback(addr) {
		return "", fmt.Errorf("serve devhub on %s: not a loopback address", addr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed || s.running != nil {
		return "", errors.New("serve devhub: the server listens or is closed")
	}
	api, storage, err := listenTwice(ctx, addr)
	if err != nil {
		return "", fmt.Errorf("serve devhub: %w", err)
	}
	_, s.port, _ = net.SplitHostPort(storage.Addr().String()) // which has a port
	ctx, stop := context.WithCancel(ctx)
	s.running = &running{stop: stop}
	s.start(ctx, api, s.serveAPI)
	s.start(ctx, storage, s.serveStorage)
	return "http://" + api.Addr().String(), nil
}

func listenTwice(ctx context.Context, addr string) (api, storage net.Listener, err error) {
	var config net.ListenConfig
	api, err = config.Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, err
	}
	host, _, err := net.SplitHostPort(addr)
	if err == nil {
		storage, err = config.Listen(ctx, "tcp", net.JoinHostPort(host, "0"))
	}
	if err != nil {
		_ = api.Close()
		return nil, nil, err
	}
	return api, storage, nil
}

// start serves on l until ctx ends; s.mu is held.
func (s *Server) start(ctx context.Context, l net.Listener, handle http.HandlerFunc) {
	server := &http.Server{
		Handler: handle, ReadHeaderTimeout: headerWait, IdleTimeout: idleWait, MaxHeaderBytes: maxHeader,
		BaseContext: func(net.Listener) context.Context { return ctx },
		ErrorLog:    stdlog.New(s.o.Log, "", 0),
	}
	run := s.running
	run.servers = append(run.servers, server)
	run.ended.Go(func() { _ = server.Serve(l) }) // always http.ErrServerClosed in the end
	run.ended.Go(func() {
		<-ctx.Done()
		_ = server.Close()
	})
}

// Close ends the listeners and all connections and waits until nothing is done
// any more. The store stays open.
func (s *Server) Close() error {
	s.mu.Lock()
	run := s.running
	s.running, s.closed = nil, true
	s.mu.Unlock()
	if run != nil {
		run.stop()
		run.ended.Wait()
	}
	s.active.Lock() // once all requests have ended
	defer s.active.Unlock()
	s.removeUploads()
	s.ending.Wait()
	return nil
}
