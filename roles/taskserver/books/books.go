package books

import (
	"errors"
	"fmt"
	"hash/maphash"
	"math"

	"finest/internal/contract"
)

// MaxStrikes is the most strikes a holder can have.
const MaxStrikes = 8

// Limits of what entries may say.
const (
	maxTasks    = 1_000_000 // ids have six digits
	maxAttempts = math.MaxUint16
	pageTasks   = 1 << 10
)

// ErrIllegal is wrapped by every refusal of an entry whose change breaks the
// rules, though the chain is whole.
var ErrIllegal = errors.New("illegal change")

func illegal(format string, args ...any) error {
	return fmt.Errorf("%w: "+format, append([]any{ErrIllegal}, args...)...)
}

// Books replays entries: it holds what the tables must hold after them, in some
// 60 bytes a task, 80 a lease, 32 a result, and 24 a verdict that counts. Texts
// are kept as 64-bit hashes of a seed that nobody else knows, so nobody can choose
// other texts that fit.
type Books struct {
	head     Entry
	seed     maphash.Seed
	crawls   map[string]*crawl
	hotkeys  registry
	coldkeys registry
	live     map[slotKey]struct{}
	// validators numbers those who said something.
	validators map[string]uint32
	// forgotten are the files of tasks that forgot the sizes they were imported
	// with.
	forgotten map[string][]contract.InputFile
	// Leases, submissions, verdicts and proofs that entries added.
	leases, submissions, verdicts, proofs int64
}

// New returns books without entries.
func New() *Books {
	return &Books{seed: maphash.MakeSeed(), crawls: make(map[string]*crawl), live: make(map[slotKey]struct{}),
		validators: make(map[string]uint32),
		forgotten:  make(map[string][]contract.InputFile), hotkeys: newRegistry(), coldkeys: newRegistry()}
}

// Head returns the newest entry; the zero Entry without one.
func (b *Books) Head() Entry { return b.head }

// Apply adds the entry after the newest. It fails, and changes nothing, if the
// chain is broken or if the entry's change is not a legal one: then the error
// wraps ErrIllegal.
func (b *Books) Apply(e Entry) error {
	if err := e.Follows(b.head); err != nil {
		return err
	}
	if err := b.replay(e); err != nil {
		return fmt.Errorf("entry %d (%.20s): %w", e.Seq, e.Op, err)
	}
	b.head = e
	return nil
}

// Count is a number of tasks of a crawl in a state.
type Count struct {
	Crawl string `json:"crawl"`
	State string `json:"state"`
	Tasks int64  `json:"tasks"`
}

// Counts returns how many tasks are in each state: crawls by name, states in the
// order of contract.TaskStates, none that has no tasks.
func (b *Books) Counts() []Count {
	var all []Count
	for _, name := range sortedKeys(b.crawls) {
		for state, n := range b.crawls[name].counts {
			if n > 0 {
				all = append(all, Count{name, contract.TaskStates[state], n})
			}
		}
	}
	return all
}

// crawl is a crawl with its tasks, in pages so that memory follows use.
type crawl struct {
	Import
	retired bool
	pages   [][]task
	counts  [len(contract.TaskStates)]int64
}

// task is what is known of a task. Its generation is the number of its leases.
type task struct {
	state    stateIndex
	surveyed bool
	attempts uint16
	due      uint64
	evidence uint64 // hash
	files    uint64 // hash, once surveyed
	leases   []lease
}

// lease is what is known of a lease.
type lease struct {
	block, deadline uint64
	renewed, ended  uint64
	receipt         uint64 // hash
	texts           uint64 // hash of reason and missing file
	hotkey, coldkey uint32
	slot            uint16
	state           uint8
	excused         uint8
	result          *result
	// What the lease counts among the strikes of its holders.
	hotkeyStrikes, coldkeyStrikes int8
}

// slotKey names a slot of a hotkey.
type slotKey struct {
	hotkey uint32
	slot   uint16
}

func (t *task) newest() *lease { return &t.leases[len(t.leases)-1] }

func (b *Books) hash(parts ...string) uint64 {
	var h maphash.Hash
	h.SetSeed(b.seed)
	for _, p := range parts {
		_, _ = fmt.Fprintf(&h, "%d:", len(p)) // a hash never fails
		_, _ = h.WriteString(p)
	}
	return h.Sum64()
}

// find returns the task of an id.
func (b *Books) find(id string) (*crawl, *task, error) {
	name, number, ok := parseTaskID(id)
	c := b.crawls[name]
	if !ok || c == nil || number >= c.Tasks {
		return nil, nil, illegal("task %.80q was never imported", id)
	}
	page := &c.pages[number/pageTasks]
	if *page == nil {
		*page = make([]task, pageTasks)
	}
	return c, &(*page)[number%pageTasks], nil
}

func (c *crawl) move(t *task, to stateIndex) {
	c.counts[t.state]--
	c.counts[to]++
	t.state = to
}

// Imported returns how many tasks were imported: the sum of all Counts.
func (b *Books) Imported() (tasks int64) {
	for _, c := range b.crawls {
		tasks += int64(c.Tasks)
	}
	return tasks
}
