package assets

import (
	"archive/tar"
	"archive/zip"
	"bufio"
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path"
	"path/filepath"

	"finest/internal/durable"
)

const (
	// maxEntries bounds the files of an archive or folder that are looked at.
	maxEntries = 100_000
	// maxUnpacked bounds what a compressed archive may unpack to.
	maxUnpacked = 2 << 30
	// maxNesting is a wheel that holds an archive.
	maxNesting = 2
)

// Install writes the asset that r holds into dir, which is created. It appears
// whole and verified, or not at all; the error wraps ErrContent if r holds
// another file.
func Install(dir string, a Asset, r io.Reader) error {
	var wrong error // is of what r holds, not of the file to be written
	err := durable.WriteFile(filepath.Join(dir, a.Name), 0o644, func(w io.Writer) error {
		err := a.verify(w, r)
		if errors.Is(err, ErrContent) {
			wrong = err
		}
		return err
	})
	if wrong != nil {
		return wrong
	}
	return err
}

// Found is what FromFile found.
type Found struct {
	// Installed are wanted assets, in the order they were wanted.
	Installed []Asset
	// Rejected says, by the name of a wanted asset, why a file that is named like
	// it is another; the errors wrap ErrContent.
	Rejected map[string]error
}

// FromFile installs into dir those of the wanted assets that it finds at path.
// What lies there may be an asset, a folder with assets in it or below, or a tar,
// gzipped or not, or a zip with assets or the archives that the catalogue names
// as their sources, such as a Python wheel of datatrove. An asset of several
// parts is put together where a folder or zip has all of them.
//
// Assets are known by the last element of their name, here or at their source,
// and by their size, and are written only if their content is right.
func FromFile(path, dir string, want []Asset) (Found, error) {
	s := &search{
		dir: dir, want: want, unpacked: maxUnpacked, parts: make(map[string]opener),
		installed: make(map[string]bool), rejected: make(map[string]error),
	}
	info, err := os.Stat(path)
	if err == nil {
		if info.IsDir() {
			err = s.folder(path)
		} else {
			err = s.file(path)
		}
	}
	if err != nil {
		err = fmt.Errorf("look for assets in %s: %w", path, err)
	}
	found := Found{Rejected: s.rejected}
	for _, a := range want {
		if s.installed[a.Name] {
			found.Installed = append(found.Installed, a)
			delete(found.Rejected, a.Name)
		}
	}
	return found, err
}

// search is a walk through what may hold assets.
type search struct {
	dir       string
	want      []Asset
	entries   int
	unpacked  int64             // bytes that archives may still unpack to
	parts     map[string]opener // of assets, by path
	installed map[string]bool
	rejected  map[string]error
}

// count counts a file that is looked at.
func (s *search) count() error {
	if s.entries++; s.entries > maxEntries {
		return fmt.Errorf("more than %d files", maxEntries)
	}
	return nil
}

// folder looks at the regular files in and below a folder.
func (s *search) folder(root string) error {
	err := filepath.WalkDir(root, func(path string, entry fs.DirEntry, err error) error {
		if err != nil || entry.IsDir() {
			return err
		}
		if err := s.count(); err != nil {
			return err
		}
		info, err := entry.Info()
		if err != nil || !info.Mode().IsRegular() {
			return err
		}
		open := func() (io.ReadCloser, error) { return os.Open(path) }
		s.part(filepath.ToSlash(path), info.Size(), open)
		return s.entry(filepath.ToSlash(path), info.Size(), 0, open)
	})
	if err != nil {
		return err
	}
	return s.assemble()
}

// file looks at the file that was named.
func (s *search) file(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return errors.New("neither a regular file nor a folder")
	}
	var magic [4]byte
	if _, err := f.ReadAt(magic[:], 0); err != nil && !errors.Is(err, io.EOF) {
		return err
	}
	if bytes.Equal(magic[:], []byte("PK\x03\x04")) {
		return s.zip(f, info.Size())
	}
	return s.stream(filepath.ToSlash(path), info.Size(), f)
}

// stream looks at a file that may be an asset, or a tar, gzipped or not.
func (s *search) stream(name string, size int64, f *os.File) error {
	buffered := bufio.NewReader(f)
	if head, _ := buffered.Peek(tarMagicEnd); isGzip(head) || isTar(head) {
		return s.tar(buffered, 0)
	}
	return s.entry(name, size, maxNesting, func() (io.ReadCloser, error) { return io.NopCloser(buffered), nil })
}

const tarMagicEnd = 262

func isGzip(head []byte) bool { return bytes.HasPrefix(head, []byte{0x1f, 0x8b}) }

// isTar knows the POSIX and GNU formats by their magic.
func isTar(head []byte) bool {
	return len(head) == tarMagicEnd && bytes.Equal(head[tarMagicEnd-5:], []byte("ustar"))
}

func (s *search) zip(f io.ReaderAt, size int64) error {
	archive, err := zip.NewReader(f, size)
	if err != nil && !errors.Is(err, zip.ErrInsecurePath) {
		return err
	}
	for _, entry := range archive.File {
		if err := s.count(); err != nil {
			return err
		}
		if !entry.Mode().IsRegular() || entry.UncompressedSize64 > MaxBytes {
			continue
		}
		s.part(entry.Name, int64(entry.UncompressedSize64), entry.Open)
		if err := s.entry(entry.Name, int64(entry.UncompressedSize64), 1, entry.Open); err != nil {
			return err
		}
	}
	return s.assemble()
}

// tar looks at the entries of a tar, gzipped or not; nesting counts archives
// around it.
func (s *search) tar(r io.Reader, nesting int) error {
	buffered := bufio.NewReader(r)
	if head, _ := buffered.Peek(2); isGzip(head) {
		unzipped, err := gzip.NewReader(buffered)
		if err != nil {
			return err
		}
		r = &budget{unzipped, &s.unpacked}
	} else {
		r = buffered
	}
	archive := tar.NewReader(r)
	for {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil && !errors.Is(err, tar.ErrInsecurePath) {
			return err
		}
		if err := s.count(); err != nil {
			return err
		}
		if header.Typeflag != tar.TypeReg {
			continue
		}
		open := func() (io.ReadCloser, error) { return io.NopCloser(archive), nil }
		if err := s.entry(header.Name, header.Size, nesting+1, open); err != nil {
			return err
		}
	}
}

// entry installs a file if it is a wanted asset, and looks into it if it is an
// archive that the catalogue names and not nested too deeply.
func (s *search) entry(name string, size int64, nesting int, open opener) error {
	base := path.Base(name)
	var alike []Asset
	for _, a := range s.want {
		archive := a.Member != "" && a.Source.Name == base && a.Source.Bytes == size && nesting < maxNesting
		named := a.Name == base || path.Base(a.Member) == base || a.Member == "" && a.Source.Name == base
		switch {
		case s.installed[a.Name] || !archive && !named:
		case archive:
			return s.read(name, open, func(r io.Reader) error { return s.tar(r, nesting) })
		case size == a.Bytes:
			return s.read(name, open, func(r io.Reader) error { return s.install(name, a, r) })
		default:
			alike = append(alike, a)
		}
	}
	for _, a := range alike {
		s.reject(a, fmt.Errorf("%s: %w: it has %d bytes instead of %d", name, ErrContent, size, a.Bytes))
	}
	return nil
}

// read opens a file for use.
func (s *search) read(name string, open opener, use func(io.Reader) error) error {
	r, err := open()
	if err == nil {
		err = use(r)
		_ = r.Close()
	}
	if err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	return nil
}

// install installs an asset unless its content is wrong.
func (s *search) install(name string, a Asset, r io.Reader) error {
	err := Install(s.dir, a, r)
	if errors.Is(err, ErrContent) {
		s.reject(a, fmt.Errorf("%s: %w", name, err))
		return nil
	}
	s.installed[a.Name] = err == nil
	return err
}

func (s *search) reject(a Asset, err error) {
	if s.rejected[a.Name] == nil {
		s.rejected[a.Name] = err
	}
}

// budget reads until the bytes left are used up.
type budget struct {
	r    io.Reader
	left *int64
}

func (b *budget) Read(p []byte) (int, error) {
	if *b.left <= 0 {
		return 0, fmt.Errorf("it unpacks to more than %d bytes", int64(maxUnpacked))
	}
	n, err := b.r.Read(p[:min(int64(len(p)), *b.left)])
	*b.left -= int64(n)
	return n, err
}
