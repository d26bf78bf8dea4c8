package enginetest

import (
	"context"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/memstore"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// mutant is a store with a bug in its changes.
type mutant struct {
	engine.Store
	wrap func(engine.Tx) engine.Tx
}

func (s mutant) Change(ctx context.Context, f func(engine.Tx) error) error {
	return s.Store.Change(ctx, func(tx engine.Tx) error { return f(s.wrap(tx)) })
}

// Bugs, each in one method.
type (
	forgetsUUIDs struct{ engine.Tx }
	losesLeases  struct{ engine.Tx }
	losesTasks   struct{ engine.Tx }
	drawsAny     struct{ engine.Tx }
	losesEntries struct{ engine.Tx }
	losesResults struct{ engine.Tx }
	losesStrikes struct{ engine.Tx }
	losesSlots   struct{ engine.Tx }
	losesWords   struct{ engine.Tx }
	miscounts    struct{ engine.Tx }
)

func (forgetsUUIDs) UseUUID(string, string, time.Time) error { return nil }

func (t losesLeases) PutLease(l engine.Lease) error {
	if l.State == contract.LeaseExpired {
		return nil
	}
	return t.Tx.PutLease(l)
}

func (t losesTasks) PutTask(task engine.Task) error {
	if task.State == contract.TaskQuarantined {
		return nil
	}
	return t.Tx.PutTask(task)
}

// drawsAny forgets that a task is leased.
func (t drawsAny) Draw(point int64) (engine.Task, error) {
	task, err := t.Tx.Draw(point)
	if err != nil || point%8 != 0 {
		return task, err
	}
	leased, err := t.Tasks("", contract.TaskLeased, "", 1)
	if len(leased) > 0 {
		task = leased[0]
		task.State = contract.TaskAvailable
		task.DeadlineBlock = 0
	}
	return task, err
}

func (t losesEntries) AddAudit(e books.Entry) error {
	if e.Op == books.OpRelease {
		return nil
	}
	return t.Tx.AddAudit(e)
}

func (losesResults) AddSubmission(contract.SubmissionView) error { return nil }

func (t losesStrikes) PutRecord(r engine.Record) error {
	r.Strikes = 0
	return t.Tx.PutRecord(r)
}

func (losesWords) AddStatement(contract.Statement) error { return nil }

// miscounts overlooks the oldest verdict on a lease.
func (t miscounts) NewestVerdicts(task string, generation int64) ([]engine.Verdict, error) {
	verdicts, err := t.Tx.NewestVerdicts(task, generation)
	return verdicts[min(1, len(verdicts)):], err
}

// losesSlots does not find the lease that a slot has.
func (losesSlots) SlotLease(string, int) (engine.Lease, error) {
	return engine.Lease{}, engine.ErrNotFound
}

// A model that finds nothing proves nothing: it must find every one of these
// bugs, and tell it in few steps.
func TestModelFindsBugs(t *testing.T) {
	for name, c := range map[string]struct {
		wrap func(engine.Tx) engine.Tx
		most int // steps of the shortest sequence
	}{
		"UUIDs are forgotten":      {func(tx engine.Tx) engine.Tx { return forgetsUUIDs{tx} }, 2},
		"leases never end":         {func(tx engine.Tx) engine.Tx { return losesLeases{tx} }, 12},
		"quarantine is forgotten":  {func(tx engine.Tx) engine.Tx { return losesTasks{tx} }, 12},
		"leased tasks are drawn":   {func(tx engine.Tx) engine.Tx { return drawsAny{tx} }, 6},
		"the log has a gap":        {func(tx engine.Tx) engine.Tx { return losesEntries{tx} }, 4},
		"results are lost":         {func(tx engine.Tx) engine.Tx { return losesResults{tx} }, 6},
		"strikes are forgotten":    {func(tx engine.Tx) engine.Tx { return losesStrikes{tx} }, 8},
		"statements are lost":      {func(tx engine.Tx) engine.Tx { return losesWords{tx} }, 6},
		"a verdict is overlooked":  {func(tx engine.Tx) engine.Tx { return miscounts{tx} }, 8},
		"slots forget their lease": {func(tx engine.Tx) engine.Tx { return losesSlots{tx} }, 4},
	} {
		t.Run(name, func(t *testing.T) {
			m := newModel(t, 11, func(*testing.T) engine.Store { return mutant{memstore.New(), c.wrap} })
			f, _ := m.run(upTo(3000))
			if f == nil {
				t.Fatal("nothing was found")
			}
			f = m.shrink(f)
			if len(f.steps) > c.most {
				t.Errorf("%d steps, want at most %d:\n%s%v", len(f.steps), c.most, f, f.err)
			}
			if !strings.Contains(f.String(), "step ") {
				t.Errorf("told as %q", f)
			}
			if again, _ := m.run(f.steps); again == nil || again.err.Error() != f.err.Error() {
				t.Errorf("its steps do not fail again")
			}
		})
	}
}

// Two runs by one seed are the same.
func TestModelRepeats(t *testing.T) {
	var heads [2]string
	for i := range heads {
		s := memstore.New()
		Play(t, s, 500, 5)
		if err := s.View(t.Context(), func(v engine.View) error {
			e, err := v.AuditHead()
			heads[i] = e.Hash
			return err
		}); err != nil {
			t.Fatal(err)
		}
	}
	if heads[0] != heads[1] {
		t.Error("the same seed tells two stories")
	}
}
