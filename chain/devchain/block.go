package devchain

import (
	"bytes"
	"time"

	"golang.org/x/crypto/blake2b"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/scale"
)

// block is one block of the tree of blocks that the node knows.
type block struct {
	header header
	hash   chain.Hash
	time   time.Time
	// body holds the extrinsics, inherents first; hashes names them.
	body   [][]byte
	hashes []chain.Hash
	// state is that after the block, never written once the block is in the
	// tree; nil once it is discarded.
	state *runtime.State
	// code is the runtime of the state: it runs the block that follows.
	code runtime.Version
	// changes were made by hand in the block, see Edit.
	changes []change
}

func (b *block) number() uint64 { return uint64(b.header.number) }

func (b *block) ref() chain.Block { return chain.Block{Number: b.number(), Hash: b.hash} }

// change is one storage entry set by hand, or deleted with a nil value.
type change struct{ key, value []byte }

// stateRoot is blake2-256 over the sorted entries of the state.
func stateRoot(s *runtime.State) (root chain.Hash) {
	h, err := blake2b.New256(nil)
	if err != nil {
		panic(err) // only a key can be wrong
	}
	var b []byte
	s.Range(nil, nil, func(key, value []byte) bool {
		b = scale.AppendBytes(b[:0], key)
		b = scale.AppendBytes(b, value)
		_, _ = h.Write(b) // hashes do not fail
		return true
	})
	return chain.Hash(h.Sum(nil))
}

// extrinsicsRoot is blake2-256 over the list of extrinsics.
func extrinsicsRoot(body [][]byte) chain.Hash {
	b := scale.AppendCompact(nil, uint64(len(body)))
	for _, xt := range body {
		b = scale.AppendBytes(b, xt)
	}
	return blake2b.Sum256(b)
}

// diff lists what differs in after from before.
func diff(before, after *runtime.State) (changes []change) {
	after.Range(nil, nil, func(key, value []byte) bool {
		if old := before.Get(key); old == nil || !bytes.Equal(old, value) {
			changes = append(changes, change{key, value})
		}
		return true
	})
	before.Range(nil, nil, func(key, _ []byte) bool {
		if after.Get(key) == nil {
			changes = append(changes, change{key: key})
		}
		return true
	})
	return changes
}

// redo makes changes in a state.
func redo(changes []change) func(*runtime.State) {
	return func(s *runtime.State) {
		for _, c := range changes {
			if c.value == nil {
				s.Delete(c.key)
			} else {
				s.Set(c.key, c.value)
			}
		}
	}
}
