package devchain

import (
	"fmt"
	"runtime/debug"
	"time"

	"finest/chain"
	"finest/chain/devchain/runtime"
)

// sealBlock makes the next block of the best chain; n.mu is held.
func (n *Node) sealBlock() {
	if n.closed || n.failed != nil {
		return
	}
	edits := n.edits
	n.edits = nil
	b := n.build(n.head(), edits, n.pool.candidates(n.head().number()+1))
	if n.keep(b) {
		n.adopt([]*block{b})
	}
}

// sealDemand makes blocks while the pool holds what the next one takes, and as
// many as make them final; n.mu is held.
func (n *Node) sealDemand() {
	made := false
	for len(n.pool.candidates(n.head().number()+1)) > 0 && n.failed == nil && !n.closed {
		before := n.pool.len()
		n.sealBlock()
		if made = true; n.pool.len() == before {
			break // what is left waits for a nonce
		}
	}
	if made {
		for range n.o.FinalityLag {
			n.sealBlock()
		}
	}
}

// build makes a block on parent, of those candidates that are valid in it; the
// others leave the pool or wait for their nonce. n.mu is held.
func (n *Node) build(parent *block, edits []func(*runtime.State), candidates []*pooled) *block {
	b := n.begin(parent, n.timeAfter(parent))
	if edits != nil {
		before := b.state.Copy()
		for _, f := range edits {
			f(b.state)
		}
		b.changes = diff(before, b.state)
	}
	n.include(parent, b, candidates)
	n.finish(parent, b)
	return b
}

// include applies the candidates in the order of the pool, those of one account
// in the order of nonces.
func (n *Node) include(parent, b *block, candidates []*pooled) {
	size := 0
	for progress := true; progress; {
		progress = false
		var later []*pooled
		for _, p := range candidates {
			next := nonce(b.state, p.signer)
			if p.nonce > next || size+len(p.xt) > maxBlockBytes {
				later = append(later, p)
				continue
			}
			if err := b.add(n.runtime(parent), p.xt); err != nil {
				n.o.Log.Debug().Err(err).Stringer("extrinsic", p.hash).Msg("extrinsic became invalid")
				n.pool.remove(p)
				n.watched(p.hash, "invalid")
				continue
			}
			size += len(p.xt)
			progress = true
		}
		candidates = later
	}
}

// inherents is how many a block begins with: the time.
const inherents = 1

// maxBlockBytes is the space of a block for signed extrinsics: three quarters of
// 10 MiB, the part of the normal class.
const maxBlockBytes = 10 << 20 / 4 * 3

// timeAfter is the time of a block on parent.
func (n *Node) timeAfter(parent *block) time.Time {
	if n.o.Seal == OnDemand {
		return parent.time.Add(n.o.Genesis.BlockTime)
	}
	now := n.o.Clock.Now().UTC().Truncate(time.Millisecond)
	if least := parent.time.Add(time.Millisecond); now.Before(least) {
		return least
	}
	return now
}

// begin starts a block on parent, up to its inherent.
func (n *Node) begin(parent *block, now time.Time) *block {
	b := &block{
		header: header{parent: parent.hash, number: parent.header.number + 1},
		time:   now, state: parent.state.Copy(),
	}
	rt := n.runtime(parent)
	rt.Begin(b.state, b.header.number, parent.hash)
	if err := b.add(rt, rt.Inherent(now)); err != nil {
		panic(fmt.Sprintf("devchain: the inherent of block %d is not valid: %v", b.header.number, err))
	}
	return b
}

// add applies an extrinsic. One with an error is not in the block.
func (b *block) add(rt *runtime.Runtime, xt []byte) error {
	if err := rt.Apply(b.state, uint32(len(b.body)), xt); err != nil {
		return err
	}
	b.body = append(b.body, xt)
	b.hashes = append(b.hashes, hashOf(xt))
	return nil
}

// finish completes a block.
func (n *Node) finish(parent, b *block) {
	n.runtime(parent).End(b.state)
	b.code = runtime.VersionOf(b.state)
	b.header.stateRoot = stateRoot(b.state)
	b.header.extrinsicsRoot = extrinsicsRoot(b.body)
	slot := uint64(b.time.UnixMilli() / max(n.o.Genesis.BlockTime.Milliseconds(), 1))
	b.header.digest = [][]byte{slotDigest(slot)}
	b.header.digest = append(b.header.digest, n.seal(b))
	b.hash = b.header.hash()
}

// keep writes a block to disk, and says whether it may become part of the tree;
// n.mu is held.
func (n *Node) keep(b *block) bool {
	if n.disk != nil {
		if err := n.disk.append(b, n.final); err != nil {
			n.fail(err)
			return false
		}
	}
	n.tree[b.hash] = b
	return true
}

// fail ends the making of blocks; n.mu is held.
func (n *Node) fail(err error) {
	n.failed = fmt.Errorf("devchain makes no more blocks: %w", err)
	n.o.Log.Error().Err(err).Msg("devchain makes no more blocks")
}

// broke ends the making of blocks because of a panic while a client was answered;
// Close tells of it.
func (n *Node) broke(reason any) {
	stack := debug.Stack()
	n.mu.Lock()
	defer n.mu.Unlock()
	n.fail(fmt.Errorf("panic: %v\n%s", reason, stack))
}

// adopt makes a branch, whose first block is on the best chain, the end of the
// best chain, and tells subscribers; n.mu is held.
func (n *Node) adopt(branch []*block) {
	fork := branch[0].number()
	before := n.head()
	n.best = append(n.best[:fork:fork], branch...)
	for _, b := range branch {
		for _, hash := range b.hashes[inherents:] {
			n.pool.included(hash, b.number())
			n.watched(hash, inBlock{b.hash})
		}
	}
	n.pool.unban(n.head().number() - min(n.head().number(), banBlocks))
	n.announce(before, branch)
	if !n.faults.holds() {
		n.finalize()
	}
}

// finalize makes final what is old enough, and forgets what that makes useless;
// n.mu is held.
func (n *Node) finalize() {
	head := n.head().number()
	n.finalTo(head - min(n.o.FinalityLag, head))
}

// finalTo makes blocks final up to the number last; n.mu is held.
func (n *Node) finalTo(last uint64) {
	for n.final < last {
		n.final++
		b := n.best[n.final]
		for _, hash := range b.hashes[inherents:] {
			n.watched(hash, finalized{b.hash})
		}
		n.announceFinal(b)
	}
	for hash, b := range n.forks() {
		if b.number() <= n.final {
			delete(n.tree, hash)
		}
	}
	if n.o.Keep > 0 {
		for n.kept+n.o.Keep < n.final {
			n.best[n.kept].state = nil
			n.kept++
		}
	}
}

// forks are the blocks of the tree that are not on the best chain; n.mu is held.
func (n *Node) forks() map[chain.Hash]*block {
	if len(n.tree) == len(n.best) {
		return nil
	}
	forks := map[chain.Hash]*block{}
	for hash, b := range n.tree {
		if n.best[min(b.number(), n.head().number())] != b {
			forks[hash] = b
		}
	}
	return forks
}

// runtime is that which makes the block after parent.
func (n *Node) runtime(parent *block) *runtime.Runtime { return n.runtimes[parent.code] }
