package refiner_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"iter"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
	"finest/pipeline/shard"
	"finest/pipeline/warc"
	"finest/roles/refiner"
)

const (
	envKillAt = "REFINER_TEST_KILL_AT"
	envDir    = "REFINER_TEST_DIR"
	envRunner = "REFINER_TEST_RUNNER"
)

// TestMain lets the test binary stand for a run of refine that is killed.
func TestMain(m *testing.M) {
	if at := os.Getenv(envKillAt); at != "" {
		n, err := strconv.Atoi(at)
		if err != nil {
			panic(err)
		}
		refineAndDie(os.Getenv(envDir), n)
	}
	os.Exit(m.Run())
}

// refineAndDie kills its process at the n-th sign of progress.
func refineAndDie(dir string, n int) {
	t := new(dieT)
	runner := testRunner(t, 2)
	if os.Getenv(envRunner) != "" {
		runner = acrossRunner(t, 2)
	}
	_, err := refiner.Refine(context.Background(), refiner.Options{
		Inputs: inputsIn(t, filepath.Join(dir, "in")), Runner: runner, OutDir: filepath.Join(dir, "out"),
		Progress: func(refiner.Progress) {
			if n--; n == 0 {
				_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
				select {}
			}
		},
	})
	fmt.Println("not killed:", err)
	os.Exit(3)
}

// dieT is a testing.TB for a process that is no test.
type dieT struct{ testing.TB }

func (*dieT) Helper()           {}
func (*dieT) Fatal(args ...any) { panic(fmt.Sprint(args...)) }

func killedRun(t *testing.T, dir string, at int) {
	t.Helper()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), envKillAt+"="+strconv.Itoa(at), envDir+"="+dir)
	out, err := cmd.CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.Sys().(syscall.WaitStatus).Signal() != syscall.SIGKILL {
		t.Fatalf("killed run ended with %v: %s", err, out)
	}
}

// One worker, two, and a run that is killed twice and resumed give the same
// bytes, and no file is refined twice.
func TestSameBytes(t *testing.T) {
	in := t.TempDir()
	inputs := writeFiles(t, in, 3)
	calls := 0
	out := t.TempDir()
	want := digest(t, out, refine(t, refiner.Options{
		Inputs: inputs, Runner: testRunner(t, 1), OutDir: out, Progress: func(refiner.Progress) { calls++ },
	}))
	out = t.TempDir()
	if got := digest(t, out, refine(t, refiner.Options{Inputs: inputs, Runner: testRunner(t, 2), OutDir: out})); got != want {
		t.Fatal("two workers give other bytes than one")
	}
	for _, kill := range []struct{ first, second, resumed int }{
		{1, 1, 0}, {30, 70, 1}, {calls / 2, calls/2 + 10, 2}, {calls - 2, 5, 3}, {calls, 4, 3},
	} {
		t.Run(fmt.Sprintf("killed at %d and %d", kill.first, kill.second), func(t *testing.T) {
			dir := t.TempDir()
			if err := os.Symlink(in, filepath.Join(dir, "in")); err != nil {
				t.Fatal(err)
			}
			killedRun(t, dir, kill.first)
			killedRun(t, dir, kill.second)
			out := filepath.Join(dir, "out")
			r := refine(t, refiner.Options{Inputs: inputsIn(t, filepath.Join(dir, "in")), Runner: testRunner(t, 2), OutDir: out})
			if got := digest(t, out, r); got != want {
				t.Fatal("the resumed run gives other bytes")
			}
			resumed := 0
			for _, f := range r.Files {
				if f.Resumed {
					resumed++
				}
			}
			if resumed < kill.resumed {
				t.Fatalf("%d files were not refined again, want %d", resumed, kill.resumed)
			}
		})
	}
}

func rowsOf[T any](t *testing.T, out string, files []contract.OutputFile, read func(io.ReaderAt, int64, int64) iter.Seq2[T, error]) []T {
	t.Helper()
	var all []T
	for _, f := range files {
		file, err := os.Open(filepath.Join(out, f.Path))
		if err != nil {
			t.Fatal(err)
		}
		for row, err := range read(file, f.Bytes, f.Rows) {
			if err != nil {
				t.Fatal(err)
			}
			all = append(all, row)
		}
		_ = file.Close()
	}
	return all
}

// Each file is told of once it stands, and the report sums the rows up.
func TestReport(t *testing.T) {
	out := t.TempDir()
	var finished []string
	r := refine(t, refiner.Options{
		Inputs: writeFiles(t, t.TempDir(), 2), Runner: testRunner(t, 2), OutDir: out,
		Finished: func(f contract.OutputFile) {
			if raw, err := os.ReadFile(filepath.Join(out, f.Path)); err != nil || canon.Sum(raw) != f.SHA256 {
				t.Errorf("told of %s: error %v, or another hash", f.Path, err)
			}
			finished = append(finished, f.Path)
		},
	})
	var want []string
	for _, f := range slices.Concat(r.Manifest.Ledgers(), r.Manifest.Shards()) {
		want = append(want, f.Path)
	}
	if !slices.Equal(finished, want) {
		t.Errorf("finished %q, want %q", finished, want)
	}
	var tokens, text int64
	languages := make(map[string]int64)
	for _, row := range rowsOf(t, out, r.Manifest.Shards(), shard.ReadRows) {
		tokens += row.TokenCount
		text += int64(len(row.Text))
		languages[row.Language]++
	}
	if r.Tokens != tokens || r.TextBytes != text || !maps.Equal(r.Languages, languages) || len(languages) != 2 {
		t.Errorf("%d tokens in %d bytes, want %d in %d; languages %v, want %v", r.Tokens, r.TextBytes, tokens, text, r.Languages, languages)
	}
}

// Manifest, shards and ledger agree with each other and with the clustering,
// done here the slow way.
func TestResult(t *testing.T) {
	inputs := writeFiles(t, t.TempDir(), 3)
	out := t.TempDir()
	r := refine(t, refiner.Options{Inputs: inputs, Runner: testRunner(t, 2), OutDir: out})
	m := r.Manifest
	if err := m.Validate(); err != nil {
		t.Fatal(err)
	}
	if m.Task != contract.LocalTask || m.Dump != "TEST-2026-01" || len(m.Inputs) != 3 {
		t.Fatalf("manifest %+v", m)
	}
	ledger, rows := rowsOf(t, out, m.Ledgers(), shard.ReadLedger), rowsOf(t, out, m.Shards(), shard.ReadRows)

	var tree canon.Tree
	for _, row := range rows {
		leaf, err := shard.RowLeaf(row)
		if err != nil {
			t.Fatal(err)
		}
		tree.Add(leaf)
	}
	if tree.Root().String() != m.RowsRoot {
		t.Fatal("rows root differs")
	}
	counts := make(map[contract.Count]int64)
	kept, lastFile, end := 0, int32(0), int64(0)
	type at struct {
		file   int32
		offset int64
	}
	cluster := make(map[at]at) // document -> keeper, by single passes to a fixed point
	for _, l := range ledger {
		if l.File != lastFile {
			lastFile, end = l.File, 0
		}
		if l.Offset < end || l.End() > m.Inputs[l.File].Bytes {
			t.Fatalf("span %+v", l)
		}
		end = l.End()
		counts[contract.Count{Outcome: l.Outcome, Reason: l.Reason}]++
		if len(l.BandKeys) > 0 {
			cluster[at{l.File, l.Offset}] = at{l.File, l.Offset}
		}
		if l.Outcome != contract.OutcomeKept {
			continue
		}
		row := rows[kept]
		if row.WARCOffset != l.Offset || int64(row.WARCLength) != l.Length || row.FilePath != inputs[l.File].Path || row.Dump != m.Dump {
			t.Fatalf("ledger %+v, row %+v", l, row)
		}
		kept++
	}
	if kept != len(rows) {
		t.Fatalf("%d kept in the ledger, %d rows", kept, len(rows))
	}
	before := func(a, b at) bool { return a.file < b.file || a.file == b.file && a.offset < b.offset }
	for changed := true; changed; {
		changed = false
		for _, a := range ledger {
			for _, b := range ledger {
				for band := range min(len(a.BandKeys), len(b.BandKeys)) {
					x, y := at{a.File, a.Offset}, at{b.File, b.Offset}
					if a.BandKeys[band] == b.BandKeys[band] && before(cluster[x], cluster[y]) {
						cluster[y], changed = cluster[x], true
					}
				}
			}
		}
	}
	duplicates := 0
	for _, l := range ledger {
		own, keeper := at{l.File, l.Offset}, at{l.KeptFile, l.KeptOffset}
		switch {
		case len(l.BandKeys) == 0:
			if keeper != (at{-1, -1}) {
				t.Fatalf("keeper without keys: %+v", l)
			}
		case keeper != cluster[own] || (l.Outcome == contract.OutcomeKept) != (keeper == own):
			t.Fatalf("keeper of %+v is not %v", l, cluster[own])
		case keeper != own:
			duplicates++
			if l.Outcome != contract.OutcomeMinHash || l.Reason != contract.ReasonDuplicate {
				t.Fatalf("duplicate %+v", l)
			}
		}
	}
	if duplicates < 10 || kept < 10 || counts[contract.Count{Outcome: "damaged", Reason: "gzip_data"}]+counts[contract.Count{Outcome: "damaged", Reason: "gzip_checksum"}] != 3 {
		t.Fatalf("the files exercise too little: %v", counts)
	}
	for _, c := range m.Counts {
		if counts[contract.Count{Outcome: c.Outcome, Reason: c.Reason}] != c.Rows {
			t.Fatalf("counts %v, manifest %v", counts, m.Counts)
		}
	}
	if len(m.Counts) != len(counts) || r.Skipped["request"] != 18 || r.Skipped["warcinfo"] != 3 {
		t.Fatalf("counts %v, skipped %v", m.Counts, r.Skipped)
	}
	if info, err := os.Stat(filepath.Join(out, "run.json")); err != nil || info.Size() == 0 {
		t.Fatalf("run.json: %v", err)
	}
}

// A receipt's job names rows after the crawl and has no local names in them.
func TestLeased(t *testing.T) {
	dir := t.TempDir()
	path := "crawl-data/CC-MAIN-2026-01/segments/1/warc/a.warc.gz"
	if err := os.MkdirAll(filepath.Join(dir, filepath.Dir(path)), 0o755); err != nil {
		t.Fatal(err)
	}
	file := append(warcFile(0), member(record("response", "s1", "x")+record("response", "s2", "y"))...)
	if err := os.WriteFile(filepath.Join(dir, path), file, 0o600); err != nil {
		t.Fatal(err)
	}
	base := openBase(t, dir)
	o := refiner.Options{
		Inputs: []refiner.Input{{Base: base, Path: path, Bytes: int64(len(file))}}, Runner: testRunner(t, 2),
		Dump: "CC-MAIN-2026-01", Task: "CC-MAIN-2026-01-000007", Leased: true, OutDir: t.TempDir(),
	}
	r := refine(t, o)
	if err := r.Manifest.Validate(); err != nil {
		t.Fatal(err)
	}
	rows := rowsOf(t, o.OutDir, r.Manifest.Shards(), shard.ReadRows)
	if rows[0].FilePath != "s3://commoncrawl/"+path || rows[0].Dump != o.Dump {
		t.Fatalf("row %+v", rows[0])
	}
	ledger := rowsOf(t, o.OutDir, r.Manifest.Ledgers(), shard.ReadLedger)
	if last := ledger[len(ledger)-1]; last.Outcome != contract.OutcomeNoRanges || last.End() != int64(len(file)) {
		t.Fatalf("last ledger row %+v", last)
	}
	o.Inputs[0].Bytes++
	o.OutDir = t.TempDir()
	if _, err := refiner.Refine(context.Background(), o); err == nil || !strings.Contains(err.Error(), "bytes instead of") {
		t.Fatalf("error %v", err)
	}
}

// A file that changed since it was finished is refined again; so is everything
// if the job is another.
func TestResumeChecks(t *testing.T) {
	in, out := t.TempDir(), t.TempDir()
	o := refiner.Options{Inputs: writeFiles(t, in, 2), Runner: testRunner(t, 2), OutDir: out}
	refine(t, o)
	resumed := func(r *refiner.Report) (flags []bool) {
		for _, f := range r.Files {
			flags = append(flags, f.Resumed)
		}
		return flags
	}
	if got := resumed(refine(t, o)); !reflect.DeepEqual(got, []bool{true, true}) {
		t.Fatalf("nothing changed: resumed %v", got)
	}
	if err := os.WriteFile(filepath.Join(in, "1.warc.gz"), warcFile(9), 0o600); err != nil {
		t.Fatal(err)
	}
	r := refine(t, o)
	if got := resumed(r); !reflect.DeepEqual(got, []bool{true, false}) {
		t.Fatalf("one file changed: resumed %v", got)
	}
	fresh := o
	fresh.OutDir = t.TempDir()
	if digest(t, fresh.OutDir, refine(t, fresh)) != digest(t, out, r) {
		t.Fatal("the resumed run gives other bytes")
	}
	o.Task = "TEST-2026-01-000001"
	if got := resumed(refine(t, o)); !reflect.DeepEqual(got, []bool{false, false}) {
		t.Fatalf("another task: resumed %v", got)
	}
	if err := os.RemoveAll(filepath.Join(out, ".work", "spill")); err != nil {
		t.Fatal(err)
	}
	if got := resumed(refine(t, o)); !reflect.DeepEqual(got, []bool{false, false}) {
		t.Fatalf("spills are gone: resumed %v", got)
	}
}

func TestErrors(t *testing.T) {
	dir := t.TempDir()
	html := filepath.Join(dir, "error.warc.gz")
	if err := os.WriteFile(html, []byte("<!DOCTYPE html><title>404</title>"), 0o600); err != nil {
		t.Fatal(err)
	}
	inputs := inputsIn(t, dir)
	work := t.TempDir()
	if _, err := refiner.Refine(context.Background(), refiner.Options{Inputs: inputs, Runner: testRunner(t, 1), OutDir: work}); !errors.Is(err, warc.ErrNotWARC) {
		t.Fatalf("error %v", err)
	}
	if shards, err := filepath.Glob(filepath.Join(work, "*", "*", "*.parquet")); err != nil || len(shards) > 0 {
		t.Fatalf("left %v, error %v", shards, err)
	}
	cancelled, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := refiner.Refine(cancelled, refiner.Options{Inputs: inputs, Runner: testRunner(t, 1), OutDir: t.TempDir()}); !errors.Is(err, context.Canceled) {
		t.Fatalf("error %v", err)
	}
	if _, err := refiner.Refine(context.Background(), refiner.Options{Runner: testRunner(t, 1), OutDir: t.TempDir()}); err == nil {
		t.Fatal("refined nothing")
	}
	// What no manifest can say is refused before anything is read.
	crowd := make([]refiner.Input, contract.MaxInputs+1)
	for i := range crowd {
		crowd[i] = refiner.Input{Base: inputs[0].Base, Path: strconv.Itoa(i)}
	}
	for want, in := range map[string][]refiner.Input{
		"room for": crowd, "cannot name": {{Base: inputs[0].Base, Path: "caf\xe9.warc.gz"}},
	} {
		if _, err := refiner.Refine(context.Background(), refiner.Options{Inputs: in, Runner: testRunner(t, 1), OutDir: t.TempDir()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Fatalf("error %v, want %s", err, want)
		}
	}
	lock, err := durable.TryLock(filepath.Join(work, ".work", "refine.lock"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = lock.Unlock() }()
	if _, err := refiner.Refine(context.Background(), refiner.Options{Inputs: inputs, Runner: testRunner(t, 1), OutDir: work}); !errors.Is(err, durable.ErrLocked) {
		t.Fatalf("error %v", err)
	}
}
