package engine

import (
	"context"
	"errors"
	"fmt"
	"strconv"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// Score adds verdicts to the history, once the weights they led to are on
// chain, and moves the tasks they decide. Its caller has checked that the sender
// is a validator. A verdict on a lease that was never granted is passed over: a
// claim may name any task, and what is said of it must not keep the other
// verdicts from being heard. One on a live lease waits until that is over.
func (e *Engine) Score(ctx context.Context, who Request, req contract.ScoreRequest, statement contract.Statement) error {
	return e.signed(ctx, who, func(c *change) error {
		if req.WeightsBlock > c.block {
			return refuse(fmt.Errorf("%w: the weights are of block %d, the newest here is %d", ErrAhead, req.WeightsBlock, c.block))
		}
		if err := c.AddStatement(statement); err != nil {
			return err
		}
		said := make(early)
		for _, v := range req.Verdicts {
			if err := c.hear(who, v, req.WeightsBlock, statement.SHA256, said); err != nil {
				return fmt.Errorf("verdict on task %s: %w", v.Task, err)
			}
		}
		return c.keepEarly(said)
	})
}

// hear publishes a verdict and does what follows from it, or adds it to the early
// ones.
func (c *change) hear(who Request, v contract.Verdict, weightsBlock uint64, statement string, said early) error {
	l, err := c.Tx.Lease(v.Task, v.Generation)
	if errors.Is(err, ErrNotFound) || err == nil && l.Receipt.Hotkey != v.Hotkey {
		return nil
	}
	if err != nil {
		return err
	}
	stake := who.Stake
	if l.Receipt.Hotkey == who.Hotkey || l.Coldkey == who.Coldkey {
		stake = 0 // nobody judges their own work
	}
	heard := Verdict{Stake: stake, VerdictView: contract.VerdictView{
		Verdict: v, Validator: who.Hotkey, WeightsBlock: weightsBlock, Statement: statement}}
	if l.State == contract.LeaseLive {
		said[v.Task] = heard
		return nil
	}
	if err := c.publish(heard); err != nil {
		return err
	}
	return c.judge(v.Task, v.Generation)
}

// publish adds a verdict of the actor to the history.
func (c *change) publish(v Verdict) error {
	added, err := c.AddVerdict(v)
	if err != nil || !added {
		return err
	}
	t, err := c.Task(v.Task)
	if err != nil {
		return err
	}
	entry := books.Entry{Op: books.OpVerdict, Task: t.ID, Generation: t.Generation, From: t.State, To: t.State}
	return c.audit(entry, books.Verdict{Verdict: v.Verdict, WeightsBlock: v.WeightsBlock, Statement: v.Statement, Stake: rao(v.Stake)})
}

// judge moves a task to what the verdicts on its newest lease say. Those on an
// older one are history.
func (c *change) judge(task string, generation int64) error {
	t, err := c.Task(task)
	if err != nil || t.Generation != generation {
		return err
	}
	verdicts, err := c.NewestVerdicts(task, generation)
	if err != nil || len(verdicts) == 0 {
		return err
	}
	result, ok, err := c.result(task, generation)
	if err != nil || !ok {
		return err
	}
	accepted, rejected := tally(verdicts, result.Manifest)
	from, to := t.State, outcome(accepted, rejected)
	if from == to || givenUp(from) && to != contract.TaskAccepted {
		return nil
	}
	l, err := c.Tx.Lease(task, generation)
	if err != nil {
		return err
	}
	c.sentence(&t, to)
	strikes, err := c.strike(&l, levels[to])
	if err != nil {
		return err
	}
	if err := c.PutLease(l); err != nil {
		return err
	}
	if err := c.account(l, from, to); err != nil {
		return err
	}
	return c.put(books.OpJudge, from, t,
		books.Judge{After: after(t, strikes), Accepted: rao(accepted), Rejected: rao(rejected)})
}

// givenUp reports that the server no longer waited for the result of a lease.
// It can still be accepted, as nobody else has the task yet.
func givenUp(state string) bool {
	return state == contract.TaskAvailable || state == contract.TaskQuarantined
}

// levels are the strikes for a result in each of its states.
var levels = map[string]int{contract.TaskAccepted: -1, contract.TaskSubmitted: 0, contract.TaskRejected: 1}

// sentence gives a task with a result its new state.
func (c *change) sentence(t *Task, to string) {
	if givenUp(t.State) {
		t.Attempts = max(0, t.Attempts-1)
		t.Evidence = ""
	}
	t.State = to
	switch to {
	case contract.TaskAccepted:
		t.DueBlock = 0
	case contract.TaskRejected:
		t.DueBlock = t.DeadlineBlock
	default:
		t.DueBlock = c.confirmBlock(*t)
	}
}

// tally sums up the stakes behind the outcomes for the result with this
// manifest.
func tally(verdicts []Verdict, manifest string) (accepted, rejected uint64) {
	for _, v := range verdicts {
		switch {
		case v.Manifest != manifest:
		case v.Outcome == contract.VerdictAccepted:
			accepted = books.AddStakes(accepted, v.Stake)
		case v.Outcome == contract.VerdictRejected:
			rejected = books.AddStakes(rejected, v.Stake)
		}
	}
	return accepted, rejected
}

func outcome(accepted, rejected uint64) string {
	switch {
	case accepted > rejected:
		return contract.TaskAccepted
	case accepted < rejected:
		return contract.TaskRejected
	}
	return contract.TaskSubmitted
}

// rao spells a stake, which may be larger than integers in JSON.
func rao(n uint64) string { return strconv.FormatUint(n, 10) }

// Proof keeps a fraud proof, whose canonical JSON has this hash. Its caller has
// checked that the sender is a validator.
func (e *Engine) Proof(ctx context.Context, who Request, sha256 string, req contract.ProofRequest) error {
	return e.signed(ctx, who, func(c *change) error {
		added, err := c.AddProof(who.Hotkey, sha256, req.Proof)
		if err != nil || !added {
			return err
		}
		return c.audit(books.Entry{Op: books.OpProof}, books.Proof{SHA256: sha256})
	})
}
