package localhub

import (
	"fmt"
	"net/url"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"finest/hub"
	"finest/internal/canon"
)

// The longest names; the Hugging Face Hub allows no longer repository names and
// paths either. A branch's name has to fit the name of a file.
const (
	maxRepo    = 96
	maxPath    = 1024
	maxRefName = 200
	maxMessage = 64 << 10
)

var (
	repoRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	shaRE  = regexp.MustCompile(`^[0-9a-f]{40}$`)
	pullRE = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)
)

func isSHA(s string) bool { return shaRE.MatchString(s) }

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrBadRequest, fmt.Errorf(format, args...))
}

func validateRepo(repo string) error {
	if len(repo) > maxRepo || !repoRE.MatchString(repo) {
		return badRequest("the name is not owner/name in letters, digits, '.', '_' and '-'")
	}
	return nil
}

// validatePath takes relative slash-separated paths without empty, "." and ".."
// elements, in printable UTF-8.
func validatePath(path string) error {
	if path == "" || len(path) > maxPath || !utf8.ValidString(path) {
		return badRequest("path is empty, longer than %d bytes or not UTF-8", maxPath)
	}
	if strings.ContainsFunc(path, func(r rune) bool { return r == '\\' || unicode.IsControl(r) }) {
		return badRequest("path holds a backslash or control character")
	}
	for elem := range strings.SplitSeq(path, "/") {
		if elem == "" || elem == "." || elem == ".." || strings.EqualFold(elem, ".git") {
			return badRequest("path has the element %q", elem)
		}
	}
	return nil
}

// validateRefName takes names of branches and tags as git-check-ref-format(1)
// does, and none that reads as another kind of revision.
func validateRefName(name string) error {
	bad := name == "" || !utf8.ValidString(name) || len(url.PathEscape(name)) > maxRefName ||
		name == "HEAD" || name == "@" || isSHA(name) || strings.HasPrefix(name, "refs/") ||
		strings.HasPrefix(name, "-") || strings.HasSuffix(name, ".") ||
		strings.Contains(name, "..") || strings.Contains(name, "@{") ||
		strings.ContainsFunc(name, func(r rune) bool { return strings.ContainsRune(` ~^:?*[\`, r) || unicode.IsControl(r) })
	for elem := range strings.SplitSeq(name, "/") {
		bad = bad || elem == "" || strings.HasPrefix(elem, ".") || strings.HasSuffix(elem, ".lock")
	}
	if bad {
		return badRequest("%.100q is no name for a branch or tag", name)
	}
	return nil
}

func validateMessage(texts ...string) error {
	for _, text := range texts {
		if !utf8.ValidString(text) || len(text) > maxMessage {
			return badRequest("message is not UTF-8, or longer than %d bytes", maxMessage)
		}
	}
	return nil
}

func validatePublication(p hub.Publication) error {
	if err := validateRepo(p.Repo); err != nil {
		return err
	}
	if p.Parent != "" && !isSHA(p.Parent) {
		return badRequest("parent %.60q is not a commit", p.Parent)
	}
	if len(p.Add) == 0 {
		return badRequest("nothing to publish")
	}
	if err := validateMessage(p.Message); err != nil {
		return err
	}
	seen := make(map[string]bool, len(p.Add))
	for _, src := range p.Add {
		if err := validateSource(src); err != nil {
			return err
		}
		if seen[src.Path] {
			return badRequest("%.200q is given twice", src.Path)
		}
		seen[src.Path] = true
	}
	return nil
}

func validateSource(src hub.Source) error {
	if err := validateFile(src.File); err != nil {
		return err
	}
	if src.Open == nil {
		return badRequest("%.200q has no content", src.Path)
	}
	return nil
}

func validateFile(f hub.File) error {
	if err := validatePath(f.Path); err != nil {
		return fmt.Errorf("%.200q: %w", f.Path, err)
	}
	return validateObject(f)
}

func validateObject(f hub.File) error {
	if _, err := canon.ParseHash(f.SHA256); err != nil || f.Size < 0 {
		return badRequest("%.200q has no size or hash", f.Path)
	}
	return nil
}
