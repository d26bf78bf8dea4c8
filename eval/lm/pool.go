package lm

import (
	"sync"
	"sync/atomic"
)

// pool runs work on a fixed number of goroutines.
type pool struct {
	wake []chan struct{}
	done sync.WaitGroup

	next  atomic.Int64
	count int
	work  func(worker, i int)
}

func newPool(workers int) *pool {
	p := &pool{wake: make([]chan struct{}, workers)}
	for i := range p.wake {
		p.wake[i] = make(chan struct{})
		go p.run(i)
	}
	return p
}

func (p *pool) run(worker int) {
	for range p.wake[worker] {
		for {
			i := int(p.next.Add(1)) - 1
			if i >= p.count {
				break
			}
			p.work(worker, i)
		}
		p.done.Done()
	}
}

// each calls work for every i below count and returns when all are done. A
// worker calls it for one i at a time; it is one of the first count workers.
func (p *pool) each(count int, work func(worker, i int)) {
	p.count, p.work = count, work
	p.next.Store(0)
	awake := p.wake[:min(count, len(p.wake))]
	p.done.Add(len(awake))
	for _, c := range awake {
		c <- struct{}{}
	}
	p.done.Wait()
}

func (p *pool) close() {
	for _, c := range p.wake {
		close(c)
	}
}
