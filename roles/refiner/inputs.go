package refiner

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"finest/internal/polite"
)

// commonCrawl is the base of paths that begin with crawl-data/ if no other is
// named.
const commonCrawl = "https://data.commoncrawl.org/"

// ExpandInputs turns arguments into inputs, in the order given: WARC files,
// folders (all *.warc and *.warc.gz in them, at any depth, sorted), URLs
// (http, https, s3://commoncrawl), and paths of Common Crawl (crawl-data/…).
//
// base is the folder or URL that paths are relative to, Common Crawl's if empty.
// A file outside of it is named by its last element; if that gives two files one
// name it is an error. So is a missing file, and a folder without WARC files.
func ExpandInputs(args []string, base string, client *polite.Client) ([]Input, error) {
	if base == "" {
		base = commonCrawl
	}
	e := expander{base: base, client: client, bases: make(map[string]polite.Base), from: make(map[string]string)}
	for _, arg := range args {
		if err := e.add(arg); err != nil {
			return nil, err
		}
	}
	return e.inputs, nil
}

type expander struct {
	base   string
	client *polite.Client
	bases  map[string]polite.Base // by location
	from   map[string]string      // where the file of that path is
	inputs []Input
}

func (e *expander) add(arg string) error {
	if isURL(arg) {
		return e.addURL(arg)
	}
	name := folderPath(arg)
	info, err := os.Stat(name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && strings.HasPrefix(arg, "crawl-data/"):
		return e.input(e.base, arg)
	case err != nil:
		return fmt.Errorf("find WARC files: %w", err)
	case info.IsDir():
		return e.addFolder(name)
	case !info.Mode().IsRegular():
		return fmt.Errorf("find WARC files: %s is neither a file nor a folder", arg)
	}
	return e.addFile(name)
}

// addURL adds a file below the base, else below its own folder.
func (e *expander) addURL(arg string) error {
	url := strings.Replace(arg, "s3://commoncrawl/", commonCrawl, 1)
	base := strings.TrimSuffix(strings.Replace(e.base, "s3://commoncrawl", strings.TrimSuffix(commonCrawl, "/"), 1), "/") + "/"
	for _, b := range []string{base, commonCrawl} {
		if rest, ok := strings.CutPrefix(url, b); ok && rest != "" {
			return e.input(b, rest)
		}
	}
	dir, name := path.Split(url)
	if name == "" || strings.HasSuffix(dir, "://") || strings.ContainsAny(name, "?#") {
		return fmt.Errorf("find WARC files: %s names no file", arg)
	}
	return e.input(dir, name)
}

func (e *expander) addFolder(dir string) error {
	found := false
	// With the dot, a link to a folder is followed.
	err := filepath.WalkDir(dir+string(filepath.Separator)+".", func(name string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() || !strings.HasSuffix(d.Name(), ".warc") && !strings.HasSuffix(d.Name(), ".warc.gz") {
			return nil
		}
		found = true
		return e.addFile(name)
	})
	if err != nil {
		return fmt.Errorf("find WARC files in %s: %w", dir, err)
	}
	if !found {
		return fmt.Errorf("find WARC files in %s: no *.warc or *.warc.gz in it", dir)
	}
	return nil
}

// addFile adds a file of this machine.
func (e *expander) addFile(name string) error {
	abs, err := filepath.Abs(name)
	if err != nil {
		return err
	}
	if !isURL(e.base) {
		base, err := filepath.Abs(folderPath(e.base))
		if err != nil {
			return err
		}
		if rel, err := filepath.Rel(base, abs); err == nil && filepath.IsLocal(rel) {
			return e.input(base, filepath.ToSlash(rel))
		}
	}
	return e.input(filepath.Dir(abs), filepath.Base(abs))
}

func (e *expander) input(location, name string) error {
	where := strings.TrimSuffix(location, "/") + "/" + name
	if other, ok := e.from[name]; ok {
		if other == where {
			return fmt.Errorf("find WARC files: %s is given twice", where)
		}
		return fmt.Errorf("find WARC files: %s and %s would both be named %s in rows; --warc.base with a folder above both tells them apart", other, where, name)
	}
	e.from[name] = where
	base, ok := e.bases[location]
	if !ok {
		var err error
		if base, err = polite.OpenBase(location, e.client); err != nil {
			return fmt.Errorf("find WARC files: %w", err)
		}
		e.bases[location] = base
	}
	e.inputs = append(e.inputs, Input{Base: base, Path: name})
	return nil
}

func isURL(s string) bool { return strings.Contains(s, "://") && !strings.HasPrefix(s, "file:") }

// folderPath returns the path in PATH or file:PATH.
func folderPath(s string) string {
	rest, ok := strings.CutPrefix(s, "file:")
	if ok {
		rest = strings.TrimPrefix(rest, "//")
	}
	return filepath.Clean(rest)
}
