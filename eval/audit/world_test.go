package audit_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"io"
	"io/fs"
	"iter"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/eval"
	"finest/eval/audit"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/pipeline/shard"
)

const (
	testSlice = 2 << 10
	minerKey  = "5GrwvaEF5zXb26Fz9rcQpDWS57CtERHpNehXCPcNoHGKutQY"
	serverKey = "5FHneW46xGXgs5mUiveU4sbTyGBzmstUspZC92UhjJM694ty"
	testCrawl = "CC-MAIN-2024-10"
)

// toy is a stage as cheap as a stage can be. Pages say themselves what becomes
// of them: "drop" in the text drops it, "a=X" and "b=Y" choose the first two
// band keys, so that X and Y join documents into clusters.
type toy struct{}

func (toy) Name() string { return "toy" }

func (toy) Process(d *pipeline.Document) *pipeline.Drop {
	_, text, _ := strings.Cut(d.HTML, "<p>")
	d.Text, _, _ = strings.Cut(text, "</p>")
	d.HTML = ""
	d.Language, d.LanguageScore = "en", 0.5+float64(len(d.Text)%7)/16
	words := strings.Fields(d.Text)
	d.TokenCount = int64(len(words))
	if strings.Contains(d.Text, "drop") {
		return &pipeline.Drop{Reason: "unwanted", Value: float64(len(words)) / 3}
	}
	if len(words) < 5 {
		return nil
	}
	for band := range contract.Bands {
		seed := d.ID
		for _, w := range words {
			if prefix := string(rune('a'+band)) + "="; strings.HasPrefix(w, prefix) {
				seed = w
			}
		}
		sum := sha256.Sum256(fmt.Appendf(nil, "%d %s", band, seed))
		d.BandKeys = append(d.BandKeys, binary.BigEndian.Uint64(sum[:]))
	}
	return nil
}

func toyRecipe() contract.Recipe {
	return contract.Recipe{Name: "toy", PipelineVersion: pipeline.Version, Stages: []contract.StageSpec{
		pipeline.ReadSpec(), {Name: "toy", Params: map[string]string{}, Assets: []contract.Asset{}},
	}}
}

func newRunner(t testing.TB) *pipeline.Runner {
	t.Helper()
	r, err := pipeline.NewRunner(toyRecipe(), []pipeline.Stage{toy{}})
	if err != nil {
		t.Fatal(err)
	}
	r.Workers = 1
	return r
}

// span is where a member without a page lies.
type span struct{ file, offset, length int64 }

// world is a task's input with what an honest miner makes of it.
type world struct {
	t      testing.TB
	runner *pipeline.Runner
	paths  []string
	data   map[string][]byte
	others []span // members without a page
	ledger []contract.LedgerRow
	rows   []contract.Row
	// scans remembers scans of parts of files.
	scans map[span][]pipeline.Result
}

type warcFile struct {
	bytes.Buffer
	rng *rand.Rand
	z   *gzip.Writer
}

func (w *warcFile) uuid() string {
	return fmt.Sprintf("<urn:uuid:%08x-%08x>", w.rng.Uint32(), w.rng.Uint32())
}

// record returns one record, not yet compressed.
func (w *warcFile) record(kind, contentType, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: %s\r\nWARC-Date: 2024-02-21T00:00:00Z\r\n"+
		"WARC-Target-URI: https://example.org/%d\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
		kind, w.uuid(), w.rng.Uint32(), contentType, len(block), block)
}

func (w *warcFile) page(text string) string {
	html := "<html><body><p>" + text + "</p></body></html>"
	return w.record("response", "application/http;msgtype=response",
		fmt.Sprintf("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\nContent-Length: %d\r\n\r\n%s", len(html), html))
}

// member writes records as one gzip member and returns its length.
func (w *warcFile) member(records ...string) int64 {
	before := w.Len()
	w.z.Reset(&w.Buffer)
	_, _ = io.WriteString(w.z, strings.Join(records, ""))
	_ = w.z.Close()
	return int64(w.Len() - before)
}

func (w *warcFile) text(i int) string {
	words := make([]string, 8+w.rng.IntN(60))
	for j := range words {
		words[j] = fmt.Sprintf("%x", w.rng.Uint32())
	}
	// Chains of four: each document shares a key with the one before and the one
	// after, but with none beyond.
	switch n := i / 5; {
	case i%5 == 0 && n%7 < 4:
		words[1], words[2] = fmt.Sprintf("a=%d", n/2), fmt.Sprintf("b=%d", (n+1)/2)
	case i%7 == 3:
		words[0] = "drop"
	case i%11 == 6:
		return "too short"
	}
	return strings.Join(words, " ")
}

// newWorld makes files of pages; a rough one also has damage, members that hold
// several records, and long stretches without a page.
func newWorld(t testing.TB, seed uint64, files, pages int, rough bool) *world {
	t.Helper()
	w := &world{t: t, runner: newRunner(t), data: make(map[string][]byte), scans: make(map[span][]pipeline.Result)}
	for f := range files {
		z, err := gzip.NewWriterLevel(nil, gzip.BestSpeed)
		if err != nil {
			t.Fatal(err)
		}
		out := &warcFile{rng: rand.New(rand.NewPCG(seed, uint64(f))), z: z}
		out.member(out.record("warcinfo", "application/warc-fields", "isPartOf: "+testCrawl+"\r\n"))
		for i := range pages {
			offset := int64(out.Len())
			n := out.member(out.record("request", "application/http;msgtype=request", "GET / HTTP/1.1\r\n\r\n"))
			w.others = append(w.others, span{int64(f), offset, n})
			out.member(out.page(out.text(i + f*pages)))
			if rough {
				out.roughen(i)
			}
		}
		path := fmt.Sprintf("crawl-data/%s/segments/%d/warc/%05d.warc.gz", testCrawl, seed, f)
		w.paths = append(w.paths, path)
		w.data[path] = out.Bytes()
	}
	w.refine()
	return w
}

func (w *warcFile) roughen(i int) {
	noise := make([]byte, 700)
	for j := range noise {
		noise[j] = byte(w.rng.Uint32())
	}
	switch i % 12 {
	case 2: // bytes that are nothing
		w.Write(noise[:100+w.rng.IntN(500)])
	case 4: // a page with a broken trailer
		w.member(w.page("a broken page that nobody can read " + hex.EncodeToString(noise[:90])))
		w.Bytes()[w.Len()-6] ^= 0xff
	case 5: // a page that ends early, twice
		for range 2 {
			n := w.member(w.page("a cut page that nobody can read " + hex.EncodeToString(noise[:200])))
			w.Truncate(w.Len() - int(n)/3)
		}
	case 7:
		w.member(w.page("two pages in one member"), w.page("and this is the second of them"))
	case 9:
		w.member() // an empty member
	case 11:
		for range 3 {
			w.member(w.record("resource", "application/octet-stream", string(noise)))
		}
		if i == 11 {
			long := make([]byte, 1<<19)
			for j := range long {
				long[j] = byte(w.rng.Uint32())
			}
			for range 5 {
				w.member(w.record("resource", "application/octet-stream", string(long)))
			}
		}
	}
}

func (w *world) dump() string { return testCrawl }

// refine does what an honest miner does.
func (w *world) refine() {
	w.t.Helper()
	var docs []*contract.Row
	clusterer := minhash.NewClusterer(keysort.Options{})
	for i, path := range w.paths {
		f := pipeline.File{Number: int32(i), Path: pipeline.FilePath(path), Dump: w.dump(), Bytes: int64(len(w.data[path])), Leased: true}
		_, err := w.runner.Scan(context.Background(), bytes.NewReader(w.data[path]), f, func(r pipeline.Result) error {
			w.ledger = append(w.ledger, r.Ledger)
			docs = append(docs, r.Row)
			return clusterer.Add(r.Ledger.BandKeys)
		})
		if err != nil {
			w.t.Fatal(err)
		}
	}
	keepers, err := clusterer.Keepers(context.Background())
	if err != nil {
		w.t.Fatal(err)
	}
	for i, keeper := range keepers {
		if l := &w.ledger[i]; len(l.BandKeys) > 0 {
			l.KeptFile, l.KeptOffset = w.ledger[keeper].File, w.ledger[keeper].Offset
			if int(keeper) != i {
				l.Outcome, l.Reason = contract.OutcomeMinHash, contract.ReasonDuplicate
			}
		}
		if w.ledger[i].Outcome == contract.OutcomeKept {
			w.rows = append(w.rows, *docs[i])
		}
	}
}

// ReadRange makes the world the crawl.
func (w *world) ReadRange(_ context.Context, path string, offset, length int64) ([]byte, int64, error) {
	data, ok := w.data[path]
	if !ok {
		return nil, 0, fs.ErrNotExist
	}
	end := min(offset+length, int64(len(data)))
	return data[min(offset, end):end], int64(len(data)), nil
}

func (w *world) source() audit.Source { return audit.Source{Ranges: w, Scanner: w.runner} }

// ledgerCopy and rowsCopy are what cheats start from.
func (w *world) ledgerCopy() []contract.LedgerRow { return slices.Clone(w.ledger) }
func (w *world) rowsCopy() []contract.Row         { return slices.Clone(w.rows) }

// claim is a submission as it lies on chain and hub.
type claim struct {
	s        *audit.Submission
	manifest []byte
	files    memFiles
}

func sign(address string, message []byte) string {
	sum := sha512.Sum512(append([]byte(address), message...))
	return hex.EncodeToString(sum[:])
}

func verify(address string, message, signature []byte) bool {
	return sign(address, message) == hex.EncodeToString(signature)
}

// edit may change a manifest before it is signed.
type edit func(*contract.Manifest)

// publish makes a submission of the given rows, whatever they are.
func (w *world) publish(ledger []contract.LedgerRow, rows []contract.Row, edits ...edit) *claim {
	w.t.Helper()
	dir := w.t.TempDir()
	task := contract.TaskID(testCrawl, 7)
	shards, rowsRoot, err := shard.WriteRows(dir, "data/"+testCrawl+"/"+task, sequence(rows), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	ledgers, ledgerRoot, err := shard.WriteLedger(dir, "ledger/"+testCrawl+"/"+task, sequence(ledger), nil)
	if err != nil {
		w.t.Fatal(err)
	}
	hash, err := pipeline.HashRecipe(toyRecipe())
	if err != nil {
		w.t.Fatal(err)
	}
	receipt := contract.Receipt{
		V: 1, Task: task, Crawl: testCrawl, CatalogueSHA256: canon.Sum(nil), Recipe: contract.RecipeRef{Name: "toy", Hash: hash},
		Hotkey: minerKey, Generation: 1, Block: 100, BlockHash: canon.Sum([]byte("block 100")),
		DeadlineBlock: 100 + eval.Devnet().Deadline, Server: serverKey,
	}
	m := contract.Manifest{
		Version: contract.ManifestVersion, PipelineVersion: pipeline.Version, Task: task, Dump: testCrawl, Recipe: toyRecipe(),
		Files: append(shards, ledgers...), Counts: counts(ledger), RowsRoot: rowsRoot.String(), LedgerRoot: ledgerRoot.String(), Hotkey: minerKey,
	}
	for i, path := range w.paths {
		in := contract.Input{Path: path, Bytes: int64(len(w.data[path])), SHA256: canon.Sum(w.data[path])}
		for _, l := range ledger {
			if l.File == int32(i) && l.IsPage() {
				in.Pages++
			}
		}
		m.Inputs = append(m.Inputs, in)
		receipt.Files = append(receipt.Files, contract.InputFile{Path: path, Bytes: in.Bytes})
	}
	m.Receipt = &receipt
	for _, e := range edits {
		e(&m)
	}
	receipt.Signature = sign(receipt.Server, mustMarshal(w.t, receipt.Unsigned()))
	m.Signature = sign(m.Hotkey, mustMarshal(w.t, m.Unsigned()))
	raw := mustMarshal(w.t, m)
	line := contract.LogLine{Task: m.Task, Generation: receipt.Generation, Manifest: canon.Sum(raw)}
	s, err := audit.NewSubmission(minerKey, contract.Claim{Repo: "miner/finest", Commit: strings.Repeat("a", 40)}, 110, line, raw)
	if err != nil {
		w.t.Fatal(err)
	}
	c := &claim{s: s, manifest: raw, files: memFiles{}}
	for _, f := range append(shards, ledgers...) {
		if c.files[f.Path], err = os.ReadFile(filepath.Join(dir, f.Path)); err != nil {
			w.t.Fatal(err)
		}
	}
	return c
}

func counts(ledger []contract.LedgerRow) []contract.Count {
	n := make(map[contract.Count]int64)
	for _, l := range ledger {
		n[contract.Count{Outcome: l.Outcome, Reason: l.Reason}]++
	}
	out := []contract.Count{}
	for c, rows := range n {
		c.Rows = rows
		out = append(out, c)
	}
	slices.SortFunc(out, func(a, b contract.Count) int {
		return strings.Compare(a.Outcome+"\x00"+a.Reason, b.Outcome+"\x00"+b.Reason)
	})
	return out
}

func mustMarshal(t testing.TB, v any) []byte {
	t.Helper()
	raw, err := canon.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return raw
}

func sequence[R any](rows []R) iter.Seq2[R, error] {
	return func(yield func(R, error) bool) {
		for _, r := range rows {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// memFiles is a publication in memory.
type memFiles map[string][]byte

func (m memFiles) Stat(_ context.Context, path string) (audit.FileInfo, error) {
	raw, ok := m[path]
	if !ok {
		return audit.FileInfo{}, fs.ErrNotExist
	}
	return audit.FileInfo{Size: int64(len(raw)), SHA256: canon.Sum(raw)}, nil
}

func (m memFiles) Open(_ context.Context, path string) (audit.File, error) {
	raw, ok := m[path]
	if !ok {
		return nil, fs.ErrNotExist
	}
	return memFile{bytes.NewReader(raw)}, nil
}

type memFile struct{ *bytes.Reader }

func (memFile) Close() error { return nil }

func seedOf(parts ...any) eval.Seed { return sha256.Sum256(fmt.Append(nil, parts...)) }

func (c *claim) slice(t testing.TB, src audit.Source, seed eval.Seed, slice int64) eval.Check {
	t.Helper()
	check, err := audit.Slice(context.Background(), c.s, c.files, src, seed, slice)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func (c *claim) content(t testing.TB) eval.Check {
	t.Helper()
	check, err := audit.Content(context.Background(), c.s, c.files, verify)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func (c *claim) clusters(t testing.TB) eval.Check {
	t.Helper()
	check, err := audit.Clusters(context.Background(), c.s, c.files)
	if err != nil {
		t.Fatal(err)
	}
	return check
}

func wantOutcome(t testing.TB, c eval.Check, want eval.Outcome) {
	t.Helper()
	if c.Outcome != want {
		t.Fatalf("%s is %s (%s), want %s", c.Name, c.Outcome, c.Reason, want)
	}
}

// confirmed wants the check's proof to hold for somebody who has nothing but
// manifest and crawl, and the publication where withFiles says so.
func (c *claim) confirmed(t testing.TB, check eval.Check, src audit.Source, withFiles bool) audit.Proof {
	t.Helper()
	p, err := audit.ParseProof(check.Evidence.Proof)
	if err != nil {
		t.Fatalf("proof of %q: %v", check.Reason, err)
	}
	var files audit.Files
	if withFiles {
		files = c.files
	}
	if _, err := audit.Confirm(context.Background(), p, c.manifest, files, src); err != nil {
		t.Fatalf("confirm %q: %v", check.Reason, err)
	}
	return p
}
