package engine_test

import (
	"context"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver/books"
	"finest/roles/taskserver/engine"
	"finest/roles/taskserver/engine/enginetest"
	"finest/roles/taskserver/memstore"
)

func check(t *testing.T, store engine.Store) books.Report {
	t.Helper()
	report, err := engine.Check(t.Context(), store)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

func TestCheckOfAnEmptyStore(t *testing.T) {
	if r := check(t, memstore.New()); !r.OK() || r.Entries != 0 {
		t.Errorf("report %+v", r)
	}
}

func TestCheckCounts(t *testing.T) {
	d := newDesk(t, 5)
	r := d.lease("alice", 1)
	d.pass(1)
	d.must(d.submit("alice", r))
	d.must(d.judge("v", 1, r, contract.VerdictAccepted))
	d.lease("bob", 1)
	got := check(t, d.store)
	var head string
	d.view(func(v engine.View) error {
		e, err := v.AuditHead()
		head = e.Hash
		return err
	})
	same(t, "report", got, books.Report{
		Entries: 6, Head: head, Crawls: 1, Tasks: 5, Leases: 2, Submissions: 1, Verdicts: 1, Holders: 4,
		Counts: []books.Count{{Crawl: crawl, State: contract.TaskAvailable, Tasks: 3}, {Crawl: crawl, State: contract.TaskLeased, Tasks: 1},
			{Crawl: crawl, State: contract.TaskAccepted, Tasks: 1}},
	})
}

// TestCheckNamesWhatIsWrong changes one thing behind the log's back at a time.
func TestCheckNamesWhatIsWrong(t *testing.T) {
	d := newDesk(t, 4)
	d.load("unknown", 2, false)
	unready := contract.TaskID("unknown", 1)
	var files []contract.InputFile
	for _, f := range d.task(unready).Files {
		files = append(files, contract.InputFile{Path: f.Path, Bytes: 5})
	}
	d.must(d.Surveyed(d.Context(), d.head, unready, files, ""))
	d.must(d.Surveyed(d.Context(), d.head, contract.TaskID("unknown", 0), nil, "cannot be read"))
	var done contract.Receipt
	for done.Crawl != crawl { // of the first crawl, so that others can be named
		if done.Task != "" {
			d.must(d.release("alice", done, ""))
			d.pass(deadline)
		}
		done = d.lease("alice", 1)
	}
	d.pass(1)
	d.must(d.submit("alice", done))
	d.must(d.judge("v", 7, done, contract.VerdictAccepted))
	open := d.lease("alice", 1)
	proof := []byte(`{"leaf":1}`)
	d.must(d.Proof(d.Context(), d.by("v"), canon.Sum(proof), contract.ProofRequest{Proof: proof}))
	d.must(d.Ban(d.Context(), d.head, holder(engine.HolderHotkey, "mallory"), "why not"))
	if r := check(t, d.store); !r.OK() {
		t.Fatal(r.Faults)
	}

	ofTask := func(id string, f func(*engine.Task)) func([]engine.Task) []engine.Task {
		return each(func(t *engine.Task) {
			if t.ID == id {
				f(t)
			}
		})
	}
	ofLease := func(id string, f func(*engine.Lease)) func([]engine.Lease) []engine.Lease {
		return each(func(l *engine.Lease) {
			if l.Receipt.Task == id {
				f(l)
			}
		})
	}
	alice := enginetest.Address("alice")
	for name, c := range map[string]struct {
		edit edited
		want string
	}{
		"entry changed": {edited{entries: first(func(e *books.Entry) { e.Block++ })}, "audit entry 1: entry 1 has another hash"},
		"entry missing": {edited{entries: without[books.Entry]}, "audit entry 2: entry 2 comes after entry 0"},
		"log cut short": {edited{entries: func(e []books.Entry) []books.Entry { return e[:len(e)-1] }}, "audit: its head is entry"},
		"state of a task": {edited{tasks: ofTask(open.Task, func(t *engine.Task) { t.State = contract.TaskAccepted })},
			"task " + open.Task + ": its state is accepted, not leased"},
		"strike of a lease": {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.ColdkeyStrikes++ })},
			"lease 1 of task " + done.Task + ": its strike of its coldkey is"},
		"generation": {edited{tasks: ofTask(open.Task, func(t *engine.Task) { t.Generation++ })}, "task " + open.Task + ": its generation is"},
		"deadline":   {edited{tasks: ofTask(open.Task, func(t *engine.Task) { t.DeadlineBlock++ })}, "task " + open.Task + ": its deadline is"},
		"due block":  {edited{tasks: ofTask(open.Task, func(t *engine.Task) { t.DueBlock++ })}, "task " + open.Task + ": its due block is"},
		"attempts":   {edited{tasks: ofTask(open.Task, func(t *engine.Task) { t.Attempts += 2 })}, "task " + open.Task + ": its number of attempts is"},
		"place":      {edited{tasks: ofTask(open.Task, func(t *engine.Task) { t.Point++ })}, "task " + open.Task + ": it does not lie on the ring"},
		"readiness":  {edited{tasks: ofTask(unready, func(t *engine.Task) { t.Ready = false })}, "task " + unready + ": that it may be leased is false"},
		"evidence": {edited{tasks: ofTask(contract.TaskID("unknown", 0), func(t *engine.Task) { t.Evidence = "other" })},
			"task unknown-000000: its evidence"},
		"imported size":   {edited{tasks: ofTask(done.Task, func(t *engine.Task) { t.Files[0].Bytes++ })}, "crawl " + crawl + ": the files of its tasks"},
		"imported path":   {edited{tasks: ofTask(done.Task, func(t *engine.Task) { t.Files[0].Path += "x" })}, "crawl " + crawl + ": the files of its tasks"},
		"path not looked": {edited{tasks: ofTask("unknown-000000", func(t *engine.Task) { t.Files[0].Path += "x" })}, "crawl unknown: the files of its tasks"},
		"size looked up":  {edited{tasks: ofTask(unready, func(t *engine.Task) { t.Files[0].Bytes++ })}, "task " + unready + ": its files are not those of the survey"},
		"task missing":    {edited{tasks: without[engine.Task]}, "task " + contract.TaskID(crawl, 0) + ": it is missing"},
		"task too many": {edited{tasks: func(rows []engine.Task) []engine.Task {
			more := rows[len(rows)-1]
			more.ID = more.Crawl + "-999999"
			return append(rows, more)
		}}, "-999999: no entry imported it"},
		"crawl missing": {edited{crawls: without[engine.Crawl]}, "crawl " + crawl + ": it is missing"},
		"crawl too many": {edited{crawls: func(rows []engine.Crawl) []engine.Crawl { return append(rows, engine.Crawl{Name: "new"}) }},
			"crawl new: no entry imported it"},
		"crawl changed": {edited{crawls: first(func(c *engine.Crawl) { c.CatalogueSHA256 = "x" })}, "crawl " + crawl + ": it is"},
		"counts":        {edited{counts: first(func(c *engine.TaskCount) { c.Tasks++ })}, "counts of crawl " + crawl},
		"counts of those that may be leased": {edited{counts: each(func(c *engine.TaskCount) { c.Ready = !c.Ready })},
			"counts of crawl " + crawl + ": 0 of the 3 tasks that are available may be leased, not 3"},
		"counts too many": {edited{counts: first(func(c *engine.TaskCount) { c.Crawl = "other" })}, "counts of crawl other"},
		"receipt": {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.Receipt.Files[0].Path += "x" })},
			"of task " + done.Task + ": its receipt is not the one"},
		"signature":      {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.Receipt.Signature = "" })}, "of task " + done.Task + ": its receipt is not the one"},
		"coldkey":        {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.Coldkey = "x" })}, "of task " + done.Task + ": its coldkey is"},
		"slot":           {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.Slot++ })}, "of task " + done.Task + ": its slot is"},
		"state of lease": {edited{leases: ofLease(open.Task, func(l *engine.Lease) { l.State = contract.LeaseExpired })}, "of task " + open.Task + ": its state is expired, not live"},
		"renewed":        {edited{leases: ofLease(open.Task, func(l *engine.Lease) { l.RenewedBlock = 1 })}, "of task " + open.Task + ": its renewed block is 1"},
		"ended":          {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.EndedBlock++ })}, "of task " + done.Task + ": its end is"},
		"reason":         {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.Reason = "x" })}, "of task " + done.Task + ": its reason is not what"},
		"excuse":         {edited{leases: ofLease(done.Task, func(l *engine.Lease) { l.Excused = engine.ExcuseConfirmed })}, "of task " + done.Task + ": its excuse is"},
		"lease missing":  {edited{leases: without[engine.Lease]}, "of task " + open.Task},
		"lease too many": {edited{leases: func(rows []engine.Lease) []engine.Lease { return append(rows, rows[0]) }}, "no entry granted it"},
		"slot lost":      {edited{slot: func(l *engine.Lease) { *l = engine.Lease{} }}, "of task " + open.Task + ": it is live, but slot 1 of " + alice + " holds"},
		"live leases":    {edited{live: func(n *int) { *n = 5 }}, "hotkey " + alice + ": 5 of its leases are live, not 1"},
		"strikes":        {edited{record: func(r *engine.Record) { r.Strikes = 7 }}, alice + ": its record is"},
		"results":        {edited{record: func(r *engine.Record) { r.Unjudged-- }}, alice + ": its record is"},
		"accepted":       {edited{record: func(r *engine.Record) { r.Accepted++ }}, alice + ": its record is"},
		"ban":            {edited{record: func(r *engine.Record) { r.Ban = "x" }}, alice + ": its record is"},
		"ban of a stranger": {edited{banned: func(rows []engine.Record) []engine.Record {
			return append(rows, engine.Record{Holder: holder(engine.HolderColdkey, "stranger"), Ban: "x"})
		}}, "coldkey " + enginetest.Address("stranger") + ": it is banned"},
		"record of a stranger": {edited{records: func(rows []engine.Record) []engine.Record {
			return append(rows, engine.Record{Holder: engine.Holder{Kind: rows[0].Kind, Address: "stranger"}, Strikes: 3})
		}}, "hotkey stranger: no entry names it, but there is a record of it: {Kind:hotkey Address:stranger Strikes:3"},
		"record renamed": {edited{records: func(rows []engine.Record) []engine.Record {
			rows[0].Address = "renamed"
			return rows
		}}, "coldkey renamed: no entry names it"},
		"submission": {edited{results: first(func(s *contract.SubmissionView) { s.Claim = "x" })}, "submission 1: its claim is x, not " + result(done, 0).Claim + ", as audit entry 6 says"},
		"submission missing": {edited{results: func([]contract.SubmissionView) []contract.SubmissionView { return nil }},
			"submission 1: it is missing, though audit entry 6 added it"},
		"verdict":                  {edited{judged: first(func(v *engine.Verdict) { v.Outcome = contract.VerdictRejected })}, "verdict 1: its outcome is rejected, not accepted, as audit entry 7 says"},
		"verdict's stake":          {edited{judged: first(func(v *engine.Verdict) { v.Stake++ })}, "verdict 1: its stake is 8, not 7, as audit entry 7 says"},
		"verdict stored elsewhere": {edited{keys: first(func(key *string) { *key = "x" })}, "verdict 1: it is stored under the hash x, its content has "},
		"verdict not stored":       {edited{keys: without[string]}, "verdict 1: it is stored under the hash \"\", its content has "},
		"verdict missing":          {edited{judged: without[engine.Verdict]}, "verdict 1: it is missing, though audit entry 7 added it"},
		"proof":                    {edited{proofs: first(func(p *contract.ProofView) { p.Proof = []byte(`{}`) })}, "proof 1: its content's hash is " + canon.Sum([]byte(`{}`)) + ", not " + canon.Sum(proof) + ", as audit entry 10 says"},
		"proof too many": {edited{proofs: func(rows []contract.ProofView) []contract.ProofView {
			return append(rows, contract.ProofView{Seq: 2})
		}}, "proof 2: no entry added it"},
	} {
		t.Run(name, func(t *testing.T) {
			r := check(t, tampered{d.store, func(v engine.View) engine.View { c.edit.View = v; return c.edit }})
			for _, f := range r.Faults {
				if strings.Contains(f.String(), c.want) {
					return
				}
			}
			t.Errorf("found %v, want %q", r.Faults, c.want)
		})
	}
}

// A report stays short however much is wrong.
func TestCheckReportsSoMuch(t *testing.T) {
	d := newDesk(t, 500)
	r := check(t, tampered{d.store, func(v engine.View) engine.View {
		return edited{View: v, tasks: each(func(t *engine.Task) { t.Attempts++ })}
	}})
	if len(r.Faults) != 100 || r.More != 400 {
		t.Errorf("%d faults and %d more", len(r.Faults), r.More)
	}
}

func TestCheckStopsWithItsContext(t *testing.T) {
	d := newDesk(t, 5)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := engine.Check(ctx, d.store); err == nil {
		t.Error("a cancelled check succeeds")
	}
}
