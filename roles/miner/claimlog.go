package miner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"finest/chain"
	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
)

// holdLog takes the lock that keeps other slots of the hotkey from extending
// the claim log, or lets go of it.
func (m *Miner) holdLog(ctx context.Context, held **durable.Lock, needed bool) error {
	if !needed {
		err := (*held).Unlock()
		*held = nil
		return err
	}
	for {
		lock, err := durable.TryLock(filepath.Join(m.DataDir, "log.lock"))
		if err == nil {
			*held = lock
			return nil
		}
		if !errors.Is(err, durable.ErrLocked) {
			return err
		}
		if err := m.sleep(ctx, time.Second); err != nil {
			return err
		}
	}
}

// logCopy is the log of the newest claim of this hotkey that this data folder
// knows to be final.
func (m *Miner) logCopy() string { return filepath.Join(m.DataDir, contract.LogPath) }

func (m *Miner) readLogCopy() ([]byte, error) {
	raw, err := os.ReadFile(m.logCopy())
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return nil, err
	}
	return raw, nil
}

// commitment returns what the hotkey wrote on chain last, at the newest block,
// and the claim in it; ok is false if there is none.
func (m *Miner) commitment(ctx context.Context, at chain.Block) (c contract.Claim, block uint64, ok bool, err error) {
	var found *chain.Commitment
	err = m.try(ctx, "read the claim of hotkey "+m.Signer.Address(), func() (err error) {
		found, err = m.Chain.Commitment(ctx, m.Netuid, m.Signer.PublicKey(), at)
		return err
	})
	if err != nil || found == nil {
		return c, 0, false, err
	}
	// Other programs' commitments are no claims; validators pass them over too.
	c, parseErr := contract.ParseClaim(found.Fields)
	return c, found.Block, parseErr == nil, nil
}

// claimedLog is a log that was claimed.
type claimedLog struct {
	raw []byte
	// onChain says that the chain holds a claim of it, in this block.
	onChain bool
	claim   contract.Claim
	block   uint64
}

// claimedLog returns the log that the next claim must continue: that of the
// last claim, or what is known of it here if the chain holds none any more.
func (m *Miner) claimedLog(ctx context.Context) (l claimedLog, err error) {
	if l.raw, err = m.readLogCopy(); err != nil {
		return l, fmt.Errorf("read the claim log: %w", err)
	}
	head, err := m.head(ctx)
	if err != nil {
		return l, err
	}
	l.claim, l.block, l.onChain, err = m.commitment(ctx, head)
	if err != nil || !l.onChain || canon.Sum(l.raw) == l.claim.LogSHA256 {
		return l, err
	}
	known := l.raw
	if l.raw, err = m.logOf(ctx, l.claim); err != nil {
		return l, err
	}
	if !bytes.HasPrefix(l.raw, known) {
		return l, fmt.Errorf("%w: claim %s", ErrHotkeyInUse, l.claim)
	}
	return l, nil
}

// logOf reads the log of a claim from the hub.
func (m *Miner) logOf(ctx context.Context, c contract.Claim) ([]byte, error) {
	var log []byte
	err := m.try(ctx, "read the log of claim "+c.String(), func() (err error) {
		log, err = hub.ReadFile(ctx, m.Hub, hub.Ref{Repo: c.Repo, Revision: c.Commit}, contract.LogPath, contract.MaxLogBytes)
		return err
	})
	switch {
	case errors.Is(err, hub.ErrNotFound), errors.Is(err, hub.ErrCorrupt), errors.Is(err, hub.ErrTooLarge):
		return nil, fmt.Errorf("%w: %w", ErrLogLost, err)
	case err != nil:
		return nil, err
	case canon.Sum(log) != c.LogSHA256:
		return nil, fmt.Errorf("%w: log of claim %s has SHA-256 %s, not %s", ErrLogLost, c, canon.Sum(log), c.LogSHA256)
	}
	if _, err := contract.ParseLog(log); err != nil {
		return nil, fmt.Errorf("%w: log of claim %s: %w", ErrLogLost, c, err)
	}
	return log, nil
}

// claimedBefore looks for the lease in the log of the last claim. It is there
// if the data folder was lost after the claim; the first line for a lease
// binds, so refining again would be for nothing.
func (m *Miner) claimedBefore(ctx context.Context, l *lease) (bool, error) {
	last, err := m.claimedLog(ctx)
	if err != nil || !last.onChain {
		return false, err
	}
	lines, err := contract.ParseLog(last.raw)
	if err != nil {
		return false, err
	}
	for _, line := range lines {
		if line.Task == l.receipt.Task && line.Generation == l.receipt.Generation {
			m.Log.Warn().Str("task", line.Task).Str("claim", last.claim.String()).Msg("the task is claimed already")
			return true, l.record(entry{Step: stepClaimed, ManifestSHA256: line.Manifest, Claim: journalClaim(last.claim), Block: last.block})
		}
	}
	return false, nil
}

func journalClaim(c contract.Claim) *claim {
	return &claim{Repo: c.Repo, Commit: c.Commit, Log: c.LogSHA256}
}

// checkRepo makes sure that the repository is there, can be written, and does
// not serve another hotkey.
func (m *Miner) checkRepo(ctx context.Context) error {
	_, err := m.ownHead(ctx)
	return err
}

// ownHead returns the commit that the next publication builds on.
func (m *Miner) ownHead(ctx context.Context) (head string, err error) {
	err = m.try(ctx, "open repository "+m.Repo, func() error {
		if err := m.Hub.EnsureRepo(ctx, m.Repo); err != nil {
			return err
		}
		head, err = m.Hub.Head(ctx, hub.Ref{Repo: m.Repo, Revision: hub.MainBranch})
		return err
	})
	if err != nil || head == "" {
		return head, err
	}
	at := hub.Ref{Repo: m.Repo, Revision: head}
	log, err := m.readOptional(ctx, at, contract.LogPath, contract.MaxLogBytes)
	if err != nil {
		return "", err
	}
	known, err := m.readLogCopy()
	if err != nil {
		return "", err
	}
	if len(log) == 0 || bytes.Equal(log, known) {
		return head, nil
	}
	lines, err := contract.ParseLog(log)
	if err != nil {
		return "", fmt.Errorf("%w: %s holds a %s that is no claim log: %w", ErrRepoInUse, at, contract.LogPath, err)
	}
	path := contract.ManifestPath(lines[len(lines)-1].Task)
	raw, err := m.readOptional(ctx, at, path, maxManifest)
	if err != nil {
		return "", err
	}
	var last contract.Manifest
	if err := canon.Unmarshal(raw, &last); err != nil {
		return "", fmt.Errorf("%w: %s of %s: %w", ErrRepoInUse, path, at, err)
	}
	if last.Hotkey != m.Signer.Address() {
		return "", fmt.Errorf("%w: the last task of %s is of hotkey %.60q", ErrRepoInUse, at, last.Hotkey)
	}
	return head, nil
}

// maxManifest bounds a manifest that is read from the hub, in bytes.
const maxManifest = 64 << 20

// readOptional reads a file of the repository, nil if it is not there.
func (m *Miner) readOptional(ctx context.Context, at hub.Ref, path string, limit int64) (raw []byte, err error) {
	err = m.try(ctx, fmt.Sprintf("read %s of %s", path, at), func() error {
		raw, err = hub.ReadFile(ctx, m.Hub, at, path, limit)
		return err
	})
	if errors.Is(err, hub.ErrNotFound) {
		return nil, nil
	}
	return raw, err
}
