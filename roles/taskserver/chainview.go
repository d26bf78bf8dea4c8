package taskserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"finest/chain"
	"finest/chain/wallet"
)

// errChain is wrapped by every failure to read the chain.
var errChain = errors.New("chain cannot be read")

// chainTimeout bounds one refresh from the chain.
const chainTimeout = 10 * time.Second

// cached is a value read from the chain by one caller at a time, at most once
// per age, however many requests ask for it.
type cached[T any] struct {
	clock func() time.Time
	fetch func(context.Context) (T, error)
	// retryAge is how long a failure stands for an answer, so that a chain that
	// hangs is not asked by every waiting request in turn.
	retryAge time.Duration
	turn     chan struct{} // held while fetching

	mu       sync.Mutex
	value    T
	at       time.Time // of value; zero without one
	failure  error
	failedAt time.Time
}

func newCached[T any](clock func() time.Time, retryAge time.Duration, fetch func(context.Context) (T, error)) *cached[T] {
	return &cached[T]{clock: clock, fetch: fetch, retryAge: retryAge, turn: make(chan struct{}, 1)}
}

// get returns the value if it is younger than age, else a new one.
func (c *cached[T]) get(ctx context.Context, age time.Duration) (T, error) {
	if known, ok := c.known(age); ok {
		return known.value, known.err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
	if known, ok := c.known(age); ok { // refreshed while waiting
		return known.value, known.err
	}
	// The answer is for all who wait, so it does not end with one request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chainTimeout)
	defer cancel()
	value, err := c.fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	if err != nil { // what is known stays good until it is too old
		c.failure, c.failedAt = err, c.clock()
		return value, err
	}
	c.value, c.at, c.failure = value, c.clock(), nil
	return value, nil
}

// answer is what was fetched.
type answer[T any] struct {
	value T
	err   error
}

// known returns what needs no fetching: a value younger than age, or a failure
// that has just been.
func (c *cached[T]) known(age time.Duration) (answer[T], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case !c.at.IsZero() && c.within(c.at, age):
		return answer[T]{value: c.value}, true
	case c.failure != nil && c.within(c.failedAt, min(age, c.retryAge)):
		return answer[T]{err: c.failure}, true
	}
	return answer[T]{}, false
}

func (c *cached[T]) within(at time.Time, age time.Duration) bool {
	since := c.clock().Sub(at)
	return since >= 0 && since < age
}

// age is how old the value is; 0 without one.
func (c *cached[T]) age() time.Duration {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.at.IsZero() {
		return 0
	}
	return max(0, c.clock().Sub(c.at))
}

// chainView is what the server knows of the chain, never older than it may be.
type chainView struct {
	headAge, neuronsAge time.Duration
	clock               func() time.Time
	head                *cached[chain.Block]
	neurons             *cached[roster]
	newest              atomic.Pointer[newest]
}

// roster are the registrations at a block, by address.
type roster struct {
	block   uint64
	members map[string]chain.Neuron
}

// newest is the newest finalised block, and when it was first seen.
type newest struct {
	block chain.Block
	since time.Time
}

func newChainView(client chain.Client, netuid uint16, headAge, neuronsAge time.Duration, clock func() time.Time) *chainView {
	v := &chainView{headAge: headAge, neuronsAge: neuronsAge, clock: clock}
	v.head = newCached(clock, headAge, func(ctx context.Context) (chain.Block, error) {
		block, err := client.Finalized(ctx)
		if err != nil {
			return chain.Block{}, fmt.Errorf("%w: finalised head: %w", errChain, err)
		}
		last := v.newest.Load()
		if last == nil || block.Number > last.block.Number { // a node that lags takes nothing back
			last = &newest{block, clock()}
			v.newest.Store(last)
		}
		return last.block, nil
	})
	v.neurons = newCached(clock, headAge, func(ctx context.Context) (roster, error) {
		at, err := v.Head(ctx)
		if err != nil {
			return roster{}, err
		}
		neurons, err := client.Neurons(ctx, netuid, at)
		if err != nil {
			return roster{}, fmt.Errorf("%w: neurons of subnet %d at block %d: %w", errChain, netuid, at.Number, err)
		}
		known := roster{block: at.Number, members: make(map[string]chain.Neuron, len(neurons))}
		for _, n := range neurons {
			known.members[wallet.Address(n.Hotkey)] = n
		}
		return known, nil
	})
	return v
}

// refreshHead and refreshNeurons read what is half as old as it may be, so that
// no request waits for the chain while they are called in time.
func (v *chainView) refreshHead(ctx context.Context) (chain.Block, error) {
	return v.head.get(ctx, v.headAge/2)
}

func (v *chainView) refreshNeurons(ctx context.Context) error {
	_, err := v.neurons.get(ctx, v.neuronsAge/2)
	return err
}

// Head returns the newest finalised block, at most headAge old.
func (v *chainView) Head(ctx context.Context) (chain.Block, error) { return v.head.get(ctx, v.headAge) }

// number is that of the newest block known, 0 without one; age is for how long
// it has been.
func (v *chainView) number() uint64 {
	if last := v.newest.Load(); last != nil {
		return last.block.Number
	}
	return 0
}

func (v *chainView) age() time.Duration {
	if last := v.newest.Load(); last != nil {
		return max(0, v.clock().Sub(last.since))
	}
	return 0
}

// Neuron returns the neuron registered with this address, or
// chain.ErrNotRegistered. A hotkey that is not among the known is looked for
// again once there is a newer block: it may have registered just now.
func (v *chainView) Neuron(ctx context.Context, address string) (chain.Neuron, error) {
	known, err := v.neurons.get(ctx, v.neuronsAge)
	if err != nil {
		return chain.Neuron{}, err
	}
	if n, ok := known.members[address]; ok {
		return n, nil
	}
	if known.block < v.number() {
		if known, err = v.neurons.get(ctx, v.headAge); err != nil {
			return chain.Neuron{}, err
		}
	}
	if n, ok := known.members[address]; ok {
		return n, nil
	}
	return chain.Neuron{}, chain.ErrNotRegistered
}
