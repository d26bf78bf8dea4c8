package submission_test

import (
	"os"
	"strings"
	"testing"

	"finest/eval"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline/shard/guard"
	"finest/roles/submission"
	"finest/roles/submission/submissiontest"
)

// TestMain makes this binary the child that a guard starts.
func TestMain(m *testing.M) {
	if len(os.Args) > 1 && os.Args[1] == guard.Arg {
		os.Exit(guard.Main(os.Args[2:]))
	}
	os.Exit(m.Run())
}

// garble publishes a task whose first shard is no Parquet, though its manifest
// tells its hashes.
func garble(m *submissiontest.Miner, work submissiontest.Work) (manifest []byte) {
	garbage := []byte(strings.Repeat("PAR1 and so on, ", 100))
	sum := canon.Sum(garbage)
	var path string
	manifest = m.Publish(work, func(m *contract.Manifest) {
		f := &m.Files[0]
		path, f.Bytes, f.SHA256 = f.Path, int64(len(garbage)), sum
		f.RowGroups = []contract.RowGroup{{Offset: 0, Length: 100, Rows: f.Rows, SHA256: canon.Sum(garbage[:100])}}
		f.Footer = contract.Span{Offset: 100, Length: f.Bytes - 100, SHA256: canon.Sum(garbage[100:])}
	})
	m.Commit(map[string][]byte{path: garbage})
	return manifest
}

// TestGuardedReading: with a guard and without, verdicts are the same. A guard
// that cannot start its child accuses nobody.
func TestGuardedReading(t *testing.T) {
	w := submissiontest.New(t)
	anna, bert := w.Miner("//Anna"), w.Miner("//Bert")
	work := w.Refine(w.Lease(anna.Key))
	manifest := anna.Publish(work)
	honest := caseOf(anna, work, manifest, anna.Claim(), anna.Pending())
	work = w.Refine(w.Lease(bert.Key))
	manifest = garble(bert, work)
	garbled := caseOf(bert, work, manifest, bert.Claim(), bert.Pending())
	for _, test := range []struct {
		name   string
		guard  *guard.Guard
		of     submission.Case
		want   eval.Outcome
		fault  eval.Fault
		reason string
	}{
		{"honest, unguarded", nil, honest, eval.Accepted, eval.FaultNone, "passed"},
		{"honest", &guard.Guard{}, honest, eval.Accepted, eval.FaultNone, "passed"},
		{"garbage, unguarded", nil, garbled, eval.Rejected, eval.FaultNone, "-00000.parquet cannot be read: read shard: not in the form"},
		{"garbage", &guard.Guard{}, garbled, eval.Rejected, eval.FaultNone, "-00000.parquet cannot be read: read shard: not in the form"},
		{"a child that does not start", &guard.Guard{Program: "/nowhere/finest"}, honest, eval.Undecided, eval.FaultOwn, "start a child"},
		{"a child that is another program", &guard.Guard{Program: "/bin/false"}, honest, eval.Undecided, eval.FaultOwn, "gave no answer"},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := w.Resolver()
			r.Guard = test.guard
			v := check(t, w, r, test.of)
			if v.Outcome != test.want || v.Fault != test.fault || !strings.Contains(v.Reason, test.reason) {
				t.Errorf("verdict is %s, fault %q: %s; want %s, fault %q: …%s…", v.Outcome, v.Fault, v.Reason, test.want, test.fault, test.reason)
			}
		})
	}
}
