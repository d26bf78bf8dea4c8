package engine

import (
	"fmt"
	"strings"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// change is one change of the store: what is done, at which block, by whom.
type change struct {
	Tx
	rules *Rules
	block uint64
	actor string
}

// audit adds an entry with op, task, generation and states set.
func (c *change) audit(e books.Entry, detail any) error {
	head, err := c.AuditHead()
	if err != nil {
		return err
	}
	e.Block, e.Actor = c.block, c.actor
	switch e.Op {
	case books.OpExpire, books.OpReissue, books.OpJudge:
		e.Actor = books.ActorServer // at whoever's request it was noticed
	}
	if e, err = books.Next(head, e, detail); err != nil {
		return err
	}
	return c.AddAudit(e)
}

// put keeps a task that came from the state from, with the entry of what
// happened to it.
func (c *change) put(op, from string, t Task, detail any) error {
	if err := c.PutTask(t); err != nil {
		return err
	}
	return c.audit(books.Entry{Op: op, Task: t.ID, Generation: t.Generation, From: from, To: t.State}, detail)
}

// after is what a detail says of a task.
func after(t Task, strikes *books.Strikes) books.After {
	return books.After{Attempts: t.Attempts, Due: t.DueBlock, Evidence: t.Evidence, Strikes: strikes}
}

// fail makes a task available again after a lease that led to nothing, or
// quarantines it after too many.
func (c *change) fail(t *Task) error {
	t.Attempts++
	t.DueBlock = 0
	t.State = contract.TaskAvailable
	if t.Attempts < c.rules.MaxAttempts {
		return nil
	}
	t.State = contract.TaskQuarantined
	var err error
	t.Evidence, err = c.evidence(*t)
	return err
}

// evidence says how the newest leases of a task ended. It names no hotkeys: the
// task is to blame, not they.
func (c *change) evidence(t Task) (string, error) {
	leases, err := c.Leases(t.ID)
	if err != nil {
		return "", err
	}
	text := fmt.Sprintf("%d leases led to nothing.", t.Attempts)
	for _, l := range leases[max(0, len(leases)-min(t.Attempts, maxEvidenceLeases)):] {
		text += fmt.Sprintf(" Generation %d of block %d: %s", l.Receipt.Generation, l.Receipt.Block, l.State)
		if l.EndedBlock > 0 {
			text += fmt.Sprintf(" at block %d", l.EndedBlock)
		}
		if l.Reason != "" {
			text += fmt.Sprintf(", %.120q", l.Reason)
		}
		text += "."
	}
	return clip(text, maxEvidence), nil
}

// Limits of evidence.
const (
	maxEvidenceLeases = 10
	maxEvidence       = 4 << 10
)

// clip shortens a text from outside to limit bytes of UTF-8 without NUL, as every
// store keeps it.
func clip(text string, limit int) string {
	if len(text) > limit {
		text = text[:limit]
	}
	return strings.ReplaceAll(strings.ToValidUTF8(text, ""), "\x00", "")
}
