package polite_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"finest/internal/polite"
)

const path = "crawl/a file%.warc.gz"

// content is the file that all servers of these tests have.
func content(n int) []byte {
	b := make([]byte, n)
	_, _ = rand.NewChaCha8([32]byte{1}).Read(b)
	return b
}

// serve returns a base read from handler with a client that does not wait.
func serve(t *testing.T, handler http.HandlerFunc) polite.Base {
	t.Helper()
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	c := polite.NewClient("finest/test")
	c.Sleep = func(ctx context.Context, _ time.Duration) error { return ctx.Err() }
	base, err := polite.OpenBase(server.URL+"/root", c)
	if err != nil {
		t.Fatal(err)
	}
	return base
}

func file(b []byte) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path != "/root/"+path {
			http.NotFound(w, r)
			return
		}
		w.Header().Set("ETag", `"one"`)
		http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(b))
	}
}

// cutting ends every response after n bytes of its body, with the connection.
func cutting(n int, next http.HandlerFunc) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { next(&cutter{w, n}, r) }
}

type cutter struct {
	http.ResponseWriter
	left int
}

func (c *cutter) Write(p []byte) (int, error) {
	if len(p) > c.left {
		_, _ = c.ResponseWriter.Write(p[:c.left])
		_ = http.NewResponseController(c.ResponseWriter).Flush()
		panic(http.ErrAbortHandler)
	}
	c.left -= len(p)
	return c.ResponseWriter.Write(p)
}

func readWhole(base polite.Base) ([]byte, int64, error) {
	r, size, err := base.Open(context.Background(), path)
	if err != nil {
		return nil, 0, err
	}
	defer func() { _ = r.Close() }()
	b, err := io.ReadAll(r)
	return b, size, err
}

// TestBase is what every base does.
func TestBase(t *testing.T) {
	b := content(100_000)
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "crawl"), 0o755); err != nil {
		t.Fatal(err)
	}
	for name, data := range map[string][]byte{path: b, "empty": nil} {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	folder, err := polite.OpenBase("file:"+dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	files := http.StripPrefix("/root", http.FileServer(http.Dir(dir)))
	noRanges := func(w http.ResponseWriter, r *http.Request) {
		r.Header.Del("Range")
		files.ServeHTTP(w, r)
	}
	noHead := func(w http.ResponseWriter, r *http.Request) {
		if r.Method == http.MethodHead {
			http.Error(w, "no", http.StatusMethodNotAllowed)
			return
		}
		files.ServeHTTP(w, r)
	}
	for name, base := range map[string]polite.Base{
		"folder": folder, "site": serve(t, files.ServeHTTP), "site without ranges": serve(t, noRanges), "site without HEAD": serve(t, noHead),
		"site that cuts": serve(t, cutting(3000, files.ServeHTTP)),
	} {
		t.Run(name, func(t *testing.T) {
			ctx := t.Context()
			if got, size, err := readWhole(base); err != nil || size != int64(len(b)) || !bytes.Equal(got, b) {
				t.Errorf("whole file: %d bytes of %d, %v", len(got), size, err)
			}
			if size, err := base.Size(ctx, path); err != nil || size != int64(len(b)) {
				t.Errorf("size %d, %v", size, err)
			}
			if size, err := base.Size(ctx, "empty"); err != nil || size != 0 {
				t.Errorf("size of the empty file %d, %v", size, err)
			}
			if !strings.Contains(name, "cuts") {
				for _, tc := range []struct{ offset, length, want int64 }{
					{0, 10, 10}, {99_990, 10, 10}, {99_990, 11, 10}, {100_000, 5, 0}, {200_000, 5, 0}, {0, 1 << 40, 100_000}, {7, 70_000, 70_000},
				} {
					got, size, err := base.ReadRange(ctx, path, tc.offset, tc.length)
					from := min(tc.offset, int64(len(b)))
					if err != nil || size != int64(len(b)) || !bytes.Equal(got, b[from:from+tc.want]) {
						t.Errorf("range %+v: %d bytes of %d, %v", tc, len(got), size, err)
					}
				}
			}
			for _, bad := range []string{"", ".", "/etc/passwd", "../x", "crawl/../../x", "crawl//x", `crawl/`} {
				if _, _, err := base.Open(ctx, bad); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("path %q: %v", bad, err)
				}
			}
			for _, r := range [][2]int64{{-1, 5}, {0, 0}, {0, -1}, {1<<63 - 1, 1}} {
				if _, _, err := base.ReadRange(ctx, path, r[0], r[1]); !errors.Is(err, fs.ErrInvalid) {
					t.Errorf("range %v: %v", r, err)
				}
			}
			_, _, openErr := base.Open(ctx, "missing")
			_, _, rangeErr := base.ReadRange(ctx, "missing", 0, 1)
			_, sizeErr := base.Size(ctx, "missing")
			for _, err := range []error{openErr, rangeErr, sizeErr} {
				if !errors.Is(err, polite.ErrNotFound) || !strings.Contains(err.Error(), "missing") {
					t.Errorf("missing file: %v", err)
				}
			}
			if _, _, err := base.Open(ctx, "crawl"); err == nil {
				t.Error("a folder was opened")
			}
		})
	}
}

func TestDownloadResumesAtAnyByte(t *testing.T) {
	b := content(5000)
	want := sha256.Sum256(b)
	for _, n := range []int{13, 100, 511, 512, 513, 1999, 4999, 5000} {
		for name, next := range map[string]http.HandlerFunc{"ranges": file(b), "no ranges": nil} {
			if next == nil {
				first := true // a server without ranges is read over again, so let it cut once only
				whole := file(b)
				next = func(w http.ResponseWriter, r *http.Request) {
					r.Header.Del("Range")
					if !first {
						w = w.(*cutter).ResponseWriter
					}
					first = false
					whole(w, r)
				}
			}
			got, size, err := readWhole(serve(t, cutting(n, next)))
			if err != nil || size != 5000 || sha256.Sum256(got) != want {
				t.Errorf("cut after %d bytes, %s: %d bytes of %d, %v", n, name, len(got), size, err)
			}
		}
	}
}

// TestDownloadTellsWhatWentWrong changes what the server sends from the second
// request on.
func TestDownloadTellsWhatWentWrong(t *testing.T) {
	b := content(5000)
	for _, tc := range []struct {
		name string
		then http.HandlerFunc
		want error
	}{
		{"other file", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("ETag", `"two"`)
			http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content(5000)))
		}, polite.ErrChanged},
		{"longer file", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content(6000)))
		}, polite.ErrChanged},
		{"shorter file", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Unix(1e9, 0), bytes.NewReader(content(500)))
		}, polite.ErrChanged},
		{"other date", func(w http.ResponseWriter, r *http.Request) {
			http.ServeContent(w, r, "", time.Unix(1e9+1, 0), bytes.NewReader(content(5000)))
		}, polite.ErrChanged},
		{"other place", func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Range", "bytes 0-4999/5000")
			w.WriteHeader(http.StatusPartialContent)
		}, polite.ErrUnexpectedContent},
		{"gone", http.NotFound, polite.ErrNotFound},
		{"down", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusBadGateway) }, polite.ErrUnavailable},
		{"forbidden", func(w http.ResponseWriter, _ *http.Request) { http.Error(w, "no", http.StatusForbidden) }, polite.ErrUnavailable},
		{"cut at once", cutting(0, file(b)), polite.ErrUnavailable},
	} {
		t.Run(tc.name, func(t *testing.T) {
			next := cutting(1000, file(b))
			base := serve(t, func(w http.ResponseWriter, r *http.Request) {
				handler := next
				next = tc.then
				handler(w, r)
			})
			got, _, err := readWhole(base)
			if !errors.Is(err, tc.want) || !bytes.HasPrefix(b, got) {
				t.Errorf("%d bytes, error %v; want %v", len(got), err, tc.want)
			}
		})
	}
}

func TestSiteTellsPagesFromFiles(t *testing.T) {
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = io.WriteString(w, "\r\n<!DOCTYPE html><title>Please log in</title>")
	})
	_, _, openErr := base.Open(t.Context(), path)
	_, _, rangeErr := base.ReadRange(t.Context(), path, 0, 10)
	for _, err := range []error{openErr, rangeErr} {
		if !errors.Is(err, polite.ErrUnexpectedContent) || !strings.Contains(err.Error(), "HTML") {
			t.Errorf("error %v", err)
		}
	}
}

func TestReadRangeIsRepeatedWhenCut(t *testing.T) {
	b := content(5000)
	cuts, requests := 2, 0
	base := serve(t, func(w http.ResponseWriter, r *http.Request) {
		if requests++; requests <= cuts {
			w = &cutter{w, 100}
		}
		file(b)(w, r)
	})
	if got, _, err := base.ReadRange(t.Context(), path, 1000, 500); err != nil || !bytes.Equal(got, b[1000:1500]) || requests != 3 {
		t.Errorf("%d bytes after %d requests, %v", len(got), requests, err)
	}
	cuts = 1 << 30
	if _, _, err := base.ReadRange(t.Context(), path, 1000, 500); !errors.Is(err, polite.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
}

func TestDownloadOfUnknownSize(t *testing.T) {
	b := content(5000)
	base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
		_, _ = w.Write(b[:2500])
		_ = http.NewResponseController(w).Flush()
		_, _ = w.Write(b[2500:])
	})
	if got, size, err := readWhole(base); err != nil || size != -1 || !bytes.Equal(got, b) {
		t.Errorf("%d bytes of %d, %v", len(got), size, err)
	}
}

func TestDownloadStopsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	base := serve(t, cutting(1000, file(content(5000))))
	r, _, err := base.Open(ctx, path)
	if err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := io.ReadAll(r); !errors.Is(err, context.Canceled) || errors.Is(err, polite.ErrUnavailable) {
		t.Errorf("error %v", err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); err == nil {
		t.Error("a closed download was read")
	}
}

func TestFolderNoticesThatAFileShrinks(t *testing.T) {
	dir := t.TempDir()
	name := filepath.Join(dir, "f")
	if err := os.WriteFile(name, content(5000), 0o644); err != nil {
		t.Fatal(err)
	}
	base, err := polite.OpenBase(dir, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, _, err := base.Open(t.Context(), "f")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = r.Close() }()
	if err := os.Truncate(name, 3000); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(r); !errors.Is(err, polite.ErrChanged) {
		t.Errorf("error %v", err)
	}
}

func TestOpenBase(t *testing.T) {
	dir := t.TempDir()
	for location, want := range map[string]string{
		dir:                             dir,
		"file:" + dir:                   dir,
		"file://" + dir:                 dir,
		"file://localhost" + dir:        dir,
		"http://127.0.0.1:8000":         "http://127.0.0.1:8000/",
		"https://user:pw@host/some/dir": "https://host/some/dir/",
		"s3://commoncrawl":              "https://data.commoncrawl.org/",
		"s3://commoncrawl/":             "https://data.commoncrawl.org/",
		"s3://commoncrawl/crawl-data":   "https://data.commoncrawl.org/crawl-data/",
	} {
		if base, err := polite.OpenBase(location, c0); err != nil || base.String() != want {
			t.Errorf("%s: %v, %v", location, base, err)
		}
	}
	for _, location := range []string{"", dir + "/missing", "file:" + dir + "/missing", "file://elsewhere/x", "ftp://host/", "s3://other/x", "http://", "https://host/?token=secret", "http://user:secret@ho st/"} {
		base, err := polite.OpenBase(location, c0)
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%s: %v, %v", location, base, fmt.Sprint(err))
		}
	}
}

// A caller that comes back later can know when.
func TestRefusalTellsHowLongToWait(t *testing.T) {
	for name, tc := range map[string]struct {
		header []string
		want   time.Duration
	}{
		"longer than is waited": {[]string{"Retry-After", "3600"}, time.Hour},
		"until a date of the server's clock": {[]string{"Date", "Sat, 01 Jan 2000 00:00:00 GMT",
			"Retry-After", "Sat, 01 Jan 2000 02:00:00 GMT"}, 2 * time.Hour},
		"for a past date": {[]string{"Date", "Sat, 01 Jan 2000 00:00:00 GMT", "Retry-After", "Fri, 31 Dec 1999 00:00:00 GMT"}, 0},
		"nothing":         {nil, 0},
	} {
		t.Run(name, func(t *testing.T) {
			base := serve(t, func(w http.ResponseWriter, _ *http.Request) {
				for i := 0; i+1 < len(tc.header); i += 2 {
					w.Header().Set(tc.header[i], tc.header[i+1])
				}
				w.WriteHeader(http.StatusServiceUnavailable)
			})
			_, err := base.Size(t.Context(), path)
			if wait, ok := polite.AskedToWait(err); wait != tc.want || ok != (tc.want > 0) || !errors.Is(err, polite.ErrUnavailable) {
				t.Errorf("asked to wait %v, %v, in %v; want %v", wait, ok, err, tc.want)
			}
		})
	}
}
