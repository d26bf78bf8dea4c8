package validator

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
	"finest/internal/durable"
	"finest/roles/submission"
)

// state is all that a validator remembers. It is the fold of a journal of
// events over a snapshot; a hotkey is never known by its uid, which the chain
// gives to somebody else when its owner is gone.
type state struct {
	// Following says that Cursor is the last block whose claims were read.
	Following bool   `json:"following"`
	Cursor    uint64 `json:"cursor"`
	// Claims of each hotkey (SS58), oldest first.
	Claims map[string][]submission.Claimed `json:"claims"`
	// Cases are the tasks that claims bound, in the order they were found.
	Cases []*caseState `json:"cases"`
	// Streak counts a hotkey's accepted tasks since its last failure.
	Streak map[string]int64 `json:"streak"`
	// Weights are those set last.
	Weights *weightsState `json:"weights,omitempty"`
	// Proofs are those of others.
	Proofs proofsState `json:"proofs"`

	index map[caseKey]*caseState
}

// caseKey names a case.
type caseKey struct {
	Hotkey     string `json:"hotkey"`
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
}

// caseState is one task of one hotkey and what was found about it.
type caseState struct {
	Hotkey string `json:"hotkey"`
	submission.Bound
	// Verdict is nil until the first attempt; Settled that it is final.
	Verdict *eval.Verdict `json:"verdict,omitempty"`
	Settled bool          `json:"settled"`
	// NextTry is the block from which an undecided verdict is tried again, after
	// Tries attempts.
	NextTry uint64 `json:"next_try,omitempty"`
	Tries   int    `json:"tries,omitempty"`
	// Leased, Work, Quality and Recipe are of the receipt and its recipe, known
	// once there is a manifest.
	Leased uint64 `json:"leased,omitempty"`
	Work   int64  `json:"work,omitempty"`
	Recipe string `json:"recipe,omitempty"`
	// Fraud is the reason of a proof that was confirmed, whoever found it.
	Fraud string `json:"fraud,omitempty"`
	// Weighed says that weights were set after the case was settled. ProofSent and
	// Published say what the board was told.
	Weighed   bool `json:"weighed,omitempty"`
	ProofSent bool `json:"proof_sent,omitempty"`
	Published bool `json:"published,omitempty"`
}

func (c *caseState) key() caseKey { return caseKey{c.Hotkey, c.Line.Task, c.Line.Generation} }

// proofsState is how far the board's proofs were read, and which of them wait.
type proofsState struct {
	Cursor  int64          `json:"cursor"`
	Waiting []waitingProof `json:"waiting,omitempty"`
}

type weightsState struct {
	Block   uint64         `json:"block"`
	Weights []chain.Weight `json:"weights"`
}

// event is one change of the state; exactly the fields that apply are set.
type event struct {
	// Block and its claims, as the chain tells them.
	Block *blockEvent `json:"block,omitempty"`
	// Claims replaces the claims of a hotkey, and Bound are the tasks this binds.
	Claims *claimsEvent `json:"claims,omitempty"`
	// Case replaces a case; Streak, if set, is its hotkey's new streak.
	Case   *caseState `json:"case,omitempty"`
	Streak *int64     `json:"streak,omitempty"`

	Weights   *weightsState `json:"weights,omitempty"`
	Published []caseKey     `json:"published,omitempty"`
	Proofs    *proofsState  `json:"proofs,omitempty"`
}

type blockEvent struct {
	Number uint64                          `json:"number"`
	Claims map[string][]submission.Claimed `json:"claims,omitempty"`
}

type claimsEvent struct {
	Hotkey string               `json:"hotkey"`
	Claims []submission.Claimed `json:"claims"`
	Bound  []submission.Bound   `json:"bound,omitempty"`
}

func newState() *state {
	return &state{
		Claims: make(map[string][]submission.Claimed), Streak: make(map[string]int64),
		index: make(map[caseKey]*caseState),
	}
}

func (s *state) apply(e event) {
	if b := e.Block; b != nil {
		s.Following, s.Cursor = true, b.Number
		for hotkey, claims := range b.Claims {
			s.Claims[hotkey] = append(s.Claims[hotkey], claims...)
		}
	}
	if c := e.Claims; c != nil {
		s.Claims[c.Hotkey] = c.Claims
		for _, b := range c.Bound {
			s.bind(&caseState{Hotkey: c.Hotkey, Bound: b})
		}
	}
	if c := e.Case; c != nil {
		if known := s.index[c.key()]; known != nil {
			*known = *c
		}
		if e.Streak != nil {
			s.Streak[c.Hotkey] = *e.Streak
		}
	}
	if e.Weights != nil {
		s.Weights = e.Weights
		for _, c := range s.Cases {
			c.Weighed = c.Weighed || c.Settled
		}
	}
	for _, r := range e.Published {
		if c := s.index[r]; c != nil {
			c.Published = true
		}
	}
	if e.Proofs != nil {
		s.Proofs = *e.Proofs
	}
}

// bind adds a case; the first line for a (task, generation) of a hotkey binds,
// later ones are void.
func (s *state) bind(c *caseState) {
	if s.index[c.key()] == nil {
		s.Cases = append(s.Cases, c)
		s.index[c.key()] = c
	}
}

// store keeps the state on disk: snapshot.json names the journal that goes on
// from it.
type store struct {
	dir     string
	state   *state
	journal *durable.Journal
	number  int
	entries int
}

type snapshot struct {
	Journal int    `json:"journal"`
	State   *state `json:"state"`
}

// compactAfter is the number of journal entries after which a new snapshot is
// written when the store is opened.
const compactAfter = 4096

func openStore(dir string) (*store, error) {
	s := &store{dir: dir, state: newState()}
	raw, err := os.ReadFile(s.snapshotPath())
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("read validator state: %w", err)
	}
	if err == nil {
		snap := snapshot{State: s.state}
		if err := json.Unmarshal(raw, &snap); err != nil {
			return nil, fmt.Errorf("read validator state %s: %w", s.snapshotPath(), err)
		}
		s.number = snap.Journal
		for _, c := range s.state.Cases {
			s.state.index[c.key()] = c
		}
	}
	journal, entries, err := durable.OpenJournal(s.journalPath())
	if err != nil {
		return nil, err
	}
	s.journal, s.entries = journal, len(entries)
	for i, raw := range entries {
		var e event
		if err := json.Unmarshal(raw, &e); err != nil {
			_ = journal.Close()
			return nil, fmt.Errorf("read validator journal %s, entry %d: %w", s.journalPath(), i+1, err)
		}
		s.state.apply(e)
	}
	if s.entries >= compactAfter {
		if err := s.compact(); err != nil {
			_ = s.journal.Close()
			return nil, err
		}
	}
	return s, nil
}

func (s *store) snapshotPath() string { return filepath.Join(s.dir, "snapshot.json") }

func (s *store) journalPath() string {
	return filepath.Join(s.dir, fmt.Sprintf("journal-%06d.log", s.number))
}

// add makes an event durable, then part of the state.
func (s *store) add(e event) error {
	raw, err := json.Marshal(e)
	if err != nil {
		return fmt.Errorf("record validator state: %w", err)
	}
	if err := s.journal.Append(raw); err != nil {
		return err
	}
	s.entries++
	// What is applied is what a restart would read.
	var again event
	if err := json.Unmarshal(raw, &again); err != nil {
		return fmt.Errorf("record validator state: %w", err)
	}
	s.state.apply(again)
	return nil
}

// compact writes a snapshot that the next journal continues. A crash leaves
// either the old pair or the new one.
func (s *store) compact() error {
	old := s.journalPath()
	raw, err := json.Marshal(snapshot{Journal: s.number + 1, State: s.state})
	if err != nil {
		return fmt.Errorf("write validator state: %w", err)
	}
	if err := durable.WriteBytes(s.snapshotPath(), 0o600, raw); err != nil {
		return err
	}
	if err := s.journal.Close(); err != nil {
		return err
	}
	s.number++
	journal, _, err := durable.OpenJournal(s.journalPath())
	if err != nil {
		return err
	}
	s.journal, s.entries = journal, 0
	return os.Remove(old)
}

func (s *store) close() error { return s.journal.Close() }

// hotkeyOf returns the key of an address in the state, which came from a key.
func hotkeyOf(address string) (chain.PublicKey, error) {
	key, err := wallet.ParseAddress(address)
	if err != nil {
		return key, fmt.Errorf("validator state: hotkey %.64q: %w", address, err)
	}
	return key, nil
}
