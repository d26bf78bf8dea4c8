package huggingface_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
)

const (
	benchFiles = 4
	benchBytes = 2 << 30
)

// BenchmarkUpload2GB publishes files of 2 GiB to a devhub in this process, and
// compares the rate with that of SHA-256 over the same bytes twice, in one
// goroutine: what the two sides must compute at least. Both folders are in
// TMPDIR; on a disk its syncs are what is measured, so
//
//	TMPDIR=/dev/shm go test ./hub/huggingface -run '^$' -bench Upload2GB -benchtime 1x
func BenchmarkUpload2GB(b *testing.B) {
	dir := b.TempDir()
	paths := make([]string, benchFiles)
	for i := range paths {
		paths[i] = filepath.Join(dir, fmt.Sprintf("%d.parquet", i))
		writeRandom(b, paths[i], benchBytes/benchFiles, byte(i))
	}
	b.SetBytes(benchBytes)
	var plain, upload time.Duration
	resetPeak(b)
	b.ResetTimer() // of the time that writing the files took
	for i := range b.N {
		b.StopTimer()
		w := devhubtest.ServeDir(b, filepath.Join(dir, "hub"))
		var sources []hub.Source
		begin := time.Now()
		for range 2 {
			sources = hashed(b, paths, i)
		}
		plain += time.Since(begin)
		c := devhubtest.Dial(b, w.Endpoint)
		repo := fmt.Sprintf("tester/bench-%d", i)
		head := create(b, c, repo)
		b.StartTimer()
		begin = time.Now()
		if _, err := c.Publish(b.Context(), hub.Publication{Repo: repo, Message: "bench", Parent: head, Add: sources}); err != nil {
			b.Fatal(err)
		}
		upload += time.Since(begin)
		b.StopTimer()
		if err := w.Server.Close(); err != nil {
			b.Fatal(err)
		}
		if err := os.RemoveAll(filepath.Join(dir, "hub")); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(plain.Seconds()/upload.Seconds(), "of-sha256-twice")
	b.ReportMetric(float64(peak(b))/1e6, "peak-MB")
}

// writeRandom writes a file of size random bytes.
func writeRandom(t testing.TB, path string, size int64, seed byte) {
	t.Helper()
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.CopyN(f, rand.NewChaCha8([32]byte{seed}), size); err != nil {
		t.Fatal(err)
	}
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
}

// hashed returns the sources of files, with their hashes, which it computes.
func hashed(t testing.TB, paths []string, round int) (sources []hub.Source) {
	t.Helper()
	for _, path := range paths {
		f, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		h := sha256.New()
		n, err := io.CopyBuffer(struct{ io.Writer }{h}, struct{ io.Reader }{f}, make([]byte, 256<<10))
		if err != nil {
			t.Fatal(err)
		}
		_ = f.Close()
		sources = append(sources, hub.Source{
			File: hub.File{Path: fmt.Sprintf("data/%d-%s", round, filepath.Base(path)), Size: n, SHA256: hex.EncodeToString(h.Sum(nil))},
			Open: func() (hub.Content, error) { return os.Open(path) },
		})
	}
	return sources
}

// create makes a repository and returns the commit it stands at.
func create(t testing.TB, c hub.Hub, repo string) (head string) {
	t.Helper()
	if err := c.EnsureRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	return headOf(t, c, repo)
}

func headOf(t testing.TB, c hub.Hub, repo string) string {
	t.Helper()
	head, err := c.Head(t.Context(), hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		t.Fatal(err)
	}
	return head
}

// resetPeak begins a new measurement of peak.
func resetPeak(t testing.TB) {
	t.Helper()
	if err := os.WriteFile("/proc/self/clear_refs", []byte("5"), 0); err != nil {
		t.Skipf("the peak of memory cannot be measured: %v", err)
	}
}

// peak returns the most memory that this process had at once, in bytes.
func peak(t testing.TB) int64 {
	t.Helper()
	status, err := os.ReadFile("/proc/self/status")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	kib, err := strconv.ParseInt(strings.TrimSuffix(strings.TrimSpace(strings.SplitN(rest, "\n", 2)[0]), " kB"), 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return kib << 10
}
