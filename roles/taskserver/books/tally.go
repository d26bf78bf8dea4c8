package books

import (
	"math"
	"math/bits"
	"strconv"

	"finest/internal/contract"
)

// result is what is known of the result of a lease: its manifest, once it was
// submitted, and the newest verdict of each validator on it, which may come
// before. It takes 32 bytes, and 24 more for each validator; leases with neither
// have none.
type result struct {
	manifest uint64 // hash
	opinions []opinion
}

// opinion is the newest verdict of a validator on a lease.
type opinion struct {
	manifest  uint64 // hash
	stake     uint64 // in rao
	validator uint32
	outcome   outcome
}

// outcome is what a verdict says, as far as it decides anything.
type outcome uint8

const (
	undecided outcome = iota
	found
	refuted
)

var outcomes = map[string]outcome{contract.VerdictAccepted: found, contract.VerdictRejected: refuted, contract.VerdictUndecided: undecided}

// validator numbers an address.
func (b *Books) validator(address string) uint32 {
	n, ok := b.validators[address]
	if !ok {
		n = uint32(len(b.validators))
		b.validators[address] = n
	}
	return n
}

func (l *lease) ofResult() *result {
	if l.result == nil {
		l.result = &result{}
	}
	return l.result
}

// hear keeps a verdict in place of what its validator said before.
func (r *result) hear(o opinion) {
	for i := range r.opinions {
		if r.opinions[i].validator == o.validator {
			r.opinions[i] = o
			return
		}
	}
	r.opinions = append(r.opinions, o)
}

// tally sums up the stakes behind each outcome for the result of a lease.
func (l *lease) tally() (yes, no uint64) {
	if l.result == nil || l.state != leaseSubmitted {
		return 0, 0
	}
	for _, o := range l.result.opinions {
		switch {
		case o.manifest != l.result.manifest:
		case o.outcome == found:
			yes = AddStakes(yes, o.stake)
		case o.outcome == refuted:
			no = AddStakes(no, o.stake)
		}
	}
	return yes, no
}

// AddStakes adds stakes in rao. No sum of real ones overflows; one of invented
// ones stays at the largest number.
func AddStakes(a, b uint64) uint64 {
	sum, carry := bits.Add64(a, b, 0)
	if carry != 0 {
		return math.MaxUint64
	}
	return sum
}

// decided is the state that stakes for and against a result give to its task.
func decided(yes, no uint64) stateIndex {
	switch {
	case yes > no:
		return accepted
	case yes < no:
		return rejected
	}
	return submitted
}

// judged checks that a task is where the verdicts on its result put it: what
// they say must be done before anything else happens to the task.
func (t *task) judged() error {
	if len(t.leases) == 0 || t.newest().state != leaseSubmitted {
		return nil
	}
	yes, no := t.newest().tally()
	to := decided(yes, no)
	waits := t.state == submitted || t.state == accepted || t.state == rejected
	if waits && to != t.state || to == accepted && t.state != accepted {
		return illegal("it is %s, but the verdicts before make it %s, with %d for it and %d against it", t.state, to, yes, no)
	}
	return nil
}

// rao spells a stake.
func rao(n uint64) string { return strconv.FormatUint(n, 10) }
