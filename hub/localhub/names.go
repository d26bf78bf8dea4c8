package localhub

import (
	"errors"
	"fmt"
	"regexp"
	"strings"
	"unicode"
	"unicode/utf8"

	"finest/hub"
	"finest/internal/canon"
)

// The longest repository name and path; the Hugging Face Hub allows no longer
// names either.
const (
	maxRepo = 96
	maxPath = 1024
)

var (
	repoRE = regexp.MustCompile(`^[A-Za-z0-9][A-Za-z0-9._-]*/[A-Za-z0-9][A-Za-z0-9._-]*$`)
	shaRE  = regexp.MustCompile(`^[0-9a-f]{40}$`)
)

func isSHA(s string) bool { return shaRE.MatchString(s) }

func validateRepo(repo string) error {
	if len(repo) > maxRepo || !repoRE.MatchString(repo) {
		return errors.New("the name is not owner/name in letters, digits, '.', '_' and '-'")
	}
	return nil
}

// validatePath takes relative slash-separated paths without empty, "." and ".."
// elements, in printable UTF-8.
func validatePath(path string) error {
	if path == "" || len(path) > maxPath || !utf8.ValidString(path) {
		return fmt.Errorf("path is empty, longer than %d bytes or not UTF-8", maxPath)
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

func validatePublication(p hub.Publication) error {
	if err := validateRepo(p.Repo); err != nil {
		return err
	}
	if p.Parent != "" && !isSHA(p.Parent) {
		return fmt.Errorf("parent %.60q is not a commit", p.Parent)
	}
	if len(p.Add) == 0 {
		return errors.New("nothing to publish")
	}
	if !utf8.ValidString(p.Message) {
		return errors.New("message is not UTF-8")
	}
	seen := make(map[string]bool, len(p.Add))
	for _, src := range p.Add {
		if err := validateSource(src); err != nil {
			return err
		}
		if seen[src.Path] {
			return fmt.Errorf("%.200q is given twice", src.Path)
		}
		seen[src.Path] = true
	}
	return nil
}

func validateSource(src hub.Source) error {
	if err := validatePath(src.Path); err != nil {
		return fmt.Errorf("%.200q: %w", src.Path, err)
	}
	if _, err := canon.ParseHash(src.SHA256); err != nil || src.Size < 0 || src.Open == nil {
		return fmt.Errorf("%.200q has no size, hash or content", src.Path)
	}
	return nil
}
