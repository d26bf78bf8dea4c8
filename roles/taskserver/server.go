// Package taskserver divides crawls into tasks, leases them to miners and
// relays what validators publish. It trusts nobody and need not be trusted: a
// receipt carries all that others need, so nobody asks the server later, and it
// never decides weights.
//
// The package holds the lease engine and the HTTP API over a Store; package
// sqlite implements the Store, package client is the other side of the API.
package taskserver

import (
	"context"
	"errors"
	"fmt"
	stdlog "log"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/contract"
)

// Defaults of Options.
const (
	DefaultSlots           = 1
	DefaultHeadAge         = time.Second
	DefaultNeuronsAge      = time.Minute
	DefaultTimestampWindow = 5 * time.Second // as Epistula v2 has it
	DefaultRetryAfter      = 30 * time.Second
	DefaultRate            = 10
	DefaultBurst           = 50
)

// Options are what a server is made of. Zero values stand for the defaults;
// Store, Chain, Signer, DeadlineBlocks and Recipes are required.
type Options struct {
	Store  Store
	Chain  chain.Client
	Netuid uint16
	// Signer signs receipts; requests must be signed for its address.
	Signer chain.Signer
	// DeadlineBlocks is how long a lease lasts.
	DeadlineBlocks uint64
	// Slots is how many leases a hotkey may hold at a time.
	Slots int
	// Recipes are those that leases are granted for.
	Recipes []contract.RecipeRef

	// HeadAge is how old the known finalised head, the block of receipts, may
	// be: well below the time of a block. NeuronsAge is how old the known
	// registrations may be.
	HeadAge, NeuronsAge time.Duration
	// TimestampWindow is how far the timestamp of a request may be from now.
	TimestampWindow time.Duration
	// RetryAfter is when a miner is told to ask again if there is no task.
	RetryAfter time.Duration
	// Rate and Burst hold each hotkey to so many signed requests per second, and
	// so many at once.
	Rate  float64
	Burst int

	// Clock is the time of day; it enters neither leases nor receipts.
	Clock func() time.Time
	// Registry collects the metrics; nil makes a new one.
	Registry *prometheus.Registry
	Log      zerolog.Logger
}

// Server is a task server. It is safe for concurrent use, and several may share
// a Store.
type Server struct {
	store      Store
	chain      *chainView
	netuid     uint16
	signer     chain.Signer
	info       contract.ServerInfo
	window     time.Duration
	retryAfter time.Duration
	limiter    *limiter
	clock      func() time.Time
	log        zerolog.Logger
	handler    http.Handler
	// expired is the newest block whose overdue leases have ended.
	expired atomic.Uint64
}

// New returns a server that starts nothing by itself.
func New(o Options) (*Server, error) {
	o.setDefaults()
	if err := o.validate(); err != nil {
		return nil, fmt.Errorf("set up task server: %w", err)
	}
	s := &Server{
		store:  o.Store,
		chain:  newChainView(o.Chain, o.Netuid, o.HeadAge, o.NeuronsAge, o.Clock),
		netuid: o.Netuid,
		signer: o.Signer,
		info: contract.ServerInfo{
			Server:         o.Signer.Address(),
			Netuid:         o.Netuid,
			Slots:          o.Slots,
			DeadlineBlocks: o.DeadlineBlocks,
			Recipes:        o.Recipes,
			Keys:           []contract.ServerKey{{Address: o.Signer.Address()}},
		},
		window:     o.TimestampWindow,
		retryAfter: o.RetryAfter,
		limiter:    newLimiter(o.Rate, o.Burst, o.Clock),
		clock:      o.Clock,
		log:        o.Log,
	}
	if err := o.Registry.Register(taskGauge{store: o.Store}); err != nil {
		return nil, fmt.Errorf("set up task server: register metrics: %w", err)
	}
	s.handler = s.routes(o.Registry)
	return s, nil
}

func (o *Options) setDefaults() {
	orElse(&o.Slots, DefaultSlots)
	orElse(&o.HeadAge, DefaultHeadAge)
	orElse(&o.NeuronsAge, DefaultNeuronsAge)
	orElse(&o.TimestampWindow, DefaultTimestampWindow)
	orElse(&o.RetryAfter, DefaultRetryAfter)
	orElse(&o.Rate, DefaultRate)
	orElse(&o.Burst, DefaultBurst)
	if o.Clock == nil {
		o.Clock = time.Now
	}
	if o.Registry == nil {
		o.Registry = prometheus.NewRegistry()
	}
}

func orElse[T comparable](value *T, otherwise T) {
	var zero T
	if *value == zero {
		*value = otherwise
	}
}

func (o *Options) validate() error {
	switch {
	case o.Store == nil || o.Chain == nil || o.Signer == nil:
		return errors.New("store, chain and signer are needed")
	case o.DeadlineBlocks == 0:
		return errors.New("a lease needs a deadline")
	case o.Slots < 1 || o.Slots > contract.MaxSlot:
		return fmt.Errorf("%d slots, not 1 to %d", o.Slots, contract.MaxSlot)
	case len(o.Recipes) == 0:
		return errors.New("no recipe to grant leases for")
	case o.HeadAge < 0 || o.NeuronsAge < 0 || o.TimestampWindow < 0 || o.RetryAfter < 0 || o.Rate < 0 || o.Burst < 1:
		return errors.New("a duration or rate is negative")
	}
	seen := make(map[string]bool, len(o.Recipes))
	for _, r := range o.Recipes {
		if seen[r.Name] {
			return fmt.Errorf("recipe %s is there twice", r.Name)
		}
		seen[r.Name] = true
	}
	return nil
}

// Handler returns the HTTP API.
func (s *Server) Handler() http.Handler { return s.handler }

// Timeouts and limits of connections: what a slow or silent client may hold.
const (
	headerTimeout   = 5 * time.Second
	bodyTimeout     = 30 * time.Second
	writeTimeout    = 60 * time.Second
	idleTimeout     = 60 * time.Second
	maxHeaderBytes  = 16 << 10
	shutdownTimeout = 10 * time.Second
)

// Serve answers requests on l until ctx ends, then lets those under way finish
// and returns nil. It closes l.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		ReadTimeout:       bodyTimeout,
		WriteTimeout:      writeTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    maxHeaderBytes,
		ErrorLog:          stdlog.New(debugWriter{s.log}, "", 0),
	}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return fmt.Errorf("serve on %s: %w", l.Addr(), err)
	case <-ctx.Done():
	}
	drain, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownTimeout)
	defer cancel()
	err := server.Shutdown(drain)
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
