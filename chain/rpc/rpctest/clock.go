package rpctest

import (
	"sync"
	"time"
)

// Clock has timers that fire when a test says so, by the length they were set
// to.
type Clock struct {
	mu     sync.Mutex
	now    time.Time
	timers map[time.Duration][]chan time.Time
	set    chan struct{} // closed and made anew with each timer
	auto   map[time.Duration]bool
	log    []time.Duration
}

// NewClock returns a clock without timers.
func NewClock() *Clock {
	return &Clock{
		now:    time.Unix(1_700_000_000, 0),
		timers: map[time.Duration][]chan time.Time{},
		auto:   map[time.Duration]bool{},
		set:    make(chan struct{}),
	}
}

// Now returns the time that Fire and Auto moved on.
func (c *Clock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// After stands for time.After.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	ch := make(chan time.Time, 1)
	c.log = append(c.log, d)
	if c.auto[d] {
		c.now = c.now.Add(d)
		ch <- c.now
		return ch
	}
	c.timers[d] = append(c.timers[d], ch)
	close(c.set)
	c.set = make(chan struct{})
	return ch
}

// Auto makes timers of this length fire as soon as they are set.
func (c *Clock) Auto(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.auto[d] = true
}

// Fire waits until a timer of this length is set and fires all of them.
func (c *Clock) Fire(d time.Duration) {
	for {
		c.mu.Lock()
		fired, set := c.fire(d), c.set
		c.mu.Unlock()
		if fired {
			return
		}
		<-set
	}
}

// TryFire fires all timers of this length, if there are any.
func (c *Clock) TryFire(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.fire(d)
}

func (c *Clock) fire(d time.Duration) bool {
	timers := c.timers[d]
	if len(timers) == 0 {
		return false
	}
	delete(c.timers, d)
	c.now = c.now.Add(d)
	for _, ch := range timers {
		ch <- c.now
	}
	return true
}

// Log lists the lengths of all timers, in the order they were set.
func (c *Clock) Log() []time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	return append([]time.Duration(nil), c.log...)
}
