package pipeline_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"math/rand/v2"
	"reflect"
	"runtime"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"
	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/warc"
)

// stage is a made-up stage.
type stage struct {
	name    string
	process func(*pipeline.Document) *pipeline.Drop
}

func (s stage) Name() string                                { return s.name }
func (s stage) Process(d *pipeline.Document) *pipeline.Drop { return s.process(d) }

// testRunner drops pages that say so, panics on pages that say so, and gives
// every fourth document no band keys.
func testRunner(workers int) *pipeline.Runner {
	return &pipeline.Runner{Workers: workers, Stages: []pipeline.Stage{
		stage{"extract", func(d *pipeline.Document) *pipeline.Drop {
			d.Text, d.HTML = d.HTML, ""
			return nil
		}},
		stage{"rule", func(d *pipeline.Document) *pipeline.Drop {
			d.Language, d.LanguageScore = "en", 0.75
			switch {
			case strings.Contains(d.Text, "drop"):
				return &pipeline.Drop{Reason: "asked", Value: 1.5}
			case strings.Contains(d.Text, "panic"):
				panic("asked")
			}
			runtime.Gosched()
			return nil
		}},
		stage{"minhash", func(d *pipeline.Document) *pipeline.Drop {
			sum := sha256.Sum256([]byte(d.Text))
			if sum[0]%4 > 0 {
				d.BandKeys = []uint64{binary.BigEndian.Uint64(sum[:])}
			}
			return nil
		}},
	}}
}

func record(kind, id string, fields, block []byte) []byte {
	head := fmt.Appendf(nil, "WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:test:%s>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"+
		"WARC-Target-URI: https://example.org/%s\r\n%sContent-Length: %d\r\n\r\n", kind, id, id, fields, len(block))
	return append(append(head, block...), "\r\n\r\n"...)
}

func page(id, html string) []byte {
	return record("response", id, []byte("Content-Type: application/http; msgtype=response\r\n"),
		[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html; charset=utf-8\r\n\r\n"+html))
}

func member(level int, records ...[]byte) []byte {
	var out bytes.Buffer
	z, _ := gzip.NewWriterLevel(&out, level)
	for _, r := range records {
		_, _ = z.Write(r)
	}
	_ = z.Close()
	return out.Bytes()
}

// bulk is a record without a page that takes n bytes in the file.
func bulk(id string, n int) []byte {
	data := make([]byte, n)
	rng := rand.New(rand.NewPCG(uint64(n), 7))
	for i := range data {
		data[i] = byte(rng.Uint32())
	}
	return member(gzip.NoCompression, record("request", id, nil, data))
}

func scan(t testing.TB, r *pipeline.Runner, file []byte, f pipeline.File) ([]pipeline.Result, pipeline.FileStats) {
	t.Helper()
	var rows []pipeline.Result
	stats, err := r.Scan(context.Background(), bytes.NewReader(file), f, func(r pipeline.Result) error {
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, stats
}

func outline(rows []pipeline.Result) []string {
	var lines []string
	for _, r := range rows {
		lines = append(lines, fmt.Sprintf("%d+%d %s %s %v", r.Ledger.Offset, r.Ledger.Length, r.Ledger.Outcome, r.Ledger.Reason, r.Row != nil))
	}
	return lines
}

func TestScanRows(t *testing.T) {
	kept, dropped, broken := member(6, page("a", "hello")), member(6, page("b", "drop")), member(6, page("c", "panic"))
	unusable := member(6, record("response", "d", []byte("Content-Type: application/http\r\n"),
		[]byte("HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n")))
	image := member(6, record("response", "e", []byte("Content-Type: application/http\r\n"),
		[]byte("HTTP/1.1 200 OK\r\nContent-Type: image/png\r\n\r\n\x89PNG")))
	info := member(6, record("warcinfo", "w", nil, []byte("isPartOf: CC-MAIN-2024-10\r\n")))
	shared := member(6, page("f", "one"), page("g", "two"))
	damaged := bytes.Clone(dropped)
	damaged[len(damaged)-6] ^= 1 // the checksum
	half := bulk("h", 600<<10)
	for _, c := range []struct {
		name  string
		parts [][]byte
		free  bool
		want  []string // offset and length as numbers of parts
	}{
		{"pages", [][]byte{info, kept, dropped, broken, unusable, image}, false, []string{
			"1+1 kept  true", "2+1 rule asked false", "3+1 rule panic false", "4+1 read no_body false"}},
		{"gap is closed as soon as more than 1 MiB passed", [][]byte{kept, half, half, half, half, half, kept}, false, []string{
			"0+1 kept  true", "1+2 skipped  false", "3+2 skipped  false", "6+1 kept  true"}},
		{"damage", [][]byte{kept, half, damaged, kept}, false, []string{
			"0+1 kept  true", "2+1 damaged gzip_checksum false", "3+1 kept  true"}},
		{"damage after a gap", [][]byte{half, half, damaged, half, half}, false, []string{
			"0+2 skipped  false", "2+1 damaged gzip_checksum false", "3+2 skipped  false"}},
		{"no ranges, leased", [][]byte{kept, shared, kept}, false, []string{
			"0+1 kept  true", "1+1 no_ranges  false", "2+1 kept  true"}},
		{"no ranges, free", [][]byte{kept, shared, info}, true, []string{
			"0+1 kept  true", "-1+0 kept  true", "-1+0 kept  true"}},
		{"no pages", [][]byte{info, image}, false, []string{"0+2 skipped  false"}},
		{"nothing", nil, false, nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			var file []byte
			at := map[int64]int{-1: -1}
			for i, p := range c.parts {
				at[int64(len(file))] = i
				file = append(file, p...)
			}
			at[int64(len(file))] = len(c.parts)
			rows, _ := scan(t, testRunner(2), file, pipeline.File{Bytes: int64(len(file)), Leased: !c.free})
			for i := range rows {
				l := &rows[i].Ledger
				if l.Length > 0 {
					l.Length = int64(at[l.End()] - at[l.Offset])
				}
				l.Offset = int64(at[l.Offset])
			}
			if got := outline(rows); !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %q\nwant %q", got, c.want)
			}
		})
	}
}

func TestScanContent(t *testing.T) {
	text := "hello wörld"
	file := append(member(6, record("warcinfo", "w", nil, []byte("software: x\r\nisPartOf: CC-MAIN-2024-10\r\n"))), member(6, page("a", text))...)
	start := int64(len(file) - len(member(6, page("a", text))))
	rows, stats := scan(t, testRunner(1), file, pipeline.File{Number: 3, Path: "p", Dump: "d", Bytes: int64(len(file)), Leased: true})
	sum := sha256.Sum256([]byte(text))
	keys := []uint64{binary.BigEndian.Uint64(sum[:])}
	length := int64(len(file)) - start
	want := pipeline.Result{
		Ledger: contract.LedgerRow{
			File: 3, Offset: start, Length: length, ID: "<urn:test:a>", Outcome: "kept", Language: "en", LanguageScore: 0.75,
			Characters: 11, BandKeys: keys, KeptFile: 3, KeptOffset: start,
		},
		Row: &contract.Row{
			Text: text, ID: "<urn:test:a>", Dump: "d", URL: "https://example.org/a", Date: "2026-01-02T03:04:05Z", FilePath: "p",
			Language: "en", LanguageScore: 0.75, WARCOffset: start, WARCLength: int32(length),
		},
	}
	if len(rows) != 1 || !reflect.DeepEqual(rows[0], want) {
		t.Fatalf("got %+v %+v", rows[0].Ledger, rows[0].Row)
	}
	wantStats := pipeline.FileStats{
		Bytes: int64(len(file)), Records: 2, Pages: 1, Survived: 1, IsPartOf: "CC-MAIN-2024-10",
		Damage: map[string]int64{}, Skipped: map[string]int64{"warcinfo": 1},
	}
	if !reflect.DeepEqual(stats, wantStats) {
		t.Fatalf("got %+v", stats)
	}
}

// drawFile returns a WARC file with everything that may be in one.
func drawFile(t *rapid.T) []byte {
	var file []byte
	n := rapid.IntRange(0, 14).Draw(t, "parts")
	for i := range n {
		id := fmt.Sprint(i)
		p := member(6, page(id, rapid.SampledFrom([]string{"hello ", "drop ", "panic ", "world "}).Draw(t, "html")+id))
		switch rapid.IntRange(0, 11).Draw(t, "kind") {
		case 0, 1, 2:
			p = bulk(id, rapid.SampledFrom([]int{100, 400 << 10, 700 << 10, 2 << 20}).Draw(t, "bulk"))
		case 3:
			p = member(6, page(id, "one"), page(id, "two"))
		case 4:
			p[rapid.IntRange(0, len(p)-1).Draw(t, "at")] ^= byte(rapid.IntRange(1, 255).Draw(t, "change"))
		case 5:
			p = p[:rapid.IntRange(1, len(p)-1).Draw(t, "cut")]
		case 6:
			p = []byte(rapid.SampledFrom([]string{"\r\n", "garbage", "\x1f\x8b", "\n\n\nWARC", "\x1f\x8b\x08\x00"}).Draw(t, "garbage"))
		case 7:
			p = page(id, "plain")
		case 8:
			p = member(6)
		}
		file = append(file, p...)
	}
	return file
}

// The rows of a slice between two borders are those of the whole file, they are
// in order, and they do not depend on the number of workers.
func TestScanIsLocal(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		file := drawFile(t)
		f := pipeline.File{Bytes: int64(len(file)), Leased: true}
		whole, stats := scanRapid(t, 3, file, f)
		again, statsAgain := scanRapid(t, 1, file, f)
		if !reflect.DeepEqual(whole, again) || !reflect.DeepEqual(stats, statsAgain) {
			t.Fatalf("three workers %q\none %q", outline(whole), outline(again))
		}
		borders := []int64{0, f.Bytes}
		end := int64(0)
		for _, r := range whole {
			if r.Ledger.Offset < end || r.Ledger.Length < 1 {
				t.Fatalf("spans overlap: %q", outline(whole))
			}
			if end = r.Ledger.End(); r.Ledger.Outcome != contract.OutcomeDamaged {
				borders = append(borders, r.Ledger.Offset)
			}
		}
		if end > f.Bytes {
			t.Fatalf("spans reach beyond the file: %q", outline(whole))
		}
		slices.Sort(borders)
		borders = slices.Compact(borders)
		for i, a := range borders {
			for _, b := range borders[i+1:] {
				f.Start = a
				got, _ := scanRapid(t, 2, file[a:b], f)
				var want []pipeline.Result
				for _, r := range whole {
					if r.Ledger.Offset >= a && r.Ledger.Offset < b {
						want = append(want, r)
					}
				}
				if !reflect.DeepEqual(got, want) {
					t.Fatalf("slice [%d, %d) %q\nwhole file %q", a, b, outline(got), outline(whole))
				}
			}
		}
	})
}

func scanRapid(t *rapid.T, workers int, file []byte, f pipeline.File) ([]pipeline.Result, pipeline.FileStats) {
	var rows []pipeline.Result
	stats, err := testRunner(workers).Scan(context.Background(), bytes.NewReader(file), f, func(r pipeline.Result) error {
		rows = append(rows, r)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rows, stats
}

func TestScanErrors(t *testing.T) {
	defer goleak.VerifyNone(t)
	var file []byte
	for i := range 100 {
		file = append(file, member(6, page(fmt.Sprint(i), "hello"))...)
	}
	failed := errors.New("failed")
	ignore := func(pipeline.Result) error { return nil }
	cancelled, cancel := context.WithCancelCause(context.Background())
	cancel(failed)
	midway, cancelMidway := context.WithCancelCause(context.Background())
	for name, c := range map[string]struct {
		ctx  context.Context
		src  io.Reader
		emit func(pipeline.Result) error
		want error
	}{
		"emit":             {context.Background(), bytes.NewReader(file), func(pipeline.Result) error { return failed }, failed},
		"source":           {context.Background(), io.MultiReader(bytes.NewReader(file[:len(file)/2]), iotest.ErrReader(failed)), ignore, failed},
		"cancelled before": {cancelled, bytes.NewReader(file), ignore, failed},
		"cancelled midway": {midway, bytes.NewReader(file), func(pipeline.Result) error { cancelMidway(failed); return nil }, failed},
		"no WARC":          {context.Background(), strings.NewReader("<html>not found</html>"), ignore, warc.ErrNotWARC},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := testRunner(2).Scan(c.ctx, c.src, pipeline.File{Bytes: -1}, c.emit); !errors.Is(err, c.want) {
				t.Fatalf("error %v, want %v", err, c.want)
			}
		})
	}
}

// A leased file that is no WARC is a damaged span: somebody must be paid for
// saying so.
func TestScanLeasedNoWARC(t *testing.T) {
	html := "<html>not found</html>"
	rows, _ := scan(t, testRunner(1), []byte(html), pipeline.File{Bytes: int64(len(html)), Leased: true})
	if got := outline(rows); !reflect.DeepEqual(got, []string{"0+22 damaged not_warc false"}) {
		t.Fatalf("got %q", got)
	}
}

func TestNewRunner(t *testing.T) {
	extract := stage{name: "extract"}
	spec := pipeline.ReadSpec()
	r, err := pipeline.NewRunner(pipeline.Recipe{Name: "r", Stages: []pipeline.StageSpec{spec, {Name: "extract"}}}, []pipeline.Stage{extract})
	if err != nil || r.MaxBlock != warc.DefaultMaxBlock || r.Page != (warc.PageOptions{MaxBytes: warc.DefaultMaxPageBytes, MaxRatio: warc.DefaultMaxRatio}) {
		t.Fatalf("%+v, error %v", r, err)
	}
	spec.Params = maps.Clone(spec.Params)
	spec.Params["max_ratio"] = "0"
	for name, stages := range map[string][]pipeline.StageSpec{
		"nothing":       nil,
		"read missing":  {{Name: "extract"}, {Name: "extract"}},
		"another stage": {pipeline.ReadSpec(), {Name: "language"}},
		"one too many":  {pipeline.ReadSpec(), {Name: "extract"}, {Name: "extract"}},
		"bad limit":     {spec, {Name: "extract"}},
		"no params":     {{Name: "read"}, {Name: "extract"}},
	} {
		if _, err := pipeline.NewRunner(pipeline.Recipe{Name: "r", Stages: stages}, []pipeline.Stage{extract}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestFilePath(t *testing.T) {
	for path, want := range map[string]string{
		"crawl-data/CC-MAIN-2024-10/a.warc.gz": "s3://commoncrawl/crawl-data/CC-MAIN-2024-10/a.warc.gz",
		"a.warc.gz":                            "a.warc.gz",
	} {
		if got := pipeline.FilePath(path); got != want {
			t.Errorf("%s: got %s", path, got)
		}
	}
}
