package dataset

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// kind is how a file holds documents.
type kind int

// Kinds of files, the ones that a folder is read for first come first.
const (
	kindNone kind = iota
	kindParquet
	kindLines // a JSON object a line
	kindText  // one document a file
)

func (k kind) String() string {
	return map[kind]string{kindParquet: "Parquet", kindLines: "JSON lines", kindText: "text"}[k]
}

// maxFiles bounds the files of a dataset.
const maxFiles = 1 << 20

type file struct {
	path string
	// name is the path within the dataset, with slashes.
	name string
	kind kind
	size int64
	info fs.FileInfo
}

// endings of compressed files.
var compressed = []string{".gz", ".zst"}

// kindOf tells the kind of a file by its name. alone says that the file is named
// as the dataset: plain .json is taken for JSON lines then, which in a folder
// would more likely be something about the data.
func kindOf(name string, alone bool) kind {
	name = strings.ToLower(name)
	if strings.HasSuffix(name, ".parquet") {
		return kindParquet
	}
	stored := name
	for _, end := range compressed {
		stored = strings.TrimSuffix(stored, end)
	}
	switch filepath.Ext(stored) {
	case ".jsonl", ".ndjson":
		return kindLines
	case ".json":
		if alone || stored != name {
			return kindLines
		}
	case ".txt":
		return kindText
	}
	return kindNone
}

// find returns the files of a dataset, and how many there are of other kinds.
func find(path string) (files []file, others int, err error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, 0, err
	}
	if info.Mode().IsRegular() {
		f := file{path: path, name: filepath.Base(path), kind: kindOf(path, true), size: info.Size(), info: info}
		if f.kind == kindNone {
			return nil, 0, errors.New("not known by its name: " + knownNames)
		}
		return []file{f}, 0, nil
	}
	if !info.IsDir() {
		return nil, 0, errors.New("neither a file nor a folder")
	}
	return findIn(path)
}

const knownNames = "wanted is .parquet, .jsonl, .ndjson, .json or .txt, all but Parquet also with .gz or .zst"

// findIn returns the files of the first kind that a folder has, and how many it
// has of the others.
func findIn(root string) (files []file, others int, err error) {
	byKind := make(map[kind][]file)
	found := 0
	walk := root
	if isPublication(root) {
		if walk = filepath.Join(root, "data"); !exists(walk) {
			return nil, 0, errors.New("no document was kept: it has no data")
		}
	}
	// A link to a folder is walked as what it leads to; links below it to others are
	// not followed.
	target, err := filepath.EvalSymlinks(walk)
	if err != nil {
		return nil, 0, err
	}
	err = filepath.WalkDir(target, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if hidden := strings.HasPrefix(d.Name(), "."); d.IsDir() {
			if hidden && path != target {
				return fs.SkipDir
			}
			return nil
		} else if hidden {
			return nil
		}
		k := kindOf(path, false)
		if k == kindNone {
			return nil
		}
		info, err := os.Stat(path) // files may be links into a cache
		if err != nil {
			return err
		}
		if !info.Mode().IsRegular() {
			return nil
		}
		if found++; found > maxFiles {
			return fmt.Errorf("more than %d files", maxFiles)
		}
		below, err := filepath.Rel(target, path)
		if err != nil {
			return err
		}
		path = filepath.Join(walk, below)
		name, err := filepath.Rel(root, path)
		if err != nil {
			return err
		}
		byKind[k] = append(byKind[k], file{path: path, name: filepath.ToSlash(name), kind: k, size: info.Size(), info: info})
		return nil
	})
	if err != nil {
		return nil, 0, err
	}
	for _, k := range []kind{kindParquet, kindLines, kindText} {
		if files := byKind[k]; len(files) > 0 {
			slices.SortFunc(files, func(a, b file) int { return strings.Compare(a.name, b.name) })
			return files, found - len(files), nil
		}
	}
	return nil, 0, errors.New("no file with documents in it: " + knownNames)
}

// isPublication reports whether a folder has what refine or hub pull write: a
// ledger beside the documents, or beside the manifest of a run that kept none.
func isPublication(root string) bool {
	has := func(name string) bool { return exists(filepath.Join(root, name)) }
	return has("ledger") && (has("data") || has("manifest.json") || has("tasks"))
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

func (f file) read(r *reading) error {
	if f.kind == kindParquet {
		return f.readParquet(r)
	}
	in, err := f.open()
	if err != nil {
		return err
	}
	defer func() { _ = in.Close() }()
	if f.kind == kindText {
		return readText(r, f.name, in)
	}
	return readLines(r, in)
}
