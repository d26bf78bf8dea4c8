package devhub

import (
	"path"
	"strings"
)

// Bounds of a .gitignore.
const (
	maxIgnore      = 64 << 10 // bytes
	maxIgnoreRules = 1000
)

// ignoreRules are the lines of a .gitignore that say something.
type ignoreRules []ignoreRule

type ignoreRule struct {
	parts    []string // of the pattern, between its slashes
	anchored bool     // the pattern begins at the root
	folders  bool     // only folders match
	negated  bool
}

// parseIgnore reads a .gitignore, https://git-scm.com/docs/gitignore, as far as
// the bounds.
func parseIgnore(text string) ignoreRules {
	var rules ignoreRules
	for line := range strings.Lines(text[:min(len(text), maxIgnore)]) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" || line[0] == '#' || len(rules) == maxIgnoreRules {
			continue
		}
		var r ignoreRule
		line, r.negated = strings.CutPrefix(line, "!")
		line, r.folders = strings.CutSuffix(line, "/")
		line = strings.TrimPrefix(line, `\`) // of a leading # or !
		r.anchored = strings.Contains(line, "/")
		r.parts = strings.Split(strings.TrimPrefix(line, "/"), "/")
		rules = append(rules, r)
	}
	return rules
}

// match says whether a file is ignored: the last rule for it counts, but nothing
// below an ignored folder comes back.
func (rules ignoreRules) match(file string) bool {
	if len(rules) == 0 {
		return false
	}
	parts := strings.Split(file, "/")
	for n := 1; n <= len(parts); n++ {
		ignored := false
		for _, r := range rules {
			if (!r.folders || n < len(parts)) && r.matches(parts[:n]) {
				ignored = !r.negated
			}
		}
		if ignored {
			return true
		}
	}
	return false
}

func (r ignoreRule) matches(parts []string) bool {
	if !r.anchored {
		parts = parts[len(parts)-1:]
	}
	return globs(r.parts, parts)
}

// globs matches a pattern part by part; "**" stands for any number of parts, at
// the end of a longer pattern for one or more.
func globs(pattern, parts []string) bool {
	// reach[j] says whether the pattern so far matches the first j parts.
	reach := make([]bool, len(parts)+1)
	reach[0] = true
	for i, p := range pattern {
		some := i > 0 && i == len(pattern)-1
		next := make([]bool, len(parts)+1)
		for j := range next {
			if p == "**" {
				next[j] = reach[j] && !some || j > 0 && (next[j-1] || reach[j-1])
			} else if j > 0 && reach[j-1] {
				next[j], _ = path.Match(p, parts[j-1])
			}
		}
		reach = next
	}
	return reach[len(parts)]
}
