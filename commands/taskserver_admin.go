package commands

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strconv"
	"strings"

	"github.com/urfave/cli/v2"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/client"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/sqlstore"
)

func checkSpec() spec {
	return spec{
		name: "check", summary: "prove a store by its audit log",
		about: `
Replays the audit log: that its chain of hashes is whole, that every change was
legal, and that the tables hold what follows from it, nothing more and nothing
less: every task in exactly one state, every lease, result and verdict. It needs
no server and no chain, and changes nothing.

--audit-head SEQ:HASH also checks that the log goes on from an entry that was
noted earlier, such as one that /v1/audit named or that is anchored on chain.`,
		example: "finest task-server check --db tasks.db",
		exits:   []int{ExitFailed, ExitUsage, ExitVerification, ExitSignal},
		flags: []cliFlag{
			dbFlag(),
			&cli.StringFlag{Name: "audit-head", Usage: "`SEQ:HASH` of an entry that must be in the log"},
		},
		run: runCheck,
	}
}

func backupSpec() spec {
	return spec{
		name: "backup", summary: "copy a store while its servers work",
		about: `
Writes one state of all tables as a new SQLite file, which a server can work on;
it appears whole or not at all and replaces nothing.`,
		example: "finest task-server backup --db tasks.db --out tasks-2026-11-28.db",
		exits:   []int{ExitFailed, ExitUsage, ExitSignal},
		flags:   []cliFlag{dbFlag(), &cli.StringFlag{Name: "out", Usage: "new `FILE` to write"}},
		run:     runBackup,
	}
}

func adminSpec() spec {
	coldkey := func() cliFlag {
		return &cli.BoolFlag{Name: "coldkey", Usage: "ADDRESS is a coldkey: all its hotkeys are meant", DisableDefaultText: true}
	}
	exits := []int{ExitFailed, ExitUsage, ExitSignal}
	return spec{
		name: "admin", summary: "requeue a task, ban or clear a holder, retire a crawl",
		about: "Changes a store as its operator, while servers work on it. Each change is in the audit log.",
		subspecs: []spec{
			{
				name: "requeue", args: "TASK", summary: "make a task available again",
				about: `
Makes a task available again, quarantined or not, and forgets its attempts. Its
files are looked at anew before it is leased, by a server or by import --survey,
as their sizes may have changed. A lease is never cut short: before its deadline
the task is refused, as is one whose result was accepted. With --netuid the chain
is asked for the newest final block; else it is that of the newest entry of the
audit log.`,
				example: "finest task-server admin requeue --db tasks.db CC-MAIN-2024-10-000017",
				exits:   exits, flags: join(chainFlags(), []cliFlag{dbFlag()}), run: runRequeue,
			},
			{
				name: "ban", args: "ADDRESS", summary: "give a hotkey or coldkey no more leases",
				about: `
Keeps a hotkey, or with --coldkey all hotkeys of a coldkey, from new leases. Those
it has go on. The reason is told to whoever is refused.`,
				example: "finest task-server admin ban --db tasks.db --reason 'leases and never works' ADDRESS",
				exits:   exits, run: runBan,
				flags: []cliFlag{dbFlag(), coldkey(), &cli.StringFlag{Name: "reason", Usage: "`SENTENCE` for people"}},
			},
			{
				name: "clear", args: "ADDRESS", summary: "take back the ban and the strikes of a holder",
				about:   "Takes back the ban and the strikes of a hotkey, or with --coldkey of a coldkey.",
				example: "finest task-server admin clear --db tasks.db ADDRESS",
				exits:   exits, flags: []cliFlag{dbFlag(), coldkey()}, run: runClear,
			},
			{
				name: "retire", args: "CRAWL", summary: "lease no more tasks of a crawl",
				about:   "Ends a crawl: its tasks are leased no more. Those that are leased go on.",
				example: "finest task-server admin retire --db tasks.db CC-MAIN-2024-10",
				exits:   exits, flags: []cliFlag{dbFlag()}, run: runRetire,
			},
		},
	}
}

// openStore opens a store that is there.
func openStore(c *invocation) (operator, error) {
	db, err := required(c.Context, "db")
	if err != nil {
		return operator{}, err
	}
	store, err := sqlstore.Open(c.Context.Context, db, sqlstore.Options{Existing: true})
	if errors.Is(err, fs.ErrNotExist) {
		err = withHint(err, "finest task-server import makes a store")
	}
	return operator{store: store}, err
}

// checkResult is what task-server check --json prints: one object.
type checkResult struct {
	OK bool `json:"ok"`
	books.Report
}

func runCheck(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	seq, hash, err := auditHead(c)
	if err != nil {
		return err
	}
	o, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = o.store.Close() }()
	report, err := engine.Check(c.Context.Context, o.store, client.VerifyStatement)
	if err != nil {
		return err
	}
	if seq > 0 {
		if err := o.holds(c.Context.Context, seq, hash, &report); err != nil {
			return err
		}
	}
	result := checkResult{report.OK(), report}
	if err := c.out.result(result, result.print); err != nil {
		return err
	}
	if !report.OK() {
		return withCode(ExitVerification, fmt.Errorf("the store does not hold: %s", plural(len(report.Faults)+report.More, "fault")))
	}
	return nil
}

// auditHead reads --audit-head.
func auditHead(c *invocation) (seq int64, hash string, err error) {
	text := c.String("audit-head")
	if text == "" {
		return 0, "", nil
	}
	number, hash, _ := strings.Cut(text, ":")
	seq, err = strconv.ParseInt(number, 10, 64)
	if sum, hexErr := hex.DecodeString(hash); err != nil || seq < 1 || hexErr != nil || len(sum) != sha256.Size {
		return 0, "", usageError("--audit-head %q is not SEQ:HASH", text)
	}
	return seq, strings.ToLower(hash), nil
}

// holds adds a fault to the report unless the log has this entry.
func (o operator) holds(ctx context.Context, seq int64, hash string, r *books.Report) error {
	return o.store.View(ctx, func(v engine.View) error {
		entries, err := v.Audit(seq-1, 1)
		if err != nil {
			return err
		}
		where := fmt.Sprintf("audit entry %d", seq)
		switch {
		case len(entries) == 0 || entries[0].Seq != seq:
			r.Faults = append(r.Faults, books.Fault{Where: where, What: "it was noted earlier and is not in the log"})
		case entries[0].Hash != hash:
			r.Faults = append(r.Faults, books.Fault{Where: where, What: "it has hash " + entries[0].Hash + ", but was noted with another"})
		}
		return nil
	})
}

func (r checkResult) print(w io.Writer) {
	for _, f := range r.Faults {
		fmt.Fprintln(w, f)
	}
	if r.More > 0 {
		fmt.Fprintf(w, "and %s more\n", plural(r.More, "fault"))
	}
	rows := [][]string{{"crawl", "state", "tasks"}}
	for _, n := range r.Counts {
		rows = append(rows, []string{n.Crawl, n.State, strconv.FormatInt(n.Tasks, 10)})
	}
	if len(rows) > 1 {
		printTable(w, []bool{false, false, true}, rows)
	}
	if r.OK {
		fmt.Fprintf(w, "all holds: %d entries, head %s; %d tasks, %d leases, %d results, %d verdicts\n",
			r.Entries, r.Head, r.Tasks, r.Leases, r.Submissions, r.Verdicts)
	}
}

// backupResult is what task-server backup --json prints: one object.
type backupResult struct {
	Out string `json:"out"`
	// Seq and Hash are those of the newest entry of the copied audit log.
	Seq  int64  `json:"seq"`
	Hash string `json:"hash"`
}

func runBackup(c *invocation) error {
	if err := noArguments(c.Context); err != nil {
		return err
	}
	out, err := required(c.Context, "out")
	if err != nil {
		return err
	}
	o, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = o.store.Close() }()
	if err := o.store.Backup(c.Context.Context, out); err != nil {
		return err
	}
	copied, err := sqlstore.Open(c.Context.Context, out, sqlstore.Options{Existing: true})
	if err != nil {
		return err
	}
	defer func() { _ = copied.Close() }()
	result := backupResult{Out: out}
	err = copied.View(c.Context.Context, func(v engine.View) error {
		head, err := v.AuditHead()
		result.Seq, result.Hash = head.Seq, head.Hash
		return err
	})
	if err != nil {
		return err
	}
	return c.out.result(result, func(w io.Writer) {
		fmt.Fprintf(w, "%s holds the store up to entry %d of its audit log, %s\n", out, result.Seq, result.Hash)
	})
}

// adminResult is what task-server admin --json prints: one object.
type adminResult struct {
	Op string `json:"op"`
	// What was changed: a task, an address of a kind (hotkey, coldkey), or a
	// crawl.
	Task    string `json:"task,omitempty"`
	Kind    string `json:"kind,omitempty"`
	Address string `json:"address,omitempty"`
	Crawl   string `json:"crawl,omitempty"`
	// From is the state of the task before.
	From string `json:"from,omitempty"`
	// Block is that which the change is noted at; Changed that there was one.
	Block   uint64 `json:"block"`
	Changed bool   `json:"changed"`
}

// change makes one change of a store and prints it.
func (o operator) change(c *invocation, r adminResult, text string, do func(*engine.Engine) error) error {
	ctx := c.Context.Context
	before, err := o.entries(ctx)
	if err != nil {
		return err
	}
	if err := do(engine.ForOperator(o.store)); err != nil {
		return err
	}
	after, err := o.entries(ctx)
	if err != nil {
		return err
	}
	r.Changed = after > before
	if !r.Changed {
		text = "nothing to change"
	}
	return c.out.result(r, func(w io.Writer) { fmt.Fprintln(w, text) })
}

// entries counts those of the audit log.
func (o operator) entries(ctx context.Context) (n int64, err error) {
	err = o.store.View(ctx, func(v engine.View) error {
		head, err := v.AuditHead()
		n = head.Seq
		return err
	})
	return n, err
}

func runRequeue(c *invocation) error {
	task, err := oneArgument(c.Context, "TASK")
	if err != nil {
		return err
	}
	o, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = o.store.Close() }()
	block, err := o.blockNow(c)
	if err != nil {
		return err
	}
	r := adminResult{Op: books.OpRequeue, Task: task, Block: block}
	err = o.store.View(c.Context.Context, func(v engine.View) error {
		t, err := v.Task(task)
		r.From = t.State
		return err
	})
	if err != nil {
		return fmt.Errorf("requeue task %.80q: %w", task, err)
	}
	done := fmt.Sprintf("task %s is available again; it was %s", task, r.From)
	if r.From == contract.TaskAvailable {
		done = fmt.Sprintf("the files of task %s are looked at anew before it is leased", task)
	}
	return o.change(c, r, done, func(e *engine.Engine) error {
		return e.Requeue(c.Context.Context, block, task)
	})
}

// blockNow returns the newest final block, of the chain if one is configured.
func (o operator) blockNow(c *invocation) (uint64, error) {
	if !c.IsSet("netuid") {
		return o.block(c.Context.Context)
	}
	client, _, err := openChain(c)
	if err != nil {
		return 0, err
	}
	defer func() { _ = client.Close() }()
	head, err := client.Finalized(c.Context.Context)
	return head.Number, err
}

func runBan(c *invocation) error {
	reason, err := required(c.Context, "reason")
	if err != nil {
		return err
	}
	return changeHolder(c, books.OpBan, "gets no more leases", func(e *engine.Engine, block uint64, h engine.Holder) error {
		return e.Ban(c.Context.Context, block, h, reason)
	})
}

func runClear(c *invocation) error {
	return changeHolder(c, books.OpClear, "has no ban and no strikes", func(e *engine.Engine, block uint64, h engine.Holder) error {
		return e.Clear(c.Context.Context, block, h)
	})
}

func changeHolder(c *invocation, op, done string, do func(*engine.Engine, uint64, engine.Holder) error) error {
	address, err := oneArgument(c.Context, "ADDRESS")
	if err != nil {
		return err
	}
	if !contract.ValidHotkey(address) {
		return usageError("%s: %.80q is no SS58 address", commandPath(c.Context), address)
	}
	h := engine.Holder{Kind: engine.HolderHotkey, Address: address}
	if c.Bool("coldkey") {
		h.Kind = engine.HolderColdkey
	}
	o, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = o.store.Close() }()
	block, err := o.block(c.Context.Context)
	if err != nil {
		return err
	}
	r := adminResult{Op: op, Kind: h.Kind, Address: address, Block: block}
	return o.change(c, r, fmt.Sprintf("%s %s %s", h.Kind, address, done), func(e *engine.Engine) error { return do(e, block, h) })
}

func runRetire(c *invocation) error {
	crawl, err := oneArgument(c.Context, "CRAWL")
	if err != nil {
		return err
	}
	o, err := openStore(c)
	if err != nil {
		return err
	}
	defer func() { _ = o.store.Close() }()
	block, err := o.block(c.Context.Context)
	if err != nil {
		return err
	}
	r := adminResult{Op: books.OpRetire, Crawl: crawl, Block: block}
	return o.change(c, r, fmt.Sprintf("crawl %s is retired: its tasks are leased no more", crawl), func(e *engine.Engine) error {
		return e.Retire(c.Context.Context, block, crawl)
	})
}
