// Package books is the audit log of a task server: a chain of entries, each of
// which names the hash of the one before, and the rules by which tasks move
// from state to state. Whoever has the entries can prove without the server
// that no task was lost and none was issued twice.
package books

import "encoding/json"

// Operations of entries.
const (
	OpImport  = "import"  // tasks of a crawl were added
	OpSurvey  = "survey"  // the files of a task are known
	OpLease   = "lease"   // a task was leased
	OpRenew   = "renew"   // its holder gave a sign of life
	OpRelease = "release" // and gave it back
	OpExpire  = "expire"  // a lease passed its deadline
	OpSubmit  = "submit"  // a lease has a result
	OpVerdict = "verdict" // a validator published a verdict
	OpJudge   = "judge"   // verdicts changed the state of a task
	OpReissue = "reissue" // a task without a good result is available again
	OpExcuse  = "excuse"  // a release is excused, or not
	OpProof   = "proof"   // a fraud proof was shared
	OpRequeue = "requeue" // the operator made a task available again
	OpBan     = "ban"     // and keeps a holder from leasing
	OpClear   = "clear"   // and takes ban and strikes back
	OpRetire  = "retire"  // and ends a crawl
)

// Entry is one change.
type Entry struct {
	// Seq counts from 1.
	Seq int64  `json:"seq"`
	Op  string `json:"op"`
	// Block is the finalised block at which it happened.
	Block uint64 `json:"block"`
	// Actor is the hotkey that caused it, "server" or "operator".
	Actor string `json:"actor"`
	// Task and Generation name a task and its newest lease, From and To its state
	// before and after; empty where the entry is not of one task.
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	From       string `json:"from"`
	To         string `json:"to"`
	// Detail is a JSON object with what else belongs to the operation.
	Detail json.RawMessage `json:"detail"`
	// Previous is the Hash of the entry before, 64 zeros in the first; Hash is
	// the SHA-256 of the entry's canonical JSON without it.
	Previous string `json:"previous"`
	Hash     string `json:"hash,omitempty"`
}
