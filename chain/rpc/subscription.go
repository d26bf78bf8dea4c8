package rpc

import (
	"context"
	"encoding/json"
	"sync"
)

// queueLimit is how many notifications a subscription keeps for its reader;
// together they take no more bytes than one message may.
const queueLimit = 1024

// Subscription delivers the notifications of one subscription. It does not
// outlive its connection: when that is lost Next tells, and what was missed in
// between is for the subscriber to find out.
type Subscription struct {
	conn        *conn
	unsubscribe string
	id          json.RawMessage // set before Subscribe returns

	mu    sync.Mutex
	queue []json.RawMessage
	size  int64 // bytes in queue
	err   error
	more  chan struct{} // has room for one: the queue or err changed
}

func newSubscription(c *conn, unsubscribe string) *Subscription {
	return &Subscription{conn: c, unsubscribe: unsubscribe, more: make(chan struct{}, 1)}
}

// put appends a notification, unless the queue is full.
func (s *Subscription) put(value json.RawMessage) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) >= queueLimit || s.size+int64(len(value)) > s.conn.o.MessageLimit {
		return false
	}
	s.queue = append(s.queue, value)
	s.size += int64(len(value))
	s.wake()
	return true
}

// end makes Next return err after what is in the queue.
func (s *Subscription) end(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
	s.wake()
}

func (s *Subscription) wake() {
	select {
	case s.more <- struct{}{}:
	default:
	}
}

// take returns the next notification, or the error after the last; neither if
// there is nothing yet.
func (s *Subscription) take() (json.RawMessage, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if len(s.queue) == 0 {
		return nil, s.err
	}
	v := s.queue[0]
	s.queue = s.queue[1:]
	s.size -= int64(len(v))
	if len(s.queue) > 0 || s.err != nil {
		s.wake()
	}
	return v, nil
}

// More has a value whenever TryNext may have something new.
func (s *Subscription) More() <-chan struct{} { return s.more }

// TryNext returns the next notification, nil if none came yet, and the error of
// Next. It is for one reader.
func (s *Subscription) TryNext() (json.RawMessage, error) { return s.take() }

// Next waits for the next notification. Once the connection is lost it returns
// an error that wraps ErrDisconnected; ErrSlowReader if notifications piled up.
// It is for one reader.
func (s *Subscription) Next(ctx context.Context) (json.RawMessage, error) {
	for {
		if v, err := s.take(); v != nil || err != nil {
			return v, err
		}
		select {
		case <-s.more:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

// Close unsubscribes, without waiting for an answer.
func (s *Subscription) Close() {
	s.end(ErrClosed)
	s.conn.mu.Lock()
	_, open := s.conn.subs[string(s.id)]
	delete(s.conn.subs, string(s.id))
	s.conn.mu.Unlock()
	if open {
		s.conn.send(s.unsubscribe, s.id)
	}
}
