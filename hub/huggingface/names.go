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

// maxRevision bounds a revision, in bytes: to Git a branch is a file, whose name
// has at most 255.
const maxRevision = 250

var hashRE = regexp.MustCompile(`^[0-9a-f]{64}$`)

func isHash(s string) bool { return hashRE.MatchString(s) }

func validateRepo(repo string) error {
	if err := hub.CheckRepo(repo); err != nil {
		return fmt.Errorf("repository %.100q: %w", repo, err)
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

func validatePath(path string) error {
	if err := hub.CheckPath(path); err != nil {
		return fmt.Errorf("%.200q: %w", path, err)
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
