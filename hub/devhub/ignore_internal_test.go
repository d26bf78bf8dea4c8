package devhub

import (
	"strings"
	"testing"
)

func TestIgnore(t *testing.T) {
	const rules = `
# comment
*.tmp
/top
build/
docs/*.html
a/**/z
**/deep
!keep.tmp
\#sharp
\!bang
trailing   ` + `
logs/**
!logs/keep
`
	ignored := parseIgnore(rules)
	for path, want := range map[string]bool{
		"x.tmp": true, "a/b/x.tmp": true, "x.tmpl": false, "keep.tmp": false, "a/keep.tmp": false,
		"top": true, "a/top": false, "top/x": true,
		"build": false, "build/x": true, "a/build/x": true, "a/build": false,
		"docs/x.html": true, "docs/a/x.html": false, "a/docs/x.html": false,
		"a/z": true, "a/b/z": true, "a/b/c/z": true, "b/z": false,
		"deep": true, "x/deep": true, "x/y/deep/f": true,
		"#sharp": true, "!bang": true, "# comment": false, "trailing": true, "": false,
		"logs/x": true, "logs/keep": false, "logs": false,
	} {
		if got := ignored.match(path); got != want {
			t.Errorf("%q is ignored: %v, want %v", path, got, want)
		}
	}
	if parseIgnore("").match("x") {
		t.Error("no rules ignore a file")
	}
	if n := len(parseIgnore(strings.Repeat("x\n", 5000))); n != maxIgnoreRules {
		t.Errorf("5000 lines are %d rules, want %d", n, maxIgnoreRules)
	}
}

func FuzzIgnore(f *testing.F) {
	f.Add("*.tmp\n!a/b\nc/\n", "a/x.tmp")
	f.Add("**/**/[\n\\\n/", "a//b")
	f.Add(strings.Repeat("**/", 30)+"x", strings.Repeat("a/", 30)+"y")
	f.Fuzz(func(t *testing.T, text, path string) {
		if parseIgnore(text).match(path) && strings.TrimSpace(text) == "" {
			t.Errorf("%q ignores %q", text, path)
		}
	})
}
