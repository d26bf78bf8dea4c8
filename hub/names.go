package hub

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"
)

const (
	// maxRepo is the longest repository name, in bytes, that the Hugging Face Hub
	// takes (huggingface_hub, utils/_validators.py).
	maxRepo = 96
	// MaxPath is the longest path of a file, in bytes.
	MaxPath = 1024
)

var (
	repoRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	shaRE  = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

// IsSHA reports whether s can be the sha of a commit.
func IsSHA(s string) bool { return shaRE.MatchString(s) }

// CheckRepo takes owner/name. Its error does not repeat the name.
func CheckRepo(repo string) error {
	if len(repo) > maxRepo || !repoRE.MatchString(repo) {
		return errors.New("the name is not owner/name in letters, digits, '.', '_' and '-'")
	}
	return nil
}

// CheckPath takes relative slash-separated paths without empty, "." and ".."
// elements, in printable UTF-8, so that a path of a repository is one below any
// folder, whoever chose it. Its error does not repeat the path.
func CheckPath(path string) error {
	if path == "" || len(path) > MaxPath || !utf8.ValidString(path) {
		return fmt.Errorf("path is empty, longer than %d bytes or not UTF-8", MaxPath)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return errors.New("path holds a backslash or control character")
	}
	for elem := range strings.SplitSeq(path, "/") {
		if elem == "" || elem == "." || elem == ".." || strings.EqualFold(elem, ".git") {
			return fmt.Errorf("path has the element %q", elem)
		}
	}
	return nil
}
