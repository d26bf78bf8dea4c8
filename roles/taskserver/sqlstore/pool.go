package sqlstore

import (
	"context"
	"sync"
)

// readers is the most views at a time; more wait.
const readers = 6

// pool holds sessions for views.
type pool struct {
	db dialect
	// places has one element for each view that may begin.
	places chan struct{}
	closed chan struct{}

	mu sync.Mutex
	// idle sessions, the one used last at the end: it has most statements
	// prepared and most pages at hand.
	idle []*session
}

func newPool(db dialect) *pool {
	p := &pool{db: db, places: make(chan struct{}, readers), closed: make(chan struct{})}
	for range readers {
		p.places <- struct{}{}
	}
	return p
}

// close ends all sessions when all views are over; none begins later.
func (p *pool) close() (err error) {
	close(p.closed)
	for range readers {
		<-p.places
	}
	for _, s := range p.idle {
		if closeErr := s.close(); closeErr != nil {
			err = closeErr
		}
	}
	return err
}

// read runs f on one state of the tables.
func (p *pool) read(ctx context.Context, f func(*view) error) error {
	if err := ctx.Err(); err != nil {
		return err // select chooses at random when both are ready
	}
	select {
	case <-p.places:
	case <-ctx.Done():
		return ctx.Err()
	case <-p.closed:
		return errClosed
	}
	defer func() { p.places <- struct{}{} }()
	s, err := begun(ctx, p.db, p.take(), forReading)
	if err != nil {
		return err
	}
	v := &view{ctx: p.db.statementContext(ctx), caller: ctx, s: s}
	defer func() {
		v.s = nil
		if s.control(context.WithoutCancel(ctx), "ROLLBACK") != nil {
			s.discard()
			return
		}
		p.put(s)
	}()
	return f(v)
}

// take returns the session used last, nil if none is idle.
func (p *pool) take() *session {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := len(p.idle)
	if n == 0 {
		return nil
	}
	s := p.idle[n-1]
	p.idle = p.idle[:n-1]
	return s
}

func (p *pool) put(s *session) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.idle = append(p.idle, s)
}
