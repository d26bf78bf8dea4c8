package chaintest

import (
	"sync"
	"time"
)

// Clock is a clock for tests, safe for concurrent use. Its time passes when
// Advance says so, so that no test sleeps.
type Clock struct {
	mu      sync.Mutex
	changed sync.Cond
	now     time.Time
	waiters []waiter
}

type waiter struct {
	due  time.Time
	wake chan time.Time
}

// NewClock returns a clock that only Advance moves.
func NewClock(start time.Time) *Clock {
	c := &Clock{now: start}
	c.changed.L = &c.mu
	return c
}

// Now returns the time.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After returns a channel that receives once d has passed.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	wake := make(chan time.Time, 1)
	due := c.now.Add(d)
	c.waiters = append(c.waiters, waiter{due, wake})
	c.fire()
	return wake
}

// Advance moves the time by d, which may be negative.
func (c *Clock) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
	c.fire()
}

// AwaitWaiters returns once at least n calls of After have not been answered.
func (c *Clock) AwaitWaiters(n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for len(c.waiters) < n {
		c.changed.Wait()
	}
}

// fire wakes whoever is due; c.mu is held.
func (c *Clock) fire() {
	var left []waiter
	for _, w := range c.waiters {
		if w.due.After(c.now) {
			left = append(left, w)
		} else {
			w.wake <- c.now
		}
	}
	c.waiters = left
	c.changed.Broadcast()
}
