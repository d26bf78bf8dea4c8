package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"time"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Store keeps the tables of a task server. It knows no rules: those are the
// Engine's. Implementations pass storetest.Suite.
//
// Changes are made one after another, across all processes that share a store,
// so that a change may decide by what it reads. Several may become durable
// together. All methods are safe for concurrent use and honour ctx.
type Store interface {
	// Change makes one change. When it returns nil everything f wrote is durable;
	// when it returns an error nothing of it is there. f may run more than once,
	// so it must have no effect but through Tx, and it must not keep Tx.
	Change(ctx context.Context, f func(Tx) error) error
	// View shows one state of all tables.
	View(ctx context.Context, f func(View) error) error
	// Backup writes a consistent copy of the store as a new SQLite file, while
	// changes go on.
	Backup(ctx context.Context, path string) error
	// Ping reports whether the store answers.
	Ping(ctx context.Context) error
	Close() error
}

// View reads the tables. What is not there is ErrNotFound. Pages have up to
// limit rows.
type View interface {
	// Crawls returns all crawls by name.
	Crawls() ([]Crawl, error)
	Crawl(name string) (Crawl, error)

	Task(id string) (Task, error)
	// Tasks returns tasks in id order, from the first after the id after; crawl
	// and state choose some of them unless empty.
	Tasks(crawl, state, after string, limit int) ([]Task, error)
	// TaskCounts counts all tasks.
	TaskCounts() ([]TaskCount, error)
	// Draw returns the task that is available and ready, of a crawl that is not
	// retired, with the lowest Point at or above point, else that with the lowest
	// of all.
	Draw(point int64) (Task, error)
	// Unready returns tasks that are available and not ready, of crawls that are
	// not retired, by Point from the first at or above point.
	Unready(point int64, limit int) ([]Task, error)
	// Due returns which tasks have 0 < DueBlock < block, lowest DueBlock first, then
	// by id, from the first after the one after. It reads no more of them, so that
	// one that cannot be read hides no other.
	Due(block uint64, after Due, limit int) ([]Due, error)

	Lease(task string, generation int64) (Lease, error)
	// Leases returns those of a task, oldest first.
	Leases(task string) ([]Lease, error)
	// SlotLease returns the live lease of a slot.
	SlotLease(hotkey string, slot int) (Lease, error)
	// LiveLeases counts the live leases of a hotkey, and of a coldkey.
	LiveLeases(hotkey, coldkey string) (hot, cold int, err error)
	// Excuses returns released leases whose excuse is not decided, oldest
	// release first.
	Excuses(limit int) ([]Lease, error)

	// Record returns that of a holder; one that is not known has the zero Record.
	Record(h Holder) (Record, error)
	// Bans returns the records with a ban.
	Bans() ([]Record, error)
	// Records returns those of a kind of holder that there are, by address from
	// the first after the address after.
	Records(kind, after string, limit int) ([]Record, error)

	// Submission returns the result of a lease.
	Submission(task string, generation int64) (contract.SubmissionView, error)
	// Submissions returns those after sequence number since, in order; task
	// chooses those of one task unless empty.
	Submissions(task string, since int64, limit int) ([]contract.SubmissionView, error)

	// Verdicts returns verdicts after sequence number since, in order; task and
	// hotkey choose some of them unless empty.
	Verdicts(task, hotkey string, since int64, limit int) ([]Verdict, error)
	// NewestVerdicts returns the newest verdict of each validator on a lease.
	NewestVerdicts(task string, generation int64) ([]Verdict, error)
	// Standings sums up by hotkey: most accepted first, then most bytes, then by
	// hotkey.
	Standings() ([]contract.Standing, error)
	// VerdictKeys returns by which Verdict.Key each verdict after sequence number
	// since would be known again, in order.
	VerdictKeys(since int64, limit int) ([]string, error)
	// Statement returns the statement with this contract.StatementID.
	Statement(sha256 string) (contract.Statement, error)
	// Statements returns statements by SHA256 from the first after the hash after,
	// up to limit of them and, after the first, maxBytes of bodies together.
	Statements(after string, limit, maxBytes int) ([]contract.Statement, error)

	// Proofs returns proofs after sequence number since, in order, up to limit of
	// them and, after the first, maxBytes together.
	Proofs(since int64, limit, maxBytes int) ([]contract.ProofView, error)

	// AuditHead returns the newest entry; the zero Entry without one.
	AuditHead() (books.Entry, error)
	// Audit returns entries after sequence number since, in order.
	Audit(since int64, limit int) ([]books.Entry, error)

	// Setting returns a named text; "" if there is none.
	Setting(name string) (string, error)
}

// Tx reads and writes the tables. Put replaces a row by its key or adds it.
type Tx interface {
	View
	PutCrawl(Crawl) error
	// AddTasks adds tasks of a crawl that is there; an id that is there is
	// ErrConflict.
	AddTasks([]Task) error
	// PutTask replaces a task, all but its Crawl and Point; one that is not there
	// is ErrNotFound.
	PutTask(Task) error
	// PutLease keeps a lease of a task that is there. A second live lease of a
	// slot, or of a task, is ErrConflict.
	PutLease(Lease) error
	PutRecord(Record) error
	// AddSubmission adds one and gives it the next Seq; a second of a lease is
	// ErrConflict.
	AddSubmission(contract.SubmissionView) error
	// AddVerdict adds one, with the next Seq, unless one with the same Key is
	// there.
	AddVerdict(Verdict) (added bool, err error)
	// PutEarly keeps a verdict on a live lease, in place of what its validator
	// said of that lease before. No View shows or counts it, as it would tell who
	// holds the lease. TakeEarly returns those on a lease by validator and forgets
	// them.
	PutEarly(Verdict) error
	TakeEarly(task string, generation int64) ([]Verdict, error)
	// AddStatement and AddProof keep the first of each SHA256.
	AddStatement(contract.Statement) error
	AddProof(sender, sha256 string, proof json.RawMessage) (added bool, err error)
	// AddAudit adds the entry after the newest.
	AddAudit(books.Entry) error
	// UseUUID notes that signer used uuid, or fails with ErrReplayed if it did
	// before. ForgetUUIDs forgets those whose until lies before now, of very many
	// some now and the others with later changes.
	UseUUID(signer, uuid string, until time.Time) error
	ForgetUUIDs(now time.Time) error
	PutSetting(name, text string) error
}

// Crawl is a catalogue divided into tasks.
type Crawl struct {
	Name string
	// CatalogueSHA256 is the hash of its list of paths.
	CatalogueSHA256 string
	FilesPerTask    int
	Files, Tasks    int
	// Retired says that its tasks are leased no more.
	Retired bool
}

// Task is a task with its state.
type Task struct {
	ID    string
	Crawl string
	// CatalogueSHA256 is the crawl's; read only.
	CatalogueSHA256 string
	// Files have Bytes 0 until their sizes are known.
	Files []contract.InputFile
	// Point is the task's place on the ring of draws, 0 ≤ Point < 2⁶³.
	Point int64
	// State is one of the contract.Task constants.
	State string
	// Ready says that all sizes are known.
	Ready bool
	// Generation and DeadlineBlock are those of the newest lease; 0 without one.
	Generation    int64
	DeadlineBlock uint64
	// DueBlock is the block after which the state ends by itself; 0 if it does
	// not.
	DueBlock uint64
	// Attempts counts leases that led to nothing since the task was imported or
	// requeued.
	Attempts int
	// Evidence says for people why the task is quarantined.
	Evidence string
}

// Bytes returns the compressed bytes of all files.
func (t Task) Bytes() (n int64) {
	for _, f := range t.Files {
		n += f.Bytes
	}
	return n
}

// Due is a task whose state ends by itself after a block.
type Due struct {
	Block uint64
	Task  string
}

// TaskCount is a number of tasks of one crawl in one state.
type TaskCount struct {
	Crawl, State string
	Ready        bool
	Tasks        int64
}

// Lease is a lease from its receipt to its end.
type Lease struct {
	Receipt contract.Receipt
	Coldkey string
	Slot    int
	// State is one of the contract.Lease constants.
	State string
	// RenewedBlock is the last sign of life, EndedBlock when the lease ended; 0
	// without.
	RenewedBlock, EndedBlock uint64
	// Reason is why it ended, for people.
	Reason string
	// Excuse is the path of the file that could not be read, as the release says;
	// Excused one of the Excuse constants.
	Excuse, Excused string
	// HotkeyStrikes and ColdkeyStrikes are what the lease counts among the strikes
	// of its holders now: 1 if it led to nothing, −1 if its result was accepted,
	// less where that leaves the range of strikes.
	HotkeyStrikes, ColdkeyStrikes int
}

// What became of an excuse.
const (
	ExcuseNone      = ""
	ExcusePending   = "pending"
	ExcuseConfirmed = "confirmed"
	ExcuseRefuted   = "refuted"
)

// Kinds of holders.
const (
	HolderHotkey  = "hotkey"
	HolderColdkey = "coldkey"
)

// Holder is who has leases: a hotkey, or a coldkey with all its hotkeys.
type Holder struct {
	Kind    string
	Address string
}

// Record is what the server remembers of a holder.
type Record struct {
	Holder
	// Strikes counts leases that led to nothing, less accepted tasks; never
	// negative, at most MaxStrikes.
	Strikes int
	// StruckBlock is the block of the newest strike.
	StruckBlock uint64
	// Unjudged counts the results that wait for verdicts: tasks that are submitted
	// with this holder's lease. Accepted counts those that are accepted.
	Unjudged, Accepted int
	// Ban says for people why the holder gets no leases; "" if it does.
	Ban string
}

// Verdict is a published verdict as it is kept.
type Verdict struct {
	contract.VerdictView
	// Stake of the validator when it published, in rao.
	Stake uint64
}

// Key is the SHA-256 of all that a verdict says, which is all but its Seq and
// Stake.
func (v Verdict) Key() (string, error) {
	v.Seq = 0
	text, err := json.Marshal(v.VerdictView)
	if err != nil {
		return "", fmt.Errorf("key of a verdict on task %s: %w", v.Task, err)
	}
	return canon.Sum(text), nil
}
