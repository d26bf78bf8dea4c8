// Package enginetest tests the engine over any store by a model: a thousand
// miners, validators and an operator do whatever they like, processes die and
// clocks jump, and after every step the audit log must tell a legal story in
// which no task is lost and none has two holders.
package enginetest

import (
	"fmt"
	"strings"
	"testing"

	"finest/roles/taskserver/engine"
)

// Run makes steps steps by chance of seed over a store that open returns, empty
// each time. A failure prints the seed and the shortest sequence of its steps
// that was found to fail.
func Run(t *testing.T, open func(t *testing.T) engine.Store, steps int, seed uint64) {
	t.Helper()
	m := newModel(t, seed, open)
	failed, seen := m.run(upTo(steps))
	if failed != nil {
		t.Logf("seed %d fails at step %d: %v; looking for a shorter sequence", seed, failed.steps[len(failed.steps)-1], failed.err)
		failed = m.shrink(failed)
		t.Fatalf("seed %d fails after %d steps: %v\n%s", seed, len(failed.steps), failed.err, failed)
	}
	if steps >= enough {
		complete(t, seen)
	}
}

// Play makes steps steps by chance of seed in an empty store, for tests that
// need a store in which much has happened.
func Play(t testing.TB, store engine.Store, steps int, seed uint64) {
	t.Helper()
	w, err := newWorld(t.Context(), store, newPeople())
	for n := uint64(0); err == nil && n < uint64(steps); n++ {
		_, err = w.step(seed, n)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// model is a run that can be repeated with fewer steps.
type model struct {
	t      *testing.T
	open   func(t *testing.T) engine.Store
	seed   uint64
	people people
}

func newModel(t *testing.T, seed uint64, open func(*testing.T) engine.Store) *model {
	return &model{t: t, open: open, seed: seed, people: newPeople()}
}

// upTo numbers steps.
func upTo(steps int) []uint64 {
	numbers := make([]uint64, steps)
	for i := range numbers {
		numbers[i] = uint64(i)
	}
	return numbers
}

// failure is a sequence of steps whose last does what must not be.
type failure struct {
	steps []uint64
	names []string
	err   error
}

func (f *failure) String() string {
	var b strings.Builder
	for i, n := range f.names {
		fmt.Fprintf(&b, "  step %d: %s\n", f.steps[i], n)
	}
	return b.String()
}

// A run proves all tables at its end, and a long one proofs times.
const (
	proofs  = 2
	between = 1000 // steps, at least
)

// run makes the steps with these numbers.
func (m *model) run(numbers []uint64) (*failure, map[string]int) {
	store := m.open(m.t)
	defer func() {
		if err := store.Close(); err != nil {
			m.t.Errorf("close the store: %v", err)
		}
	}()
	w, err := newWorld(m.t.Context(), store, m.people)
	if err != nil {
		return &failure{err: err}, nil
	}
	names := make([]string, 0, len(numbers))
	every := max(between, len(numbers)/proofs)
	for i, n := range numbers {
		name, err := w.step(m.seed, n)
		names = append(names, name)
		if err == nil && ((i+1)%every == 0 || i == len(numbers)-1) {
			err = w.proven()
		}
		if err != nil {
			return &failure{numbers[:i+1], names, err}, w.seen
		}
	}
	return nil, w.seen
}

// proven checks all tables.
func (w *world) proven() error {
	report, err := engine.Check(w.ctx, w.store.Store)
	if err == nil && !report.OK() {
		err = fmt.Errorf("%d faults, the first: %s", len(report.Faults)+report.More, report.Faults[0])
	}
	return err
}

// shrinkFor bounds the steps that are made to find a shorter sequence.
const shrinkFor = 200_000

// shrink drops steps as long as what is left still fails (ddmin of Zeller and
// Hildebrandt, Simplifying and Isolating Failure-Inducing Input, 2002). Each
// step has its own chance, so that those around it may go.
func (m *model) shrink(f *failure) *failure {
	left := shrinkFor
	for size := (len(f.steps) + 1) / 2; size > 0; {
		dropped := false
		for at := 0; at < len(f.steps) && left > 0; {
			end := min(at+size, len(f.steps))
			fewer := append(append([]uint64(nil), f.steps[:at]...), f.steps[end:]...)
			left -= len(fewer)
			if again, _ := m.run(fewer); again != nil && len(again.steps) < len(f.steps) {
				f, dropped = again, true
				continue
			}
			at = end
		}
		if size == 1 && !dropped || left <= 0 {
			break
		}
		size = max(1, size/2)
	}
	return f
}

// enough is from how many steps on a run must have seen everything.
const enough = 50_000

// complete checks that a run saw every legal move and every refusal: a model
// that never tries something proves nothing about it.
func complete(t *testing.T, seen map[string]int) {
	t.Helper()
	for _, what := range []string{
		"import:>", "survey:available>available", "survey:available>quarantined",
		"lease:available>leased", "renew:leased>leased",
		"release:leased>available", "release:leased>quarantined",
		"expire:leased>available", "expire:leased>quarantined",
		"submit:leased>submitted", "submit:available>submitted", "submit:quarantined>submitted",
		"judge:submitted>accepted", "judge:submitted>rejected", "judge:accepted>rejected", "judge:accepted>submitted",
		"judge:rejected>accepted", "judge:rejected>submitted", "judge:available>accepted", "judge:quarantined>accepted",
		"reissue:submitted>available", "reissue:submitted>quarantined", "reissue:rejected>available", "reissue:rejected>quarantined",
		"excuse:available>quarantined", "excuse:available>available", "excuse:quarantined>quarantined", "excuse:leased>leased",
		"requeue:quarantined>available", "requeue:available>available", "requeue:submitted>available",
		"proof:>", "ban:>", "clear:>", "retire:>",
		"refused:quota", "refused:banned", "refused:recipe-is-not-served", "refused:lease-is-over", "refused:invalid",
		"refused:lease-has-another-result-already", "refused:block-is-not-finalised-yet", "refused:no-task-is-available",
		"refused:replayed", "refused:not-holder",
	} {
		if seen[what] == 0 {
			t.Errorf("in no step %s", what)
		}
	}
}
