package warc_test

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"finest/pipeline/warc"
)

// testdata returns the folder of test data, or skips the test.
func testdata(t testing.TB) string {
	t.Helper()
	dir := os.Getenv("FINEST_TESTDATA")
	if dir == "" {
		t.Skip("FINEST_TESTDATA does not name the folder of test data")
	}
	return dir
}

// edge is a row of the inventory of warc-edge.
type edge struct {
	File         string
	Bytes        int64
	Container    string
	GzipState    string `json:"gz_state"`
	Format       string
	RecordTypes  map[string]int `json:"record_types"`
	HTML         int            `json:"html_responses"`
	Malformed    []string
	notWARC      bool
	damage, html int // deviations
}

// deviations are the files with a sound container in which this reader counts
// other than the inventory's, with the number of damaged spans it reports and
// the HTML pages it counts. The inventory's reader takes what it can of a record
// whose length lies or that breaks off; this one calls it damage.
var deviations = map[string]struct {
	damage, html int
	why          string
}{
	"ipwb__1memento_noContentType.warc":          {0, 1, "no Content-Type, but the body is HTML"},
	"ipwb__broken.warc":                          {1, 1, "Content-Length too small"},
	"ipwb__HTTP204.warc":                         {1, 1, "Content-Length too small"},
	"ipwb__redirect.warc":                        {1, 0, "cut off"},
	"resilipipe_quality_scoring__sample.warc.gz": {1, 0, "cut off"},
	"warcio__example-trunc.warc":                 {1, 0, "Content-Length too small"},
	"warcio.js__example-bad-length.warc":         {1, 0, "Content-Length too small"},
	"warcio__example-wrong-chunks.warc.gz":       {1, 0, "a record across two members"},
	"solrwayback__Evil-Warc-Headers.warc":        {1, 0, "cut off"},
}

// unreadable are findings of the inventory that this reader calls damage.
var unreadable = []string{
	"missing content-length", "empty field content-length", "block length unknown", "block is cut off by the end of the file",
	"bytes that belong to no record", "WARC header block is not ended by an empty line", "Content-Length runs into",
}

func TestReaderReadsFilesFromTheWild(t *testing.T) {
	dir := filepath.Join(testdata(t), "warc-edge")
	f, err := os.Open(filepath.Join(dir, "inventory.jsonl"))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	files, exact := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); files++ {
		var want edge
		if err := json.Unmarshal(lines.Bytes(), &want); err != nil {
			t.Fatal(err)
		}
		t.Run(want.File, func(t *testing.T) {
			got := readEdge(t, dir, want)
			deviation, known := deviations[want.File]
			isWARC := strings.HasPrefix(want.Format, "WARC/") && (want.Container == "gzip" || want.Container == "none")
			switch {
			case known:
				if got.damage != deviation.damage || got.html != deviation.html {
					t.Errorf("%d damaged spans, %d pages; expected %d and %d as in: %s", got.damage, got.html, deviation.damage, deviation.html, deviation.why)
				}
			case !isWARC && want.RecordTypes != nil && len(want.RecordTypes) > 0:
				if !got.notWARC {
					t.Errorf("a %s %s file was read as WARC", want.Container, want.Format)
				}
			case isWARC && got.damage > 0:
				if !expectsDamage(want) {
					t.Errorf("%d damaged spans, but the inventory has only %q", got.damage, want.Malformed)
				}
			case isWARC:
				exact++
				if !maps.Equal(got.RecordTypes, want.RecordTypes) || got.html != want.HTML {
					t.Errorf("records %v, %d pages; want %v, %d pages", got.RecordTypes, got.html, want.RecordTypes, want.HTML)
				}
			}
		})
	}
	if files < 200 || exact < 100 {
		t.Errorf("%d files, of which %d were compared exactly", files, exact)
	}
}

func expectsDamage(want edge) bool {
	if want.GzipState != "" && want.GzipState != "ok" {
		return true
	}
	for _, finding := range want.Malformed {
		for _, bad := range unreadable {
			if strings.Contains(finding, bad) {
				return true
			}
		}
	}
	return false
}

// readEdge counts what a file has, and checks what holds for every file.
func readEdge(t *testing.T, dir string, want edge) edge {
	t.Helper()
	f, err := os.Open(filepath.Join(dir, want.File))
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	got := edge{RecordTypes: make(map[string]int)}
	r := warc.NewReader(f, 0, warc.Options{Shared: true})
	for end := int64(0); ; {
		rec, err := r.Next()
		if errors.Is(err, io.EOF) || errors.Is(err, warc.ErrNotWARC) {
			got.notWARC = !errors.Is(err, io.EOF)
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		if rec.Offset >= 0 {
			if rec.Offset < end || rec.End() > want.Bytes {
				t.Fatalf("span %d+%d after %d in a file of %d bytes", rec.Offset, rec.Length, end, want.Bytes)
			}
			end = rec.End()
		}
		if rec.Damage != "" {
			got.damage++
			continue
		}
		got.RecordTypes[strings.ToLower(rec.Type)]++
		if _, isHTML := rec.Page(warc.PageOptions{}); isHTML {
			got.html++
		}
	}
	runtime.ReadMemStats(&after)
	if used := int64(after.TotalAlloc - before.TotalAlloc); used > 64<<20+40*want.Bytes {
		t.Errorf("%d bytes were allocated for a file of %d", used, want.Bytes)
	}
	return got
}
