package contract

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
)

// States of a task. A task is in exactly one of them.
const (
	TaskAvailable   = "available"
	TaskLeased      = "leased"
	TaskSubmitted   = "submitted"
	TaskAccepted    = "accepted"
	TaskRejected    = "rejected"
	TaskQuarantined = "quarantined"
)

// TaskStates are all states of a task, in the order tasks pass through them.
var TaskStates = [...]string{TaskAvailable, TaskLeased, TaskSubmitted, TaskAccepted, TaskRejected, TaskQuarantined}

// States of a lease.
const (
	LeaseLive      = "live"
	LeaseReleased  = "released"
	LeaseExpired   = "expired"
	LeaseSubmitted = "submitted"
)

// RecipeActivation is a recipe that leases are granted for from a block on.
type RecipeActivation struct {
	RecipeRef
	FromBlock uint64 `json:"from_block"`
}

// Statement is a score request as its validator signed it, so that anybody can
// check what is published in its name: the signature is over the body, UUID,
// timestamp and receiver (Epistula v2).
type Statement struct {
	// SHA256 is the StatementID of validator and body.
	SHA256    string          `json:"sha256"`
	Validator string          `json:"validator"`
	SignedFor string          `json:"signed_for"`
	UUID      string          `json:"uuid"`
	Timestamp int64           `json:"timestamp"`
	Signature string          `json:"signature"`
	Body      json.RawMessage `json:"body"`
}

// StatementID names what a validator says in a body of canonical JSON: the
// SHA-256 of `<validator>.<SHA-256 of the body>`, both hashes in hex digits. Two
// validators who say the same make two statements; one that says the same again,
// under another UUID, has made it already.
func StatementID(validator string, body []byte) string {
	said := sha256.Sum256(body)
	sum := sha256.Sum256([]byte(validator + "." + hex.EncodeToString(said[:])))
	return hex.EncodeToString(sum[:])
}

// LeaseStatus answers what changes or confirms a lease.
type LeaseStatus struct {
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	// State is one of the Lease constants.
	State         string `json:"state"`
	DeadlineBlock uint64 `json:"deadline_block"`
	// Block is the finalised block the server answered at.
	Block uint64 `json:"block"`
}

// ServerInfo says who serves what, at which terms.
type ServerInfo struct {
	// Server is the address that receipts are signed with now and requests are
	// signed for.
	Server string `json:"server"`
	// Keys are those that receipts are, were and will be signed with.
	Keys   []ServerKey `json:"keys"`
	Netuid uint16      `json:"netuid"`
	// Slots and ColdkeySlots are the most leases that a hotkey, and all hotkeys of
	// a coldkey, hold at a time.
	Slots        int `json:"slots"`
	ColdkeySlots int `json:"coldkey_slots"`
	// DeadlineBlocks is how long a lease lasts, ConfirmBlocks how long after it a
	// result may wait for verdicts.
	DeadlineBlocks uint64 `json:"deadline_blocks"`
	ConfirmBlocks  uint64 `json:"confirm_blocks"`
	// MaxAttempts is how many leases of a task may lead to nothing before it is
	// quarantined.
	MaxAttempts int `json:"max_attempts"`
	// MinClient is the lowest version of a client that is served; 0 for any.
	MinClient int                `json:"min_client"`
	Recipes   []RecipeActivation `json:"recipes"`
}

// ServerKey is a key of a task server from a block on, until the next one's.
type ServerKey struct {
	Address   string `json:"address"`
	FromBlock uint64 `json:"from_block"`
}

// TaskView is a task as everybody may see it. Who holds an open lease is not
// told, though as the draw can be repeated by everybody, whoever watches in each
// block which tasks become leased can guess it.
type TaskView struct {
	Task            string      `json:"task"`
	Crawl           string      `json:"crawl"`
	CatalogueSHA256 string      `json:"catalogue_sha256"`
	Files           []InputFile `json:"files"`
	State           string      `json:"state"`
	// Ready says that the sizes of all files are known, so that the task can be
	// leased when it is available, unless its crawl is retired.
	Ready bool `json:"ready"`
	// Generation is that of the newest lease; 0 without one.
	Generation int64 `json:"generation"`
	// DeadlineBlock is that of the newest lease; 0 without one, and while it is
	// open: with the block of the lease everybody could repeat the draw, and so
	// learn who holds it.
	DeadlineBlock uint64 `json:"deadline_block"`
	// Attempts counts leases that led to nothing; Evidence says why the task is
	// quarantined, if it is.
	Attempts    int              `json:"attempts"`
	Evidence    string           `json:"evidence,omitempty"`
	Submissions []SubmissionView `json:"submissions,omitempty"`
	Verdicts    []VerdictView    `json:"verdicts,omitempty"`
}

// TaskList is a page of tasks in id order, without their submissions.
type TaskList struct {
	Tasks []TaskView `json:"tasks"`
	// Next is what to pass as after for the next page; "" on the last.
	Next string `json:"next"`
}

// SubmissionView is a submission as the task server learnt of it.
type SubmissionView struct {
	Seq        int64  `json:"seq"`
	Task       string `json:"task"`
	Generation int64  `json:"generation"`
	Hotkey     string `json:"hotkey"`
	Claim      string `json:"claim"`
	Manifest   string `json:"manifest"`
	Block      uint64 `json:"block"`
	// Bytes are the compressed bytes of the task's files.
	Bytes int64 `json:"bytes"`
}

// SubmissionList is a page of submissions in the order they arrived.
type SubmissionList struct {
	Submissions []SubmissionView `json:"submissions"`
	// Next is what to pass as since for what comes after this page.
	Next int64 `json:"next"`
}

// VerdictView is a published verdict.
type VerdictView struct {
	Seq int64 `json:"seq"`
	Verdict
	Validator    string `json:"validator"`
	WeightsBlock uint64 `json:"weights_block"`
	// Statement is the SHA256 of the Statement it came with.
	Statement string `json:"statement"`
}

// ProofView is a fraud proof as it was sent; nobody has confirmed it.
type ProofView struct {
	Seq    int64  `json:"seq"`
	Sender string `json:"sender"`
	// SHA256 is the hash of the proof's canonical JSON.
	SHA256 string          `json:"sha256"`
	Proof  json.RawMessage `json:"proof"`
}

// ProofList is a page of proofs in the order they arrived.
type ProofList struct {
	Proofs []ProofView `json:"proofs"`
	// Next is what to pass as since for what comes after this page.
	Next int64 `json:"next"`
}

// Standing is one line of the leaderboard: facts, not weights.
type Standing struct {
	Hotkey    string `json:"hotkey"`
	Submitted int64  `json:"submitted"`
	// Bytes is the work submitted.
	Bytes int64 `json:"bytes"`
	// Accepted, Rejected and Undecided count the newest published verdict of
	// each validator on each submission.
	Accepted  int64  `json:"accepted"`
	Rejected  int64  `json:"rejected"`
	Undecided int64  `json:"undecided"`
	LastBlock uint64 `json:"last_block"`
}

// Leaderboard is what GET /v1/leaderboard returns, most accepted first.
type Leaderboard struct {
	Standings []Standing `json:"standings"`
}

// RecipeList is what GET /v1/recipes returns.
type RecipeList struct {
	Recipes []RecipeActivation `json:"recipes"`
}
