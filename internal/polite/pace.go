package polite

import (
	"context"
	"net/http"
	"strconv"
	"time"
)

// pace waits for the turn of a request to host.
func (c *Client) pace(ctx context.Context, host string) error {
	c.mu.Lock()
	now := c.Now()
	turn := c.next[host]
	if turn.Before(now) {
		turn = now
	}
	c.next[host] = turn.Add(c.Interval)
	c.mu.Unlock()
	return c.Sleep(ctx, turn.Sub(now))
}

// pause keeps all requests from host for d.
func (c *Client) pause(host string, d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if until := c.Now().Add(d); c.next[host].Before(until) {
		c.next[host] = until
	}
}

// backoff returns the wait after the given attempt, from 1: between half and
// all of Backoff × 2^(attempt−1), at most MaxWait.
func (c *Client) backoff(attempt int) time.Duration {
	wait := c.Backoff
	for ; attempt > 1 && wait < c.MaxWait; attempt-- {
		wait *= 2
	}
	wait = min(wait, c.MaxWait)
	return wait/2 + time.Duration(c.Chance()*float64(wait/2))
}

// Rest waits as Do does between two attempts, after the given one, from 1: for
// callers that repeat more than a request.
func (c *Client) Rest(ctx context.Context, attempt int) error {
	return c.Sleep(ctx, c.backoff(attempt))
}

// RetryAfter returns how long a response asks to wait (RFC 9110, 10.2.3), and
// whether it does.
func RetryAfter(resp *http.Response, now time.Time) (time.Duration, bool) {
	value := resp.Header.Get("Retry-After")
	if seconds, err := strconv.ParseInt(value, 10, 32); err == nil && seconds >= 0 {
		return time.Duration(seconds) * time.Second, true
	}
	if at, err := http.ParseTime(value); err == nil {
		return max(0, at.Sub(now)), true
	}
	return 0, false
}

// sleep waits for d or for the end of ctx.
func sleep(ctx context.Context, d time.Duration) error {
	if d <= 0 {
		return ctx.Err()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
