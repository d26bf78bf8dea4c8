package audit_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/eval"
	"finest/pipeline"
)

// TestHonestSubmissionsOfWildFilesPass audits files as broken as they are found
// in the wild: whatever the reader makes of them, it must make the same of every
// slice.
func TestHonestSubmissionsOfWildFilesPass(t *testing.T) {
	root := os.Getenv("FINEST_TESTDATA")
	if root == "" {
		t.Skip("FINEST_TESTDATA is not set")
	}
	entries, err := os.ReadDir(filepath.Join(root, "warc-edge"))
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		if !strings.Contains(e.Name(), "warc") {
			continue
		}
		t.Run(e.Name(), func(t *testing.T) {
			raw, err := os.ReadFile(filepath.Join(root, "warc-edge", e.Name()))
			if err != nil {
				t.Fatal(err)
			}
			if len(raw) == 0 {
				t.Skip("empty files are never leased")
			}
			path := "wild/file.warc.gz"
			w := &world{
				t: t, runner: newRunner(t), paths: []string{path}, data: map[string][]byte{path: raw},
				scans: make(map[span][]pipeline.Result),
			}
			w.refine()
			c := w.publish(w.ledger, w.rows)
			wantOutcome(t, c.content(t), eval.Accepted)
			wantOutcome(t, c.clusters(t), eval.Accepted)
			for i := range 6 {
				slice := int64(len(raw)>>i) + 1
				wantOutcome(t, c.slice(t, w.source(), seedOf(e.Name(), i), slice), eval.Accepted)
			}
			src := w.source()
			src.MaxFetch = int64(len(raw)/3 + 1)
			wantOutcome(t, c.slice(t, src, wholeSeed(c, 1), wholeFile), eval.Accepted)
		})
	}
}
