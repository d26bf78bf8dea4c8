package filter

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"finest/pipeline"
)

// MissingAssetError says which files a stage needs that are not there. They are
// not part of this program because their licences do not go with it.
type MissingAssetError struct {
	Stage string
	// Dir is the folder that was looked into; empty if none was given.
	Dir   string
	Names []string
}

// Error names the stage, the files and the folder.
func (e *MissingAssetError) Error() string {
	where := "no folder for them is set"
	if e.Dir != "" {
		where = "not found in " + e.Dir
	}
	return fmt.Sprintf("stage %s: needs the files %s: %s", e.Stage, strings.Join(e.Names, ", "), where)
}

// readAssets reads the files that a spec pins from a folder and checks their
// hashes. The error is a *MissingAssetError if any of them is absent.
func readAssets(spec pipeline.StageSpec, dir string) (map[string][]byte, error) {
	files := make(map[string][]byte, len(spec.Assets))
	missing := &MissingAssetError{Stage: spec.Name, Dir: dir}
	for _, a := range spec.Assets {
		if dir == "" {
			missing.Names = append(missing.Names, a.Name)
			continue
		}
		if !filepath.IsLocal(a.Name) || filepath.Base(a.Name) != a.Name {
			return nil, fmt.Errorf("stage %s: asset name %q is no file name", spec.Name, a.Name)
		}
		data, err := readList(filepath.Join(dir, a.Name))
		switch {
		case errors.Is(err, fs.ErrNotExist):
			missing.Names = append(missing.Names, a.Name)
			continue
		case err != nil:
			return nil, fmt.Errorf("stage %s: read asset %s: %w", spec.Name, a.Name, err)
		}
		if sum := sha256.Sum256(data); hex.EncodeToString(sum[:]) != a.SHA256 {
			return nil, fmt.Errorf("stage %s: asset %s has SHA-256 %x, the recipe names %s", spec.Name, a.Name, sum, a.SHA256)
		}
		files[a.Name] = data
	}
	if len(missing.Names) > 0 {
		return nil, missing
	}
	return files, nil
}

// readList reads a file that is not larger than a list may be.
func readList(path string) ([]byte, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if info.Size() > maxListBytes {
		return nil, fmt.Errorf("%d bytes are too many", info.Size())
	}
	return os.ReadFile(path)
}
