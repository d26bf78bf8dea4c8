package taskserver

import (
	"math"
	"sync"
	"time"
)

// maxBuckets is how many hotkeys a limiter remembers before it forgets those
// that have their full burst again.
const maxBuckets = 4096

// limiter holds each hotkey to a rate of requests: a token bucket each.
type limiter struct {
	rate, burst float64 // tokens per second, tokens at most
	clock       func() time.Time

	mu      sync.Mutex
	buckets map[string]bucket
}

type bucket struct {
	tokens float64
	at     time.Time
}

func newLimiter(rate float64, burst int, clock func() time.Time) *limiter {
	return &limiter{rate: rate, burst: float64(burst), clock: clock, buckets: make(map[string]bucket)}
}

// take takes one token of a hotkey, or returns how long it has to wait for one.
func (l *limiter) take(hotkey string) (wait time.Duration) {
	now := l.clock()
	l.mu.Lock()
	defer l.mu.Unlock()
	b, known := l.buckets[hotkey]
	if !known {
		l.forget(now)
		b = bucket{tokens: l.burst, at: now}
	}
	b = l.refill(b, now)
	if b.tokens < 1 {
		wait = time.Duration(math.Ceil((1 - b.tokens) / l.rate * float64(time.Second)))
	} else {
		b.tokens--
	}
	l.buckets[hotkey] = b
	return wait
}

func (l *limiter) refill(b bucket, now time.Time) bucket {
	elapsed := max(0, now.Sub(b.at).Seconds())
	return bucket{tokens: min(l.burst, b.tokens+elapsed*l.rate), at: now}
}

// forget makes room: a full bucket says no more than none.
func (l *limiter) forget(now time.Time) {
	if len(l.buckets) < maxBuckets {
		return
	}
	for hotkey, b := range l.buckets {
		if l.refill(b, now).tokens >= l.burst {
			delete(l.buckets, hotkey)
		}
	}
}
