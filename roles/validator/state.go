package validator

import (
	"fmt"

	"finest/chain"
	"finest/chain/wallet"
	"finest/eval"
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
	// Weights are those set last; Setting, those that were about to be set when
	// nothing more was recorded. Hidden are those that were committed to, oldest
	// first, and that the chain has not revealed yet; Shown, the newest that
	// everybody can read.
	Weights *weightsState  `json:"weights,omitempty"`
	Setting *settingState  `json:"setting,omitempty"`
	Hidden  []weightsState `json:"hidden,omitempty"`
	Shown   *weightsState  `json:"shown,omitempty"`
	// ProofCursor is how far the board's proofs are done with.
	ProofCursor int64 `json:"proof_cursor"`
	// Judgements are what comparisons of recipes came to, by the recipe's hash, of
	// the oldest window first.
	Judgements map[string][]judgement `json:"judgements,omitempty"`

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
	// Seen is the newest final block when the case was found.
	Seen uint64 `json:"seen"`
	// Verdict is nil until the first attempt; Settled that it is final.
	Verdict *eval.Verdict `json:"verdict,omitempty"`
	Settled bool          `json:"settled"`
	// NextTry is the block from which an undecided verdict is tried again, after
	// Tries attempts.
	NextTry uint64 `json:"next_try,omitempty"`
	Tries   int    `json:"tries,omitempty"`
	// Leased, Work, Recipe and its hash are of the receipt, known once there is a
	// manifest.
	Leased     uint64 `json:"leased,omitempty"`
	Work       int64  `json:"work,omitempty"`
	Recipe     string `json:"recipe,omitempty"`
	RecipeHash string `json:"recipe_hash,omitempty"`
	// Fraud is the reason of a proof that was confirmed, whoever found it.
	Fraud string `json:"fraud,omitempty"`
	// Counted says that the verdict is in the weights that were about to be set
	// last, Weighed that everybody can read weights with it; Committed is the block
	// of the first hidden ones with it, 0 without any. ProofSent and Published say
	// what the board was told.
	Counted   bool   `json:"counted,omitempty"`
	Weighed   bool   `json:"weighed,omitempty"`
	Committed uint64 `json:"committed,omitempty"`
	ProofSent bool   `json:"proof_sent,omitempty"`
	Published bool   `json:"published,omitempty"`
}

func (c *caseState) key() caseKey { return caseKey{c.Hotkey, c.Line.Task, c.Line.Generation} }

// weightsState are weights that were set in Block. Hidden says that they were
// committed to and are still encrypted.
type weightsState struct {
	Block   uint64         `json:"block"`
	Weights []chain.Weight `json:"weights"`
	Hidden  bool           `json:"hidden,omitempty"`
}

// settingState are weights on their way; Head was the newest block then.
type settingState struct {
	Head    uint64         `json:"head"`
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

	// Setting is followed by Weights if they took effect, else by Unset.
	Setting *settingState `json:"setting,omitempty"`
	Weights *weightsState `json:"weights,omitempty"`
	Unset   bool          `json:"unset,omitempty"`
	// Revealed and Expired are the newest block of hidden weights that the chain
	// has shown, or that it will never show.
	Revealed    uint64    `json:"revealed,omitempty"`
	Expired     uint64    `json:"expired,omitempty"`
	Published   []caseKey `json:"published,omitempty"`
	ProofCursor *int64    `json:"proof_cursor,omitempty"`
	// Judged is what a comparison came to.
	Judged *judgement `json:"judged,omitempty"`
}

type blockEvent struct {
	Number uint64                          `json:"number"`
	Claims map[string][]submission.Claimed `json:"claims,omitempty"`
}

type claimsEvent struct {
	Hotkey string               `json:"hotkey"`
	Seen   uint64               `json:"seen"`
	Claims []submission.Claimed `json:"claims"`
	Bound  []submission.Bound   `json:"bound,omitempty"`
}

func newState() *state {
	return &state{
		Claims: make(map[string][]submission.Claimed), Streak: make(map[string]int64),
		Judgements: make(map[string][]judgement), index: make(map[caseKey]*caseState),
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
			s.bind(newCase(c.Hotkey, b, c.Seen))
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
	s.applyWeights(e)
	s.applyReveals(e)
	for _, r := range e.Published {
		if c := s.index[r]; c != nil {
			c.Published = true
		}
	}
	if e.ProofCursor != nil {
		s.ProofCursor = *e.ProofCursor
	}
	if e.Judged != nil {
		s.judged(*e.Judged)
	}
}

// newCase returns the case of a task that a claim bound. One whose block nobody
// here knows is settled from the start: it is left out of the scores.
func newCase(hotkey string, b submission.Bound, seen uint64) *caseState {
	c := &caseState{Hotkey: hotkey, Bound: b, Seen: seen}
	if b.Uncertain {
		c.Settled = true
		c.Verdict = &eval.Verdict{
			Task: b.Line.Task, Generation: b.Line.Generation, Hotkey: hotkey, Manifest: b.Line.Manifest,
			Outcome: eval.Undecided, Fault: eval.FaultOwn,
			Reason: "claimed before this validator followed the chain, so nobody here knows when",
		}
	}
	return c
}

// bind adds a case; the first line for a (task, generation) of a hotkey binds,
// later ones are void.
func (s *state) bind(c *caseState) {
	if s.index[c.key()] == nil {
		s.Cases = append(s.Cases, c)
		s.index[c.key()] = c
	}
}

// hotkeyOf returns the key of an address in the state, which came from a key.
func hotkeyOf(address string) (chain.PublicKey, error) {
	key, err := wallet.ParseAddress(address)
	if err != nil {
		return key, fmt.Errorf("validator state: hotkey %.64q: %w", address, err)
	}
	return key, nil
}
