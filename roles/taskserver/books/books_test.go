package books_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/memstore"
)

// played is the log of a store in which much has happened.
func played(t testing.TB, steps int) (log []books.Entry) {
	t.Helper()
	store := memstore.New()
	enginetest.Play(t, store, steps, 3)
	if err := store.View(t.Context(), func(v engine.View) (err error) {
		log, err = v.Audit(0, 1<<30)
		return err
	}); err != nil {
		t.Fatal(err)
	}
	return log
}

// replay applies entries up to the first that cannot be.
func replay(log []books.Entry) (*books.Books, error) {
	b := books.New()
	for _, e := range log {
		if err := b.Apply(e); err != nil {
			return b, err
		}
	}
	return b, nil
}

func TestReplayOfALog(t *testing.T) {
	log := played(t, 3000)
	b, err := replay(log)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(b.Head(), log[len(log)-1]) {
		t.Errorf("head is entry %d of %d", b.Head().Seq, len(log))
	}
	var tasks, imported int64
	for _, c := range b.Counts() {
		tasks += c.Tasks
	}
	for _, e := range log {
		if e.Op == books.OpImport {
			var d books.Import
			if err := json.Unmarshal(e.Detail, &d); err != nil {
				t.Fatal(err)
			}
			imported += int64(d.Tasks)
		}
	}
	if tasks != imported || tasks == 0 {
		t.Errorf("%d tasks in all states, %d imported", tasks, imported)
	}
}

// Who changes the log must change every entry after it, and with them the head,
// which others have noted.
func TestBrokenChain(t *testing.T) {
	log := played(t, 300)
	at := len(log) / 2
	for name, c := range map[string]struct {
		tamper func([]books.Entry) []books.Entry
		want   string
	}{
		"detail": {func(l []books.Entry) []books.Entry { l[at].Detail = json.RawMessage(`{}`); return l },
			fmt.Sprintf("entry %d has another hash than its content", at+1)},
		"block": {func(l []books.Entry) []books.Entry { l[at].Block++; return l },
			fmt.Sprintf("entry %d has another hash than its content", at+1)},
		"actor": {func(l []books.Entry) []books.Entry { l[at].Actor += " "; return l },
			fmt.Sprintf("entry %d has another hash than its content", at+1)},
		"previous hash": {func(l []books.Entry) []books.Entry {
			l[at].Previous = strings.Repeat("1", 64)
			l[at].Hash, _ = l[at].Sum()
			return l
		}, fmt.Sprintf("entry %d does not follow entry %d", at+1, at)},
		"missing": {func(l []books.Entry) []books.Entry { return append(l[:at], l[at+1:]...) },
			fmt.Sprintf("entry %d comes after entry %d: what is between them is missing", at+2, at)},
		"doubled":  {func(l []books.Entry) []books.Entry { l[at] = l[at-1]; return l }, fmt.Sprintf("entry %d comes after entry %d", at, at)},
		"first":    {func(l []books.Entry) []books.Entry { return l[1:] }, "entry 2 comes after entry 0"},
		"swapped":  {func(l []books.Entry) []books.Entry { l[at], l[at+1] = l[at+1], l[at]; return l }, fmt.Sprintf("entry %d comes after entry %d", at+2, at)},
		"negative": {func(l []books.Entry) []books.Entry { l[at].Seq = -1; return l }, "entry -1 comes after"},
	} {
		t.Run(name, func(t *testing.T) {
			forged := c.tamper(append([]books.Entry(nil), log...))
			b, err := replay(forged)
			if err == nil || !strings.Contains(err.Error(), c.want) || errors.Is(err, books.ErrIllegal) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
			if b.Head().Seq > int64(at) {
				t.Errorf("entries up to %d were applied", b.Head().Seq)
			}
		})
	}
}

// An entry that is rewritten together with its hash no longer fits the next.
func TestRewrittenEntry(t *testing.T) {
	log := played(t, 300)
	for at, e := range log[:len(log)-1] {
		if e.Op != books.OpBan && e.Op != books.OpRenew && e.Op != books.OpProof {
			continue
		}
		e.Block++
		var err error
		if e.Hash, err = e.Sum(); err != nil {
			t.Fatal(err)
		}
		log[at] = e
		_, err = replay(log)
		if want := fmt.Sprintf("entry %d does not follow entry %d", at+2, at+1); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got error %v, want one with %q", err, want)
		}
		return
	}
	t.Fatal("no entry to rewrite")
}

func TestHashIsOfCanonicalJSON(t *testing.T) {
	e, err := books.Next(books.Entry{}, books.Entry{Op: books.OpBan, Block: 7, Actor: "operator \"\u00e4\"\n"},
		books.Holder{Kind: "hotkey", Address: "5a", Reason: "<b>\u2028"})
	if err != nil {
		t.Fatal(err)
	}
	// SHA-256 of the text, by another program.
	const text = `{"actor":"operator \"ä\"\n","block":7,"detail":{"address":"5a","kind":"hotkey","reason":"<b>` + "\u2028" +
		`"},"from":"","generation":0,"op":"ban","previous":"0000000000000000000000000000000000000000000000000000000000000000","seq":1,"task":"","to":""}`
	if want := sum(text); e.Hash != want || e.Seq != 1 {
		t.Errorf("entry %d has hash %s, want %s", e.Seq, e.Hash, want)
	}
}

var (
	alice = enginetest.Address("alice")
	bob   = enginetest.Address("bob")
)

// story is a log in the making.
type story struct {
	*testing.T
	*books.Books
}

// tell adds an entry and returns why it cannot be.
func (s story) tell(e books.Entry, detail any) error {
	s.Helper()
	next, err := books.Next(s.Head(), e, detail)
	if err != nil {
		s.Fatal(err)
	}
	return s.Apply(next)
}

func (s story) must(e books.Entry, detail any) {
	s.Helper()
	if err := s.tell(e, detail); err != nil {
		s.Fatal(err)
	}
}

const task = "crawl-000000"

// newStory has two tasks, the first of which alice holds from block 10 to 20.
func newStory(t *testing.T) story {
	s := story{t, books.New()}
	s.must(books.Entry{Op: books.OpImport, Actor: books.ActorOperator}, books.Import{Crawl: "crawl", FilesPerTask: 2, Files: 3, Tasks: 2})
	s.must(lease(10), leased(20))
	return s
}

func lease(block uint64) books.Entry {
	return books.Entry{Op: books.OpLease, Block: block, Actor: alice, Task: task, Generation: 1, From: contract.TaskAvailable, To: contract.TaskLeased}
}

func leased(deadline uint64) books.Lease {
	return books.Lease{After: books.After{Due: deadline}, Coldkey: bob, Slot: 1, Deadline: deadline, Receipt: strings.Repeat("a", 64)}
}

func at(op string, block uint64, actor, from, to string) books.Entry {
	return books.Entry{Op: op, Block: block, Actor: actor, Task: task, Generation: 1, From: from, To: to}
}

func strikes(n int) *books.Strikes { return &books.Strikes{Hotkey: n, Coldkey: n} }

func TestIllegalEntries(t *testing.T) {
	const (
		available, held, submitted, quarantined = contract.TaskAvailable, contract.TaskLeased, contract.TaskSubmitted, contract.TaskQuarantined
		server, operator                        = books.ActorServer, books.ActorOperator
	)
	released := books.End{After: books.After{Attempts: 1, Strikes: strikes(1)}}
	result := books.Submit{After: books.After{Due: 30}, Block: 15}
	second := lease(15)
	second.Task = "crawl-000001"
	for name, c := range map[string]struct {
		entry  books.Entry
		detail any
		want   string
	}{
		"unknown operation":        {at("steal", 15, alice, held, available), struct{}{}, "no task goes"},
		"unknown state":            {at(books.OpRelease, 15, alice, held, "lost"), released, "no task goes"},
		"task never imported":      {books.Entry{Op: books.OpLease, Task: "crawl-000002"}, leased(25), "never imported"},
		"task of no crawl":         {books.Entry{Op: books.OpLease, Task: "x"}, leased(25), "never imported"},
		"second lease":             {lease(15), leased(25), "is leased, not available"},
		"second lease, forced":     {at(books.OpLease, 15, alice, held, held), leased(25), "no task goes"},
		"generation left out":      {books.Entry{Op: books.OpLease, Block: 15, Actor: bob, Task: "crawl-000001", Generation: 2, From: available, To: held}, leased(25), "generation 2 of task crawl-000001, not 1"},
		"slot taken":               {second, leased(25), "has a live lease"},
		"release by another":       {at(books.OpRelease, 15, bob, held, available), released, "does not hold the lease"},
		"release after its end":    {at(books.OpRelease, 21, alice, held, available), released, "the deadline was block 20"},
		"release without a strike": {at(books.OpRelease, 15, alice, held, available), books.End{After: books.After{Attempts: 1}}, "strikes"},
		"release with two strikes": {at(books.OpRelease, 15, alice, held, available), books.End{After: books.After{Attempts: 1, Strikes: strikes(2)}}, "strikes"},
		"release uncounted":        {at(books.OpRelease, 15, alice, held, available), books.End{After: books.After{Strikes: strikes(1)}}, "0 attempts, not 1"},
		"quarantine unexplained":   {at(books.OpRelease, 15, alice, held, quarantined), released, "evidence"},
		"evidence for nothing":     {at(books.OpRelease, 15, alice, held, available), books.End{After: books.After{Attempts: 1, Evidence: "x", Strikes: strikes(1)}}, "evidence"},
		"expiry before the end":    {at(books.OpExpire, 20, server, held, available), released, "due after block 20"},
		"expiry by a miner":        {at(books.OpExpire, 21, alice, held, available), released, "not by server"},
		"expiry of a missing file": {at(books.OpExpire, 21, server, held, available), books.End{After: released.After, Missing: "f"}, "is missing"},
		"result of another":        {at(books.OpSubmit, 15, bob, held, submitted), result, "does not hold the lease"},
		"claim before the receipt": {at(books.OpSubmit, 15, alice, held, submitted), books.Submit{After: result.After, Block: 10}, "the claim of block 10"},
		"claim from the future":    {at(books.OpSubmit, 15, alice, held, submitted), books.Submit{After: result.After, Block: 16}, "the claim of block 16"},
		"result never due":         {at(books.OpSubmit, 15, alice, held, submitted), books.Submit{Block: 15}, "due at block 0"},
		"judged without a result":  {at(books.OpJudge, 15, server, available, contract.TaskAccepted), books.Judge{Accepted: "1", Rejected: "0"}, "is leased, not available"},
		"renewed by another":       {at(books.OpRenew, 15, bob, held, held), struct{}{}, "does not hold the lease"},
		"detail too many":          {at(books.OpRenew, 15, alice, held, held), map[string]int{"x": 1}, "not canonical"},
		"detail too few":           {at(books.OpRelease, 15, alice, held, available), struct{}{}, "not canonical"},
		"detail is no object":      {at(books.OpRelease, 15, alice, held, available), 5, "cannot unmarshal"},
		"requeue of a lease":       {at(books.OpRequeue, 15, operator, held, available), books.Requeue{}, "no task goes"},
		"crawl twice":              {books.Entry{Op: books.OpImport, Actor: operator}, books.Import{Crawl: "crawl", FilesPerTask: 1, Files: 1, Tasks: 1}, "is there already"},
		"crawl that is lost":       {books.Entry{Op: books.OpImport, Actor: operator}, books.Import{Crawl: "two", FilesPerTask: 2, Files: 3, Tasks: 1}, "do not make"},
		"crawl by a miner":         {books.Entry{Op: books.OpImport, Actor: alice}, books.Import{Crawl: "two", FilesPerTask: 2, Files: 3, Tasks: 2}, "not by operator"},
		"retirement of nothing":    {books.Entry{Op: books.OpRetire, Actor: operator}, books.Retire{Crawl: "two"}, "not there"},
		"ban without reason":       {books.Entry{Op: books.OpBan, Actor: operator}, books.Holder{Kind: "hotkey", Address: alice}, "reason"},
		"ban with a task":          {at(books.OpBan, 15, operator, held, held), books.Holder{Kind: "hotkey", Address: alice, Reason: "x"}, "names a task"},
		"ban of nobody":            {books.Entry{Op: books.OpBan, Actor: operator}, books.Holder{Kind: "uid", Address: alice, Reason: "x"}, "holder"},
		"verdict on no lease":      {at(books.OpVerdict, 15, bob, held, held), books.Verdict{Verdict: contract.Verdict{Task: task, Generation: 2}, Stake: "1"}, "lease 2"},
		"verdict on another":       {at(books.OpVerdict, 15, bob, held, held), books.Verdict{Verdict: contract.Verdict{Task: task, Generation: 1, Hotkey: bob}, Stake: "1"}, "does not have the lease"},
		"verdict of later weights": {at(books.OpVerdict, 15, bob, held, held), books.Verdict{Verdict: contract.Verdict{Task: task, Generation: 1, Hotkey: alice}, WeightsBlock: 16, Stake: "1"}, "weights of block 16"},
		"excuse of nothing":        {at(books.OpExcuse, 15, server, held, held), books.Excuse{After: books.After{Due: 20}, Lease: 1}, "no excuse"},
		"proof without a hash":     {books.Entry{Op: books.OpProof, Actor: alice}, books.Proof{SHA256: "x"}, "hash of a proof"},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory(t)
			before := fmt.Sprint(s.Head(), s.Counts())
			err := s.tell(c.entry, c.detail)
			if !errors.Is(err, books.ErrIllegal) || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
			if now := fmt.Sprint(s.Head(), s.Counts()); now != before {
				t.Errorf("it changed\n%s to\n%s", before, now)
			}
		})
	}
}

func TestRecount(t *testing.T) {
	for _, c := range []struct{ strikes, counted, level, after, counts int }{
		{0, 0, 1, 1, 1}, {3, 0, 0, 3, 0}, {3, 0, -1, 2, -1}, {3, 1, -1, 1, -1}, {3, -1, 1, 5, 1}, {3, 1, 1, 3, 1},
		{0, 0, -1, 0, 0}, {8, 0, 1, 8, 0}, {7, -1, 1, 8, 0}, {1, 1, -1, 0, 0}, {0, 1, 0, 0, 1},
	} {
		after, counts := books.Recount(c.strikes, c.counted, c.level)
		if after != c.after || counts != c.counts {
			t.Errorf("%+v: %d strikes, of which the lease counts %d", c, after, counts)
		}
	}
}

// A server that lags behind cannot give a task to two.
func TestLeaseWithinAnother(t *testing.T) {
	s := newStory(t)
	s.must(at(books.OpExpire, 21, books.ActorServer, contract.TaskLeased, contract.TaskAvailable), books.End{After: books.After{Attempts: 1, Strikes: strikes(1)}})
	again := lease(20)
	again.Generation = 2
	detail := leased(30)
	detail.Attempts = 1
	if err := s.tell(again, detail); !errors.Is(err, books.ErrIllegal) {
		t.Errorf("leased at block 20, the last of another lease: %v", err)
	}
	again.Block = 21
	s.must(again, detail)
}

func TestBannedAndRetired(t *testing.T) {
	second := lease(15)
	second.Task = "crawl-000001"
	detail := leased(25)
	detail.Slot = 2
	for name, c := range map[string]struct {
		entry  books.Entry
		detail any
	}{
		"hotkey":  {books.Entry{Op: books.OpBan, Actor: books.ActorOperator}, books.Holder{Kind: "hotkey", Address: alice, Reason: "x"}},
		"coldkey": {books.Entry{Op: books.OpBan, Actor: books.ActorOperator}, books.Holder{Kind: "coldkey", Address: bob, Reason: "x"}},
		"crawl":   {books.Entry{Op: books.OpRetire, Actor: books.ActorOperator}, books.Retire{Crawl: "crawl"}},
	} {
		s := newStory(t)
		s.must(c.entry, c.detail)
		if err := s.tell(second, detail); !errors.Is(err, books.ErrIllegal) {
			t.Errorf("%s: leased in spite of it: %v", name, err)
		}
	}
	newStory(t).must(second, detail)
}
