package devchain

import (
	"encoding/binary"
	"errors"
	"fmt"
	"sync"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
)

// Codes of extrinsics that the pool refuses, those of a Substrate node; the
// runtime has others.
const (
	codeBanned   = 1012
	codeImported = 1013
	codePriority = 1014
	codeNoRoom   = 1016
)

func hashOf(xt []byte) chain.Hash { return extrinsic.Hash(xt) }

// submit takes an extrinsic into the pool, and makes the blocks for it if they
// are made on demand; n.mu is held. watch, if any, hears what becomes of it.
func (n *Node) submit(xt []byte, watch *subscription) (chain.Hash, error) {
	if n.failed != nil {
		return chain.Hash{}, internal(n.failed)
	}
	if err := n.faults.refusal(); err != nil {
		return chain.Hash{}, err
	}
	x, err := n.admit(xt)
	if err != nil {
		n.o.Log.Debug().Err(err).Msg("extrinsic refused")
		return chain.Hash{}, err
	}
	head := n.head()
	ready := n.pool.nextNonce(x.signer, nonce(head.state, x.signer))
	n.pool.add(x)
	if watch != nil {
		watch.extrinsic = x.hash
	}
	if x.nonce <= ready {
		n.watched(x.hash, "ready")
	} else {
		n.watched(x.hash, "future")
	}
	if n.o.Seal == OnDemand {
		n.sealDemand()
	}
	return x.hash, nil
}

// admit says whether the pool takes an extrinsic now; n.mu is held.
func (n *Node) admit(xt []byte) (*pooled, error) {
	head := n.head()
	x := &pooled{xt: xt, hash: hashOf(xt), from: head.number() + 1 + n.faults.delayed()}
	if _, ok := n.pool.banned[x.hash]; ok {
		return nil, &rpcError{Code: codeBanned, Message: "Transaction is temporarily banned"}
	}
	if n.pool.all[x.hash] != nil {
		return nil, &rpcError{
			Code: codeImported, Message: "Transaction Already Imported",
			Data: fmt.Sprintf("[0x%s] Already Imported", x.hash),
		}
	}
	tx, err := n.runtime(head).Validate(head.state, head.hash, xt)
	if err != nil {
		return nil, poolError(err)
	}
	x.signer, x.nonce, x.tip = tx.Signer, tx.Nonce, tx.Tip
	if n.pool.full(len(xt)) {
		return nil, &rpcError{
			Code: codeNoRoom, Message: "Immediately Dropped",
			Data: "The transaction couldn't enter the pool because of the limit",
		}
	}
	if old := n.pool.slots[slot{x.signer, x.nonce}]; old != nil {
		if x.tip <= old.tip {
			return nil, &rpcError{
				Code: codePriority, Message: fmt.Sprintf("Priority is too low: (%d vs %d)", old.tip, x.tip),
				Data: "The transaction has too low priority to replace another transaction already in the pool.",
			}
		}
		n.pool.remove(old)
		n.watched(old.hash, usurped{x.hash})
	}
	return x, nil
}

// poolError is a refusal of the runtime on the wire.
func poolError(err error) error {
	var refused *runtime.PoolError
	if errors.As(err, &refused) {
		out := &rpcError{Code: refused.Code, Message: refused.Message}
		if refused.Data != "" {
			out.Data = refused.Data
		}
		return out
	}
	return internal(err)
}

// nonce is that of the next extrinsic of an account: the first number of what
// System.Account holds.
func nonce(s *runtime.State, who chain.PublicKey) uint32 {
	key, err := accountItem().Key(who)
	if err != nil {
		panic(err) // the type of the key is that of an account
	}
	value := s.Get(key)
	if len(value) < 4 {
		return 0
	}
	return binary.LittleEndian.Uint32(value)
}

// accountItem is System.Account, which is the same in all runtimes.
var accountItem = sync.OnceValue(func() *metadata.StorageItem {
	item, err := runtime.Metadata(runtime.V1).StorageItem("System", "Account")
	if err != nil {
		panic(err) // the devchain has it
	}
	return item
})
