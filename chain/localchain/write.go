package localchain

import (
	"bytes"
	"context"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strconv"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/durable"
)

// SetCommitment writes a commitment. What a hotkey already writes in the next
// block is not written again: a process that was killed while it waited for
// that block may repeat the call.
func (c *Chain) SetCommitment(ctx context.Context, by chain.Signer, netuid uint16, fields [][]byte) (chain.Inclusion, error) {
	cl := call{Name: callSetCommitment, Netuid: netuid}
	for _, f := range fields {
		cl.Fields = append(cl.Fields, hex.EncodeToString(f))
	}
	in, err := c.submit(ctx, by, cl)
	if err != nil {
		return in, fmt.Errorf("set commitment of %s on subnet %d: %w", by.Address(), netuid, err)
	}
	return in, nil
}

// SetWeights replaces the weights of the signer's uid.
func (c *Chain) SetWeights(ctx context.Context, by chain.Signer, netuid uint16, weights []chain.Weight, versionKey uint64) (chain.Inclusion, error) {
	cl := call{Name: callSetWeights, Netuid: netuid, VersionKey: versionKey}
	for _, w := range weights {
		cl.Weights = append(cl.Weights, [2]uint16{w.UID, w.Value})
	}
	in, err := c.submit(ctx, by, cl)
	if err != nil {
		return in, fmt.Errorf("set weights of %s on subnet %d: %w", by.Address(), netuid, err)
	}
	return in, nil
}

// Register registers a hotkey with the next uid, for tests and development.
func (c *Chain) Register(ctx context.Context, netuid uint16, r Registration) (chain.Inclusion, error) {
	coldkey := account(r.Coldkey)
	in, err := c.submit(ctx, nil, call{
		Name: callRegister, Netuid: netuid, Hotkey: account(r.Hotkey), Coldkey: &coldkey, Stake: r.Stake, Permit: r.Permit,
	})
	if err != nil {
		return in, fmt.Errorf("register hotkey %x on subnet %d: %w", r.Hotkey, netuid, err)
	}
	return in, nil
}

// SetStanding changes the stake and permit of a registered hotkey, for tests
// and development.
func (c *Chain) SetStanding(ctx context.Context, netuid uint16, hotkey chain.PublicKey, stake uint64, permit bool) (chain.Inclusion, error) {
	in, err := c.submit(ctx, nil, call{Name: callSetStanding, Netuid: netuid, Hotkey: account(hotkey), Stake: stake, Permit: permit})
	if err != nil {
		return in, fmt.Errorf("set standing of hotkey %x on subnet %d: %w", hotkey, netuid, err)
	}
	return in, nil
}

// submit includes a call in the next block and waits for that block. Once the
// call is in the journal its effect is certain and one block time away at most,
// so a ctx that ends then is not heeded: any error means that nothing happened.
func (c *Chain) submit(ctx context.Context, by chain.Signer, cl call) (chain.Inclusion, error) {
	if err := ctx.Err(); err != nil {
		return chain.Inclusion{}, err
	}
	number, err := c.include(by, cl)
	if err != nil {
		return chain.Inclusion{}, err
	}
	ctx = context.WithoutCancel(ctx)
	for {
		b, err := c.BlockAt(ctx, number)
		if !errors.Is(err, chain.ErrUnknownBlock) {
			return chain.Inclusion{Block: b}, err
		}
		if err := c.sleep(ctx, number); err != nil {
			return chain.Inclusion{}, err
		}
	}
}

// include appends a call for the block after the head and returns its number.
func (c *Chain) include(by chain.Signer, cl call) (uint64, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	lock, err := durable.WaitLock(c.path(lockFile))
	if err != nil {
		return 0, c.unavailable(err)
	}
	defer func() { _ = lock.Unlock() }()
	if err := c.advanceLocked(); err != nil {
		return 0, err
	}
	number := c.head + 1
	cl.Genesis = c.state.genesis
	if by != nil {
		cl.Hotkey = account(by.PublicKey())
		cl.Nonce = c.state.nonces[by.PublicKey()]
	}
	if c.pending(cl, number) {
		return number, nil
	}
	x, err := sign(by, cl, number)
	if err != nil {
		return 0, err
	}
	if _, err := c.state.check(x); err != nil {
		return 0, err
	}
	raw, err := canon.Marshal(x)
	if err != nil {
		return 0, fmt.Errorf("encode extrinsic: %w", err)
	}
	return number, c.append(raw)
}

// pending reports whether the commitment that cl asks for is what its hotkey
// writes in the block that is next.
func (c *Chain) pending(cl call, next uint64) bool {
	sub, ok := c.state.subnets[cl.Netuid]
	if !ok || cl.Name != callSetCommitment {
		return false
	}
	n := sub.registered(chain.PublicKey(cl.Hotkey), next)
	if n == nil {
		return false
	}
	last, ok := n.commitments.last()
	fields, err := cl.fields()
	return ok && err == nil && last.block == next && slices.EqualFunc(last.value, fields, bytes.Equal)
}

// append writes one entry and applies it. If the write fails half-way, what the
// journal holds afterwards decides; c.mu and the lock are held.
func (c *Chain) append(raw []byte) error {
	before := c.entries
	journal, entries, err := durable.OpenJournal(c.path(journalFile))
	if err != nil {
		return c.unavailable(err)
	}
	if len(entries) != before {
		_ = journal.Close()
		return fmt.Errorf("local chain in %s: the journal changed under the lock", c.dir)
	}
	failure := errors.Join(journal.Append(raw), journal.Close())
	if err := c.load(); err != nil {
		return errors.Join(err, failure)
	}
	if c.entries == before {
		return c.unavailable(errors.Join(failure, errors.New("the extrinsic was not stored")))
	}
	return nil
}

// advance brings head and state up to date. Within one block time there is
// nothing to do: complete blocks do not change. c.mu is held.
func (c *Chain) advance() error {
	if c.opened && c.clockHead() <= c.head {
		return nil
	}
	lock, err := durable.WaitLock(c.path(lockFile))
	if err != nil {
		return c.unavailable(err)
	}
	defer func() { _ = lock.Unlock() }()
	return c.advanceLocked()
}

// advanceLocked is advance for callers that hold the lock.
func (c *Chain) advanceLocked() error {
	seen, err := c.sealHead(c.clockHead())
	if err != nil {
		return err
	}
	if err := c.load(); err != nil {
		return err
	}
	c.head, c.opened = seen, true
	return nil
}

// clockHead is the newest block by the clock alone.
func (c *Chain) clockHead() uint64 {
	return uint64(max(c.clock.Now().Sub(c.start), 0) / c.blockTime)
}

// headDigits is the fixed width of the head file: 64 bits as decimal digits.
const headDigits = 20

// sealHead records that block number was seen, and returns the newest block
// that anyone saw. The file is rewritten in place: it has one width, and a
// crash of the machine loses no more than what the clock makes up for.
func (c *Chain) sealHead(number uint64) (uint64, error) {
	f, err := os.OpenFile(c.path(headFile), os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return 0, c.unavailable(err)
	}
	defer func() { _ = f.Close() }()
	var digits [headDigits]byte
	if n, _ := f.ReadAt(digits[:], 0); n > 0 {
		seen, err := strconv.ParseUint(string(digits[:n]), 10, 64)
		if err != nil || n != headDigits {
			return 0, fmt.Errorf("local chain in %s: %s is damaged", c.dir, headFile)
		}
		if seen >= number {
			return seen, nil
		}
	}
	if _, err := fmt.Fprintf(f, "%0*d", headDigits, number); err != nil {
		return 0, c.unavailable(err)
	}
	return number, nil
}

// load applies what the journal holds beyond the state; c.mu and the lock are
// held, so nobody is writing and a torn last line is one of a crash.
func (c *Chain) load() error {
	info, err := os.Stat(c.path(journalFile))
	if errors.Is(err, os.ErrNotExist) && c.entries == 0 {
		return nil
	}
	if err != nil {
		return c.unavailable(err)
	}
	if info.Size() == c.size {
		return nil
	}
	journal, entries, err := durable.OpenJournal(c.path(journalFile))
	if errors.Is(err, durable.ErrCorrupt) {
		return fmt.Errorf("local chain in %s: %w", c.dir, err)
	}
	if err != nil {
		return c.unavailable(err)
	}
	defer func() { _ = journal.Close() }()
	if len(entries) < c.entries {
		return fmt.Errorf("local chain in %s: the journal lost extrinsics", c.dir)
	}
	for _, raw := range entries[c.entries:] {
		var x extrinsic
		if err := canon.Unmarshal(raw, &x); err != nil {
			return fmt.Errorf("local chain in %s: extrinsic %d: %w", c.dir, c.entries, err)
		}
		if err := c.state.apply(x, raw); err != nil {
			return fmt.Errorf("local chain in %s: extrinsic %d: %w", c.dir, c.entries, err)
		}
		c.entries++
	}
	if info, err = os.Stat(c.path(journalFile)); err != nil {
		return c.unavailable(err)
	}
	c.size = info.Size()
	return nil
}

func (c *Chain) path(name string) string { return filepath.Join(c.dir, name) }
