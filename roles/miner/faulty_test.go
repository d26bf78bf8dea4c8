package miner_test

import (
	"context"
	"errors"
	"os"
	"strconv"

	"finest/chain"
	"finest/chain/devchain/devchaintest"
	"finest/roles/miner"
)

// faultyJournal is a journal whose writing is killed.
type faultyJournal struct {
	path string
	miner.Journal
	w *world
}

func (j *faultyJournal) Append(entry []byte) (err error) {
	f := j.w.fault
	if f.steps+1 == f.at && f.way == torn {
		file, err := os.OpenFile(j.path, os.O_WRONLY|os.O_APPEND, 0)
		if err != nil {
			j.w.t.Fatal(err)
		}
		_, err = file.WriteString("00000000 " + string(entry[:len(entry)/2]))
		if err := errors.Join(err, file.Close()); err != nil {
			j.w.t.Fatal(err)
		}
	}
	f.step("journal "+strconv.Quote(string(entry[:min(24, len(entry))])), func() { err = j.Journal.Append(entry) })
	return err
}

// faultyChain is the chain of the world, whose calls are killed.
type faultyChain struct {
	chain.Client
	w *world
}

func (c *faultyChain) Head(ctx context.Context) (b chain.Block, err error) {
	c.w.fault.step("head", func() { b, err = c.Client.Head(ctx) })
	return b, err
}

func (c *faultyChain) WaitFinalized(ctx context.Context, number uint64) (b chain.Block, err error) {
	c.w.fault.step("wait finalized", func() { b, err = c.Client.WaitFinalized(ctx, number) })
	return b, err
}

func (c *faultyChain) Commitment(ctx context.Context, netuid uint16, hotkey chain.PublicKey, at chain.Block) (f *chain.Commitment, err error) {
	c.w.fault.step("commitment", func() { f, err = c.Client.Commitment(ctx, netuid, hotkey, at) })
	return f, err
}

func (c *faultyChain) SetCommitment(ctx context.Context, by chain.Signer, netuid uint16, fields [][]byte) (in chain.Inclusion, err error) {
	f := c.w.fault
	write := func(ctx context.Context) { in, err = c.Client.SetCommitment(ctx, by, netuid, fields) }
	if f.way == sent && f.steps+1 == f.at {
		f.step(setCommitment, func() { devchaintest.Abandon(c.w.t, c.w.node, write) })
	} else {
		f.step(setCommitment, func() { write(ctx) })
	}
	return in, err
}

// setCommitment is the step that a claim is sent in.
const setCommitment = "set commitment"
