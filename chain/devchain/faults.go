package devchain

import (
	"fmt"
	"slices"

	"finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
)

// Faults are what networks and chains do at bad times. Its methods are safe for
// concurrent use.
type Faults struct {
	node *Node

	// Under the lock of the node:
	cuts     int // submissions that are followed by a cut
	rejects  []*rpcError
	delay    uint64
	held     bool
	silences []*[]string
}

// Drop cuts all connections at once, without a word.
func (f *Faults) Drop() {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	for c := range f.node.conns {
		c.cut()
	}
}

// DropAfterSubmit cuts the connections of the next times submissions once the
// pool has taken the extrinsic in, before the client is told.
func (f *Faults) DropAfterSubmit(times int) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.cuts = times
}

// Silence leaves these methods, or all without any and then subscriptions too,
// without an answer until restore is called. What they ask for is not done.
func (f *Faults) Silence(methods ...string) (restore func()) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	s := &methods
	f.silences = append(f.silences, s)
	return func() {
		f.node.mu.Lock()
		defer f.node.mu.Unlock()
		f.silences = slices.DeleteFunc(f.silences, func(o *[]string) bool { return o == s })
	}
}

// RejectNext refuses the next submission with this error; several calls refuse
// as many, in their order.
func (f *Faults) RejectNext(code int, message, data string) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	err := &rpcError{Code: code, Message: message}
	if data != "" {
		err.Data = data
	}
	f.rejects = append(f.rejects, err)
}

// DelayInclusion makes the pool hold each extrinsic that comes from now on for so
// many blocks more. Blocks on demand are not made for those that are held.
func (f *Faults) DelayInclusion(blocks uint64) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	f.delay = blocks
}

// HoldFinality stops finality, or lets it catch up.
func (f *Faults) HoldFinality(hold bool) {
	f.node.mu.Lock()
	defer f.node.mu.Unlock()
	if f.held = hold; !hold {
		f.node.finalize()
	}
}

// Upgrade makes the next block change the code of the runtime to v, which runs
// the block after it: another spec version, where pallets, calls, events and
// errors have other indices.
func (f *Faults) Upgrade(v runtime.Version) {
	f.node.Edit(func(s *runtime.State) { s.SetCode(v) })
}

// Reorg replaces the newest depth blocks by depth + 1 others. The extrinsics of
// the old ones are in the last of the new ones, as far as they are valid there.
// It is an error to replace a final block.
func (f *Faults) Reorg(depth int) error {
	n := f.node
	n.mu.Lock()
	defer n.mu.Unlock()
	head := n.head().number()
	if depth < 1 || uint64(depth) > head-n.final {
		return fmt.Errorf("reorganise %d blocks: blocks %d to %d are not final", depth, n.final+1, head)
	}
	parent := n.best[head-uint64(depth)]
	old := n.best[parent.number()+1:]
	n.retire(parent, old)
	var branch []*block
	for i := range depth + 1 {
		var edits []func(*runtime.State)
		if i < depth && old[i].changes != nil {
			edits = append(edits, redo(old[i].changes))
		}
		var candidates []*pooled
		if i == depth {
			candidates = n.pool.candidates(head + 1)
		}
		b := n.build(parent, edits, candidates)
		if !n.keep(b) {
			return n.failed
		}
		branch, parent = append(branch, b), b
	}
	n.adopt(branch)
	return nil
}

// retire gives the extrinsics of blocks that follow parent back to the pool and
// tells who watches them; n.mu is held.
func (n *Node) retire(parent *block, blocks []*block) {
	var back []*pooled
	for _, b := range blocks {
		for i, xt := range b.body {
			x, err := extrinsic.Decode(n.runtime(parent).Metadata(), xt)
			if err != nil || !x.Signed {
				continue
			}
			back = append(back, &pooled{xt: xt, hash: b.hashes[i], signer: x.Signer, nonce: x.Nonce, tip: x.Tip})
			n.watched(b.hashes[i], retracted{b.hash})
		}
		parent = b
	}
	n.pool.giveBack(back)
}

// The following need the lock of the node.

// refusal is the error that the next submission is to meet.
func (f *Faults) refusal() error {
	if len(f.rejects) == 0 {
		return nil
	}
	err := f.rejects[0]
	f.rejects = f.rejects[1:]
	return err
}

func (f *Faults) delayed() uint64 { return f.delay }

func (f *Faults) holds() bool { return f.held }

// cutsNow says whether the connection of a submission is to be cut.
func (f *Faults) cutsNow() bool {
	if f.cuts == 0 {
		return false
	}
	f.cuts--
	return true
}

// silent says whether a method is left without an answer; "" asks for what is
// sent without being asked for.
func (f *Faults) silent(method string) bool {
	return slices.ContainsFunc(f.silences, func(s *[]string) bool {
		return len(*s) == 0 || slices.Contains(*s, method)
	})
}
