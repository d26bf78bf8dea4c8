package miner

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
)

// step is what of a lease is done.
type step string

const (
	stepNone      step = ""
	stepLeased    step = "leased"    // the receipt is checked
	stepSigned    step = "signed"    // refined; the manifest is signed
	stepStored    step = "stored"    // the hub has shards and ledgers
	stepPrepared  step = "prepared"  // log and card are written for a parent commit
	stepPublished step = "published" // the commit exists
	stepClaiming  step = "claiming"  // a claim may be under way
	stepClaimed   step = "claimed"   // the claim is in a block
	stepConfirmed step = "confirmed" // the claim is in a final block
	stepDropped   step = "dropped"   // given up
)

// stepFailed notes a failed attempt at refining; it is no step of its own.
const stepFailed step = "failed"

// extendsLog reports whether what follows makes, publishes or claims a log that
// must continue the claimed one.
func (s step) extendsLog() bool {
	switch s {
	case stepStored, stepPrepared, stepPublished, stepClaiming, stepClaimed:
		return true
	}
	return false
}

// entry is one line of a lease's journal. A later entry may take a lease back
// to an earlier step, when the log it was to continue is not the last any more.
type entry struct {
	Step     step              `json:"step"`
	Receipt  *contract.Receipt `json:"receipt,omitempty"`
	Manifest json.RawMessage   `json:"manifest,omitempty"`
	Summary  *summary          `json:"summary,omitempty"`
	// ManifestSHA256 stands in for a manifest that was claimed before the
	// journal was lost.
	ManifestSHA256 string `json:"manifest_sha256,omitempty"`
	// Parent is the commit a publication builds on, Base the SHA-256 of the log
	// it continues.
	Parent string `json:"parent,omitempty"`
	Base   string `json:"base,omitempty"`
	Claim  *claim `json:"claim,omitempty"`
	// Block is the head when a claim was sent, or the block it is in.
	Block  uint64 `json:"block,omitempty"`
	Reason string `json:"reason,omitempty"`
	// Missing is the file because of which a lease was dropped, if there is one.
	Missing string `json:"missing,omitempty"`
}

// claim is a contract.Claim in a journal.
type claim struct {
	Repo   string `json:"repo"`
	Commit string `json:"commit"`
	Log    string `json:"log"`
}

func (c claim) contract() contract.Claim {
	return contract.Claim{Repo: c.Repo, Commit: c.Commit, LogSHA256: c.Log}
}

// lease is the lease under way, as its journal tells.
type lease struct {
	dir     string
	journal appender

	step           step
	receipt        contract.Receipt
	failures       int
	manifest       []byte // signed, canonical
	summary        summary
	manifestSHA256 string
	parent, base   string
	claim          contract.Claim
	block          uint64
	reason         string
	missing        string

	ahead *sender // of this process; nil without one
}

// appender is a *durable.Journal.
type appender interface {
	Append(entry []byte) error
	Close() error
}

func openJournal(path string) (appender, [][]byte, error) {
	j, entries, err := durable.OpenJournal(path)
	if err != nil {
		return nil, nil, err
	}
	return j, entries, nil
}

const journalName = "journal"

// openLease returns the lease under way, or one at stepNone with an empty
// folder.
func (m *Miner) openLease() (*lease, error) {
	l := &lease{dir: filepath.Join(m.slotDir(), "lease")}
	if _, err := os.Stat(filepath.Join(l.dir, journalName)); errors.Is(err, os.ErrNotExist) {
		// Left over from a lease that is done: its journal went first.
		if err := os.RemoveAll(l.dir); err != nil {
			return nil, fmt.Errorf("clear the folder of the lease: %w", err)
		}
	}
	journal, entries, err := m.openJournal(filepath.Join(l.dir, journalName))
	if err != nil {
		return nil, fmt.Errorf("%w; without the folder %s a miner asks for its lease again", err, l.dir)
	}
	l.journal = journal
	for _, raw := range entries {
		var e entry
		if err := canon.Unmarshal(raw, &e); err != nil {
			l.close()
			return nil, fmt.Errorf("read journal of the lease in %s: %w", l.dir, err)
		}
		l.apply(e)
	}
	return l, nil
}

// record makes e durable.
func (l *lease) record(e entry) error {
	raw, err := canon.Marshal(e)
	if err != nil {
		return fmt.Errorf("journal step %s: %w", e.Step, err)
	}
	if err := l.journal.Append(raw); err != nil {
		return fmt.Errorf("journal step %s: %w", e.Step, err)
	}
	l.apply(e)
	return nil
}

func (l *lease) apply(e entry) {
	if e.Step == stepFailed {
		l.failures++
		return
	}
	l.step = e.Step
	if e.Receipt != nil {
		l.receipt = *e.Receipt
	}
	if e.Manifest != nil {
		l.manifest, l.manifestSHA256 = e.Manifest, canon.Sum(e.Manifest)
	}
	if e.Summary != nil {
		l.summary = *e.Summary
	}
	if e.ManifestSHA256 != "" {
		l.manifestSHA256 = e.ManifestSHA256
	}
	if e.Claim != nil {
		l.claim = e.Claim.contract()
	}
	if e.Step == stepPrepared {
		l.parent, l.base = e.Parent, e.Base
	}
	if e.Block != 0 {
		l.block = e.Block
	}
	l.reason, l.missing = e.Reason, e.Missing
}

func (l *lease) outDir() string { return filepath.Join(l.dir, "out") }

// outFile returns where a file of the publication lies.
func (l *lease) outFile(path string) string {
	return filepath.Join(l.outDir(), filepath.FromSlash(path))
}

// signed returns the signed manifest.
func (l *lease) signed() (m contract.Manifest, err error) {
	if err := canon.Unmarshal(l.manifest, &m); err != nil {
		return m, fmt.Errorf("read the signed manifest: %w", err)
	}
	return m, nil
}

func (l *lease) close() {
	if l.ahead != nil {
		l.ahead.stop()
		l.ahead = nil
	}
	if l.journal != nil {
		_ = l.journal.Close()
		l.journal = nil
	}
}

// remove forgets the lease: the journal first, so that nothing goes on with
// half of the files.
func (l *lease) remove() error {
	l.close()
	if err := os.Remove(filepath.Join(l.dir, journalName)); err != nil {
		return fmt.Errorf("end the lease: %w", err)
	}
	if err := durable.SyncDir(l.dir); err != nil {
		return fmt.Errorf("end the lease: %w", err)
	}
	if err := os.RemoveAll(l.dir); err != nil {
		return fmt.Errorf("end the lease: %w", err)
	}
	return nil
}
