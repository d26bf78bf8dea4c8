package books

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"slices"
	"strings"

	"finest/internal/canon"
	"finest/internal/contract"
)

// tasks compares the tasks of a crawl, one by one and in their order.
func (c *checker) tasks(known *crawl) error {
	next := 0
	files := sha256.New()
	for after := ""; ; {
		rows, err := c.Tasks(known.Crawl, after, pageRows)
		if err != nil {
			return fmt.Errorf("tasks after %s: %w", after, err)
		}
		if err := c.ctx.Err(); err != nil {
			return err
		}
		for _, row := range rows {
			after = row.ID
			if !c.inOrder(known, row, &next) {
				continue
			}
			if err := c.task(known, row, files); err != nil {
				return fmt.Errorf("task %s: %w", row.ID, err)
			}
		}
		if len(rows) == 0 {
			break
		}
	}
	c.missing(known, next, known.Tasks)
	if next == known.Tasks && hex.EncodeToString(files.Sum(nil)) != known.FilesSHA256 {
		c.report.fault("crawl "+known.Crawl, "the files of its tasks are not those that were imported")
	}
	return nil
}

// inOrder reports tasks that are missing before a row, or a row too many; next
// is the number of the task that should come.
func (c *checker) inOrder(known *crawl, row TaskRow, next *int) bool {
	name, number, ok := parseTaskID(row.ID)
	if !ok || name != known.Crawl || number < *next || number >= known.Tasks {
		c.report.fault("task "+row.ID, "no entry imported it")
		return false
	}
	c.missing(known, *next, number)
	*next = number + 1
	return true
}

func (c *checker) missing(known *crawl, from, to int) {
	for number := from; number < to; number++ {
		c.report.fault("task "+contract.TaskID(known.Crawl, number), "it is missing")
	}
}

func (c *checker) task(known *crawl, row TaskRow, files hash.Hash) error {
	c.report.Tasks++
	_, t, err := c.books.find(row.ID)
	if err != nil {
		return err
	}
	where := "task " + row.ID
	c.files(where, t, row, files)
	if row.Misplaced {
		c.report.fault(where, "it does not lie on the ring of draws where its id puts it")
	}
	// Stores of earlier versions say of each task of a retired crawl that it is not
	// ready, which nobody asks any more.
	ready := sized(row.Files) && (row.Ready || !known.retired)
	if row.Ready != ready {
		c.report.fault(where, "that it may be leased is %t, not %t", row.Ready, ready)
	}
	c.ready[CountRow{known.Crawl, t.state.String(), ready, 0}]++
	var deadline uint64
	if len(t.leases) > 0 {
		deadline = t.newest().deadline
	}
	c.report.differing(where, "",
		field{"state", row.State, t.state.String()},
		field{"generation", row.Generation, int64(len(t.leases))},
		field{"deadline", row.Deadline, deadline},
		field{"due block", row.Due, t.due},
		field{"number of attempts", row.Attempts, int(t.attempts)})
	if t.state == quarantined && c.books.hash(row.Evidence) != t.evidence || t.state != quarantined && row.Evidence != "" {
		c.report.fault(where, "its evidence is not what the log says")
	}
	return c.leases(row.ID, t)
}

// files compares the files of a task with its survey, and adds what was
// imported to the hash of all.
func (c *checker) files(where string, t *task, row TaskRow, sum hash.Hash) {
	imported, forgot := c.books.forgotten[row.ID]
	switch {
	case t.surveyed && c.books.filesHash(row.Files) != t.files:
		c.report.fault(where, "its files are not those of the survey")
	case forgot && !t.surveyed && !slices.Equal(row.Files, unsized(imported)),
		forgot && t.surveyed && !slices.Equal(unsized(row.Files), unsized(imported)):
		c.report.fault(where, "its files are not those it was imported with, without their sizes")
	}
	switch {
	case forgot:
	case t.surveyed:
		imported = unsized(row.Files)
	default:
		imported = row.Files
	}
	_, _ = sum.Write(AppendFiles(nil, imported)) // a hash never fails
}

// unsized returns files without their sizes.
func unsized(files []contract.InputFile) []contract.InputFile {
	without := make([]contract.InputFile, len(files))
	for i, f := range files {
		without[i].Path = f.Path
	}
	return without
}

func sized(files []contract.InputFile) bool {
	for _, f := range files {
		if f.Bytes <= 0 {
			return false
		}
	}
	return true
}

func (c *checker) leases(id string, t *task) error {
	rows, err := c.Leases(id)
	if err != nil {
		return fmt.Errorf("leases: %w", err)
	}
	for i, row := range rows {
		where := fmt.Sprintf("lease %d of task %s", row.Receipt.Generation, id)
		if row.Receipt.Generation != int64(i+1) || i >= len(t.leases) {
			c.report.fault(where, "no entry granted it, or one before it is missing")
			return nil
		}
		if err := c.lease(where, row, &t.leases[i]); err != nil {
			return err
		}
	}
	if len(rows) < len(t.leases) {
		c.report.fault(fmt.Sprintf("lease %d of task %s", len(rows)+1, id), "it is missing")
		return nil
	}
	return c.judged(id, t)
}

func (c *checker) lease(where string, row LeaseRow, l *lease) error {
	raw, err := canon.Marshal(row.Receipt)
	if err != nil || c.books.hash(canon.Sum(raw)) != l.receipt {
		c.report.fault(where, "its receipt is not the one that was signed")
	}
	c.report.differing(where, "",
		field{"coldkey", row.Coldkey, c.books.coldkeys.address(l.coldkey)},
		field{"slot", row.Slot, int(l.slot)},
		field{"state", row.State, leaseStates[l.state]},
		field{"renewed block", row.Renewed, l.renewed},
		field{"end", row.Ended, l.ended},
		field{"excuse", row.Excused, excuseStates[l.excused]},
		field{"strike of its hotkey", row.HotkeyStrikes, int(l.hotkeyStrikes)},
		field{"strike of its coldkey", row.ColdkeyStrikes, int(l.coldkeyStrikes)})
	if c.books.hash(row.Reason, row.Missing) != l.texts {
		c.report.fault(where, "its reason is not what the log says")
	}
	if l.state != leaseLive {
		return nil
	}
	hotkey := c.books.hotkeys.address(l.hotkey)
	task, generation, err := c.Slot(hotkey, int(l.slot))
	if err != nil {
		return fmt.Errorf("slot %d of %s: %w", l.slot, hotkey, err)
	}
	if task != row.Receipt.Task || generation != row.Receipt.Generation {
		c.report.fault(where, "it is live, but slot %d of %s holds %s", l.slot, hotkey, strings.TrimSpace(fmt.Sprintf("%s %d", task, generation)))
	}
	return nil
}

// judged compares the state of a task that has a result with its verdicts.
func (c *checker) judged(id string, t *task) error {
	if t.state != submitted && t.state != accepted && t.state != rejected {
		return nil
	}
	state, err := c.Outcome(id, int64(len(t.leases)))
	if err != nil {
		return fmt.Errorf("verdicts: %w", err)
	}
	if state != t.state.String() {
		c.report.fault("task "+id, "it is %s, but its verdicts make it %s", t.state, state)
	}
	return nil
}
