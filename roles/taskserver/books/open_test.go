package books_test

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
)

// The hash of an entry is public. One that says who holds an open lease, or until
// when, holds what only its holder knows, or whoever fetches every hash could try
// all hotkeys.
func TestNoEntryOfAnOpenLeaseCanBeGuessed(t *testing.T) {
	log := played(t, 3000)
	seen := make(map[string]int)
	for _, e := range log {
		if e.To != contract.TaskLeased || e.Op == books.OpVerdict { // a verdict names no holder but that of its own lease
			continue
		}
		seen[e.Op]++
		var secret struct{ UUID, Receipt string }
		if err := json.Unmarshal(e.Detail, &secret); err != nil {
			t.Fatal(err)
		}
		if secret.UUID == "" && secret.Receipt == "" {
			t.Fatalf("entry %d, %s: all of its detail can be guessed: %s", e.Seq, e.Op, e.Detail)
		}
	}
	for _, op := range []string{books.OpLease, books.OpRenew, books.OpExcuse} {
		if seen[op] == 0 {
			t.Errorf("no %s among %d entries: %v", op, len(log), seen)
		}
	}
}

func TestEarlierVersionsWroteNoUUID(t *testing.T) {
	s := newStory(t)
	renewal := at(books.OpRenew, 15, alice, contract.TaskLeased, contract.TaskLeased)
	s.must(renewal, struct{}{})
	s.must(renewal, books.Renewal{UUID: "0f6d2d0e-1c7b-4c55-9d2a-6e1f8f0f2b1a"})
	for _, detail := range []map[string]string{{"uuid": ""}, {"UUID": "a"}, {"uuid": "a", "more": "b"}} {
		if err := s.tell(renewal, detail); !errors.Is(err, books.ErrIllegal) || !strings.Contains(err.Error(), "not canonical") {
			t.Errorf("%v: got error %v", detail, err)
		}
	}
}

// An excuse is decided about while another holds the task: its entry names the
// receipt of that lease. Earlier versions named none.
func TestExcuseNamesTheOpenLease(t *testing.T) {
	own, other := strings.Repeat("b", 64), strings.Repeat("a", 64)
	for _, c := range []struct {
		name    string
		held    bool
		receipt string
		legal   bool
	}{
		{"of the open lease", true, own, true},
		{"of an earlier version", true, "", true},
		{"of another lease", true, other, false},
		{"nobody holds the task", false, "", true},
		{"of a lease that is over", false, other, false},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := newStory(t)
			s.must(at(books.OpRelease, 12, alice, contract.TaskLeased, contract.TaskAvailable),
				books.End{After: books.After{Attempts: 1, Strikes: strikes(1)}, Missing: "f"})
			e, detail := at(books.OpExcuse, 15, books.ActorServer, contract.TaskAvailable, contract.TaskAvailable), books.Excuse{Lease: 1, Found: "it is there", Receipt: c.receipt}
			detail.Attempts = 1
			if c.held {
				again, next := lease(13), leased(23)
				again.Actor, again.Generation, next.Attempts, next.Receipt = bob, 2, 1, own
				s.must(again, next)
				e.Generation, e.From, e.To, detail.Due = 2, contract.TaskLeased, contract.TaskLeased, 23
			}
			err := s.tell(e, detail)
			if c.legal && err != nil || !c.legal && !(errors.Is(err, books.ErrIllegal) && strings.Contains(err.Error(), "not of a live lease")) {
				t.Errorf("got error %v", err)
			}
		})
	}
}
