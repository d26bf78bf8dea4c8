package main

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"finest/internal/contract"
)

// Failures that are no problem of the server's.
const (
	failureUnderWay = "too many requests under way"
	failureNoAnswer = "no answer"
)

// sample is one request.
type sample struct {
	op   string
	took time.Duration // from its intended start
	// failure is the type of the problem, "" for success; detail says more.
	failure, detail string
}

// loop sends requests at fixed times.
type loop struct {
	rate     float64 // per second
	requests int
	// maxUnderWay bounds the requests under way, each a goroutine; what is due
	// beyond is counted as failed.
	maxUnderWay int
	// send makes one request, that of this number.
	send func(ctx context.Context, i int) (op string, err error)
}

// run sends all requests and waits for their answers. When ctx ends it sends no
// more. A goroutine that is done takes the next request: a new one for each would
// spend its time growing a stack that signing needs large.
func (l *loop) run(ctx context.Context) []sample {
	samples := make([]sample, l.requests)
	due := make(chan int)
	var senders sync.WaitGroup
	started := 0
	timer := time.NewTimer(0)
	defer timer.Stop()
	begin := time.Now()
	reached := 0
	for i := 0; i < l.requests && waitUntil(ctx, timer, l.at(begin, i)); i++ {
		reached++
		select {
		case due <- i:
			continue
		default: // all are under way
		}
		if started == l.maxUnderWay {
			samples[i] = sample{failure: failureUnderWay, took: time.Since(l.at(begin, i))}
			continue
		}
		started++
		senders.Go(func() {
			samples[i] = l.sample(ctx, begin, i)
			for next := range due {
				samples[next] = l.sample(ctx, begin, next)
			}
		})
	}
	close(due)
	senders.Wait()
	return samples[:reached]
}

// sample makes request i.
func (l *loop) sample(ctx context.Context, begin time.Time, i int) sample {
	op, err := l.send(ctx, i)
	s := sample{op: op, took: time.Since(l.at(begin, i))}
	if err != nil {
		s.failure, s.detail = failureOf(err), err.Error()
	}
	return s
}

// at is when request i is to start.
func (l *loop) at(begin time.Time, i int) time.Time {
	return begin.Add(time.Duration(float64(i) / l.rate * float64(time.Second)))
}

// waitUntil reports whether the time has come before ctx ended.
func waitUntil(ctx context.Context, timer *time.Timer, at time.Time) bool {
	wait := time.Until(at)
	if wait <= 0 {
		return ctx.Err() == nil
	}
	timer.Reset(wait)
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// failureOf is the type of the problem that a request met.
func failureOf(err error) string {
	var p *contract.Problem
	switch {
	case !errors.As(err, &p):
		return failureNoAnswer
	case p.Type == "":
		return fmt.Sprintf("status %d", p.Status)
	}
	return p.Type
}
