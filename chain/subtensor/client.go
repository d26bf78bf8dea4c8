// Package subtensor is a chain.Client of a Subtensor node, over a websocket.
//
// Everything about the runtime — indices, types, keys — is looked up by name in
// its metadata, which is read anew when the chain upgrades itself. Reads are
// pinned to the block they are asked for; writes are signed for the runtime of
// the newest block, sent, and followed until a final block holds them or none
// can any more.
package subtensor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/chain/rpc"
)

// Networks are the endpoints of the networks that Bittensor users name
// (bittensor 10.2, core/settings.py).
var Networks = map[string]string{
	"finney":      "wss://entrypoint-finney.opentensor.ai:443",
	"test":        "wss://test.finney.opentensor.ai:443",
	"archive":     "wss://archive.chain.opentensor.ai:443",
	"local":       "ws://127.0.0.1:9944",
	"latent-lite": "wss://lite.sub.latent.to:443",
}

// Defaults of Options.
const (
	DefaultCallTimeout = rpc.DefaultCallTimeout
	// DefaultPoll is the block time of the network.
	DefaultPoll = 12 * time.Second
)

// Options of a Client. Only Endpoints is needed.
type Options struct {
	// Endpoints are websocket URLs of nodes of one chain, in order of preference.
	// They may hold secrets: only their hosts appear in logs and errors.
	Endpoints []string
	// Archive are nodes that keep the state of all blocks, asked where the others
	// have pruned it.
	Archive []string
	Log     zerolog.Logger
	// CallTimeout bounds one request; 0: DefaultCallTimeout.
	CallTimeout time.Duration
	// MessageLimit is the longest answer read, in bytes; 0: rpc.DefaultMessageLimit.
	MessageLimit int64
	// Poll is how long a wait for a block or a transaction trusts that the node
	// tells by itself before it asks; 0: DefaultPoll.
	Poll time.Duration
	// After, Now and Rand are time.After, time.Now and a number in [0, 1), for
	// tests.
	After func(time.Duration) <-chan time.Time
	Now   func() time.Time
	Rand  func() float64
}

// Client of one chain.
type Client struct {
	o             Options
	main, archive *rpc.Client // archive: nil without
	headers       *cache[chain.Hash, header]
	versions      *cache[chain.Hash, version]
	final         *cache[chain.Hash, struct{}] // blocks known to be final
	runtimes      *cache[uint32, *runtime]
	fetching      chan struct{} // has room for whoever fetches metadata
	mu            sync.Mutex
	genesis       chain.Hash // zero until the first connection
	finalized     uint64     // newest block known to be final
	pruned        uint64     // blocks below have no state on the main nodes
	accounts      map[chain.PublicKey]*account
}

// New returns a client that connects when it is first used.
func New(o Options) (*Client, error) {
	if o.CallTimeout == 0 {
		o.CallTimeout = DefaultCallTimeout
	}
	if o.MessageLimit == 0 {
		o.MessageLimit = rpc.DefaultMessageLimit
	}
	if o.Poll == 0 {
		o.Poll = DefaultPoll
	}
	if o.After == nil {
		o.After = time.After
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Endpoints, o.Archive = slices.Clone(o.Endpoints), slices.Clone(o.Archive)
	c := &Client{
		o:        o,
		headers:  newCache[chain.Hash, header](blocksCached),
		versions: newCache[chain.Hash, version](blocksCached),
		final:    newCache[chain.Hash, struct{}](blocksCached),
		runtimes: newCache[uint32, *runtime](runtimesCached),
		fetching: make(chan struct{}, 1),
		accounts: map[chain.PublicKey]*account{},
	}
	var err error
	if c.main, err = c.dial(o.Endpoints); err != nil {
		return nil, err
	}
	if len(o.Archive) > 0 {
		if c.archive, err = c.dial(o.Archive); err != nil {
			return nil, fmt.Errorf("archive: %w", err)
		}
	}
	return c, nil
}

func (c *Client) dial(endpoints []string) (*rpc.Client, error) {
	return rpc.New(rpc.Options{
		Endpoints: endpoints, Log: c.o.Log, CallTimeout: c.o.CallTimeout, MessageLimit: c.o.MessageLimit,
		Check: c.sameChain, After: c.o.After, Now: c.o.Now, Rand: c.o.Rand,
	})
}

// Close ends the connections; calls that wait return an error.
func (c *Client) Close() error {
	err := c.main.Close()
	if c.archive != nil {
		err = errors.Join(err, c.archive.Close())
	}
	return err
}

// sameChain refuses a node of another chain than the first node was of.
func (c *Client) sameChain(ctx context.Context, call rpc.CallFunc) error {
	var hash chain.Hash
	if err := call(ctx, (*hexHash)(&hash), "chain_getBlockHash", 0); err != nil {
		return err
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.genesis == (chain.Hash{}) {
		c.genesis = hash
	}
	if hash != c.genesis {
		return fmt.Errorf("node is of another chain: genesis %s, want %s", hash, c.genesis)
	}
	return nil
}

// readAttempts is how often a read is sent when its connection is lost.
const readAttempts = 3

// call makes a request that changes nothing, again where the connection is lost.
func (c *Client) call(ctx context.Context, result any, method string, params ...any) error {
	return c.callOn(ctx, c.main, result, method, params...)
}

func (c *Client) callOn(ctx context.Context, node *rpc.Client, result any, method string, params ...any) error {
	var err error
	for range readAttempts {
		err = node.Call(ctx, result, method, params...)
		if !errors.Is(err, rpc.ErrDisconnected) {
			break
		}
	}
	return unavailable(ctx, err)
}

// callAt makes a request about the state after a block: of an archive where the
// other nodes do not have it.
func (c *Client) callAt(ctx context.Context, at chain.Block, result any, method string, params ...any) error {
	c.mu.Lock()
	old := at.Number < c.pruned && c.archive != nil
	c.mu.Unlock()
	pruned := false
	if !old {
		err := c.call(ctx, result, method, params...)
		if !isUnknownBlock(err) {
			return err
		}
		pruned = isPruned(err)
		if c.archive == nil {
			return fmt.Errorf("block %s: %w: %w", at.Hash, chain.ErrUnknownBlock, err)
		}
	}
	err := c.callOn(ctx, c.archive, result, method, params...)
	if isUnknownBlock(err) {
		return fmt.Errorf("block %s: %w: %w", at.Hash, chain.ErrUnknownBlock, err)
	}
	if err == nil && pruned && at.Number != unknownNumber {
		c.mu.Lock()
		c.pruned = max(c.pruned, at.Number+1)
		c.mu.Unlock()
	}
	return err
}

// unavailable marks the errors of a chain that cannot be reached, or that does
// not answer as it should, as chain.ErrUnavailable.
func unavailable(ctx context.Context, err error) error {
	if err == nil {
		return nil
	}
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%w: %w", cause, err)
	}
	var size *rpc.SizeError
	for _, lost := range []error{rpc.ErrUnreachable, rpc.ErrDisconnected, rpc.ErrTimeout, rpc.ErrSlowReader, rpc.ErrClosed} {
		if errors.Is(err, lost) {
			return fmt.Errorf("%w: %w", chain.ErrUnavailable, err)
		}
	}
	if errors.As(err, &size) {
		return fmt.Errorf("%w: %w", chain.ErrUnavailable, err)
	}
	return err
}
