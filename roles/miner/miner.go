// Package miner turns leases into claims: it leases a task, refines it,
// publishes the result on the hub, claims it on the chain and tells the task
// server.
//
// Every step is journaled before the next one starts, so a miner that is killed
// at any moment goes on where it was: finished WARC files are not refined
// again, and a task is published and claimed once. What cannot be journaled
// together with its effect is looked for before it is repeated: a commit at the
// head of the repository, a claim in the state of the chain.
package miner

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strconv"
	"time"

	"github.com/rs/zerolog"

	"finest/chain"
	"finest/eval/audit"
	"finest/hub"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/roles/refiner"
	"finest/roles/taskserver/client"
)

// Tasks is what a miner needs of a task server; a *client.Client is one, and
// errors are those of that package. Repeating a request is safe.
type Tasks interface {
	Lease(ctx context.Context, slot int, recipe string) (contract.Receipt, error)
	Renew(ctx context.Context, task string, generation int64) error
	Release(ctx context.Context, r contract.ReleaseRequest) error
	Submit(ctx context.Context, r contract.SubmitRequest) error
}

// Refiner does the work of a receipt: it writes shards and ledger under outDir
// and returns the unsigned manifest. It is called again after an interruption,
// with the same outDir, and must then go on rather than start over, with the
// same result. It may keep what it needs for that in WorkDir(outDir). It must
// return soon after ctx ends.
//
// It may tell finished, which can be nil and returns at once, of each file that
// stands under outDir and will not change any more.
type Refiner func(ctx context.Context, receipt contract.Receipt, outDir string, finished func(contract.OutputFile)) (*refiner.Report, error)

// WorkDir returns where a Refiner may keep files until the lease is over.
func WorkDir(outDir string) string { return filepath.Join(filepath.Dir(outDir), "work") }

// Clock tells and waits for the time.
type Clock interface {
	Now() time.Time
	After(d time.Duration) <-chan time.Time
}

type systemClock struct{}

func (systemClock) Now() time.Time                         { return time.Now() }
func (systemClock) After(d time.Duration) <-chan time.Time { return time.After(d) }

// Defaults of Options.
const (
	// DefaultPatience is how long one step goes on while a service is away.
	DefaultPatience = 10 * time.Minute
	// DefaultHeartbeat is the time between two signs of life for a lease.
	DefaultHeartbeat = time.Minute
	// DefaultPause is how long Run waits when there is no task, and at first
	// after a failure.
	DefaultPause = time.Minute
)

// Options are what a miner works with. Those below the blank line may be left
// out.
type Options struct {
	Chain  chain.Client
	Hub    hub.Hub
	Tasks  Tasks
	Signer chain.Signer
	Refine Refiner
	Netuid uint16
	// Repo is the dataset repository, owner/name; it serves this hotkey alone.
	Repo string
	// Recipe is the recipe to refine with, as this binary knows it.
	Recipe contract.RecipeRef
	// DataDir holds the state of this hotkey on this subnet. Miners of several
	// slots share it.
	DataDir string

	// Slot is the slot to lease for, from 1 (the default).
	Slot int
	// ServerKeys are the task-server keys whose receipts are good; without any
	// it is the subnet owner's hotkey at the receipt's block.
	ServerKeys []audit.ServerKey
	Log        zerolog.Logger
	Clock      Clock
	// Rand returns numbers in [0, 1) that spread retries.
	Rand func() float64
	// FreeBytes returns how many bytes can be written below dir.
	FreeBytes func(dir string) (int64, error)
	Patience  time.Duration
	Heartbeat time.Duration
	Pause     time.Duration
	Metrics   *Metrics
}

// Miner works for one slot of one hotkey.
type Miner struct {
	Options
	lock *durable.Lock
	// openJournal is durable.OpenJournal.
	openJournal func(path string) (appender, [][]byte, error)
}

// New returns a miner that holds its slot's folder until Close. The error wraps
// durable.ErrLocked if another one holds it.
func New(o Options) (*Miner, error) {
	o.Slot = cmp.Or(o.Slot, 1)
	if err := contract.ValidateRepo(o.Repo); err != nil {
		return nil, err
	}
	if o.Slot < 0 || o.Slot > contract.MaxSlot {
		return nil, fmt.Errorf("slot %d is not 1 to %d", o.Slot, contract.MaxSlot)
	}
	if o.Clock == nil {
		o.Clock = systemClock{}
	}
	if o.Rand == nil {
		o.Rand = rand.Float64
	}
	if o.FreeBytes == nil {
		o.FreeBytes = freeBytes
	}
	o.Patience = cmp.Or(o.Patience, DefaultPatience)
	o.Heartbeat = cmp.Or(o.Heartbeat, DefaultHeartbeat)
	o.Pause = cmp.Or(o.Pause, DefaultPause)
	if o.Metrics == nil {
		o.Metrics = NewMetrics(nil)
	}
	m := &Miner{Options: o, openJournal: openJournal}
	lock, err := durable.TryLock(filepath.Join(m.slotDir(), "lock"))
	if err != nil {
		return nil, err
	}
	m.lock = lock
	return m, nil
}

// Close lets go of the slot's folder.
func (m *Miner) Close() error { return m.lock.Unlock() }

func (m *Miner) slotDir() string { return filepath.Join(m.DataDir, "slot-"+strconv.Itoa(m.Slot)) }

// Status says how a unit of work ended.
type Status string

// The statuses of an Outcome.
const (
	// Submitted: the task is claimed on chain. Outcome.Reason says so if the
	// task server would not hear of it.
	Submitted Status = "submitted"
	// NoTask: none is available now, or none for this hotkey, for
	// Outcome.Reason.
	NoTask Status = "no_task"
	// Abandoned: the lease was given up, for Outcome.Reason.
	Abandoned Status = "abandoned"
)

// Outcome is what one unit of work led to.
type Outcome struct {
	Status     Status `json:"status"`
	Task       string `json:"task,omitempty"`
	Generation int64  `json:"generation,omitempty"`
	// Claim is the publication, owner/repo@commit; Manifest the SHA-256 of the
	// task's manifest; Block that of the claim.
	Claim    string `json:"claim,omitempty"`
	Manifest string `json:"manifest,omitempty"`
	Block    uint64 `json:"block,omitempty"`
	Reason   string `json:"reason,omitempty"`
	// RetryAfter is when to ask again for a task, if the server said so.
	RetryAfter time.Duration `json:"-"`
}

// Errors that the operator must look at. Run ends with all but ErrReceipt,
// which the task server may put right by itself.
var (
	// ErrRepoInUse: the repository holds the claim log of another hotkey.
	ErrRepoInUse = errors.New("the repository serves another hotkey")
	// ErrHotkeyInUse: the claim on chain does not continue this miner's log.
	ErrHotkeyInUse = errors.New("another program claims with this hotkey")
	// ErrLogLost: the log of the last claim cannot be read any more, and a claim
	// whose log does not continue it would be void.
	ErrLogLost = errors.New("the log of the last claim is lost")
	// ErrReceipt: the task server issued a receipt that no validator accepts, or
	// that this miner cannot work on.
	ErrReceipt = errors.New("receipt is no good")
	// ErrOutdated: the task server serves only newer versions of this program.
	// A lease under way stays as it is for one of those to go on with.
	ErrOutdated = errors.New("this version is outdated")
)

// Run does one unit of work after the other until ctx ends, and then returns
// its error. Failures are logged and tried again, ever more rarely; only what
// the operator must clear ends it.
func (m *Miner) Run(ctx context.Context) error {
	const (
		maxDoublings = 5
		maxPark      = time.Hour      // the longest of the Hub's windows for quotas
		maxWait      = 24 * time.Hour // as long as a lease lasts, the longest a task server asks for
	)
	failures := 0
	for {
		out, err := m.Once(ctx)
		pause := m.Pause
		switch {
		case ctx.Err() != nil:
			return ctx.Err()
		case needsOperator(err):
			return err
		case err != nil:
			pause = max(pause<<min(failures, maxDoublings), min(hub.RetryAfter(err), maxPark), min(client.RetryAfter(err), maxWait))
			failures++
			m.Log.Error().Err(err).Stringer("retry_in", pause.Round(time.Millisecond)).Msg("work interrupted")
		case out.Status == NoTask:
			failures = 0
			pause = max(pause, min(out.RetryAfter, maxWait))
			m.Log.Debug().Stringer("retry_in", pause.Round(time.Millisecond)).Msg("no task is available")
		case out.Status == Submitted:
			failures = 0
			continue
		}
		if err := m.sleep(ctx, pause); err != nil {
			return err
		}
	}
}

func needsOperator(err error) bool {
	for _, target := range []error{ErrRepoInUse, ErrHotkeyInUse, ErrLogLost, ErrOutdated} {
		if errors.Is(err, target) {
			return true
		}
	}
	return false
}
