package devchain

import (
	"cmp"
	"slices"

	"finest/chain"
)

// Limits of the pool, those of a Substrate node.
const (
	maxPool      = 8192
	maxPoolBytes = 20 << 20
)

// banBlocks is for how many blocks an extrinsic that is on the chain is refused
// as such rather than as outdated; a Substrate node counts half an hour.
const banBlocks = 150

// pooled is an extrinsic that waits for its block.
type pooled struct {
	xt     []byte
	hash   chain.Hash
	signer chain.PublicKey
	nonce  uint32
	tip    uint64
	// from is the first block that may take it in.
	from uint64
	// order is that of arrival.
	order int64
}

// pool holds extrinsics that wait for their block. It needs the lock of its node.
type pool struct {
	all   map[chain.Hash]*pooled
	slots map[slot]*pooled
	bytes int
	// last is the order of the newest extrinsic, first that of the oldest, which
	// falls when a reorganisation gives extrinsics back.
	last, first int64
	// banned holds the block of extrinsics that are on the chain.
	banned map[chain.Hash]uint64
}

// slot is what one extrinsic at a time may use up.
type slot struct {
	signer chain.PublicKey
	nonce  uint32
}

func newPool() pool {
	return pool{all: map[chain.Hash]*pooled{}, slots: map[slot]*pooled{}, banned: map[chain.Hash]uint64{}}
}

func (p *pool) len() int { return len(p.all) }

// full says whether an extrinsic of so many bytes has no room.
func (p *pool) full(size int) bool { return len(p.all) >= maxPool || p.bytes+size > maxPoolBytes }

// add puts an extrinsic at the end.
func (p *pool) add(x *pooled) {
	p.last++
	x.order = p.last
	p.insert(x)
}

// giveBack puts extrinsics of retired blocks, in their order, before all others.
func (p *pool) giveBack(xs []*pooled) {
	for _, x := range slices.Backward(xs) {
		p.first--
		x.order = p.first
		p.insert(x)
	}
}

func (p *pool) insert(x *pooled) {
	delete(p.banned, x.hash)
	p.all[x.hash] = x
	p.slots[slot{x.signer, x.nonce}] = x
	p.bytes += len(x.xt)
}

func (p *pool) remove(x *pooled) {
	if p.all[x.hash] != x {
		return
	}
	delete(p.all, x.hash)
	p.bytes -= len(x.xt)
	if s := (slot{x.signer, x.nonce}); p.slots[s] == x {
		delete(p.slots, s)
	}
}

// included removes an extrinsic that a block took in, and bans it for a while.
func (p *pool) included(hash chain.Hash, number uint64) {
	if x := p.all[hash]; x != nil {
		p.remove(x)
	}
	p.banned[hash] = number
}

// unban forgets the bans of blocks before number.
func (p *pool) unban(number uint64) {
	for hash, at := range p.banned {
		if at < number {
			delete(p.banned, hash)
		}
	}
}

// candidates are the extrinsics that block number may take in, in their order.
func (p *pool) candidates(number uint64) (xs []*pooled) {
	for _, x := range p.all {
		if x.from <= number {
			xs = append(xs, x)
		}
	}
	slices.SortFunc(xs, func(a, b *pooled) int { return cmp.Compare(a.order, b.order) })
	return xs
}

// nextNonce is the nonce after those that an account has in the pool, when the
// state has next as its nonce.
func (p *pool) nextNonce(signer chain.PublicKey, next uint32) uint32 {
	for p.slots[slot{signer, next}] != nil {
		next++
	}
	return next
}
