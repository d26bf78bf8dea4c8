package taskserver

import (
	"context"
	"errors"
	"fmt"
	"sync"
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

	mu   sync.Mutex
	last answer[T]
	at   time.Time // of the last fetch; zero before the first
}

type answer[T any] struct {
	value T
	err   error
}

func newCached[T any](clock func() time.Time, retryAge time.Duration, fetch func(context.Context) (T, error)) *cached[T] {
	return &cached[T]{clock: clock, fetch: fetch, retryAge: retryAge, turn: make(chan struct{}, 1)}
}

// get returns the value if it is younger than age, else a new one.
func (c *cached[T]) get(ctx context.Context, age time.Duration) (T, error) {
	if last, ok := c.fresh(age); ok {
		return last.value, last.err
	}
	select {
	case c.turn <- struct{}{}:
		defer func() { <-c.turn }()
	case <-ctx.Done():
		var zero T
		return zero, ctx.Err()
	}
	if last, ok := c.fresh(age); ok { // refreshed while waiting
		return last.value, last.err
	}
	// The answer is for all who wait, so it does not end with one request.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), chainTimeout)
	defer cancel()
	value, err := c.fetch(ctx)
	c.mu.Lock()
	defer c.mu.Unlock()
	c.last, c.at = answer[T]{value, err}, c.clock()
	return value, err
}

func (c *cached[T]) fresh(age time.Duration) (answer[T], bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.last.err != nil {
		age = min(age, c.retryAge)
	}
	since := c.clock().Sub(c.at)
	return c.last, !c.at.IsZero() && since >= 0 && since < age
}

// chainView is what the server knows of the chain, never older than it may be.
type chainView struct {
	headAge, neuronsAge time.Duration
	head                *cached[chain.Block]
	neurons             *cached[map[string]chain.Neuron]
}

func newChainView(client chain.Client, netuid uint16, headAge, neuronsAge time.Duration, clock func() time.Time) *chainView {
	v := &chainView{headAge: headAge, neuronsAge: neuronsAge}
	var newest chain.Block
	v.head = newCached(clock, headAge, func(ctx context.Context) (chain.Block, error) {
		block, err := client.Finalized(ctx)
		if err != nil {
			return chain.Block{}, fmt.Errorf("%w: finalised head: %w", errChain, err)
		}
		if block.Number >= newest.Number { // a node that lags takes nothing back
			newest = block
		}
		return newest, nil
	})
	v.neurons = newCached(clock, headAge, func(ctx context.Context) (map[string]chain.Neuron, error) {
		at, err := v.Head(ctx)
		if err != nil {
			return nil, err
		}
		neurons, err := client.Neurons(ctx, netuid, at)
		if err != nil {
			return nil, fmt.Errorf("%w: neurons of subnet %d at block %d: %w", errChain, netuid, at.Number, err)
		}
		byAddress := make(map[string]chain.Neuron, len(neurons))
		for _, n := range neurons {
			byAddress[wallet.Address(n.Hotkey)] = n
		}
		return byAddress, nil
	})
	return v
}

// Head returns the newest finalised block, at most headAge old.
func (v *chainView) Head(ctx context.Context) (chain.Block, error) { return v.head.get(ctx, v.headAge) }

// Neuron returns the neuron registered with this address, or
// chain.ErrNotRegistered. A hotkey that is not among the known is looked for
// again once they are older than headAge: it may have registered just now.
func (v *chainView) Neuron(ctx context.Context, address string) (chain.Neuron, error) {
	for _, age := range []time.Duration{v.neuronsAge, v.headAge} {
		known, err := v.neurons.get(ctx, age)
		if err != nil {
			return chain.Neuron{}, err
		}
		if n, ok := known[address]; ok {
			return n, nil
		}
	}
	return chain.Neuron{}, chain.ErrNotRegistered
}
