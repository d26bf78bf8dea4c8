package polite

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/url"
	"strings"
)

// Errors of bases and clients, wrapped with what was tried on what.
var (
	// ErrNotFound says that the server or folder has no such file.
	ErrNotFound = errors.New("not found")
	// ErrUnavailable says that it did not work now, after all attempts, and may
	// work later.
	ErrUnavailable = errors.New("unavailable")
	// ErrChanged says that the file is not the one reading began with.
	ErrChanged = errors.New("file has changed")
	// ErrUnexpectedContent says that something other than the file came back,
	// such as an HTML page.
	ErrUnexpectedContent = errors.New("unexpected content")
)

// Base is where WARC files are read from. Paths are relative, with slashes and
// without "." and "..". Implementations are safe for concurrent use.
type Base interface {
	// Open reads the whole file. The reader ends with io.EOF exactly after size
	// bytes, and never before: a cut connection is resumed, and what cannot be
	// resumed is an error. size is −1 if the server does not say.
	Open(ctx context.Context, path string) (r io.ReadCloser, size int64, err error)
	// ReadRange reads length bytes from offset in one request; fewer, or none,
	// only if the file ends before. size is the file's total.
	ReadRange(ctx context.Context, path string, offset, length int64) (b []byte, size int64, err error)
	// Size returns the file's total size.
	Size(ctx context.Context, path string) (int64, error)
	// String names the base as in reports: without credentials.
	String() string
}

// commonCrawl is where Common Crawl serves its bucket over HTTP.
const commonCrawl = "https://data.commoncrawl.org/"

// OpenBase returns the base at location: DIR, file:DIR, http(s)://HOST/… or
// s3://commoncrawl[/…], which is read through https://data.commoncrawl.org/.
// c is used for the last two.
func OpenBase(location string, c *Client) (Base, error) {
	scheme, rest, hasScheme := strings.Cut(location, ":")
	switch {
	case location == "":
		return nil, errors.New("open base: empty location")
	case !hasScheme || strings.ContainsAny(scheme, "/."):
		return openFolder(location)
	case scheme == "file":
		if host, path, ok := strings.Cut(strings.TrimPrefix(rest, "//"), "/"); ok && strings.HasPrefix(rest, "//") {
			if host != "" && host != "localhost" {
				return nil, fmt.Errorf("open base %s: the folder is on another host", location)
			}
			rest = "/" + path
		}
		return openFolder(rest)
	case scheme == "s3":
		bucket, prefix, _ := strings.Cut(strings.TrimPrefix(rest, "//"), "/")
		if bucket != "commoncrawl" {
			return nil, fmt.Errorf("open base %s: of S3 only s3://commoncrawl can be read", location)
		}
		return newSite(commonCrawl+prefix, c)
	case scheme == "http", scheme == "https":
		return newSite(location, c)
	default:
		return nil, fmt.Errorf("open base %s: unknown kind %q (DIR, file:, http://, https:// or s3://commoncrawl)", location, scheme)
	}
}

// newSite returns the base of files below a URL.
func newSite(location string, c *Client) (Base, error) {
	u, err := url.Parse(location)
	if err != nil {
		if outer := (*url.Error)(nil); errors.As(err, &outer) {
			err = outer.Err // the URL may hold a password
		}
		return nil, fmt.Errorf("open base: %w", err)
	}
	if u.Host == "" || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("open base %s://%s%s: want a URL with a host, and without query or fragment", u.Scheme, u.Host, u.Path)
	}
	u.Path = strings.TrimSuffix(u.Path, "/") + "/"
	u.RawPath = ""
	return &site{root: *u, client: c}, nil
}

// checkPath refuses paths that could leave the base.
func checkPath(path string) error {
	if !fs.ValidPath(path) || path == "." {
		return fmt.Errorf("path %q: want a relative path without . and ..: %w", path, fs.ErrInvalid)
	}
	return nil
}

// checkRange refuses ranges that make no sense.
func checkRange(offset, length int64) error {
	if offset < 0 || length <= 0 || offset > 1<<62 || length > 1<<62 {
		return fmt.Errorf("range of %d bytes from %d: %w", length, offset, fs.ErrInvalid)
	}
	return nil
}
