package refiner_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"

	"finest/internal/polite"
	"finest/roles/refiner"
)

func openBase(t testing.TB, location string) polite.Base {
	t.Helper()
	b, err := polite.OpenBase(location, polite.NewClient("test"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestExpandInputs(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.warc.gz", "a.warc", "notes.txt", "deep/er/c.warc.gz", "other/a.warc", "empty/x.arc"} {
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cc := "https://data.commoncrawl.org/"
	for _, c := range []struct {
		name string
		args []string // relative to dir unless URLs or crawl-data
		base string
		want []string // base and path
		err  string
	}{
		{"file", []string{"b.warc.gz"}, "", []string{dir + " b.warc.gz"}, ""},
		{"any file that is named", []string{"empty/x.arc"}, "", []string{dir + "/empty x.arc"}, ""},
		{"folder", []string{"deep"}, "", []string{dir + "/deep/er c.warc.gz"}, ""},
		{"folder under its base", []string{"."}, dir, []string{dir + " a.warc", dir + " b.warc.gz", dir + " deep/er/c.warc.gz", dir + " other/a.warc"}, ""},
		{"base as URL", []string{"deep/er/c.warc.gz"}, "file://" + dir, []string{dir + " deep/er/c.warc.gz"}, ""},
		{"file outside the base", []string{"b.warc.gz"}, dir + "/deep", []string{dir + " b.warc.gz"}, ""},
		{"order is kept", []string{"b.warc.gz", "a.warc"}, "", []string{dir + " b.warc.gz", dir + " a.warc"}, ""},
		{"URL", []string{"https://example.org/x/y.warc.gz"}, "", []string{"https://example.org/x/ y.warc.gz"}, ""},
		{"URL under the base", []string{"http://127.0.0.1:1/x/y.warc.gz"}, "http://127.0.0.1:1", []string{"http://127.0.0.1:1/ x/y.warc.gz"}, ""},
		{"Common Crawl", []string{"s3://commoncrawl/crawl-data/A/b.warc.gz", cc + "crawl-data/A/c.warc.gz", "crawl-data/A/d.warc.gz"}, "",
			[]string{cc + " crawl-data/A/b.warc.gz", cc + " crawl-data/A/c.warc.gz", cc + " crawl-data/A/d.warc.gz"}, ""},
		{"missing file", []string{"z.warc.gz"}, "", nil, "z.warc.gz: no such file"},
		{"folder without WARC files", []string{"empty"}, "", nil, "no *.warc or *.warc.gz"},
		{"same name twice", []string{"a.warc", "other"}, "", nil, "would both be named a.warc"},
		{"same file twice", []string{"a.warc", "a.warc"}, "", nil, "given twice"},
		{"URL of a folder", []string{"https://example.org/x/"}, "", nil, "names no file"},
		{"URL of a host", []string{"https://example.org"}, "", nil, "names no file"},
		{"other bucket", []string{"s3://other/x.warc.gz"}, "", nil, "s3://commoncrawl"},
	} {
		t.Run(c.name, func(t *testing.T) {
			var args []string
			for _, a := range c.args {
				if !strings.Contains(a, "://") && !strings.HasPrefix(a, "crawl-data/") {
					a = filepath.Join(dir, a)
				}
				args = append(args, a)
			}
			inputs, err := refiner.ExpandInputs(args, c.base, polite.NewClient("test"))
			if c.err != "" {
				if err == nil || !strings.Contains(err.Error(), c.err) {
					t.Fatalf("error %v, want %s", err, c.err)
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, in := range inputs {
				got = append(got, in.Base.String()+" "+in.Path)
			}
			if !reflect.DeepEqual(got, c.want) {
				t.Fatalf("got  %q\nwant %q", got, c.want)
			}
		})
	}
	if _, err := refiner.ExpandInputs([]string{filepath.Join(dir, "z")}, "", nil); !errors.Is(err, fs.ErrNotExist) {
		t.Fatalf("error %v", err)
	}
}
