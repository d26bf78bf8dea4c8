package taskserver

import (
	"cmp"
	"encoding/hex"
	"errors"
	"fmt"
	"slices"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
)

// Key signs receipts from a block on, until the next key does.
type Key struct {
	Signer    chain.Signer
	FromBlock uint64
}

// keyring holds the keys of a server in the order of their blocks; the first
// begins at block 0. An operator rotates keys by adding the next one well before
// its block, so that validators and miners learn of it in time.
type keyring []Key

func newKeyring(keys []Key) (keyring, error) {
	k := slices.Clone(keys)
	slices.SortFunc(k, func(a, b Key) int { return cmp.Compare(a.FromBlock, b.FromBlock) })
	addresses := make(map[string]bool, len(k))
	for i, key := range k {
		switch {
		case key.Signer == nil:
			return nil, errors.New("a key cannot sign")
		case i > 0 && key.FromBlock == k[i-1].FromBlock:
			return nil, fmt.Errorf("two keys begin at block %d", key.FromBlock)
		case addresses[key.Signer.Address()]:
			return nil, fmt.Errorf("key %s is there twice", key.Signer.Address())
		}
		addresses[key.Signer.Address()] = true
	}
	if len(k) == 0 || k[0].FromBlock != 0 {
		return nil, errors.New("no key begins at block 0")
	}
	return k, nil
}

// index is that of the key that signs at block.
func (k keyring) index(block uint64) int {
	i, found := slices.BinarySearchFunc(k, block, func(key Key, b uint64) int { return cmp.Compare(key.FromBlock, b) })
	if !found {
		i-- // the one that began before; the first begins at 0
	}
	return i
}

// at returns the key that signs at block.
func (k keyring) at(block uint64) chain.Signer { return k[k.index(block)].Signer }

// accepts reports whether a request may be signed for address at block: for the
// key of that block, the one before or the one after, as a client learns of a
// change a little late or early.
func (k keyring) accepts(address string, block uint64) bool {
	i := k.index(block)
	return slices.ContainsFunc(k[max(0, i-1):min(len(k), i+2)], func(key Key) bool { return key.Signer.Address() == address })
}

func (k keyring) list() []contract.ServerKey {
	list := make([]contract.ServerKey, len(k))
	for i, key := range k {
		list[i] = contract.ServerKey{Address: key.Signer.Address(), FromBlock: key.FromBlock}
	}
	return list
}

// sign signs a receipt with the key of its block.
func (k keyring) sign(r contract.Receipt) (contract.Receipt, error) {
	signer := k.at(r.Block)
	r.Server = signer.Address()
	raw, err := canon.Marshal(r.Unsigned())
	if err != nil {
		return contract.Receipt{}, fmt.Errorf("sign receipt for task %s: %w", r.Task, err)
	}
	signature, err := signer.Sign(raw)
	if err != nil {
		return contract.Receipt{}, fmt.Errorf("sign receipt for task %s: %w", r.Task, err)
	}
	r.Signature = hex.EncodeToString(signature[:])
	if err := r.Validate(); err != nil { // nobody would accept it
		return contract.Receipt{}, fmt.Errorf("%w: receipt for task %s: %w", errInternal, r.Task, err)
	}
	return r, nil
}
