package refiner_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/klauspost/compress/gzip"

	"finest/internal/canon"
	"finest/internal/polite"
	"finest/pipeline"
	"finest/pipeline/dedup/keysort"
	"finest/pipeline/minhash"
	"finest/roles/refiner"
)

func member(record string) []byte {
	var out bytes.Buffer
	z := gzip.NewWriter(&out)
	_, _ = z.Write([]byte(record))
	_ = z.Close()
	return out.Bytes()
}

func record(kind, id, block string) string {
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: %s\r\nWARC-Record-ID: <urn:test:%s>\r\nWARC-Date: 2026-01-02T03:04:05Z\r\n"+
		"WARC-Target-URI: https://example.org/%s\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n", kind, id, id, len(block), block)
}

func page(id, html string) []byte {
	return member(record("response", id, "HTTP/1.1 200 OK\r\nContent-Type: text/html\r\n\r\n"+html))
}

// warcFile is the n-th of the test's files: pages of which some are dropped,
// some near-duplicates of pages in this and other files, some too short to be,
// and a damaged one.
func warcFile(n int) []byte {
	file := member(record("warcinfo", fmt.Sprint("info", n), "software: test\r\nisPartOf: TEST-2026-01\r\n"))
	rng := rand.New(rand.NewPCG(uint64(n), 1))
	for i := range 60 {
		id := fmt.Sprintf("%d-%d", n, i)
		p := page(id, fmt.Sprintf("text %s cluster=%d", id, rng.IntN(80)))
		switch i % 10 {
		case 3:
			p = page(id, "drop "+id)
		case 5:
			p = page(id, "short "+id)
		case 7:
			p = member(record("request", id, "GET / HTTP/1.1\r\n\r\n"))
		}
		if i == 30 {
			p[len(p)/2] ^= 0x55
		}
		file = append(file, p...)
	}
	return file
}

// testStage drops, signs and keeps by the words of a page. Two pages of one
// cluster share a band key; every fifth cluster shares one with the next.
type testStage struct{ name string }

func (s testStage) Name() string { return s.name }

func (s testStage) Process(d *pipeline.Document) *pipeline.Drop {
	switch {
	case s.name == "extract":
		d.Text, d.HTML = d.HTML, ""
		d.TokenCount, d.Language = int64(len(d.Text)), [...]string{"de", "en"}[len(d.Text)%2]
		return nil
	case s.name == "rule" && strings.HasPrefix(d.Text, "drop"):
		return &pipeline.Drop{Reason: "asked", Value: 0.5}
	case s.name == "rule":
		return nil
	}
	_, text, ok := strings.Cut(d.Text, "cluster=")
	if !ok {
		return nil
	}
	var cluster int
	_, _ = fmt.Sscan(text, &cluster)
	own := sha256.Sum256([]byte(d.Text))
	d.BandKeys = make([]uint64, 14)
	for i := range d.BandKeys {
		d.BandKeys[i] = binary.BigEndian.Uint64(own[i:])
	}
	d.BandKeys[2] = uint64(cluster)
	d.BandKeys[7] = uint64((cluster + 1) / 5)
	return nil
}

// testMinHash is the stage minhash, with made-up band keys.
type testMinHash struct{ testStage }

func (testMinHash) Keys(d *pipeline.Document) []uint64 { return d.BandKeys }

func (testMinHash) Compare(o keysort.Options) pipeline.Comparison { return minhash.NewClusterer(o) }

func testRunner(t testing.TB, workers int) *pipeline.Runner {
	t.Helper()
	spec := func(name string) pipeline.StageSpec { return pipeline.StageSpec{Name: name} }
	r, err := pipeline.NewRunner(
		pipeline.Recipe{Name: "test", PipelineVersion: pipeline.Version, Stages: []pipeline.StageSpec{pipeline.ReadSpec(), spec("extract"), spec("rule"), spec("minhash")}},
		[]pipeline.Stage{testStage{"extract"}, testStage{"rule"}, testMinHash{testStage{minhash.Name}}})
	if err != nil {
		t.Fatal(err)
	}
	r.Workers = workers
	return r
}

// writeFiles writes the test's files and returns them as inputs.
func writeFiles(t testing.TB, dir string, count int) []refiner.Input {
	t.Helper()
	for i := range count {
		if err := os.WriteFile(filepath.Join(dir, fmt.Sprintf("%d.warc.gz", i)), warcFile(i), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return inputsIn(t, dir)
}

func inputsIn(t testing.TB, dir string) []refiner.Input {
	t.Helper()
	inputs, err := refiner.ExpandInputs([]string{dir}, "", polite.NewClient("test"))
	if err != nil {
		t.Fatal(err)
	}
	return inputs
}

func refine(t testing.TB, o refiner.Options) *refiner.Report {
	t.Helper()
	r, err := refiner.Refine(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// digest returns the hash of everything a job must reproduce: data, ledger and
// manifest.
func digest(t testing.TB, out string, r *refiner.Report) string {
	t.Helper()
	manifest, err := canon.Marshal(r.Manifest)
	if err != nil {
		t.Fatal(err)
	}
	h := sha256.New()
	h.Write(manifest)
	for _, folder := range []string{"data", "ledger"} {
		err := filepath.WalkDir(filepath.Join(out, folder), func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			raw, err := os.ReadFile(path)
			fmt.Fprintf(h, "\n%s %d\n", strings.TrimPrefix(path, out), len(raw))
			h.Write(raw)
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	return canon.Hash(h.Sum(nil)).String()
}
