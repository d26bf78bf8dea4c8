package miner

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval/audit"
	"finest/internal/canon"
	"finest/internal/contract"
)

// acquire asks for the lease of the slot, once everything that would waste the
// work on it is ruled out, and returns its receipt, checked.
func (m *Miner) acquire(ctx context.Context) (contract.Receipt, error) {
	if err := m.checkRegistered(ctx); err != nil {
		return contract.Receipt{}, err
	}
	if err := m.checkRepo(ctx); err != nil {
		return contract.Receipt{}, err
	}
	var receipt contract.Receipt
	err := m.try(ctx, "lease a task", func() (err error) {
		receipt, err = m.Tasks.Lease(ctx, m.Slot, m.Recipe.Name)
		return err
	})
	if err != nil {
		return contract.Receipt{}, err
	}
	return receipt, m.checkReceipt(ctx, receipt)
}

func (m *Miner) checkRegistered(ctx context.Context) error {
	head, err := m.head(ctx)
	if err != nil {
		return err
	}
	var neurons []chain.Neuron
	err = m.try(ctx, fmt.Sprintf("read the neurons of subnet %d", m.Netuid), func() (err error) {
		neurons, err = m.Chain.Neurons(ctx, m.Netuid, head)
		return err
	})
	if err != nil {
		return err
	}
	key := m.Signer.PublicKey()
	if !slices.ContainsFunc(neurons, func(n chain.Neuron) bool { return n.Hotkey == key }) {
		return fmt.Errorf("mine on subnet %d with hotkey %s: %w", m.Netuid, m.Signer.Address(), chain.ErrNotRegistered)
	}
	return nil
}

// maxLag is how many blocks the task server's node may be ahead of this
// miner's.
const maxLag = 20

// checkReceipt makes sure that a validator will accept the receipt and that
// this miner can do the work.
func (m *Miner) checkReceipt(ctx context.Context, r contract.Receipt) error {
	bad := func(format string, args ...any) error {
		return fmt.Errorf("%w: task %.80q: "+format, append([]any{ErrReceipt, r.Task}, args...)...)
	}
	if err := r.Validate(); err != nil {
		return bad("%w", err)
	}
	if r.Hotkey != m.Signer.Address() {
		return bad("it is for hotkey %s", r.Hotkey)
	}
	if r.Recipe != m.Recipe {
		return bad("it wants recipe %s with hash %s, this version has %s with hash %s", r.Recipe.Name, r.Recipe.Hash, m.Recipe.Name, m.Recipe.Hash)
	}
	head, err := m.head(ctx)
	if err != nil {
		return err
	}
	if r.Block > head.Number+maxLag {
		return bad("it is of block %d, the chain is at block %d", r.Block, head.Number)
	}
	// The server saw the block final; so will this node.
	var block chain.Block
	err = m.try(ctx, "read the block of the receipt", func() error {
		if _, err := m.Chain.WaitFinalized(ctx, r.Block); err != nil {
			return err
		}
		var err error
		block, err = m.Chain.BlockAt(ctx, r.Block)
		return err
	})
	if err != nil {
		return err
	}
	if block.Hash.String() != r.BlockHash {
		return bad("block %d has hash %s on this chain, not %s", r.Block, block.Hash, r.BlockHash)
	}
	owner, err := m.owner(ctx, block)
	if err != nil {
		return err
	}
	if !audit.KnownServer(m.ServerKeys, owner, r.Server, r.Block) {
		return bad("it is signed by %s, and not by a task server of this subnet", r.Server)
	}
	raw, err := canon.Marshal(r.Unsigned())
	if err != nil {
		return bad("%w", err)
	}
	server, err := wallet.ParseAddress(r.Server)
	if err != nil {
		return bad("%w", err)
	}
	var signature [64]byte
	if _, err := hex.Decode(signature[:], []byte(r.Signature)); err != nil || r.Signature == "" || !wallet.Verify(server, raw, signature) {
		return bad("its signature is not that of %s", r.Server)
	}
	return nil
}

// owner returns the address of the subnet owner's hotkey.
func (m *Miner) owner(ctx context.Context, at chain.Block) (string, error) {
	var subnet chain.Subnet
	err := m.try(ctx, fmt.Sprintf("read subnet %d", m.Netuid), func() (err error) {
		subnet, err = m.Chain.Subnet(ctx, m.Netuid, at)
		return err
	})
	return wallet.Address(subnet.Owner), err
}
