package hub_test

import (
	"path"
	"strings"
	"testing"

	"finest/hub"
)

func TestCheckRepo(t *testing.T) {
	for repo, good := range map[string]bool{
		"owner/name": true, "O.w-n_3/0.a": true, strings.Repeat("o", 48) + "/" + strings.Repeat("n", 47): true,
		"": false, "owner": false, "owner/": false, "/name": false, "a/b/c": false, "../b": false, "a/..": false, "a/.git": false,
		"a/b\n": false, "a /b": false, "ä/b": false, `a\b`: false, strings.Repeat("o", 48) + "/" + strings.Repeat("n", 48): false,
	} {
		if err := hub.CheckRepo(repo); (err == nil) != good {
			t.Errorf("%q: %v", repo, err)
		}
	}
}

func TestCheckPath(t *testing.T) {
	for name, good := range map[string]bool{
		"a": true, "a/b.c": true, "..a/b..": true, "a b/ä%#?": true, ".gitattributes": true, strings.Repeat("p", 1024): true,
		"": false, "/a": false, "a/": false, "a//b": false, ".": false, "a/./b": false, "a/../b": false, "..": false, ".git/config": false, "a/.GIT": false,
		`a\b`: false, "a\x00": false, "a\nb": false, "a\u0085b": false, "\xff": false, strings.Repeat("p", 1025): false,
	} {
		if err := hub.CheckPath(name); (err == nil) != good {
			t.Errorf("%q: %v", name, err)
		}
	}
}

// What CheckPath takes stays below any folder that it is joined to.
func FuzzCheckPath(f *testing.F) {
	for _, seed := range []string{"a/b", "../a", "/a", "a/..", "a//b", "a\\..\\b", "\u2024\u2024/a"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, name string) {
		if joined := path.Join("/folder", name); hub.CheckPath(name) == nil && joined != "/folder/"+name {
			t.Errorf("%q is %q", name, joined)
		}
	})
}

func TestIsSHA(t *testing.T) {
	sha := strings.Repeat("0a", 20)
	for s, want := range map[string]bool{sha: true, "": false, sha[1:]: false, sha + "0": false, strings.ToUpper(sha): false, sha + "\n": false, "main": false} {
		if hub.IsSHA(s) != want {
			t.Errorf("%q", s)
		}
	}
}
