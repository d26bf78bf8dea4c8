package books_test

import (
	"errors"
	"math"
	"strconv"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine/enginetest"
)

const (
	waits, accepted, rejected = contract.TaskSubmitted, contract.TaskAccepted, contract.TaskRejected
	yes, no, unsure           = contract.VerdictAccepted, contract.VerdictRejected, contract.VerdictUndecided
)

// verdict is on alice's result.
func verdict(outcome string, stake uint64) books.Verdict {
	return books.Verdict{Verdict: contract.Verdict{Task: task, Generation: 1, Hotkey: alice, Manifest: "m", Outcome: outcome, Pay: "0"},
		Stake: strconv.FormatUint(stake, 10)}
}

// handIn gives alice's lease a result.
func (s story) handIn(manifest string) {
	s.Helper()
	s.must(at(books.OpSubmit, 15, alice, contract.TaskLeased, waits), books.Submit{After: books.After{Due: 30}, Manifest: manifest, Block: 15})
}

// A judgement says what the verdicts before it add up to, or it is none.
func TestJudgementIsThatOfTheVerdicts(t *testing.T) {
	type said struct {
		validator string
		books.Verdict
	}
	other := verdict(yes, 9)
	other.Manifest = "of another result"
	for name, c := range map[string]struct {
		said    []said
		yes, no string // what follows from it
	}{
		"nobody":                      {nil, "0", "0"},
		"one for it":                  {[]said{{"v", verdict(yes, 5)}}, "5", "0"},
		"one against it":              {[]said{{"v", verdict(no, 5)}}, "0", "5"},
		"undecided":                   {[]said{{"v", verdict(unsure, 5)}}, "0", "0"},
		"both":                        {[]said{{"v", verdict(yes, 5)}, {"w", verdict(no, 3)}, {"x", verdict(yes, 1)}}, "6", "3"},
		"the newest word counts":      {[]said{{"v", verdict(yes, 5)}, {"w", verdict(no, 3)}, {"v", verdict(no, 4)}}, "0", "7"},
		"withdrawn":                   {[]said{{"v", verdict(yes, 5)}, {"v", verdict(unsure, 5)}}, "0", "0"},
		"of another result":           {[]said{{"v", other}, {"w", verdict(no, 1)}}, "0", "1"},
		"taken to another result":     {[]said{{"v", verdict(yes, 5)}, {"v", other}, {"w", verdict(no, 1)}}, "0", "1"},
		"of its own work":             {[]said{{"alice", verdict(yes, 0)}, {"w", verdict(no, 1)}}, "0", "1"},
		"as much":                     {[]said{{"v", verdict(yes, 5)}, {"w", verdict(no, 5)}}, "5", "5"},
		"more than 64 bits can count": {[]said{{"v", verdict(yes, math.MaxUint64)}, {"w", verdict(yes, 1)}, {"x", verdict(no, 7)}}, "18446744073709551615", "7"},
	} {
		t.Run(name, func(t *testing.T) {
			for to, after := range map[string]books.After{accepted: {Strikes: strikes(0)}, rejected: {Due: 20, Strikes: strikes(1)}} {
				for _, sums := range [][2]string{{c.yes, c.no}, {"5", "0"}, {"0", "5"}, {"6", "0"}, {"0", "0"}, {"0" + c.yes, c.no}, {c.yes, "+" + c.no}, {"", ""}} {
					s := newStory(t)
					s.handIn("m")
					for _, v := range c.said {
						s.must(at(books.OpVerdict, 16, enginetest.Address(v.validator), waits, waits), v.Verdict)
					}
					follows := sums == [2]string{c.yes, c.no} && to == decides(t, c.yes, c.no)
					err := s.tell(at(books.OpJudge, 16, books.ActorServer, waits, to), books.Judge{After: after, Accepted: sums[0], Rejected: sums[1]})
					if follows == errors.Is(err, books.ErrIllegal) || follows && err != nil {
						t.Errorf("%s with %q for it and %q against it: %v", to, sums[0], sums[1], err)
					}
				}
			}
		})
	}
}

func decides(t *testing.T, yes, no string) string {
	t.Helper()
	a, err := strconv.ParseUint(yes, 10, 64)
	b, err2 := strconv.ParseUint(no, 10, 64)
	if err != nil || err2 != nil {
		t.Fatal(err, err2)
	}
	switch {
	case a > b:
		return accepted
	case a < b:
		return rejected
	}
	return waits
}

// A server that does not do what verdicts say cannot go on as if they were not
// there.
func TestVerdictsCannotBePassedOver(t *testing.T) {
	const server = books.ActorServer
	for name, c := range map[string]struct {
		outcome string
		entry   books.Entry
		detail  any
	}{
		"issued again":   {yes, at(books.OpReissue, 31, server, waits, contract.TaskAvailable), books.End{After: books.After{Attempts: 1, Strikes: strikes(1)}}},
		"requeued":       {yes, at(books.OpRequeue, 31, books.ActorOperator, waits, contract.TaskAvailable), books.Requeue{}},
		"left as it was": {no, at(books.OpReissue, 31, server, waits, contract.TaskAvailable), books.End{After: books.After{Attempts: 1, Strikes: strikes(1)}}},
	} {
		s := newStory(t)
		s.handIn("m")
		s.must(at(books.OpVerdict, 16, bob, waits, waits), verdict(c.outcome, 5))
		if err := s.tell(c.entry, c.detail); !errors.Is(err, books.ErrIllegal) || !strings.Contains(err.Error(), "the verdicts before make it") {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// Verdicts may come before the result that they are about: of a claim that is on
// chain, but was not announced. They count when it is.
func TestVerdictsBeforeTheResult(t *testing.T) {
	s := newStory(t)
	s.must(at(books.OpExpire, 21, books.ActorServer, contract.TaskLeased, contract.TaskAvailable), books.End{After: books.After{Attempts: 1, Strikes: strikes(1)}})
	s.must(at(books.OpVerdict, 21, bob, contract.TaskAvailable, contract.TaskAvailable), verdict(yes, 5))
	judged := at(books.OpJudge, 22, books.ActorServer, contract.TaskAvailable, accepted)
	if err := s.tell(judged, books.Judge{After: books.After{Strikes: strikes(0)}, Accepted: "5", Rejected: "0"}); !errors.Is(err, books.ErrIllegal) {
		t.Errorf("accepted without a result: %v", err)
	}
	s.must(at(books.OpSubmit, 22, alice, contract.TaskAvailable, waits), books.Submit{After: books.After{Due: 50, Strikes: strikes(0)}, Manifest: "m", Block: 15})
	judged.From = waits
	s.must(judged, books.Judge{After: books.After{Strikes: strikes(0)}, Accepted: "5", Rejected: "0"})
}

func TestVerdictsThatAreNone(t *testing.T) {
	said := verdict(yes, 1)
	for name, c := range map[string]struct {
		actor   string
		verdict books.Verdict
		want    string
	}{
		"unknown outcome":       {bob, verdict("maybe", 1), `outcome "maybe"`},
		"on one's own work":     {alice, said, "its own work"},
		"stake spelt otherwise": {bob, books.Verdict{Verdict: said.Verdict, Stake: "01"}, `stake "01"`},
	} {
		s := newStory(t)
		s.handIn("m")
		if err := s.tell(at(books.OpVerdict, 16, c.actor, waits, waits), c.verdict); !errors.Is(err, books.ErrIllegal) || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: got error %v, want one with %q", name, err, c.want)
		}
	}
}

// However often verdicts change, a lease is one strike.
func TestStrikesOfOneLease(t *testing.T) {
	const server = books.ActorServer
	s := newStory(t)
	s.handIn("m")
	judge := func(from, to string, due uint64, n *books.Strikes) error {
		detail := books.Judge{After: books.After{Due: due, Strikes: n}, Accepted: "0", Rejected: "0"}
		said := verdict(unsure, 5)
		switch to {
		case accepted:
			said.Outcome, detail.Accepted = yes, "5"
		case rejected:
			said.Outcome, detail.Rejected = no, "5"
		}
		s.must(at(books.OpVerdict, 16, bob, from, from), said)
		return s.tell(at(books.OpJudge, 16, server, from, to), detail)
	}
	for range 2 {
		for _, n := range []*books.Strikes{nil, strikes(0), strikes(2)} {
			if err := judge(waits, rejected, 20, n); !errors.Is(err, books.ErrIllegal) {
				t.Errorf("rejected with strikes %+v: %v", n, err)
			}
		}
		if err := judge(waits, rejected, 20, strikes(1)); err != nil {
			t.Fatal(err)
		}
		if err := judge(rejected, waits, 30, nil); !errors.Is(err, books.ErrIllegal) {
			t.Errorf("withdrawn, and the strike stays: %v", err)
		}
		if err := judge(rejected, waits, 30, strikes(0)); err != nil {
			t.Fatal(err)
		}
	}
	if err := judge(waits, accepted, 0, strikes(0)); err != nil { // there is none to take back
		t.Fatal(err)
	}
	if err := judge(accepted, rejected, 20, strikes(1)); err != nil {
		t.Fatal(err)
	}
	reissue := at(books.OpReissue, 21, server, rejected, contract.TaskAvailable)
	if err := s.tell(reissue, books.End{After: books.After{Attempts: 1, Strikes: strikes(2)}}); !errors.Is(err, books.ErrIllegal) {
		t.Errorf("struck again when its task was issued again: %v", err)
	}
	s.must(reissue, books.End{After: books.After{Attempts: 1}})
}
