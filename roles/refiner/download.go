package refiner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"finest/internal/durable"
	"finest/internal/polite"
)

const (
	downloadPrefix = "download-"
	partSuffix     = ".part"
	// repairChunk is the length of the ranges compared with damaged spans.
	repairChunk = 8 << 20
)

// openLocal opens a file that its base reads from a folder of this machine, so
// that it need not be copied; it returns nil for files elsewhere. Bases name
// themselves by a URL, but folders by their path.
func openLocal(in Input) (*os.File, error) {
	dir := in.Base.String()
	if strings.Contains(dir, "://") {
		return nil, nil
	}
	if !fs.ValidPath(in.Path) {
		return nil, fmt.Errorf("path %q: %w", in.Path, fs.ErrInvalid)
	}
	return os.Open(filepath.Join(dir, filepath.FromSlash(in.Path)))
}

// FileError says that a WARC file is not the one that the job was given: there
// is none at its path, or it has another size. Asked again, its base said the
// same.
type FileError struct {
	Path string
	err  error
}

func (e *FileError) Error() string { return e.err.Error() }

// Unwrap returns what happened first.
func (e *FileError) Unwrap() error { return e.err }

// blame returns err, why the file could not be opened, as a *FileError if that is
// for no fault of this machine, its network or its server.
func blame(ctx context.Context, in Input, err error) error {
	if ctx.Err() != nil || errors.Is(err, polite.ErrUnavailable) {
		return err
	}
	size, sizeErr := in.Base.Size(ctx, in.Path)
	if errors.Is(sizeErr, polite.ErrNotFound) || sizeErr == nil && in.Bytes > 0 && size != in.Bytes {
		return &FileError{in.Path, err}
	}
	return err
}

// open returns the file, in place if it is on this machine, else downloaded. Its
// size is the one the job expects.
func (j *job) open(ctx context.Context, i int) (*source, error) {
	in := j.Inputs[i]
	f, err := openLocal(in)
	if err != nil {
		return nil, err
	}
	src := &source{f: f}
	if f == nil {
		src.downloaded = true
		if src.f, err = j.download(ctx, i); err != nil {
			return nil, err
		}
	}
	info, err := src.f.Stat()
	switch {
	case err != nil:
	case !info.Mode().IsRegular():
		err = fmt.Errorf("%s is not a regular file", src.f.Name())
	case in.Bytes > 0 && info.Size() != in.Bytes:
		err = fmt.Errorf("the file at %s has %d bytes instead of %d", in.Base, info.Size(), in.Bytes)
	}
	if err != nil {
		src.close()
		// Another run fetches it anew: the server may have sent the wrong thing.
		return nil, errors.Join(err, src.remove())
	}
	src.size = info.Size()
	return src, nil
}

// download fetches a file whole into WorkDir, going on where an earlier run was
// stopped.
func (j *job) download(ctx context.Context, i int) (*os.File, error) {
	path := filepath.Join(j.WorkDir, fmt.Sprintf("%s%06d", downloadPrefix, i))
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err == nil || !errors.Is(err, fs.ErrNotExist) {
		return f, err
	}
	part, err := os.OpenFile(path+partSuffix, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, err
	}
	in, size := j.Inputs[i], int64(-1)
	if in.Bytes > 0 {
		size = in.Bytes
	}
	err = polite.Download(ctx, in.Base, in.Path, size, part, func(done, total int64) {
		progress := j.progress
		progress.Phase, progress.Bytes, progress.BytesTotal = PhaseDownload, done, total
		j.Progress(progress)
	})
	if err == nil {
		err = part.Sync()
	}
	if err = errors.Join(err, part.Close()); err != nil {
		return nil, err
	}
	if err := os.Rename(path+partSuffix, path); err != nil {
		return nil, err
	}
	if err := durable.SyncDir(j.WorkDir); err != nil {
		return nil, err
	}
	return os.OpenFile(path, os.O_RDWR, 0)
}

// repair reads damaged spans of a download again and writes what differs into
// it. It reports whether anything did: if not, the file itself is damaged.
func (j *job) repair(ctx context.Context, in Input, src *source, damage []span) (bool, error) {
	repaired := false
	for _, s := range damage {
		for at, end := s.offset, s.offset+s.length; at < end; {
			want := min(repairChunk, end-at)
			there, total, err := in.Base.ReadRange(ctx, in.Path, at, want)
			if err != nil {
				return false, fmt.Errorf("read damaged bytes %d to %d again: %w", at, at+want, err)
			}
			if total != src.size || int64(len(there)) != want {
				return false, fmt.Errorf("%w: %d bytes became %d", polite.ErrChanged, src.size, total)
			}
			here := make([]byte, want)
			if _, err := src.f.ReadAt(here, at); err != nil {
				return false, err
			}
			if !bytes.Equal(here, there) {
				repaired = true
				if _, err := src.f.WriteAt(there, at); err != nil {
					return false, err
				}
			}
			at += want
		}
	}
	if repaired {
		j.Log.Warn().Str("task", j.Task).Str("file", in.Path).Msg("download was damaged and is repaired")
		return true, src.f.Sync()
	}
	return false, nil
}
