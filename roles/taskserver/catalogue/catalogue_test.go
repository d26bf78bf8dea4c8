package catalogue_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/polite"
	"finest/roles/taskserver/catalogue"
	"finest/roles/taskserver/engine"
)

func TestRead(t *testing.T) {
	const paths = "crawl-data/x/0.warc.gz\ncrawl-data/x/1.warc.gz\n"
	for name, text := range map[string]string{
		"plain":       paths,
		"CRLF":        strings.ReplaceAll(paths, "\n", "\r\n"),
		"no end":      strings.TrimSuffix(paths, "\n"),
		"blank":       "\n" + paths + "\n",
		"gzipped":     string(members(t, paths)),
		"two members": string(members(t, paths[:23], paths[23:])),
		"with size":   "crawl-data/x/0.warc.gz\t17\ncrawl-data/x/1.warc.gz\t18\n",
	} {
		c, err := catalogue.Read(strings.NewReader(text))
		check(t, err)
		equal(t, name+": files", len(c.Files), 2)
		equal(t, name+": second path", c.Files[1].Path, "crawl-data/x/1.warc.gz")
		equal(t, name+": hash", c.SHA256, canon.Sum([]byte(paths)))
		if name == "with size" {
			equal(t, "second size", c.Files[1].Bytes, 18)
		}
	}
}

func TestReadRefuses(t *testing.T) {
	const paths = "crawl-data/x/0.warc.gz\ncrawl-data/x/1.warc.gz\n"
	for name, text := range map[string]string{
		"empty":         "",
		"traversal":     "../etc/passwd.warc\n",
		"absolute":      "/etc/passwd.warc\n",
		"senseless":     "a.warc.gz\tmuch\n",
		"size 0":        "a.warc.gz\t0\n",
		"size beyond":   "a.warc.gz\t1099511627777\n",
		"HTML page":     "<!DOCTYPE html>\n<title>503</title>\n",
		"list of WETs":  "crawl-data/x/0.warc.wet.gz\n",
		"path twice":    paths + paths,
		"control bytes": "a\x00b.warc.gz\n",
		"long line":     strings.Repeat("a/", 2000) + "b.warc\n",
	} {
		if _, err := catalogue.Read(strings.NewReader(text)); !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
	gz := members(t, paths)
	for n := 2; n < len(gz); n++ {
		if _, err := catalogue.Read(bytes.NewReader(gz[:n])); err == nil {
			t.Errorf("gzip cut off at byte %d: no error", n)
		}
	}
	if _, err := catalogue.Read(bytes.NewReader(append(gz, "garbage"...))); err == nil {
		t.Error("garbage after gzip: no error")
	}
}

// A list without end, or one that inflates to one, is refused after so much of
// it.
func TestReadRefusesEndlessLists(t *testing.T) {
	bomb := bytes.Repeat(members(t, strings.Repeat("\n", 1<<20)), 2)
	if _, err := catalogue.Read(bytes.NewReader(bomb)); !errors.Is(err, contract.ErrInvalid) {
		t.Errorf("2 Mi blank lines in %d bytes: got error %v", len(bomb), err)
	}
	endless := io.MultiReader(strings.NewReader("a.warc\n"), endless{})
	if _, err := catalogue.Read(endless); !errors.Is(err, contract.ErrInvalid) {
		t.Errorf("a line without end: got error %v", err)
	}
}

// endless reads the letter a without end.
type endless struct{}

func (endless) Read(p []byte) (int, error) {
	return copy(p, bytes.Repeat([]byte("a"), len(p))), nil
}

func FuzzRead(f *testing.F) {
	f.Add([]byte("crawl-data/x/0.warc.gz\t17\n"))
	f.Add(members(f, "a.warc.gz\nb.warc.gz\n"))
	f.Fuzz(func(t *testing.T, raw []byte) {
		c, err := catalogue.Read(bytes.NewReader(raw))
		if err != nil {
			return
		}
		var text strings.Builder
		for _, file := range c.Files {
			if !contract.ValidPath(file.Path) || file.Bytes < 0 {
				t.Errorf("file %q of %d bytes", file.Path, file.Bytes)
			}
			text.WriteString(file.Path + "\n")
		}
		again, err := catalogue.Read(strings.NewReader(text.String()))
		if err != nil || again.SHA256 != c.SHA256 {
			t.Errorf("its own paths: %v, %v", again, err)
		}
	})
}

func TestFolder(t *testing.T) {
	dir := t.TempDir()
	good := members(t, record(1, 1), record(2, 2), record(3, 3))
	plain := []byte(record(1, 1) + record(2, 2))
	writeFile(t, filepath.Join(dir, "b.warc.gz"), good)
	writeFile(t, filepath.Join(dir, "a", "z.warc.gz"), good)
	writeFile(t, filepath.Join(dir, "a.warc"), plain)
	writeFile(t, filepath.Join(dir, "a", "notes.txt"), []byte("not a WARC file"))
	link := filepath.Join(t.TempDir(), "link")
	check(t, os.Symlink(dir, link))
	for _, from := range []string{dir, link} {
		c, err := catalogue.Load(t.Context(), from, nil)
		check(t, err)
		want := []contract.InputFile{
			{Path: "a.warc", Bytes: int64(len(plain))}, {Path: "a/z.warc.gz", Bytes: int64(len(good))}, {Path: "b.warc.gz", Bytes: int64(len(good))},
		}
		equal(t, "files", fmt.Sprint(c.Files), fmt.Sprint(want))
		equal(t, "hash", c.SHA256, canon.Sum([]byte("a.warc\na/z.warc.gz\nb.warc.gz\n")))
	}
}

func TestFolderRefuses(t *testing.T) {
	for _, tc := range []struct {
		name    string
		content []byte
		want    error
	}{
		{"one member for all", members(t, record(1, 1)+record(2, 2)), catalogue.ErrNoRanges},
		{"one member after the first record", members(t, record(1, 1), record(2, 2)+record(3, 3)), catalogue.ErrNoRanges},
		{"empty", nil, catalogue.ErrNotWARC},
		{"HTML page", []byte("<!DOCTYPE html><title>503</title>"), catalogue.ErrNotWARC},
	} {
		t.Run(tc.name, func(t *testing.T) {
			dir := t.TempDir()
			writeFile(t, filepath.Join(dir, "x.warc.gz"), tc.content)
			_, err := catalogue.Folder(dir)
			if !errors.Is(err, tc.want) || !strings.Contains(err.Error(), "x.warc.gz") {
				t.Errorf("got error %v, want %v", err, tc.want)
			}
		})
	}
	dir := t.TempDir()
	if _, err := catalogue.Folder(dir); err == nil || !strings.Contains(err.Error(), dir) {
		t.Errorf("empty folder: got error %v", err)
	}
	if _, err := catalogue.Folder(filepath.Join(dir, "missing")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("missing folder: got error %v", err)
	}
}

// TestFolderNamesAllBadFiles: an operator with several does not find them one
// import after the other.
func TestFolderNamesAllBadFiles(t *testing.T) {
	dir := t.TempDir()
	writeFile(t, filepath.Join(dir, "good.warc.gz"), members(t, record(1, 1), record(2, 2)))
	writeFile(t, filepath.Join(dir, "odd\x01name.warc.gz"), members(t, record(1, 1)))
	writeFile(t, filepath.Join(dir, "page.warc"), []byte("<!DOCTYPE html>"))
	writeFile(t, filepath.Join(dir, "whole.warc.gz"), members(t, record(1, 1)+record(2, 2)))
	_, err := catalogue.Folder(dir)
	var bad *catalogue.BadFilesError
	if !errors.As(err, &bad) {
		t.Fatalf("got error %v", err)
	}
	equal(t, "number of bad files", len(bad.Files), 3)
	for i, want := range []struct {
		name string
		is   error
	}{{`odd\x01name.warc.gz`, contract.ErrInvalid}, {"page.warc: ", catalogue.ErrNotWARC}, {"whole.warc.gz: ", catalogue.ErrNoRanges}} {
		if got := bad.Files[i]; !errors.Is(got, want.is) || !strings.Contains(got.Error(), want.name) || !strings.Contains(err.Error(), got.Error()) {
			t.Errorf("bad file %d: %v in error %v", i, got, err)
		}
	}
	for i := range 10 {
		writeFile(t, filepath.Join(dir, fmt.Sprintf("z%d.warc", i)), nil)
	}
	_, err = catalogue.Folder(dir)
	if !errors.As(err, &bad) || len(bad.Files) != 10 || bad.More != 3 || !strings.HasSuffix(err.Error(), "; and 3 more") {
		t.Errorf("with 13 bad files: %v", err)
	}
}

func TestFetch(t *testing.T) {
	const paths = "crawl-data/x/0.warc.gz\ncrawl-data/x/1.warc.gz\n"
	s := newSite(t)
	s.put("lists/warc.paths.gz", members(t, paths))
	s.put("lists/warc paths", []byte(paths))
	cut := 0
	s.fail("lists/cut.gz", func(w http.ResponseWriter, r *http.Request) {
		whole := members(t, paths)
		if cut++; cut == 1 {
			w.Header().Set("Content-Length", fmt.Sprint(len(whole)))
			_, _ = w.Write(whole[:20])
			_ = http.NewResponseController(w).Flush()
			panic(http.ErrAbortHandler)
		}
		if r.Header.Get("Range") != "bytes=20-" {
			t.Errorf("taken up with range %q", r.Header.Get("Range"))
		}
		w.Header().Set("Content-Range", fmt.Sprintf("bytes 20-%d/%d", len(whole)-1, len(whole)))
		w.WriteHeader(http.StatusPartialContent)
		_, _ = w.Write(whole[20:])
	})
	for _, name := range []string{"warc.paths.gz", "warc%20paths", "cut.gz"} {
		c, err := catalogue.Load(t.Context(), s.base.String()+"lists/"+name, newClient(t))
		check(t, err)
		equal(t, name+": hash", c.SHA256, canon.Sum([]byte(paths)))
	}
	s.fail("lists/page.gz", func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write([]byte("<html><body>busy</body></html>"))
	})
	for name, want := range map[string]error{
		"lists/none.gz": polite.ErrNotFound, "lists/page.gz": polite.ErrUnexpectedContent, "lists/": nil, "lists/warc.paths.gz?token=secret": nil,
	} {
		_, err := catalogue.Fetch(t.Context(), s.base.String()+name, newClient(t))
		if err == nil || want != nil && !errors.Is(err, want) || strings.Contains(fmt.Sprint(err), "secret") {
			t.Errorf("%s: got error %v, want %v", name, err, want)
		}
	}
	_, err := catalogue.Fetch(t.Context(), "http://user:secret@127.0.0.1:port/x.gz", newClient(t))
	if err == nil || strings.Contains(err.Error(), "secret") {
		t.Errorf("URL that cannot be read: got error %v", err)
	}
}

// transport answers without a network.
type transport func(*http.Request) *http.Response

func (f transport) RoundTrip(r *http.Request) (*http.Response, error) { return f(r), nil }

func TestListsOfCommonCrawl(t *testing.T) {
	const where = "https://data.commoncrawl.org/crawl-data/CC-MAIN-2024-10/warc.paths.gz"
	c := newClient(t)
	c.Transport = transport(func(r *http.Request) *http.Response {
		recorder := httptest.NewRecorder()
		if equal(t, "URL", r.URL.String(), where); r.URL.String() == where {
			_, _ = recorder.Write(members(t, "a.warc.gz\n"))
		}
		return recorder.Result()
	})
	for _, from := range []string{where, "s3://commoncrawl/crawl-data/CC-MAIN-2024-10/warc.paths.gz"} {
		list, err := catalogue.Load(t.Context(), from, c)
		check(t, err)
		equal(t, "files", len(list.Files), 1)
	}
	base, err := polite.OpenBase("https://data.commoncrawl.org/", c)
	check(t, err)
	name, _ := catalogue.ListOf("CC-MAIN-2024-10")
	_, err = catalogue.ReadFrom(t.Context(), base, name)
	check(t, err)
}

func TestListOf(t *testing.T) {
	for crawl, want := range map[string]string{
		"CC-MAIN-2024-10":   "crawl-data/CC-MAIN-2024-10/warc.paths.gz",
		"CC-MAIN-2024-100":  "",
		"CC-MAIN-2024-10/x": "",
		"DEVNET":            "",
	} {
		path, ok := catalogue.ListOf(crawl)
		equal(t, crawl, path, want)
		equal(t, crawl, ok, want != "")
	}
}

func files(n int) (list []contract.InputFile) {
	for i := range n {
		list = append(list, contract.InputFile{Path: path(i), Bytes: 1000 + int64(i)})
	}
	return list
}

func TestTasks(t *testing.T) {
	list := files(9)
	list[5].Bytes = 0
	c, err := catalogue.New(list)
	check(t, err)
	division, tasks, err := catalogue.Tasks(crawl, c, 4)
	check(t, err)
	equal(t, "crawl", division, engine.Crawl{Name: crawl, CatalogueSHA256: c.SHA256, FilesPerTask: 4, Files: 9, Tasks: 3})
	equal(t, "tasks", len(tasks), 3)
	var all []contract.InputFile
	for i, task := range tasks {
		equal(t, "id", task.ID, contract.TaskID(crawl, i))
		equal(t, "ready", task.Ready, i != 1)
		equal(t, "state", task.State, contract.TaskAvailable)
		equal(t, "point", task.Point, engine.TaskPoint(task.ID))
		equal(t, "catalogue", task.CatalogueSHA256, c.SHA256)
		all = append(all, task.Files...)
	}
	equal(t, "files", fmt.Sprint(all), fmt.Sprint(list))

	forged := c
	forged.Files = files(8)
	for name, err := range map[string]error{
		"no files in task":  third(catalogue.Tasks(crawl, c, 0)),
		"too many in task":  third(catalogue.Tasks(crawl, c, catalogue.MaxFilesPerTask+1)),
		"name with slash":   third(catalogue.Tasks("a/b", c, 1)),
		"another catalogue": third(catalogue.Tasks(crawl, forged, 1)),
		"nothing":           third(catalogue.Tasks(crawl, catalogue.Catalogue{}, 1)),
	} {
		if !errors.Is(err, contract.ErrInvalid) {
			t.Errorf("%s: got error %v", name, err)
		}
	}
}

func third[A, B, C any](_ A, _ B, c C) C { return c }
