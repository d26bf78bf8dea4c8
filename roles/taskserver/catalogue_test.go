package taskserver_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/roles/taskserver"
)

// record is a WARC record without content to speak of.
func record(id int) string {
	block := fmt.Sprintf("block %d", id)
	return fmt.Sprintf("WARC/1.0\r\nWARC-Type: resource\r\nWARC-Record-ID: <urn:x:%d>\r\nWARC-Date: 2024-03-01T00:00:00Z\r\nContent-Length: %d\r\n\r\n%s\r\n\r\n",
		id, len(block), block)
}

// members gzips each text as a member of its own.
func members(t testing.TB, texts ...string) []byte {
	t.Helper()
	var out bytes.Buffer
	for _, text := range texts {
		z := gzip.NewWriter(&out)
		_, err := z.Write([]byte(text))
		check(t, err)
		check(t, z.Close())
	}
	return out.Bytes()
}

func writeFile(t testing.TB, path string, content []byte) {
	t.Helper()
	check(t, os.MkdirAll(filepath.Dir(path), 0o755))
	check(t, os.WriteFile(path, content, 0o644))
}

func TestFolderCatalogue(t *testing.T) {
	dir := t.TempDir()
	good := members(t, record(1), record(2), record(3))
	writeFile(t, filepath.Join(dir, "b.warc.gz"), good)
	writeFile(t, filepath.Join(dir, "a", "z.warc.gz"), good)
	writeFile(t, filepath.Join(dir, "a.warc"), []byte(record(1)+record(2)))
	writeFile(t, filepath.Join(dir, "one.warc.gz"), members(t, record(1)))
	writeFile(t, filepath.Join(dir, "a", "notes.txt"), []byte("not a WARC file"))
	c, err := taskserver.FolderCatalogue(dir)
	check(t, err)
	want := []contract.InputFile{
		{Path: "a.warc", Bytes: int64(len(record(1) + record(2)))},
		{Path: "a/z.warc.gz", Bytes: int64(len(good))},
		{Path: "b.warc.gz", Bytes: int64(len(good))},
		{Path: "one.warc.gz", Bytes: int64(len(members(t, record(1))))},
	}
	equal(t, "files", fmt.Sprint(c.Files), fmt.Sprint(want))
	equal(t, "hash", c.SHA256, canon.Sum([]byte("a.warc\na/z.warc.gz\nb.warc.gz\none.warc.gz\n")))
}

func TestFolderCatalogueRefuses(t *testing.T) {
	for _, c := range []struct {
		name    string
		content []byte
		want    error
	}{
		{"one member for all", members(t, record(1)+record(2)+record(3)), taskserver.ErrNoRanges},
		{"one member after the first record", members(t, record(1), record(2)+record(3)), taskserver.ErrNoRanges},
		{"empty", nil, contract.ErrInvalid},
	} {
		t.Run(c.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "x.warc.gz"), c.content)
			_, err := taskserver.FolderCatalogue(dir)
			if !errors.Is(err, c.want) || !strings.Contains(err.Error(), "x.warc.gz") {
				t.Errorf("got error %v, want %v", err, c.want)
			}
		})
	}
	dir := t.TempDir()
	if _, err := taskserver.FolderCatalogue(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("empty folder: got error %v", err)
	}
	if _, err := taskserver.FolderCatalogue(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: got error %v", err)
	}
	writeFile(t, filepath.Join(dir, "x.warc.gz"), []byte("<!DOCTYPE html><title>503</title>"))
	if _, err := taskserver.FolderCatalogue(dir); err == nil || !strings.Contains(err.Error(), "x.warc.gz") {
		t.Errorf("HTML page: got error %v", err)
	}
}

func TestReadCatalogue(t *testing.T) {
	const paths = "crawl-data/x/0.warc.gz\ncrawl-data/x/1.warc.gz\n"
	for name, text := range map[string]string{
		"plain":   paths,
		"CRLF":    strings.ReplaceAll(paths, "\n", "\r\n"),
		"no end":  strings.TrimSuffix(paths, "\n"),
		"blank":   "\n" + paths + "\n",
		"gzipped": string(members(t, paths)),
		"with size": "crawl-data/x/0.warc.gz\t17\n" +
			"crawl-data/x/1.warc.gz\t18\n",
	} {
		c, err := taskserver.ReadCatalogue(strings.NewReader(text))
		check(t, err)
		equal(t, name+": files", len(c.Files), 2)
		equal(t, name+": second path", c.Files[1].Path, "crawl-data/x/1.warc.gz")
		equal(t, name+": hash", c.SHA256, canon.Sum([]byte(paths)))
		if name == "with size" {
			equal(t, "second size", c.Files[1].Bytes, 18)
		}
	}
	for name, text := range map[string]string{
		"empty":         "",
		"traversal":     "../etc/passwd\n",
		"absolute":      "/etc/passwd\n",
		"senseless":     "a.warc.gz\tmuch\n",
		"size 0":        "a.warc.gz\t0\n",
		"HTML page":     "<!DOCTYPE html>\n<title>//</title>\n",
		"cut-off gzip":  string(members(t, paths))[:20],
		"control bytes": "a\x00b.warc.gz\n",
	} {
		if _, err := taskserver.ReadCatalogue(strings.NewReader(text)); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzReadCatalogue(f *testing.F) {
	f.Add([]byte("crawl-data/x/0.warc.gz\t17\n"))
	f.Add(members(f, "a.warc.gz\nb.warc.gz\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := taskserver.ReadCatalogue(bytes.NewReader(raw))
		if err != nil {
			return
		}
		for _, file := range c.Files {
			if !contract.ValidPath(file.Path) || file.Bytes < 0 {
				t.Errorf("file %q of %d bytes", file.Path, file.Bytes)
			}
		}
	})
}

func TestFillSizes(t *testing.T) {
	c := taskserver.Catalogue{Files: []contract.InputFile{{Path: "a", Bytes: 1}, {Path: "b"}, {Path: "c"}}}
	failing := true
	var asked []string
	size := func(_ context.Context, path string) (int64, error) {
		if path == "c" && failing {
			return 0, os.ErrDeadlineExceeded
		}
		asked = append(asked, path)
		return 7, nil
	}
	if err := c.FillSizes(t.Context(), size); !errors.Is(err, os.ErrDeadlineExceeded) {
		t.Fatalf("got error %v", err)
	}
	failing = false
	check(t, c.FillSizes(t.Context(), size))
	equal(t, "asked", strings.Join(asked, " "), "b c")
	equal(t, "sizes", fmt.Sprint(c.Files), "[{a 1} {b 7} {c 7}]")
}

func TestImport(t *testing.T) {
	e := newEnv(t, 0)
	ctx := t.Context()
	imported := func(crawl string, list []contract.InputFile, sum string, perTask int) (taskserver.Imported, error) {
		return taskserver.Import(ctx, e.store, crawl, list, sum, perTask)
	}
	report, err := imported(crawl, files(9), sumB, 4)
	check(t, err)
	equal(t, "report", report, taskserver.Imported{Tasks: 3, Added: 3, Bytes: 9*1000 + 36})
	report, err = imported(crawl, files(9), sumB, 4)
	check(t, err)
	equal(t, "report of a repetition", report, taskserver.Imported{Tasks: 3, Added: 0, Bytes: 9*1000 + 36})
	last, err := e.store.Task(ctx, crawl+"-000002")
	check(t, err)
	equal(t, "files of the last task", len(last.Files), 1)

	_, err = imported(crawl, files(9), sumA, 4)
	if !errors.Is(err, taskserver.ErrConflict) {
		t.Errorf("another catalogue: got error %v", err)
	}
	unknown, twice := files(2), files(2)
	unknown[1].Bytes = 0
	twice[1].Path = twice[0].Path
	for name, err := range map[string]error{
		"unknown size":     second(imported("A", unknown, sumB, 1)),
		"path twice":       second(imported("A", twice, sumB, 1)),
		"no files":         second(imported("A", nil, sumB, 1)),
		"no files in task": second(imported("A", files(1), sumB, 0)),
		"name with slash":  second(imported("a/b", files(1), sumB, 1)),
	} {
		if !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func second[A, B any](_ A, b B) B { return b }

// TestImportOfWholeCrawl imports as many paths as a crawl has.
func TestImportOfWholeCrawl(t *testing.T) {
	if testing.Short() {
		t.Skip("long")
	}
	e := newEnv(t, 0)
	report, err := taskserver.Import(t.Context(), e.store, crawl, files(90_000), sumB, 4)
	check(t, err)
	equal(t, "tasks", report.Added, 22_500)
	e.lease("//Miner")
}
