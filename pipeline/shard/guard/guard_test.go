package guard

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/parquet-go/parquet-go"

	"finest/internal/contract"
	"finest/pipeline/shard"
)

// Kinds of readers that behave as no reader should.
const (
	kindPanics  Kind = "panics"
	kindHoards  Kind = "hoards"
	kindGrasps  Kind = "grasps"
	kindSpins   Kind = "spins"
	kindWaits   Kind = "waits"
	kindRecurs  Kind = "recurs"
	kindDies    Kind = "dies"
	kindWrites  Kind = "writes"
	kindBabbles Kind = "babbles"
	kindFails   Kind = "fails"
	kindTells   Kind = "tells"
)

// TestMain makes this binary the child of its own tests.
func TestMain(m *testing.M) {
	if len(os.Args) < 2 || os.Args[1] != Arg {
		os.Exit(m.Run())
	}
	bad := map[Kind]Reader{
		kindPanics: func(io.ReaderAt, int64, int64) error { panic("index out of range") },
		kindHoards: func(io.ReaderAt, int64, int64) error {
			var all [][]byte
			for {
				b := make([]byte, 8<<20)
				for i := 0; i < len(b); i += 4096 {
					b[i] = 1
				}
				all = append(all, b)
				runtime.KeepAlive(all)
			}
		},
		kindGrasps: func(io.ReaderAt, int64, int64) error {
			runtime.KeepAlive(make([]byte, 64<<30))
			return nil
		},
		kindSpins: func(io.ReaderAt, int64, int64) error {
			for n := 0; ; n++ {
				runtime.KeepAlive(n)
			}
		},
		kindWaits: func(io.ReaderAt, int64, int64) error { select {} },
		kindRecurs: func(io.ReaderAt, int64, int64) error {
			var deeper func(int) int
			deeper = func(n int) int { return deeper(n+1) + 1 }
			deeper(0)
			return nil
		},
		kindDies: func(io.ReaderAt, int64, int64) error {
			p, err := os.FindProcess(os.Getpid())
			if err == nil {
				err = p.Kill()
			}
			return err
		},
		kindWrites:  func(io.ReaderAt, int64, int64) error { return os.WriteFile(os.Args[3]+".new", []byte("x"), 0o600) },
		kindBabbles: func(io.ReaderAt, int64, int64) error { _, err := os.Stdout.WriteString("<html>"); return err },
		kindFails:   func(io.ReaderAt, int64, int64) error { return errors.New("input/output error") },
		kindTells: func(io.ReaderAt, int64, int64) error {
			return errors.New(strings.Join(os.Environ(), " "))
		},
	}
	os.Exit(Main(os.Args[2:], func(k Kind) Reader { return bad[k] }))
}

func sequence[T any](rows []T) func(func(T, error) bool) {
	return func(yield func(T, error) bool) {
		for _, row := range rows {
			if !yield(row, nil) {
				return
			}
		}
	}
}

// files writes a shard of 20 rows and a ledger of 40.
func files(t testing.TB) (shardPath, ledgerPath string) {
	t.Helper()
	dir := t.TempDir()
	rows := slices.Repeat([]contract.Row{{Text: strings.Repeat("text ", 50), ID: "<urn:uuid:1>", Language: "en", WARCLength: 9}}, 20)
	shards, _, err := shard.WriteRows(dir, "data/toy/toy-000000", sequence(rows), nil)
	if err != nil {
		t.Fatal(err)
	}
	ledger := slices.Repeat([]contract.LedgerRow{{Length: 9, Outcome: "kept", BandKeys: make([]uint64, contract.Bands)}}, 40)
	ledgers, _, err := shard.WriteLedger(dir, "ledger/toy/toy-000000", sequence(ledger), nil)
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, shards[0].Path), filepath.Join(dir, ledgers[0].Path)
}

func TestHonestFiles(t *testing.T) {
	t.Parallel()
	rows, ledger := files(t)
	var g Guard
	if err := g.Check(t.Context(), Shard, rows, 20); err != nil {
		t.Error(err)
	}
	if err := g.Check(t.Context(), Ledger, ledger, 40); err != nil {
		t.Error(err)
	}
}

// TestSameWordsAsInProcess: what a child says of a file is what the reader says.
func TestSameWordsAsInProcess(t *testing.T) {
	t.Parallel()
	rows, ledger := files(t)
	raw, err := os.ReadFile(rows)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	file := func(name string, content []byte) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	// A list of 2³¹ row groups, in eight bytes.
	endless := []byte{0x29, 0xfc, 0xff, 0xff, 0xff, 0xff, 0x07, 0x00}
	footer := append(append([]byte("PAR1"), endless...), 8, 0, 0, 0)
	for _, test := range []struct {
		name, path string
		kind       Kind
		rows       int64
	}{
		{"more rows than stated", rows, Shard, 19},
		{"a ledger for a shard", ledger, Shard, 40},
		{"a shard for a ledger", rows, Ledger, 20},
		{"cut off", file("cut", raw[:len(raw)/2]), Shard, 20},
		{"a bomb in the footer", file("footer", append(footer, "PAR1"...)), Shard, 20},
		{"a bomb in the pages", file("pages", bomb(t)), Shard, 20},
	} {
		t.Run(test.name, func(t *testing.T) {
			f, err := os.Open(test.path)
			if err != nil {
				t.Fatal(err)
			}
			defer func() { _ = f.Close() }()
			info, err := f.Stat()
			if err != nil {
				t.Fatal(err)
			}
			read := readAll(shard.ReadRows)
			if test.kind == Ledger {
				read = readAll(shard.ReadLedger)
			}
			want := read(f, info.Size(), test.rows)
			got := (&Guard{}).Check(t.Context(), test.kind, test.path, test.rows)
			if !errors.Is(got, shard.ErrForm) || got.Error() != want.Error() {
				t.Errorf("%v, want %v", got, want)
			}
		})
	}
}

// bomb returns a small file whose only row group inflates to 150 MiB.
func bomb(t testing.TB) []byte {
	t.Helper()
	var out bytes.Buffer
	w := parquet.NewGenericWriter[contract.Row](&out, parquet.DefaultEncodingFor(parquet.ByteArray, &parquet.Plain), parquet.DataPageStatistics(false), parquet.SkipPageBounds("text"))
	for range 5 {
		if _, err := w.Write([]contract.Row{{Text: strings.Repeat("a", 30<<20)}}); err != nil {
			t.Fatal(err)
		}
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if out.Len() > 1<<20 {
		t.Fatalf("the bomb has %d bytes", out.Len())
	}
	return out.Bytes()
}

// TestWhoIsToBlame: a file only for what it alone can have caused.
func TestWhoIsToBlame(t *testing.T) {
	t.Parallel()
	path, _ := files(t)
	for _, test := range []struct {
		name string
		kind Kind
		file bool
		text string
	}{
		{"panics", kindPanics, true, "index out of range"},
		{"takes all memory, bit by bit", kindHoards, true, "within 192 MiB of memory"},
		{"takes all memory at once", kindGrasps, true, "within 192 MiB of memory"},
		{"never ends", kindSpins, true, "within 1s of processor time"},
		{"goes too deep", kindRecurs, true, "of memory"},
		{"waits for ever", kindWaits, false, "no answer within 300ms"},
		{"is killed", kindDies, false, "killed"},
		{"writes to disk", kindWrites, false, "file too large"},
		{"says something else", kindBabbles, false, "answer"},
		{"cannot read its disk", kindFails, false, "input/output error"},
		{"of an unknown kind", "unknown", false, "unknown"},
	} {
		t.Run(test.name, func(t *testing.T) {
			if underRace && strings.Contains(test.text, "memory") {
				t.Skip("the race detector dies its own death of memory")
			}
			g := Guard{Memory: 96 << 20}
			switch test.kind {
			case kindSpins:
				g.CPU = time.Second
			case kindWaits:
				g.Wall = 300 * time.Millisecond
			}
			err := g.Check(t.Context(), test.kind, path, 20)
			if err == nil || errors.Is(err, shard.ErrForm) != test.file || !strings.Contains(err.Error(), test.text) {
				t.Errorf("the file is blamed %t: %v; want %t: …%s…", errors.Is(err, shard.ErrForm), err, test.file, test.text)
			}
			if err != nil && len(err.Error()) > 600 {
				t.Errorf("an error of %d bytes", len(err.Error()))
			}
		})
	}
}

func TestChildrenThatDoNotStart(t *testing.T) {
	t.Parallel()
	path, _ := files(t)
	for name, program := range map[string]string{"no such program": path + "-", "no program": path, "another program": "/bin/true"} {
		g := Guard{Program: program}
		if err := g.Check(t.Context(), Shard, path, 20); err == nil || errors.Is(err, shard.ErrForm) {
			t.Errorf("%s: %v", name, err)
		}
	}
	var g Guard
	if err := g.Check(t.Context(), Shard, path+"-", 20); err == nil || errors.Is(err, shard.ErrForm) {
		t.Errorf("no such file: %v", err)
	}
}

// TestNoSecretsInTheChild: it has nothing of the environment.
func TestNoSecretsInTheChild(t *testing.T) {
	t.Setenv("HF_TOKEN", "hf_secret")
	path, _ := files(t)
	err := (&Guard{}).Check(t.Context(), kindTells, path, 20)
	if err == nil || !strings.Contains(err.Error(), "GOMEMLIMIT=536870912") || strings.Contains(err.Error(), "secret") {
		t.Errorf("its environment is %v", err)
	}
}

// TestNoChildOfAChild: a program that does not hand over to Main would start
// itself for ever.
func TestNoChildOfAChild(t *testing.T) {
	t.Setenv(envChild, "1")
	path, _ := files(t)
	if err := (&Guard{}).Check(t.Context(), Shard, path, 20); err == nil || errors.Is(err, shard.ErrForm) {
		t.Errorf("%v", err)
	}
}

func TestCancelledCheck(t *testing.T) {
	t.Parallel()
	path, _ := files(t)
	ctx, cancel := context.WithCancelCause(t.Context())
	why := errors.New("the role stops")
	time.AfterFunc(100*time.Millisecond, func() { cancel(why) })
	if err := (&Guard{}).Check(ctx, kindWaits, path, 20); !errors.Is(err, why) {
		t.Errorf("%v", err)
	}
}

// TestChildEndsWithItsParent: it is not left behind by a role that was killed.
func TestChildEndsWithItsParent(t *testing.T) {
	t.Parallel()
	path, _ := files(t)
	c := exec.CommandContext(t.Context(), self())
	c.Args = []string{os.Args[0], Arg, string(kindWaits), path, "20", "134217728", "60"}
	input, err := c.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	if err := input.Close(); err != nil { // as when the other end's process dies
		t.Fatal(err)
	}
	var exit *exec.ExitError
	if err := c.Wait(); !errors.As(err, &exit) || exit.ExitCode() != exitUsage {
		t.Errorf("%v", err)
	}
}
