// Package assets knows the files that stages read, or that models are judged by,
// and that this program does not hold, as their size or their licence forbids
// it: what they are called, which bytes they are, under which licence they
// stand, where they come from. It reads them from the folder of assets, checks
// them, and finds them in archives. It knows no network.
package assets

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"finest/internal/contract"
	"finest/pipeline"
)

// MaxBytes bounds the size of an asset.
const MaxBytes = 1 << 30

// ErrContent says that a file is not the one that is pinned.
var ErrContent = errors.New("not the pinned file")

// MissingError says which files a stage needs that are not there.
type MissingError struct {
	Stage string
	// Dir is the folder that was looked into; empty if none was given.
	Dir   string
	Names []string
	// own are those of Names that the catalogue lacks, so that nothing gets them.
	own []string
}

// Error names the stage, the files, the folder and the command that gets them.
func (e *MissingError) Error() string {
	where := "no folder for them is set"
	if e.Dir != "" {
		where = "not found in " + e.Dir
	}
	text := fmt.Sprintf("stage %s: needs the files %s: %s", e.Stage, strings.Join(e.Names, ", "), where)
	var known []string
	for _, name := range e.Names {
		if !slices.Contains(e.own, name) {
			known = append(known, name)
		}
	}
	if len(known) > 0 {
		text += fmt.Sprintf("; `%s` downloads them, and takes them from a file at hand with --from FILE", pullCommand(e.Dir, known...))
	}
	if len(e.own) > 0 {
		text += fmt.Sprintf("; the recipe alone pins %s: put it there yourself", strings.Join(e.own, ", "))
	}
	return text
}

func pullCommand(dir string, names ...string) string {
	pull := "finest assets pull "
	if dir != "" {
		pull += "--assets " + dir + " "
	}
	return pull + strings.Join(names, " ")
}

// inCatalogue reports whether the pinned file is one that can be got.
func inCatalogue(pin contract.Asset) bool {
	found, err := Named(pin.Name)
	return err == nil && found[0].SHA256 == pin.SHA256
}

// Read reads the files that a stage pins from dir and checks their hashes. Each
// is held once. The error is a *MissingError if any is absent, and wraps
// ErrContent if one has another content.
func Read(spec pipeline.StageSpec, dir string) (map[string][]byte, error) {
	files := make(map[string][]byte, len(spec.Assets))
	missing := &MissingError{Stage: spec.Name, Dir: dir}
	miss := func(pin contract.Asset) {
		missing.Names = append(missing.Names, pin.Name)
		if !inCatalogue(pin) {
			missing.own = append(missing.own, pin.Name)
		}
	}
	for _, pin := range spec.Assets {
		if !isFileName(pin.Name) {
			return nil, fmt.Errorf("stage %s: asset name %q is no file name", spec.Name, pin.Name)
		}
		if dir == "" {
			miss(pin)
			continue
		}
		data, err := ReadFile(dir, pin.Name)
		switch {
		case errors.Is(err, fs.ErrNotExist):
			miss(pin)
			continue
		case err != nil:
			return nil, fmt.Errorf("stage %s: read asset %s: %w", spec.Name, pin.Name, err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != pin.SHA256 {
			err := fmt.Errorf("stage %s: asset %s: %w: it has SHA-256 %x, the recipe pins %s",
				spec.Name, filepath.Join(dir, pin.Name), ErrContent, sum, pin.SHA256)
			if inCatalogue(pin) {
				err = fmt.Errorf("%w; `%s` replaces it", err, pullCommand(dir, pin.Name))
			}
			return nil, err
		}
		files[pin.Name] = data
	}
	if len(missing.Names) > 0 {
		return nil, missing
	}
	return files, nil
}

// isFileName reports whether name stays in the folder it is joined to.
func isFileName(name string) bool {
	return filepath.IsLocal(name) && filepath.Base(name) == name && name != "."
}

// ReadFile reads a file of a folder, a regular one of at most MaxBytes, into
// memory of its size. The error wraps fs.ErrNotExist if it is not there.
func ReadFile(dir, name string) ([]byte, error) {
	if !isFileName(name) {
		return nil, errors.New("it is no file name")
	}
	f, err := os.Open(filepath.Join(dir, name))
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	info, err := f.Stat()
	switch {
	case err != nil:
		return nil, err
	case !info.Mode().IsRegular():
		return nil, errors.New("it is no regular file")
	case info.Size() > MaxBytes:
		return nil, fmt.Errorf("%d bytes are more than the %d allowed", info.Size(), MaxBytes)
	}
	data := make([]byte, info.Size())
	_, err = io.ReadFull(f, data)
	return data, err
}

// State is what became of an asset in a folder.
type State string

// The states of an asset.
const (
	Present State = "present"
	Missing State = "missing"
	// Corrupt is a file under the name of the asset with other content.
	Corrupt State = "corrupt"
)

// Check returns the state of a file in dir, after reading all of it.
func Check(dir string, f File) (State, error) {
	opened, err := os.Open(filepath.Join(dir, f.Name))
	if errors.Is(err, fs.ErrNotExist) {
		return Missing, nil
	}
	if err != nil {
		return "", fmt.Errorf("check asset: %w", err)
	}
	defer func() { _ = opened.Close() }()
	err = f.Verify(opened)
	switch {
	case errors.Is(err, ErrContent):
		return Corrupt, nil
	case err != nil:
		return "", fmt.Errorf("check asset %s: %w", f.Name, err)
	}
	return Present, nil
}

// Verify reads a file on disk from its beginning. The error wraps ErrContent if
// it is another.
func (f File) Verify(there *os.File) error {
	info, err := there.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return fmt.Errorf("%w: it is no regular file", ErrContent)
	case info.Size() != f.Bytes:
		return fmt.Errorf("%w: it has %d bytes instead of %d", ErrContent, info.Size(), f.Bytes)
	}
	if _, err := there.Seek(0, io.SeekStart); err != nil {
		return err
	}
	return f.verify(io.Discard, there)
}

// verify copies r to w. The error wraps ErrContent if that was not the file; of
// a longer one no byte beyond the file's is read or written but one.
func (f File) verify(w io.Writer, r io.Reader) error {
	sum := sha256.New()
	n, err := io.Copy(io.MultiWriter(w, sum), io.LimitReader(r, f.Bytes))
	if err != nil {
		return err
	}
	if n == f.Bytes {
		var next [1]byte
		switch more, err := io.ReadFull(r, next[:]); {
		case more > 0:
			n++
		case !errors.Is(err, io.EOF):
			return err
		}
	}
	if n > f.Bytes {
		return fmt.Errorf("%w: it has more than %d bytes", ErrContent, f.Bytes)
	}
	if n < f.Bytes {
		return fmt.Errorf("%w: it has %d bytes instead of %d", ErrContent, n, f.Bytes)
	}
	if got := hex.EncodeToString(sum.Sum(nil)); got != f.SHA256 {
		return fmt.Errorf("%w: it has SHA-256 %s instead of %s", ErrContent, got, f.SHA256)
	}
	return nil
}
