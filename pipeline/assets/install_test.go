package assets_test

import (
	"archive/tar"
	"archive/zip"
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/pipeline/assets"
)

// member is a file in an archive of these tests.
type member struct {
	name, content string
	kind          byte // of tar; 0 is a regular file
}

func tarOf(t testing.TB, zipped bool, members ...member) string {
	t.Helper()
	var out bytes.Buffer
	var w io.Writer = &out
	finish := func() error { return nil }
	if zipped {
		compressor := gzip.NewWriter(&out)
		w, finish = compressor, compressor.Close
	}
	archive := tar.NewWriter(w)
	for _, m := range members {
		header := &tar.Header{Name: m.name, Size: int64(len(m.content)), Mode: 0o600, Typeflag: m.kind}
		if m.kind == tar.TypeSymlink {
			header.Size, header.Linkname = 0, m.content
		}
		if err := archive.WriteHeader(header); err != nil {
			t.Fatal(err)
		}
		if m.kind != tar.TypeSymlink {
			if _, err := io.WriteString(archive, m.content); err != nil {
				t.Fatal(err)
			}
		}
	}
	if err := errors.Join(archive.Close(), finish()); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

func zipOf(t testing.TB, members ...member) string {
	t.Helper()
	var out bytes.Buffer
	archive := zip.NewWriter(&out)
	for _, m := range members {
		w, err := archive.Create(m.name)
		if err == nil {
			_, err = io.WriteString(w, m.content)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	if err := archive.Close(); err != nil {
		t.Fatal(err)
	}
	return out.String()
}

// wanted are two assets of one archive and one that is downloaded alone.
func wanted(t testing.TB) (list []assets.Asset, archive string) {
	archive = tarOf(t, true, member{name: "adult/usage", content: "black"}, member{name: "adult/domains", content: "a.com\n"},
		member{name: "adult/urls", content: "a.com/b\n"})
	source := assets.Source{File: asset("lists.tar.gz", archive).File}
	domains, urls, words := asset("domains", "a.com\n"), asset("urls", "a.com/b\n"), asset("words.txt", "word\n")
	domains.Source, domains.Member = source, "adult/domains"
	urls.Source, urls.Member = source, "adult/urls"
	return []assets.Asset{domains, urls, words}, archive
}

func installed(list []assets.Asset) []string {
	var names []string
	for _, a := range list {
		names = append(names, a.Name)
	}
	return names
}

func TestFromFile(t *testing.T) {
	list, lists := wanted(t)
	all, two := []string{"domains", "urls", "words.txt"}, []string{"domains", "urls"}
	domains, words := member{name: "domains", content: "a.com\n"}, member{name: "words.txt", content: "word\n"}
	nested := tarOf(t, true, member{name: "lists.tar.gz", content: lists})
	for name, c := range map[string]struct {
		file, content string
		want          []string
		rejected      []string
	}{
		"archive":              {"lists.tar.gz", lists, two, nil},
		"archive, other name":  {"download", lists, two, nil},
		"tar":                  {"x.tar", tarOf(t, false, domains, words), []string{"domains", "words.txt"}, nil},
		"wheel":                {"x.whl", zipOf(t, member{name: "p/assets/lists.tar.gz", content: lists}, member{name: "p/assets/words.txt", content: "word\n"}), all, nil},
		"tar in tar":           {"x.tgz", nested, two, nil},
		"too deep":             {"x.zip", zipOf(t, member{name: "outer.tar.gz", content: nested}), nil, nil},
		"alone":                {"words.txt", "word\n", []string{"words.txt"}, nil},
		"alone, under no name": {"words.md", "word\n", nil, nil},
		"alone, wrong":         {"words.txt", "ward\n", nil, []string{"words.txt"}},
		"empty":                {"domains", "", nil, []string{"domains"}},
		"no asset":             {"x.tar.gz", tarOf(t, true, member{name: "README", content: "hello"}), nil, nil},
		"tampered":             {"x.tar.gz", tarOf(t, true, member{name: "domains", content: "b.com\n"}, words), []string{"words.txt"}, []string{"domains"}},
		"longer":               {"x.tar.gz", tarOf(t, true, member{name: "domains", content: "a.com\nb.com\n"}), nil, []string{"domains"}},
		"the right one later":  {"x.tar.gz", tarOf(t, true, member{name: "old/domains", content: "x"}, domains), []string{"domains"}, nil},
		"absolute and above": {"x.tar.gz", tarOf(t, true, member{name: "/etc/domains", content: "a.com\n"}, member{name: "../../urls", content: "a.com/b\n"}),
			two, nil},
		"link": {"x.tar.gz", tarOf(t, true, member{name: "domains", content: "/etc/passwd", kind: tar.TypeSymlink}), nil, nil},
	} {
		t.Run(name, func(t *testing.T) {
			path, dir := filepath.Join(t.TempDir(), c.file), filepath.Join(t.TempDir(), "assets")
			write(t, path, c.content)
			found, err := assets.FromFile(path, dir, list)
			if err != nil || !slices.Equal(installed(found.Installed), c.want) {
				t.Fatalf("installed %q, want %q, error %v", installed(found.Installed), c.want, err)
			}
			for _, name := range c.rejected {
				if err := found.Rejected[name]; !errors.Is(err, assets.ErrContent) || !strings.Contains(err.Error(), name) {
					t.Errorf("%s: rejected for %v", name, err)
				}
			}
			if len(found.Rejected) != len(c.rejected) {
				t.Errorf("rejected %v", found.Rejected)
			}
			// Nothing else is ever written.
			entries, err := os.ReadDir(dir)
			if err != nil && c.want != nil || len(entries) != len(c.want) {
				t.Fatalf("%v, error %v", entries, err)
			}
			for _, a := range found.Installed {
				if state, err := assets.Check(dir, a.File); state != assets.Present || err != nil {
					t.Errorf("%s is %s, %v", a.Name, state, err)
				}
			}
		})
	}
}

func TestFromFolder(t *testing.T) {
	list, lists := wanted(t)
	from, dir := t.TempDir(), t.TempDir()
	write(t, filepath.Join(from, "cache", "lists.tar.gz"), lists)
	write(t, filepath.Join(from, "words.txt"), "word\n")
	if err := os.Symlink(filepath.Join(from, "words.txt"), filepath.Join(from, "domains")); err != nil {
		t.Fatal(err)
	}
	if found, err := assets.FromFile(from, dir, list); err != nil || len(found.Installed) != 3 || len(found.Rejected) != 0 {
		t.Fatalf("%+v, error %v", found, err)
	}
	// From what was installed it goes on to other folders.
	if found, err := assets.FromFile(dir, t.TempDir(), list); err != nil || len(found.Installed) != 3 {
		t.Fatalf("%+v, error %v", found, err)
	}
}

func TestFromFileErrors(t *testing.T) {
	list, lists := wanted(t)
	bomb := tarOf(t, true, member{name: "zeros", content: strings.Repeat("\x00", 8<<20)})
	for name, c := range map[string]struct{ content, want string }{
		"cut gzip":  {lists[:len(lists)-20], "unexpected EOF"},
		"cut zip":   {zipOf(t, member{name: "words.txt", content: "word\n"})[:60], "zip"},
		"no gzip":   {"\x1f\x8b" + strings.Repeat(".", 50), "gzip"},
		"many":      {tarOf(t, true, make([]member, 100_001)...), "more than 100000 files"},
		"cut outer": {bomb[:len(bomb)/2], "unexpected EOF"},
	} {
		path, dir := filepath.Join(t.TempDir(), "x"), t.TempDir()
		write(t, path, c.content)
		if found, err := assets.FromFile(path, dir, list); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %+v, error %v, want %q", name, found, err, c.want)
		}
	}
	if _, err := assets.FromFile(filepath.Join(t.TempDir(), "nowhere"), t.TempDir(), list); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error %v", err)
	}
}

// TestInstallKeepsWhatIsThere when what comes is not the asset.
func TestInstallKeepsWhatIsThere(t *testing.T) {
	a, dir := asset("a", "first"), t.TempDir()
	if err := assets.Install(dir, a, strings.NewReader("first")); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"", "f", "f1rst", "first!", strings.Repeat("first", 1000)} {
		if err := assets.Install(dir, a, strings.NewReader(content)); !errors.Is(err, assets.ErrContent) {
			t.Errorf("%.10q: error %v", content, err)
		}
	}
	if state, err := assets.Check(dir, a.File); state != assets.Present || err != nil {
		t.Errorf("%s, %v", state, err)
	}
	if entries, err := os.ReadDir(dir); err != nil || len(entries) != 1 {
		t.Errorf("%v, %v", entries, err)
	}
}

// FuzzFromFile holds whatever archive comes to two promises: no panic, and
// nothing but wanted assets with their content is written.
func FuzzFromFile(f *testing.F) {
	list, lists := wanted(f)
	f.Add([]byte(lists))
	f.Add([]byte(zipOf(f, member{name: "a/lists.tar.gz", content: lists}, member{name: "words.txt", content: "word\n"})))
	f.Add([]byte(tarOf(f, false, member{name: "../domains", content: "a.com\n"})))
	f.Add([]byte("word\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		path, dir := filepath.Join(t.TempDir(), "words.txt"), t.TempDir()
		write(t, path, string(data))
		found, _ := assets.FromFile(path, dir, list)
		entries, err := os.ReadDir(dir)
		if err != nil || len(entries) != len(found.Installed) {
			t.Fatalf("%v for %v, error %v", entries, found, err)
		}
		for _, a := range found.Installed {
			if state, err := assets.Check(dir, a.File); state != assets.Present || err != nil {
				t.Fatalf("%s is %s, %v", a.Name, state, err)
			}
		}
	})
}
