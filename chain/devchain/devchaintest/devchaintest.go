// Package devchaintest runs a devchain for the tests of other packages: a chain in
// memory that makes blocks when somebody needs them, and clients of it that speak
// the real wire, so that no test sleeps.
package devchaintest

import (
	"context"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/chain/subtensor"
	"finest/chain/wallet"
)

// DefaultLag is the finality lag of chains that Start starts, in blocks.
const DefaultLag = 2

// Start starts a chain in memory that makes blocks on demand and ends with the
// test. change may alter its options.
func Start(t testing.TB, cfg runtime.Config, change ...func(*devchain.Options)) *devchain.Node {
	t.Helper()
	o := devchain.Options{Genesis: cfg, FinalityLag: DefaultLag}
	for _, c := range change {
		c(&o)
	}
	node, err := devchain.New(o)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, node)
	return node
}

// Reopen starts the chain in a folder that devchain.Create made, as Start does.
func Reopen(t testing.TB, dir string, change ...func(*devchain.Options)) *devchain.Node {
	t.Helper()
	var o devchain.Options
	for _, c := range change {
		c(&o)
	}
	node, err := devchain.Open(dir, o)
	if err != nil {
		t.Fatal(err)
	}
	closeAtEnd(t, node)
	return node
}

func closeAtEnd(t testing.TB, node *devchain.Node) {
	t.Cleanup(func() {
		if err := node.Close(); err != nil {
			t.Error(err)
		}
	})
}

// Listen serves the chain until the test ends, and returns where.
func Listen(t testing.TB, node *devchain.Node) (endpoint string) {
	t.Helper()
	endpoint, err := node.Listen(context.Background(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return endpoint
}

// Dial returns a client of the chain at endpoint that is closed with the test.
func Dial(t testing.TB, endpoint string, change ...func(*subtensor.Options)) *subtensor.Client {
	t.Helper()
	o := subtensor.Options{Endpoints: []string{endpoint}}
	for _, c := range change {
		c(&o)
	}
	client, err := subtensor.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := client.Close(); err != nil {
			t.Error(err)
		}
	})
	return client
}

// Open starts a chain as Start does, and connects to it.
func Open(t testing.TB, cfg runtime.Config, change ...func(*devchain.Options)) (*devchain.Node, *subtensor.Client) {
	t.Helper()
	node := Start(t, cfg, change...)
	return node, Dial(t, Listen(t, node))
}

// Key returns the hotkey of a URI such as "//Alice".
func Key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	key, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// maxLag is the longest finality lag that Eager makes up for.
const maxLag = 1000

// maxAhead is how far Eager and Clock let a chain go in one step. Who waits for
// more waits for what does not come, as the tests of such waits want it.
const maxAhead = 100_000

// Eager returns client with a WaitFinalized that first makes the blocks it would
// wait for.
func Eager(node *devchain.Node, client chain.Client) chain.Client {
	return &eager{client, node}
}

type eager struct {
	chain.Client
	node *devchain.Node
}

func (e *eager) WaitFinalized(ctx context.Context, number uint64) (chain.Block, error) {
	final := e.node.Finalized().Number
	if number > final && number-final <= maxAhead {
		more := e.seal(ctx, number-final)
		// A young chain has nothing final yet, so as many blocks more as its lag.
		for more && e.node.Finalized().Number == 0 && e.node.Head().Number < number+maxLag {
			more = e.seal(ctx, 1)
		}
		if final = e.node.Finalized().Number; final > 0 && final < number && number-final <= maxLag {
			e.seal(ctx, number-final)
		}
	}
	return e.Client.WaitFinalized(ctx, number)
}

// seal makes blocks, and says whether more can be made: not when ctx has ended,
// nor by a node that is closed or broken, whose head stands still.
func (e *eager) seal(ctx context.Context, blocks uint64) bool {
	for range blocks {
		before := e.node.Head()
		if ctx.Err() != nil {
			return false
		}
		if e.node.Seal(1); e.node.Head() == before {
			return false
		}
	}
	return true
}

// Clock is the time of a chain as a clock of whoever uses it: waiting makes
// blocks, which moves the time. It is safe for concurrent use.
type Clock struct {
	node      *devchain.Node
	blockTime time.Duration
}

// NewClock returns the clock of a chain that makes blocks on demand.
func NewClock(node *devchain.Node) *Clock {
	return &Clock{node, node.BlockTime()}
}

// Now is the time of the newest block.
func (c *Clock) Now() time.Time { return c.node.Time() }

// After makes the blocks that take at least d, and fires at once. It never fires
// for a time that no test lets pass.
func (c *Clock) After(d time.Duration) <-chan time.Time {
	fired := make(chan time.Time, 1)
	d = max(d, 0)
	blocks := d / c.blockTime
	if d%c.blockTime > 0 {
		blocks++
	}
	if blocks > maxAhead {
		return fired
	}
	c.node.Seal(int(blocks))
	fired <- c.Now()
	return fired
}
