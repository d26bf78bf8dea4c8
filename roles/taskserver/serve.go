package taskserver

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/rs/zerolog"
)

// Timeouts and limits of connections: what a slow or silent client may hold.
const (
	headerTimeout   = 5 * time.Second
	bodyTimeout     = 30 * time.Second
	writeTimeout    = 60 * time.Second
	idleTimeout     = 60 * time.Second
	maxHeaderBytes  = 16 << 10
	shutdownTimeout = 10 * time.Second
)

// connKey is the context key of a request's net.Conn.
type connKey struct{}

// arrived says that a request is here in whole.
func (s *Server) arrived(r *http.Request) {
	if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		s.conns.whole(conn)
	}
}

func (s *Server) httpServer() *http.Server {
	plain := new(http.Protocols)
	plain.SetHTTP1(true)
	return &http.Server{
		Handler:   s.handler,
		Protocols: plain,
		ConnState: s.conns.changed,
		ConnContext: func(ctx context.Context, conn net.Conn) context.Context {
			return context.WithValue(ctx, connKey{}, conn)
		},
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          stdlog.New(debugWriter{s.log}, "", 0),
	}
}

// Serve answers requests on l and works in the background until ctx ends; then
// it says that it is not ready, lets what is under way finish and returns nil.
// It closes l. A server serves once.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := s.httpServer()
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	working, stop := context.WithCancel(ctx)
	defer stop()
	var background sync.WaitGroup
	defer background.Wait()
	s.work(working, &background)
	select {
	case err := <-failed:
		stop()
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	s.draining.Store(true)
	s.log.Info().Str("addr", l.Addr().String()).Msg("task server ends")
	return s.drain(context.WithoutCancel(ctx), server, l, failed)
}

func (s *Server) drain(ctx context.Context, server *http.Server, l net.Listener, failed <-chan error) error {
	select {
	case <-time.After(s.o.DrainDelay):
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	}
	ctx, cancel := context.WithTimeout(ctx, shutdownTimeout)
	defer cancel()
	err := server.Shutdown(ctx)
	if err != nil {
		err = errors.Join(fmt.Errorf("finish requests on %s: %w", l.Addr(), err), server.Close())
	}
	if serveErr := <-failed; !errors.Is(serveErr, http.ErrServerClosed) {
		err = errors.Join(err, fmt.Errorf("serve on %s: %w", l.Addr(), serveErr))
	}
	return err
}

// debugWriter logs what net/http says about connections, which strangers cause.
type debugWriter struct{ log zerolog.Logger }

func (w debugWriter) Write(line []byte) (int, error) {
	w.log.Debug().Msg(string(line))
	return len(line), nil
}
