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

const (
	// maxRefName lets the name of a branch fit the name of a file.
	maxRefName = 200
	maxMessage = 64 << 10
)

var pullRE = regexp.MustCompile(`^[1-9][0-9]{0,8}$`)

func badRequest(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrBadRequest, fmt.Errorf(format, args...))
}

func validateRepo(repo string) error {
	if err := hub.CheckRepo(repo); err != nil {
		return badRequest("%w", err)
	}
	return nil
}

func validatePath(path string) error {
	if err := hub.CheckPath(path); err != nil {
		return badRequest("%w", err)
	}
	return nil
}

// validateRefName takes names of branches and tags as git-check-ref-format(1)
// does, and none that reads as another kind of revision.
func validateRefName(name string) error {
	bad := name == "" || !utf8.ValidString(name) || len(url.PathEscape(name)) > maxRefName ||
		name == "HEAD" || name == "@" || hub.IsSHA(name) || strings.HasPrefix(name, "refs/") ||
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
	if p.Parent != "" && !hub.IsSHA(p.Parent) {
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
