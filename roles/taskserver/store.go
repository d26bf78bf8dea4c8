package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"time"

	"finest/internal/contract"
)

// Errors of a Store that callers tell apart with errors.Is.
var (
	// ErrNotFound: there is no such thing, or nothing is available.
	ErrNotFound = errors.New("not found")
	// ErrConflict: what was read before has changed since, or the name is taken
	// by something else.
	ErrConflict = errors.New("conflict")
	// ErrNotHolder: the lease is another hotkey's.
	ErrNotHolder = errors.New("lease is held by another hotkey")
	// ErrFenced: the lease is over.
	ErrFenced = errors.New("lease is over")
	// ErrSubmitted: the lease has another result already.
	ErrSubmitted = errors.New("lease has another result already")
	// ErrReplayed: the UUID was used before.
	ErrReplayed = errors.New("request was used before")
)

// Store keeps everything a task server must not forget. Implementations pass
// storetest.Suite.
//
// Every method is atomic and durable: once it returned nil its effect survives
// a crash, and when it returned an error it had none. All are safe for
// concurrent use and honour ctx. Blocks are finalised blocks of the chain; a
// Store knows no clock.
//
// A task is in exactly one of the states available, leased and submitted; it is
// leased exactly while one of its leases, the one of the highest generation, is
// live; a slot of a hotkey holds at most one live lease.
type Store interface {
	CatalogueStore
	LeaseStore
	RecordStore
	// UseUUID notes that signer used uuid, or fails with ErrReplayed if it did
	// before. It may forget those whose keep-until time lies before now.
	UseUUID(ctx context.Context, signer, uuid string, until, now time.Time) error
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
	Close() error
}

// CatalogueStore holds the tasks of crawls.
type CatalogueStore interface {
	// AddCrawl adds a crawl with all its tasks and returns how many were added:
	// none if the same crawl is there already. Another catalogue or another
	// division under its name is ErrConflict.
	AddCrawl(ctx context.Context, c Crawl, tasks []NewTask) (added int, err error)
	// Task returns one task, or ErrNotFound.
	Task(ctx context.Context, id string) (Task, error)
	// Tasks returns up to limit tasks in id order, from the first after the id
	// after; crawl and state choose some of them unless empty.
	Tasks(ctx context.Context, crawl, state, after string, limit int) ([]Task, error)
	// TaskCounts counts tasks by state.
	TaskCounts(ctx context.Context) (map[string]int64, error)
}

// LeaseStore moves tasks between their states.
type LeaseStore interface {
	// Expire ends the live leases whose deadline lies before block and makes
	// their tasks available.
	Expire(ctx context.Context, block uint64) (ended int, err error)
	// Held returns the live lease of a slot, or ErrNotFound.
	Held(ctx context.Context, hotkey string, slot int) (Lease, error)
	// Draw returns the available task with the lowest Point at or above point,
	// else that with the lowest of all, or ErrNotFound.
	Draw(ctx context.Context, point int64) (Task, error)
	// Grant makes the lease live. It fails with ErrConflict unless its task is
	// available, its generation the one after the task's, and its slot free.
	Grant(ctx context.Context, l Lease) error
	// Renew notes a sign of life at block. Only a live lease has one, all others
	// are ErrFenced.
	Renew(ctx context.Context, key LeaseKey, block uint64) (LeaseState, error)
	// Release ends a live lease and makes its task available; for one that was
	// released before it changes nothing, all others are ErrFenced.
	Release(ctx context.Context, key LeaseKey, reason string, block uint64) (LeaseState, error)
	// Submit ends a lease that is live, or has expired without its task being
	// issued again, and makes its task submitted. Repeated with the same
	// manifest it changes nothing, with another it is ErrSubmitted; other leases
	// are ErrFenced.
	Submit(ctx context.Context, key LeaseKey, s Result) (LeaseState, error)
	// Lease returns the state of a lease, or ErrNotFound. It, Renew, Release and
	// Submit fail with ErrNotHolder if the lease is another hotkey's.
	Lease(ctx context.Context, key LeaseKey) (LeaseState, error)
}

// RecordStore keeps what was submitted and what validators publish.
type RecordStore interface {
	// Submissions returns up to limit submissions after sequence number since,
	// in order; task chooses those of one task unless empty.
	Submissions(ctx context.Context, task string, since int64, limit int) ([]contract.SubmissionView, error)
	// AddVerdicts adds to the history of verdicts; one that is there already is
	// not added again. A verdict on a lease that was never granted is passed
	// over: a claim may name any task, and what is said of it must not keep the
	// other verdicts from being heard.
	AddVerdicts(ctx context.Context, validator string, weightsBlock uint64, verdicts []contract.Verdict) error
	// Verdicts returns those on one task whose weights were set up to block,
	// oldest first.
	Verdicts(ctx context.Context, task string, block uint64) ([]contract.VerdictView, error)
	// Standings sums up submissions and the verdicts whose weights were set up
	// to block: most accepted first, then most bytes, then by hotkey.
	Standings(ctx context.Context, block uint64) ([]contract.Standing, error)
	// AddProof keeps a proof; one with the same hash is kept once.
	AddProof(ctx context.Context, sender, sha256 string, proof json.RawMessage) error
	// Proofs returns proofs after sequence number since, in order, up to limit
	// of them and, after the first, maxBytes together.
	Proofs(ctx context.Context, since int64, limit, maxBytes int) ([]contract.ProofView, error)
}

// Crawl is a catalogue divided into tasks.
type Crawl struct {
	Name string
	// CatalogueSHA256 is the hash of its list of paths.
	CatalogueSHA256 string
	FilesPerTask    int
}

// NewTask is a task to be added.
type NewTask struct {
	ID    string
	Files []contract.InputFile
	// Point is the task's place on the ring of draws, 0 ≤ Point < 2⁶³.
	Point int64
}

// Task is a task with its state.
type Task struct {
	ID              string
	Crawl           string
	CatalogueSHA256 string
	Files           []contract.InputFile
	// State is one of the contract.Task constants.
	State string
	// Generation and DeadlineBlock are those of the newest lease; 0 without one.
	Generation    int64
	DeadlineBlock uint64
}

// Lease is a lease as it is granted.
type Lease struct {
	Receipt contract.Receipt
	Slot    int
}

// LeaseKey names a lease and who claims to hold it.
type LeaseKey struct {
	Task       string
	Generation int64
	Hotkey     string
}

// LeaseState is how a lease stands.
type LeaseState struct {
	LeaseKey
	Slot int
	// State is one of the contract.Lease constants.
	State                string
	Block, DeadlineBlock uint64
}

// Result is what a lease led to.
type Result struct {
	// Claim is owner/repo@commit, Manifest the SHA-256 of the manifest, Block
	// that of the claim.
	Claim, Manifest string
	Block           uint64
}
