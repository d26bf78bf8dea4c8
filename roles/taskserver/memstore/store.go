// Package memstore keeps the tables of a task server in memory: for tests, which
// need many changes a second, and as a plain statement of what a Store does.
package memstore

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
)

// Store is an engine.Store. Nothing of it outlives the process.
type Store struct {
	mu     sync.RWMutex
	tables tables
	closed bool
}

var _ engine.Store = (*Store)(nil)

// errClosed answers after Close.
var errClosed = errors.New("memory store: closed")

// New returns an empty store.
func New() *Store {
	return &Store{tables: tables{
		crawls:      make(map[string]engine.Crawl),
		tasks:       make(map[string]engine.Task),
		byCrawl:     make(map[string]*index[taskID]),
		ready:       make(map[string]*index[place]),
		counts:      make(map[engine.TaskCount]int64),
		leases:      make(map[string][]engine.Lease),
		slots:       make(map[slotKey]leaseKey),
		live:        make(map[engine.Holder]int),
		records:     make(map[engine.Holder]engine.Record),
		results:     make(map[leaseKey]int),
		taskResults: make(map[string][]int),
		verdictSeen: make(map[contract.VerdictView]bool),
		onLease:     make(map[leaseKey][]int),
		early:       make(map[leaseKey][]engine.Verdict),
		statements:  make(map[string]contract.Statement),
		proofSeen:   make(map[string]bool),
		uuids:       make(map[uuidKey]time.Time),
		settings:    make(map[string]string),
	}}
}

// tables are rows and the orders in which they are read.
type tables struct {
	crawls  map[string]engine.Crawl
	tasks   map[string]engine.Task
	byID    index[taskID]
	byCrawl map[string]*index[taskID]
	// ready are the available tasks of each crawl by Point that can be leased,
	// unready those of all crawls that are to be surveyed, due those with a
	// DueBlock.
	ready        map[string]*index[place]
	unready, due index[place]
	counts       map[engine.TaskCount]int64

	leases  map[string][]engine.Lease // by generation
	slots   map[slotKey]leaseKey      // live leases
	live    map[engine.Holder]int     // their number
	excuses index[excuseKey]
	records map[engine.Holder]engine.Record

	submissions []contract.SubmissionView
	results     map[leaseKey]int
	taskResults map[string][]int

	verdicts    []engine.Verdict
	verdictSeen map[contract.VerdictView]bool
	onLease     map[leaseKey][]int
	early       map[leaseKey][]engine.Verdict // by validator

	statements map[string]contract.Statement
	proofs     []contract.ProofView
	proofSeen  map[string]bool
	audit      []books.Entry
	uuids      map[uuidKey]time.Time
	settings   map[string]string
}

type (
	slotKey struct {
		hotkey string
		slot   int
	}
	leaseKey struct {
		task       string
		generation int64
	}
	uuidKey struct{ signer, uuid string }
)

// Change makes one change; others wait.
func (s *Store) Change(ctx context.Context, f func(engine.Tx) error) (err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	t := &tx{view: view{&s.tables}}
	returned := false // not if f panics or ends its goroutine
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("memory store: panic in a change: %v", p)
		}
		if err != nil || !returned {
			t.rollback()
		}
	}()
	err = f(t)
	returned = true
	if err != nil {
		return err
	}
	return ctx.Err()
}

// View shows the tables; changes wait.
func (s *Store) View(ctx context.Context, f func(engine.View) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	if err := s.usable(ctx); err != nil {
		return err
	}
	return f(view{&s.tables})
}

func (s *Store) usable(ctx context.Context) error {
	if s.closed {
		return errClosed
	}
	return ctx.Err()
}

// Backup fails: there is no file to copy.
func (s *Store) Backup(context.Context, string) error {
	return fmt.Errorf("back up a memory store: %w", errors.ErrUnsupported)
}

// Ping reports whether the store is open.
func (s *Store) Ping(ctx context.Context) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.usable(ctx)
}

// Close makes all later calls fail.
func (s *Store) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.closed = true
	return nil
}
