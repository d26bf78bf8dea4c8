package huggingface

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"finest/hub"
)

const (
	maxRepo     = 96 // huggingface_hub, utils/_validators.py
	maxRevision = 250
	maxPath     = 1024
)

var (
	repoRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	shaRE  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	hashRE = regexp.MustCompile(`^[0-9a-f]{64}$`)
)

func isSHA(s string) bool  { return shaRE.MatchString(s) }
func isHash(s string) bool { return hashRE.MatchString(s) }

// validateRepo takes owner/name.
func validateRepo(repo string) error {
	if len(repo) > maxRepo || !repoRE.MatchString(repo) {
		return fmt.Errorf("repository %.100q: the name is not owner/name in letters, digits, '.', '_' and '-'", repo)
	}
	return nil
}

// validateRevision takes names of branches and tags, refs/… and shas. There is
// nothing at any other.
func validateRevision(revision string) error {
	bad := revision == "" || len(revision) > maxRevision || !utf8.ValidString(revision) ||
		strings.Contains(revision, "..") || strings.ContainsFunc(revision, unicode.IsControl)
	if bad || revision == "." {
		return fmt.Errorf("revision %.60q: %w", revision, hub.ErrNotFound)
	}
	return nil
}

func validateRef(ref hub.Ref) error {
	if err := validateRepo(ref.Repo); err != nil {
		return err
	}
	return validateRevision(ref.Revision)
}

// validatePath takes relative slash-separated paths without empty, "." and ".."
// elements, in printable UTF-8.
func validatePath(path string) error {
	if path == "" || len(path) > maxPath || !utf8.ValidString(path) {
		return fmt.Errorf("path %.200q is empty, longer than %d bytes or not UTF-8", path, maxPath)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return fmt.Errorf("path %.200q holds a backslash or control character", path)
	}
	for elem := range strings.SplitSeq(path, "/") {
		if elem == "" || elem == "." || elem == ".." || strings.EqualFold(elem, ".git") {
			return fmt.Errorf("path %.200q has the element %q", path, elem)
		}
	}
	return nil
}

// escapePath escapes a path for a URL, and leaves its slashes.
func escapePath(path string) string {
	elems := strings.Split(path, "/")
	for i, elem := range elems {
		elems[i] = url.PathEscape(elem)
	}
	return strings.Join(elems, "/")
}

// api returns the path of an API call about a dataset repository. Every element
// is escaped as one: a revision refs/pr/1 is refs%2Fpr%2F1.
func api(repo string, elems ...string) string {
	p := "/api/datasets/" + escapePath(repo)
	for _, elem := range elems {
		p += "/" + url.PathEscape(elem)
	}
	return p
}

// resolvePath returns the path that a file's content is at.
func resolvePath(ref hub.Ref, path string) string {
	return "/datasets/" + escapePath(ref.Repo) + "/resolve/" + url.PathEscape(ref.Revision) + "/" + escapePath(path)
}
