package taskserver

import (
	"container/list"
	"context"
	"net"
	"net/http"
)

// maxLoaded bounds the memory that large bodies and answers under way take
// together, lightLoad is the size up to which one is not counted, and pieceSize
// is what they come and go in: who moves less makes no progress.
const (
	maxLoaded = 48 << 20
	lightLoad = 8 << 10
	pieceSize = 64 << 10
)

// load is what a body or an answer under way takes in memory. A nil load counts
// nothing.
type load struct {
	of   *connections
	conn net.Conn

	// Guarded by the mutex of connections. place is its element among the loads,
	// nil while it is light and when it is over.
	size  int
	place *list.Element
	over  bool
}

// carry counts what a body or an answer of a request takes, until it is done.
func (s *Server) carry(r *http.Request) *load {
	if conn, ok := r.Context().Value(connKey{}).(net.Conn); ok {
		return &load{of: s.conns, conn: conn}
	}
	return nil
}

// grow counts n bytes more, and that there was progress. If all loads together
// are too large, those whose last progress is longest ago give way: a client that
// takes its time does not keep the memory from others, and one that has sent
// nothing yet takes none.
func (l *load) grow(n int) {
	if l == nil {
		return
	}
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	if l.over {
		return
	}
	l.size += n
	switch {
	case l.size <= lightLoad:
		return
	case l.place == nil:
		l.place = l.of.loads.PushBack(l)
		l.of.loaded += l.size
	default:
		l.of.loads.MoveToBack(l.place)
		l.of.loaded += n
	}
	for l.of.loaded > maxLoaded {
		slowest := l.of.loads.Front().Value.(*load)
		_ = slowest.conn.Close()
		slowest.of.evicted++
		slowest.end()
	}
}

// done ends the count.
func (l *load) done() {
	if l == nil {
		return
	}
	l.of.mu.Lock()
	defer l.of.mu.Unlock()
	l.end()
}

func (l *load) end() {
	if l.place != nil {
		l.of.loads.Remove(l.place)
		l.of.loaded -= l.size
	}
	l.place, l.over = nil, true
}

// turns let only so many at a time do what takes much memory.
type turns chan struct{}

// take waits for a turn, which done gives back; nil turns are there for all.
func (t turns) take(ctx context.Context) (done func(), err error) {
	if t == nil {
		return func() {}, nil
	}
	select {
	case t <- struct{}{}:
		return func() { <-t }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}
