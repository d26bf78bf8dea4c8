package catalogue

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"path"
	"path/filepath"
	"regexp"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/internal/polite"
)

// Load reads a catalogue from a folder of WARC files, a list of their paths, or
// the URL of such a list, http(s)://… or s3://commoncrawl/…, which c fetches.
func Load(ctx context.Context, from string, c *polite.Client) (Catalogue, error) {
	if isURL(from) {
		return Fetch(ctx, from, c)
	}
	info, err := os.Stat(from)
	if err != nil {
		return Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	if info.IsDir() {
		return Folder(from)
	}
	f, err := os.Open(from)
	if err != nil {
		return Catalogue{}, fmt.Errorf("read catalogue: %w", err)
	}
	list, err := Read(f)
	if err != nil {
		err = fmt.Errorf("%s: %w", from, err)
	}
	return list, errors.Join(err, f.Close())
}

func isURL(from string) bool {
	return strings.HasPrefix(from, "http://") || strings.HasPrefix(from, "https://") || strings.HasPrefix(from, "s3://")
}

// Fetch reads a catalogue from a URL without query.
func Fetch(ctx context.Context, location string, c *polite.Client) (Catalogue, error) {
	u, err := url.Parse(location)
	if err != nil {
		if outer := (*url.Error)(nil); errors.As(err, &outer) {
			err = outer.Err // the URL may hold a password
		}
		return Catalogue{}, fmt.Errorf("fetch catalogue: %w", err)
	}
	folder, name := path.Split(u.Path)
	if name == "" {
		return Catalogue{}, fmt.Errorf("fetch catalogue: %s://%s%s names no file", u.Scheme, u.Host, u.Path)
	}
	u.Path, u.RawPath = folder, ""
	base, err := polite.OpenBase(u.String(), c)
	if err != nil {
		return Catalogue{}, fmt.Errorf("fetch catalogue: %w", err)
	}
	return ReadFrom(ctx, base, name)
}

// ReadFrom reads the list at path of base. A download that is cut off is taken
// up where it was.
func ReadFrom(ctx context.Context, base polite.Base, path string) (Catalogue, error) {
	r, size, err := base.Open(ctx, path)
	if err != nil {
		return Catalogue{}, fmt.Errorf("fetch catalogue: %w", err)
	}
	defer func() { _ = r.Close() }()
	if size > maxText {
		return Catalogue{}, fmt.Errorf("fetch catalogue: %w: %s has %d bytes", contract.ErrInvalid, path, size)
	}
	list, err := Read(r)
	if err != nil {
		return Catalogue{}, fmt.Errorf("fetch %s from %s: %w", path, base, err)
	}
	return list, nil
}

// commonCrawlRE matches the names of Common Crawl's crawls since 2013, which
// have their lists at the same place each
// (https://commoncrawl.org/get-started, "Data Location").
var commonCrawlRE = regexp.MustCompile(`^CC-MAIN-[0-9]{4}-[0-9]{2}$`)

// ListOf returns the path of the list of a crawl of Common Crawl, relative to
// the base of the paths in it.
func ListOf(crawl string) (path string, ok bool) {
	if !commonCrawlRE.MatchString(crawl) {
		return "", false
	}
	return "crawl-data/" + crawl + "/warc.paths.gz", true
}

// maxTold is how many bad files an error names.
const maxTold = 10

// BadFilesError names files of a folder that no task can have, and why.
type BadFilesError struct {
	// Files are the first of them by path, More how many others there are.
	Files []error
	More  int
}

func (e *BadFilesError) Error() string {
	var all []string
	for _, err := range e.Files {
		all = append(all, err.Error())
	}
	text := strings.Join(all, "; ")
	if e.More > 0 {
		text += fmt.Sprintf("; and %d more", e.More)
	}
	return text
}

// Unwrap returns what is wrong with each file.
func (e *BadFilesError) Unwrap() []error { return e.Files }

func (e *BadFilesError) add(err error) {
	if len(e.Files) < maxTold {
		e.Files = append(e.Files, err)
	} else {
		e.More++
	}
}

// Folder lists the WARC files under a folder by their relative paths, in path
// order. Files that cannot be read record by record are a BadFilesError: what
// pins a catalogue is the list of all files, so none is left out in silence.
func Folder(dir string) (Catalogue, error) {
	files, err := listFolder(dir)
	if err != nil {
		return Catalogue{}, fmt.Errorf("list WARC files: %w", err)
	}
	if len(files) == 0 {
		return Catalogue{}, fmt.Errorf("list WARC files: no *.warc or *.warc.gz under %s", dir)
	}
	slices.SortFunc(files, func(a, b contract.InputFile) int { return strings.Compare(a.Path, b.Path) })
	c, err := New(files)
	if err != nil {
		return Catalogue{}, fmt.Errorf("list WARC files: %w", err)
	}
	return c, nil
}

func listFolder(dir string) ([]contract.InputFile, error) {
	root, err := filepath.EvalSymlinks(dir) // a link is not walked into
	if err != nil {
		return nil, err
	}
	base, err := polite.OpenBase("file:"+root, nil)
	if err != nil {
		return nil, err
	}
	var files []contract.InputFile
	var bad BadFilesError
	err = filepath.WalkDir(root, func(name string, entry fs.DirEntry, err error) error {
		if err != nil || !entry.Type().IsRegular() || !isWARC(entry.Name()) {
			return err
		}
		relative, err := filepath.Rel(root, name)
		if err != nil {
			return err
		}
		relative = filepath.ToSlash(relative)
		if !contract.ValidPath(relative) {
			bad.add(fmt.Errorf("%w: %.120q is not a plain relative path", contract.ErrInvalid, relative))
			return nil
		}
		size, err := Inspect(context.Background(), base, relative)
		switch {
		case isFault(err):
			bad.add(fmt.Errorf("%s: %w", name, err))
		case err != nil:
			return fmt.Errorf("%s: %w", name, err)
		default:
			files = append(files, contract.InputFile{Path: relative, Bytes: size})
		}
		return nil
	})
	if err == nil && len(bad.Files) > 0 {
		err = &bad
	}
	return files, err
}
