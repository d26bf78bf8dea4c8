package main

import (
	"archive/tar"
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"os/exec"
	"slices"
	"strconv"
	"strings"
)

// source is texts of one repository: a line of sources.tsv.
type source struct {
	Repository, Commit string
	// Form says how text is taken from a file; see forms.
	Form string
	// Limit is about how many bytes of text are taken, so that no source
	// outweighs the others.
	Limit   int
	Licence string
	// Paths are pathspecs of git.
	Paths []string
}

// columns is the first line of the list.
const columns = "repository\tcommit\tform\tlimit\tlicence\tpaths"

func parseSources(list string) ([]source, error) {
	lines := strings.Split(strings.TrimSuffix(list, "\n"), "\n")
	if lines[0] != columns {
		return nil, fmt.Errorf("the first line is not %q", columns)
	}
	var sources []source
	for i, line := range lines[1:] {
		s, err := parseSource(line)
		if err != nil {
			return nil, fmt.Errorf("line %d: %w", i+2, err)
		}
		sources = append(sources, s)
	}
	return sources, nil
}

func parseSource(line string) (source, error) {
	f := strings.Split(line, "\t")
	if len(f) != 6 {
		return source{}, fmt.Errorf("%d columns, not 6", len(f))
	}
	limit, err := strconv.Atoi(f[3])
	if err != nil || limit < 1 {
		return source{}, fmt.Errorf("limit %q", f[3])
	}
	if forms[f[2]] == nil {
		return source{}, fmt.Errorf("form %q", f[2])
	}
	if len(f[1]) != 40 {
		return source{}, fmt.Errorf("commit %q is not 40 hex digits", f[1])
	}
	return source{f[0], f[1], f[2], limit, f[4], strings.Fields(f[5])}, nil
}

// read returns the source's texts: files in the order of the SHA-256 of their
// paths until there is enough.
func (s source) read(ctx context.Context, clone string) ([]string, error) {
	files, err := archived(ctx, clone, s.Commit, s.Paths)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(files, func(a, b file) int {
		x, y := sha256.Sum256([]byte(a.path)), sha256.Sum256([]byte(b.path))
		return cmp.Or(bytes.Compare(x[:], y[:]), cmp.Compare(a.path, b.path))
	})
	var texts []string
	total := 0
	for _, f := range files {
		if total >= s.Limit {
			break
		}
		text, err := forms[s.Form](f.data)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", f.path, err)
		}
		texts, total = append(texts, text), total+len(text)
	}
	if total == 0 {
		return nil, fmt.Errorf("no text at commit %s", s.Commit)
	}
	return texts, nil
}

type file struct {
	path string
	data []byte
}

// archived returns the files of a commit that match the pathspecs.
func archived(ctx context.Context, clone, commit string, paths []string) ([]file, error) {
	args := append([]string{"-C", clone, "archive", "--format=tar", commit, "--"}, paths...)
	git := exec.CommandContext(ctx, "git", args...)
	var stderr strings.Builder
	git.Stderr = &stderr
	tarball, err := git.Output()
	if err != nil {
		return nil, fmt.Errorf("git archive %s: %w: %s", commit, err, strings.TrimSpace(stderr.String()))
	}
	var files []file
	for r := tar.NewReader(bytes.NewReader(tarball)); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, fmt.Errorf("git archive %s: %w", commit, err)
		}
		if h.Typeflag != tar.TypeReg {
			continue
		}
		data, err := io.ReadAll(r)
		if err != nil {
			return nil, fmt.Errorf("git archive %s: %s: %w", commit, h.Name, err)
		}
		files = append(files, file{h.Name, data})
	}
}
