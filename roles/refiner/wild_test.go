package refiner_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/pipeline/recipes"
	"finest/pipeline/shard"
	"finest/pipeline/warc"
	"finest/roles/refiner"
)

// Every file found in the wild is refined, or refused for being no WARC file.
func TestWildFiles(t *testing.T) {
	data := os.Getenv("FINEST_TESTDATA")
	if data == "" {
		t.Skip("FINEST_TESTDATA is not set: no wild files")
	}
	files, err := filepath.Glob(filepath.Join(data, "warc-edge", "*warc*"))
	if err != nil || len(files) < 100 {
		t.Fatalf("%d files, error %v", len(files), err)
	}
	refused := 0
	for i, name := range files {
		inputs, err := refiner.ExpandInputs([]string{name}, "", nil)
		if err != nil {
			t.Fatal(err)
		}
		out := t.TempDir()
		r, err := refiner.Refine(context.Background(), refiner.Options{
			Inputs: inputs, Runner: testRunner(t, 2), Leased: i%2 == 0, OutDir: out,
		})
		if errors.Is(err, warc.ErrNotWARC) {
			refused++
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", filepath.Base(name), err)
			continue
		}
		var kept int64
		for _, c := range r.Manifest.Counts {
			if c.Outcome == contract.OutcomeKept {
				kept += c.Rows
			}
		}
		if rows := rowsOf(t, out, r.Manifest.Shards(), shard.ReadRows); int64(len(rows)) != kept {
			t.Errorf("%s: %d rows, %d kept", filepath.Base(name), len(rows), kept)
		}
	}
	t.Logf("%d files, %d refused", len(files), refused)
}

// Real pages, the real recipe: the same bytes for one worker and two.
func TestRealPages(t *testing.T) {
	data := os.Getenv("FINEST_TESTDATA")
	if data == "" {
		t.Skip("FINEST_TESTDATA is not set: no real pages")
	}
	inputs, err := refiner.ExpandInputs([]string{
		filepath.Join(data, "warc-edge", "dolma__sample-0000.warc.gz"), filepath.Join(data, "warc-edge", "jwarc__cc.warc.gz"),
	}, "", nil)
	if err != nil {
		t.Fatal(err)
	}
	recipe, err := recipes.Named(recipes.FineWebNoLists)
	if err != nil {
		t.Fatal(err)
	}
	var digests []string
	for workers := 1; workers <= 2; workers++ {
		runner, err := recipes.Build(recipe, "")
		if err != nil {
			t.Fatal(err)
		}
		runner.Workers = workers
		out := t.TempDir()
		start := time.Now()
		r := refine(t, refiner.Options{Inputs: inputs, Runner: runner, OutDir: out})
		digests = append(digests, digest(t, out, r))
		t.Logf("%d workers: %d pages in %s: %v", workers, r.Manifest.Inputs[0].Pages+r.Manifest.Inputs[1].Pages, time.Since(start).Round(time.Millisecond), r.Manifest.Counts)
	}
	if digests[0] != digests[1] {
		t.Fatal("two workers give other bytes than one")
	}
}
