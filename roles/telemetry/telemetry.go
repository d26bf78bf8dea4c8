// Package telemetry lets a role be watched: its metrics, whether it lives, and
// whether it is ready for work, over HTTP. It has no authentication and tells
// no secrets; it belongs on loopback or a network of the operator's own.
package telemetry

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/rs/zerolog"

	"finest/internal/contract"
)

// NewRegistry returns a registry with what every role tells of itself: its
// version, and how its process and its Go runtime are.
func NewRegistry(role, version string) *prometheus.Registry {
	r := prometheus.NewRegistry()
	build := prometheus.NewGauge(prometheus.GaugeOpts{
		Name: "finest_build_info", Help: "1, with the role and the version of the program.",
		ConstLabels: prometheus.Labels{"role": role, "version": version},
	})
	build.Set(1)
	r.MustRegister(build, collectors.NewGoCollector(), collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	return r
}

// Handler answers GET /metrics, /healthz and /readyz. ready returns why the role
// is not ready for work, nil if it is.
func Handler(metrics prometheus.Gatherer, ready func() error) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { writeOK(w) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) {
		if err := ready(); err != nil {
			writeProblem(w, err)
			return
		}
		writeOK(w)
	})
	return mux
}

func writeOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "application/json")
	_, _ = w.Write([]byte("{\"status\":\"ok\"}\n"))
}

func writeProblem(w http.ResponseWriter, reason error) {
	w.Header().Set("Content-Type", contract.ProblemMediaType)
	w.WriteHeader(http.StatusServiceUnavailable)
	_ = json.NewEncoder(w).Encode(contract.Problem{
		Type: contract.ProblemNotReady, Title: "Not ready", Status: http.StatusServiceUnavailable, Detail: reason.Error(),
	})
}

// Limits of connections: scrapers are few and quick.
const (
	timeout         = 10 * time.Second
	maxHeaderBytes  = 8 << 10
	shutdownTimeout = 2 * time.Second
)

// Serve begins to answer with h at addr, HOST:PORT. It returns where it listens
// and what ends it; that waits until it has ended.
func Serve(ctx context.Context, addr string, h http.Handler, log zerolog.Logger) (at net.Addr, stop func() error, err error) {
	l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
	if err != nil {
		return nil, nil, fmt.Errorf("listen on %s: %w", addr, err)
	}
	server := &http.Server{
		Handler: h, ReadHeaderTimeout: timeout, ReadTimeout: timeout, WriteTimeout: 2 * timeout, IdleTimeout: time.Minute,
		MaxHeaderBytes: maxHeaderBytes, ErrorLog: stdlog.New(debugWriter{log}, "", 0),
	}
	served := make(chan error, 1)
	go func() { served <- server.Serve(l) }()
	return l.Addr(), func() error {
		drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
		defer cancel()
		err := server.Shutdown(drain)
		if err != nil {
			err = server.Close()
		}
		if serveErr := <-served; !errors.Is(serveErr, http.ErrServerClosed) {
			err = errors.Join(err, serveErr)
		}
		if err != nil {
			return fmt.Errorf("serve metrics on %s: %w", l.Addr(), err)
		}
		return nil
	}, nil
}

// debugWriter logs what net/http says about connections.
type debugWriter struct{ log zerolog.Logger }

func (w debugWriter) Write(line []byte) (int, error) {
	w.log.Debug().Msg(string(line))
	return len(line), nil
}
