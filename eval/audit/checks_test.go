package audit_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
)

func facts(c *claim) audit.Facts {
	return audit.Facts{
		Registered: true, ReceiptBlockHash: c.s.Manifest.Receipt.BlockHash,
		Servers: []audit.ServerKey{{Address: serverKey, First: 1}}, Verify: verify,
	}
}

func TestBinding(t *testing.T) {
	w := newWorld(t, 31, 1, 3, false)
	p := eval.Devnet()
	for _, tc := range []struct {
		name   string
		edit   edit
		facts  func(*audit.Facts)
		s      func(*audit.Submission)
		reason string // empty: accepted
	}{
		{name: "honest"},
		{name: "claimed in the last block", s: func(s *audit.Submission) { s.Block = 220 }},
		{name: "claimed one block late", s: func(s *audit.Submission) { s.Block = 221 }, reason: "after its deadline at block 220"},
		{name: "claimed before its receipt", s: func(s *audit.Submission) { s.Block = 100 }, reason: "before its receipt"},
		{name: "not registered", facts: func(f *audit.Facts) { f.Registered = false }, reason: "was not registered"},
		{name: "no receipt", edit: func(m *contract.Manifest) { m.Receipt = nil }, reason: "no receipt"},
		{name: "another's receipt", edit: func(m *contract.Manifest) { m.Receipt.Hotkey = serverKey }, reason: "leases the task to"},
		{name: "another's manifest", edit: func(m *contract.Manifest) { m.Hotkey = serverKey }, reason: "is of hotkey"},
		{name: "another generation", s: func(s *audit.Submission) { s.Line.Generation = 2 }, reason: "generation 1"},
		{name: "a block that is not on chain", facts: func(f *audit.Facts) { f.ReceiptBlockHash = canon.Sum(nil) }, reason: "on chain it is"},
		{name: "a longer deadline", edit: func(m *contract.Manifest) { m.Receipt.DeadlineBlock += 50 }, reason: "gives every task 120"},
		{name: "another recipe by the same name", edit: func(m *contract.Manifest) { m.Recipe.Stages[1].Params = map[string]string{"x": "y"} }, reason: "has hash"},
		{name: "an unknown server", facts: func(f *audit.Facts) { f.Servers[0].Address = minerKey }, reason: "no task-server key"},
		{name: "a server key before its time", facts: func(f *audit.Facts) { f.Servers[0].First = 101 }, reason: "no task-server key"},
		{name: "a server key at its end", facts: func(f *audit.Facts) { f.Servers[0].Last = 100 }},
		{name: "a server key after its time", facts: func(f *audit.Facts) { f.Servers[0].Last = 99 }, reason: "no task-server key"},
		{name: "the owner's key without configuration", facts: func(f *audit.Facts) { f.Servers, f.Owner = nil, serverKey }},
		{name: "the owner's key beside a configuration", facts: func(f *audit.Facts) { f.Servers[0].Address, f.Owner = minerKey, serverKey }, reason: "no task-server key"},
		{name: "neither configuration nor owner", facts: func(f *audit.Facts) { f.Servers = nil }, reason: "no task-server key"},
		{name: "a forged signature", facts: func(f *audit.Facts) { f.Verify = func(string, []byte, []byte) bool { return false } }, reason: "is not by"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var edits []edit
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			c := w.publish(w.ledger, w.rows, edits...)
			s, f := *c.s, audit.Facts{Registered: true, Servers: []audit.ServerKey{{Address: serverKey, First: 1}}, Verify: verify}
			if s.Manifest.Receipt != nil {
				f = facts(c)
			}
			if tc.facts != nil {
				tc.facts(&f)
			}
			if tc.s != nil {
				tc.s(&s)
			}
			wantReason(t, audit.Binding(&s, f, p), tc.reason)
		})
	}
}

func wantReason(t *testing.T, c eval.Check, reason string) {
	t.Helper()
	if reason == "" {
		wantOutcome(t, c, eval.Accepted)
		return
	}
	wantOutcome(t, c, eval.Rejected)
	if !strings.Contains(c.Reason, reason) {
		t.Errorf("reason %q does not say %q", c.Reason, reason)
	}
}

func TestNewSubmission(t *testing.T) {
	w := newWorld(t, 32, 1, 3, false)
	c := w.publish(w.ledger, w.rows)
	for name, tc := range map[string]struct {
		line func(*contract.LogLine)
		raw  []byte
	}{
		"other bytes":      {raw: append([]byte(" "), c.manifest...)},
		"another task":     {line: func(l *contract.LogLine) { l.Task = contract.TaskID(testCrawl, 8) }, raw: c.manifest},
		"no manifest":      {raw: []byte("{}"), line: func(l *contract.LogLine) { l.Manifest = canon.Sum([]byte("{}")) }},
		"another spelling": {raw: append([]byte(" "), c.manifest...), line: func(l *contract.LogLine) { l.Manifest = canon.Sum(append([]byte(" "), c.manifest...)) }},
	} {
		line := c.s.Line
		if tc.line != nil {
			tc.line(&line)
		}
		if _, err := audit.NewSubmission(minerKey, c.s.Claim, 110, line, tc.raw); err == nil {
			t.Errorf("%s: taken for the manifest of the line", name)
		}
	}
}

func TestContent(t *testing.T) {
	w := newWorld(t, 33, 2, 12, true)
	firstShard := func(m *contract.Manifest) *contract.OutputFile { return &m.Files[0] }
	for _, tc := range []struct {
		name   string
		ledger func([]contract.LedgerRow) []contract.LedgerRow
		rows   func([]contract.Row) []contract.Row
		edit   edit
		files  func(memFiles)
		reason string
	}{
		{name: "honest"},
		{name: "no documents left", ledger: func(l []contract.LedgerRow) []contract.LedgerRow {
			for i := range l {
				if l[i].ReachedMinHash() {
					drop(&l[i], "toy", "unwanted")
				}
			}
			return l
		}, rows: func([]contract.Row) []contract.Row { return nil }},
		{name: "empty ledger", ledger: func([]contract.LedgerRow) []contract.LedgerRow { return nil },
			rows: func([]contract.Row) []contract.Row { return nil }, reason: "no row for"},
		{name: "a file without rows", ledger: func(l []contract.LedgerRow) []contract.LedgerRow {
			for i := range l {
				if l[i].File == 1 {
					return l[:i]
				}
			}
			return l
		}, rows: ofFile(w, 0), reason: "no row for"},
		{name: "a first file without rows", ledger: func(l []contract.LedgerRow) []contract.LedgerRow {
			for i := range l {
				if l[i].File == 1 {
					return l[i:]
				}
			}
			return l
		}, rows: ofFile(w, 1), reason: "no row for"},
		{name: "one shard row more", rows: func(r []contract.Row) []contract.Row { return append(r, r[0]) }, reason: "more rows than"},
		{name: "one shard row less", rows: func(r []contract.Row) []contract.Row { return r[:len(r)-1] }, reason: "more documents kept"},
		{name: "shard rows in another order", rows: func(r []contract.Row) []contract.Row { r[0], r[1] = r[1], r[0]; return r }, reason: "next kept document"},
		{name: "a row of another task", rows: func(r []contract.Row) []contract.Row { r[2].FilePath = "s3://commoncrawl/crawl-data/x"; return r }, reason: "file_path is"},
		{name: "a missing file", files: func(f memFiles) {
			for path := range f {
				delete(f, path)
				return
			}
		}, reason: "does not hold"},
		{name: "a changed file", files: func(f memFiles) {
			for path := range f {
				f[path] = append([]byte(nil), f[path]...)
				f[path][10] ^= 1
				return
			}
		}, reason: "has SHA-256"},
		{name: "a longer file", files: func(f memFiles) {
			for path := range f {
				f[path] = append(f[path], 0)
				return
			}
		}, reason: "bytes where the manifest states"},
		{name: "a wrong row group hash", edit: func(m *contract.Manifest) { firstShard(m).RowGroups[0].SHA256 = canon.Sum(nil) }, reason: "have SHA-256"},
		{name: "a wrong footer hash", edit: func(m *contract.Manifest) { firstShard(m).Footer.SHA256 = canon.Sum(nil) }, reason: "have SHA-256"},
		{name: "more rows stated than held", edit: func(m *contract.Manifest) { firstShard(m).Rows++; firstShard(m).RowGroups[0].Rows++ }, reason: "manifest states"},
		{name: "more ledger rows than records can be", edit: func(m *contract.Manifest) {
			last := &m.Files[len(m.Files)-1]
			last.RowGroups[0].Rows += 1 << 30
			last.Rows += 1 << 30
		}, reason: "cannot hold more than"},
		{name: "a wrong ledger root", edit: func(m *contract.Manifest) { m.LedgerRoot = canon.Sum(nil) }, reason: "ledger's root"},
		{name: "a wrong rows root", edit: func(m *contract.Manifest) { m.RowsRoot = canon.Sum(nil) }, reason: "shards' root"},
		{name: "a wrong count", edit: func(m *contract.Manifest) { m.Counts[0].Rows++ }, reason: "counts"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			ledger, rows := w.ledgerCopy(), w.rowsCopy()
			if tc.ledger != nil {
				ledger = tc.ledger(ledger)
			}
			if tc.rows != nil {
				rows = tc.rows(rows)
			}
			var edits []edit
			if tc.edit != nil {
				edits = append(edits, tc.edit)
			}
			c := w.publish(ledger, rows, edits...)
			if tc.files != nil {
				tc.files(c.files)
			}
			wantReason(t, c.content(t), tc.reason)
		})
	}
	t.Run("a wrong number of pages", func(t *testing.T) {
		w := newWorld(t, 38, 1, 4, false)
		c := w.publish(w.ledger, w.rows, func(m *contract.Manifest) { m.Inputs[0].Pages++ })
		wantReason(t, c.content(t), "states 5 pages")
	})
	t.Run("another's signature", func(t *testing.T) {
		c := w.publish(w.ledger, w.rows)
		c.s.Manifest.Signature = sign(serverKey, mustMarshal(t, c.s.Manifest.Unsigned()))
		wantReason(t, c.content(t), "signature is not by")
	})
}

// ofFile keeps the rows of one file.
func ofFile(w *world, file int) func([]contract.Row) []contract.Row {
	return func(rows []contract.Row) []contract.Row {
		return slices.DeleteFunc(rows, func(r contract.Row) bool { return r.FilePath != pipeline.FilePath(w.paths[file]) })
	}
}

// faultyFiles fail with err, or come with a broken byte.
type faultyFiles struct {
	memFiles
	stat, open error
	broken     bool
}

func (f faultyFiles) Stat(ctx context.Context, path string) (audit.FileInfo, error) {
	if f.stat != nil {
		return audit.FileInfo{}, f.stat
	}
	return f.memFiles.Stat(ctx, path)
}

func (f faultyFiles) Open(ctx context.Context, path string) (audit.File, error) {
	if f.open != nil {
		return nil, f.open
	}
	file, err := f.memFiles.Open(ctx, path)
	if err == nil && f.broken {
		raw := append([]byte(nil), f.memFiles[path]...)
		raw[len(raw)/2] ^= 4
		return memFiles{path: raw}.Open(ctx, path)
	}
	return file, err
}

type rangesFunc func(path string, offset, length int64) ([]byte, int64, error)

func (f rangesFunc) ReadRange(_ context.Context, path string, offset, length int64) ([]byte, int64, error) {
	return f(path, offset, length)
}

type scannerFunc func(emit func(pipeline.Result) error) error

func (f scannerFunc) Scan(_ context.Context, _ io.Reader, _ pipeline.File, emit func(pipeline.Result) error) (pipeline.FileStats, error) {
	return pipeline.FileStats{}, f(emit)
}

func TestFaultsOfOthersAccuseNobody(t *testing.T) {
	w := newWorld(t, 34, 1, 8, false)
	rows := w.rowsCopy()
	rows[1].Text = "wrong"
	c := w.publish(w.ledger, rows)
	ctx := context.Background()
	down := errors.New("connection refused")
	for _, tc := range []struct {
		name  string
		files audit.Files
		want  eval.Fault
	}{
		{"hub does not answer", faultyFiles{memFiles: c.files, stat: down}, eval.FaultHub},
		{"hub stops answering", faultyFiles{memFiles: c.files, open: down}, eval.FaultHub},
		{"hub serves other bytes", faultyFiles{memFiles: c.files, broken: true}, eval.FaultHub},
		{"disk is full", faultyFiles{memFiles: c.files, open: eval.Blame(eval.FaultOwn, down)}, eval.FaultOwn},
		{"disk lost a file", faultyFiles{memFiles: c.files, open: eval.Blame(eval.FaultOwn, fs.ErrNotExist)}, eval.FaultOwn},
		{"hub lost a file", faultyFiles{memFiles: c.files, stat: eval.Blame(eval.FaultHub, fs.ErrNotExist)}, eval.FaultHub},
	} {
		check, err := audit.Content(ctx, c.s, tc.files, verify)
		if err != nil || check.Outcome != eval.Undecided || check.Fault != tc.want {
			t.Errorf("%s: %s %s (%s), %v", tc.name, check.Outcome, check.Fault, check.Reason, err)
		}
	}
	reads := 0
	size := int64(len(w.data[w.paths[0]]))
	for _, tc := range []struct {
		name   string
		ranges rangesFunc
		scan   audit.Scanner
		want   eval.Fault
	}{
		{"crawl does not answer", func(string, int64, int64) ([]byte, int64, error) { return nil, 0, down }, nil, eval.FaultCrawl},
		{"crawl tells no size", func(string, int64, int64) ([]byte, int64, error) { return nil, -1, nil }, nil, eval.FaultCrawl},
		{"crawl sends too little", func(_ string, _, n int64) ([]byte, int64, error) { return make([]byte, n-1), size, nil }, nil, eval.FaultCrawl},
		{"crawl sends other bytes each time", func(p string, o, n int64) ([]byte, int64, error) {
			reads++
			b := append([]byte(nil), w.data[p][o:o+n]...)
			b[len(b)/2] ^= byte(reads)
			return b, size, nil
		}, nil, eval.FaultCrawl},
		{"pipeline fails", nil, scannerFunc(func(func(pipeline.Result) error) error { return down }), eval.FaultOwn},
		{"pipeline changes its mind", nil, &fickle{Scanner: w.runner}, eval.FaultOwn},
	} {
		src := w.source()
		if tc.ranges != nil {
			src.Ranges = tc.ranges
		}
		if tc.scan != nil {
			src.Scanner = tc.scan
		}
		check, err := audit.Slice(ctx, c.s, c.files, src, wholeSeed(c, tc.name), wholeFile)
		if err != nil || check.Outcome != eval.Undecided || check.Fault != tc.want || len(check.Evidence.Proof) > 0 {
			t.Errorf("%s: %s %s (%s), %v", tc.name, check.Outcome, check.Fault, check.Reason, err)
		}
	}
}

// fickle finds a page only the first time.
type fickle struct {
	audit.Scanner
	scans int
}

func (f *fickle) Scan(ctx context.Context, src io.Reader, file pipeline.File, emit func(pipeline.Result) error) (pipeline.FileStats, error) {
	if f.scans++; f.scans == 1 {
		page := contract.LedgerRow{File: file.Number, Length: 5, Outcome: "toy", KeptFile: contract.NoKeeper, KeptOffset: contract.NoKeeper}
		if err := emit(pipeline.Result{Ledger: page}); err != nil {
			return pipeline.FileStats{}, err
		}
	}
	return f.Scanner.Scan(ctx, src, file, emit)
}

func TestWrongSizeIsProven(t *testing.T) {
	w := newWorld(t, 35, 1, 4, false)
	c := w.publish(w.ledger, w.rows)
	longer := rangesFunc(func(path string, offset, length int64) ([]byte, int64, error) {
		b, size, err := w.ReadRange(context.Background(), path, offset, length)
		return b, size + 1, err
	})
	src := audit.Source{Ranges: longer, Scanner: w.runner}
	check := c.slice(t, src, seedOf(1), testSlice)
	wantReason(t, check, "bytes where the manifest states")
	p := c.confirmed(t, check, src, false)
	wantRefuted(t, c, p, w.source())
}

func TestCancelledChecksGiveNoVerdict(t *testing.T) {
	w := newWorld(t, 36, 1, 4, false)
	c := w.publish(w.ledger, w.rows)
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	_, contentErr := audit.Content(ctx, c.s, c.files, verify)
	_, sliceErr := audit.Slice(ctx, c.s, c.files, w.source(), seedOf(1), testSlice)
	_, clustersErr := audit.Clusters(ctx, c.s, c.files)
	for name, err := range map[string]error{"content": contentErr, "slice": sliceErr, "clusters": clustersErr} {
		if !errors.Is(err, context.Canceled) {
			t.Errorf("%s: %v", name, err)
		}
	}
}

// TestChainsKeepTheirFirst: A and B share a key, B and C another, A and C none;
// only A is kept.
func TestChainsKeepTheirFirst(t *testing.T) {
	w := newWorld(t, 37, 2, 40, false)
	var chained int
	for i, l := range w.ledger {
		if l.Outcome != contract.OutcomeMinHash {
			continue
		}
		for _, k := range w.ledger[:i] {
			if k.File == l.KeptFile && k.Offset == l.KeptOffset && k.BandKeys[0] != l.BandKeys[0] && k.BandKeys[1] != l.BandKeys[1] {
				chained++
			}
		}
	}
	if chained == 0 {
		t.Fatal("the test data has no chain")
	}
	honest := w.publish(w.ledger, w.rows)
	wantOutcome(t, honest.clusters(t), eval.Accepted)

	for i, l := range w.ledger {
		if l.Outcome != contract.OutcomeMinHash {
			continue
		}
		ledger := w.ledgerCopy()
		ledger[i].Outcome, ledger[i].Reason, ledger[i].KeptFile, ledger[i].KeptOffset = contract.OutcomeKept, "", l.File, l.Offset
		c := w.publish(ledger, w.rowsFor(ledger))
		wantOutcome(t, c.content(t), eval.Accepted)
		check := c.clusters(t)
		wantReason(t, check, fmt.Sprintf("ledger row %d ", i))
		c.confirmed(t, check, w.source(), true)
	}
}
