package devchain

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/crypto/blake2b"

	"finest/chain"
	"finest/chain/devchain/runtime"
)

// Node is a running chain. Its methods are safe for concurrent use.
type Node struct {
	o        Options
	seed     [32]byte
	runtimes map[runtime.Version]*runtime.Runtime
	disk     *disk // nil for a chain in memory
	faults   Faults

	// quit ends the author and the servers; running waits for them.
	quit    context.CancelFunc
	quitted context.Context
	running sync.WaitGroup

	mu sync.Mutex
	// tree holds the blocks by hash: the best chain, and forks of what is not
	// final.
	tree map[chain.Hash]*block
	// best is the best chain by number.
	best []*block
	// final is the number of the newest final block, kept the number of the
	// oldest block with its state.
	final, kept uint64
	// edits are made in the next block.
	edits []func(*runtime.State)
	pool  pool
	subs  map[*subscription]bool
	conns map[*conn]bool
	// failed says why the node makes no more blocks.
	failed error
	closed bool
}

// New starts a chain in memory.
func New(o Options) (*Node, error) {
	if err := o.defaults(); err != nil {
		return nil, fmt.Errorf("start devchain: %w", err)
	}
	n := newNode(o)
	n.start()
	return n, nil
}

// newNode returns a node with block 0 that does nothing by itself.
func newNode(o Options) *Node {
	n := &Node{
		o: o, seed: blake2b.Sum256(append([]byte("seals"), o.Genesis.Seed[:]...)),
		runtimes: map[runtime.Version]*runtime.Runtime{},
		tree:     map[chain.Hash]*block{}, pool: newPool(),
		subs: map[*subscription]bool{}, conns: map[*conn]bool{},
	}
	n.faults.node = n
	n.quitted, n.quit = context.WithCancel(context.Background())
	for _, v := range []runtime.Version{runtime.V1, runtime.V2} {
		n.runtimes[v] = runtime.New(v, o.Genesis)
	}
	state := runtime.Genesis(o.Genesis)
	zero := &block{time: o.Genesis.Start, state: state, code: runtime.VersionOf(state)}
	// The seed is part of block 0, so that no two chains have one genesis.
	zero.header = header{stateRoot: stateRoot(state), extrinsicsRoot: extrinsicsRoot(nil)}
	zero.header.digest = [][]byte{n.seal(zero)}
	zero.hash = zero.header.hash()
	n.tree[zero.hash], n.best = zero, []*block{zero}
	return n
}

// start makes blocks by the clock, if the node is to.
func (n *Node) start() {
	if every := n.o.Seal.every; every > 0 {
		n.running.Go(func() { n.author(every) })
	}
}

func (n *Node) author(every time.Duration) {
	clock := n.o.Clock
	next := clock.Now().Add(every)
	for {
		select {
		case <-n.quitted.Done():
			return
		case <-clock.After(next.Sub(clock.Now())):
		}
		n.Seal(1)
		next = next.Add(every)
		if now := clock.Now(); next.Before(now) {
			next = now
		}
	}
}

// Close ends the servers and the author, and returns why the node stopped making
// blocks before, if it did.
func (n *Node) Close() error {
	n.mu.Lock()
	if n.closed {
		n.mu.Unlock()
		return nil
	}
	n.closed = true
	n.quit()
	n.mu.Unlock()
	n.running.Wait()
	err := n.failed
	if n.disk != nil {
		err = errors.Join(err, n.disk.close())
	}
	return err
}

// Head is the newest block.
func (n *Node) Head() chain.Block {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.head().ref()
}

// Finalized is the newest final block.
func (n *Node) Finalized() chain.Block {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.best[n.final].ref()
}

// Seal makes blocks now, one after the other. It makes none once the node is
// closed, or could not write to its folder; Close says so.
func (n *Node) Seal(blocks int) {
	for range blocks {
		n.sealOne()
	}
}

// sealOne holds the lock for one block, and gives it back even if an edit panics
// or ends its goroutine, as a test that fails does: Close needs it then.
func (n *Node) sealOne() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.sealBlock()
}

// Edit calls f within the next block, before its signed extrinsics, with the
// state to change: administration that on a real chain takes keys and money. On
// disk the block keeps what f changed.
func (n *Node) Edit(f func(*runtime.State)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.edits = append(n.edits, f)
}

// Faults are the faults of this node, none at first.
func (n *Node) Faults() *Faults { return &n.faults }

// head is the newest block; n.mu is held.
func (n *Node) head() *block { return n.best[len(n.best)-1] }

// seal draws the seal of a block that is complete but for it: 64 bytes, as a
// signature has, that nobody knows without the seed.
func (n *Node) seal(b *block) []byte {
	h, err := blake2b.New512(n.seed[:])
	if err != nil {
		panic(err) // the key is of a right length
	}
	_, _ = h.Write(b.header.encode()) // hashes do not fail
	return digestItem(digestSeal, h.Sum(nil))
}

// Time is that of the newest block.
func (n *Node) Time() time.Time {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.head().time
}

// BlockTime is the time between two blocks that the genesis states.
func (n *Node) BlockTime() time.Duration { return n.o.Genesis.BlockTime }
