// Package taskserver is the HTTP side of a task server. It divides crawls into
// tasks, leases them to miners and relays what validators publish. It trusts
// nobody and need not be trusted: a receipt carries all that others need, so
// nobody asks the server later, and it never decides weights.
//
// The rules are in package engine, what is kept in a Store of it; this package
// decides who signed a request, reads the chain, answers, and does the work that
// no request causes. Package client is the other side of the API.
package taskserver

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/rs/zerolog"

	"finest/chain"
	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

// Defaults of Options.
const (
	DefaultHeadAge         = time.Second
	DefaultNeuronsAge      = time.Minute
	DefaultTimestampWindow = 5 * time.Second // as Epistula v2 has it
	DefaultRetryAfter      = 30 * time.Second
	DefaultBlockTime       = 12 * time.Second // of Bittensor
	DefaultRate            = 10
	DefaultBurst           = 50
	DefaultMaxConnections  = 4096
)

// Options are what a server is made of. Zero values stand for the defaults;
// Store, Chain, Keys and Rules are required.
type Options struct {
	Store  engine.Store
	Chain  chain.Client
	Netuid uint16
	// Keys sign receipts; requests are signed for their addresses.
	Keys  []Key
	Rules engine.Rules

	// MinClient is the lowest version of a client that is served, if it says its
	// version.
	MinClient int
	// BlockTime is the time between two blocks: it turns blocks to wait for into
	// seconds, and says when a chain stands still.
	BlockTime time.Duration
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
	// MaxConnections is how many connections are held at once.
	MaxConnections int
	// DrainDelay is how long a server that ends goes on taking requests after it
	// said that it is not ready, so that a load balancer sees it.
	DrainDelay time.Duration

	// AnchorEvery is after how many blocks the head of the audit log is written
	// on chain, as the commitment of the server's key; 0 for never.
	AnchorEvery uint64
	// Crawls is where the files of tasks are looked at before they are leased,
	// and where excuses are checked; nil for never. SurveyAhead is how many tasks
	// are kept ready.
	Crawls      polite.Base
	SurveyAhead int

	// Clock is the time of day; it enters neither leases nor receipts.
	Clock func() time.Time
	// Registry collects the metrics; nil makes a new one.
	Registry *prometheus.Registry
	Log      zerolog.Logger
}

// Server is a task server. It is safe for concurrent use, and several may share
// a Store.
type Server struct {
	o       Options
	store   engine.Store
	engine  *engine.Engine
	chain   *chainView
	keys    keyring
	limiter *limiter
	metrics *metrics
	conns   *connections
	outages *outages
	bodies  turns // to work on a large one
	totals  *cached[totals]
	// totalsTook is how long the last reading of totals took.
	totalsTook atomic.Int64
	surveyor   *catalogue.Surveyor // nil for none
	document   []byte
	handler    http.Handler
	log        zerolog.Logger

	// advancing is held by who does the due work of a new head, advanced is the
	// newest block whose due work is done.
	advancing chan struct{}
	advanced  atomic.Uint64
	draining  atomic.Bool
}

// New returns a server that starts nothing by itself.
func New(o Options) (*Server, error) {
	o.setDefaults()
	s, err := newServer(o)
	if err != nil {
		return nil, fmt.Errorf("set up task server: %w", err)
	}
	return s, nil
}

func newServer(o Options) (*Server, error) {
	if err := o.validate(); err != nil {
		return nil, err
	}
	keys, err := newKeyring(o.Keys)
	if err != nil {
		return nil, err
	}
	s := &Server{
		o:         o,
		chain:     newChainView(o.Chain, o.Netuid, o.HeadAge, o.NeuronsAge, o.Clock),
		keys:      keys,
		limiter:   newLimiter(o.Rate, o.Burst, o.Clock),
		conns:     newConnections(o.MaxConnections),
		outages:   newOutages(o.Clock, o.Log),
		bodies:    make(turns, largeBodiesAtOnce),
		advancing: make(chan struct{}, 1),
		log:       o.Log,
	}
	s.metrics = newMetrics(s)
	s.store = timedStore{o.Store, s.metrics.changes}
	s.totals = newCached(o.Clock, o.HeadAge, s.sumUp)
	if s.engine, err = engine.New(s.store, o.Rules, keys.sign); err != nil {
		return nil, err
	}
	if s.surveyor, err = s.newSurveyor(); err != nil {
		return nil, err
	}
	if s.document, err = document(); err != nil {
		return nil, err
	}
	if s.handler, err = s.routes(o.Registry); err != nil {
		return nil, err
	}
	return s, nil
}

func (s *Server) newSurveyor() (*catalogue.Surveyor, error) {
	if s.o.Crawls == nil {
		return nil, nil //nolint:nilnil // none is wanted
	}
	return catalogue.NewSurveyor(catalogue.SurveyOptions{
		Tables: s.store, Decider: s.engine, Base: s.o.Crawls, Ahead: s.o.SurveyAhead, Now: s.o.Clock, Log: s.log,
		Block: func(ctx context.Context) (uint64, error) {
			head, err := s.chain.Head(ctx)
			return head.Number, err
		},
	})
}

func (o *Options) setDefaults() {
	orElse(&o.BlockTime, DefaultBlockTime)
	orElse(&o.HeadAge, DefaultHeadAge)
	orElse(&o.NeuronsAge, DefaultNeuronsAge)
	orElse(&o.TimestampWindow, DefaultTimestampWindow)
	orElse(&o.RetryAfter, DefaultRetryAfter)
	orElse(&o.Rate, DefaultRate)
	orElse(&o.Burst, DefaultBurst)
	orElse(&o.MaxConnections, DefaultMaxConnections)
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
	case o.Store == nil || o.Chain == nil:
		return errors.New("store and chain are needed")
	case o.BlockTime < 0 || o.HeadAge < 0 || o.NeuronsAge < 0 || o.TimestampWindow < 0 || o.RetryAfter < 0 || o.DrainDelay < 0:
		return errors.New("a duration is negative")
	case o.Rate < 0 || o.Burst < 1:
		return fmt.Errorf("%g requests per second, %d at once", o.Rate, o.Burst)
	case o.MaxConnections < 1:
		return fmt.Errorf("%d connections", o.MaxConnections)
	case o.MinClient < 0 || o.MinClient > contract.ClientVersion:
		return fmt.Errorf("clients from version %d on; the newest is %d", o.MinClient, contract.ClientVersion)
	}
	return nil
}

// Handler returns the HTTP API.
func (s *Server) Handler() http.Handler { return s.handler }

// Engine returns the rules behind the API, for an operator's work beside it.
func (s *Server) Engine() *engine.Engine { return s.engine }
