package main

import (
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/eval/lm/bpe"
)

func TestForms(t *testing.T) {
	for _, tc := range []struct{ form, raw, want string }{
		{"markdown", "---\ntitle: x\n---\n# Head #\n\nSome **bold** `code` and a [link](http://x \"y\"), ![no](i.png)\n> * one\n\n```go\nfunc()\n```\n{{< tag >}}<b>end</b> &amp; out\n\n\n\n[a]: http://x\n", "Head\n\nSome bold code and a link,\none\n\nend & out\n"},
		{"xml", `<document><metadata><title>no</title></metadata><title>Head</title><content><para>A <emphasis>b</emphasis>&nbsp;c` + "\n" + `d</para><note><para>e<math>f</math></para></note></content></document>`, "Head\nA b c d\ne\n"},
		{"book", "Notice\r\n*** START OF THIS PROJECT ***\r\n\r\nA line\r\nand more.\r\n\r\nNext\r\n*** END OF THIS PROJECT ***\r\nNotice", "A line and more.\n\nNext\n"},
		{"conllu", "# newpar\n# sent_id = 1\n# text = A b.\n1\tA\n# text = C.\n# newpar id\n# text = D.\n", "A b. C.\n\nD.\n"},
	} {
		if got, err := forms[tc.form]([]byte(tc.raw)); err != nil || got != tc.want {
			t.Errorf("%s: %q, %v, want %q", tc.form, got, err, tc.want)
		}
	}
	if _, err := forms["book"]([]byte("no notices")); err == nil {
		t.Error("a book without notices is read")
	}
}

func TestParseSources(t *testing.T) {
	good := "a/b\t" + strings.Repeat("0", 40) + "\tbook\t9\tfree\tx y"
	s, err := parseSources(columns + "\n" + good + "\n")
	if err != nil || len(s) != 1 || s[0].Limit != 9 || !slices.Equal(s[0].Paths, []string{"x", "y"}) {
		t.Errorf("%+v, %v", s, err)
	}
	for _, bad := range []string{"", "x", columns + "\nx", columns + "\n" + good[1:] + "\tz", columns + "\n" + strings.Replace(good, "book", "film", 1), columns + "\n" + strings.Replace(good, "9", "-9", 1), columns + "\n" + strings.Replace(good, "00", "0", 1)} {
		if _, err := parseSources(bad); err == nil {
			t.Errorf("%q is read", bad)
		}
	}
}

// The listed sources must be those that the command can read.
func TestCommittedSources(t *testing.T) {
	raw, err := os.ReadFile("../data/sources.tsv")
	if err != nil {
		t.Fatal(err)
	}
	if sources, err := parseSources(string(raw)); err != nil || len(sources) < 10 {
		t.Errorf("%d sources, %v", len(sources), err)
	}
}

func TestTrainFromClones(t *testing.T) {
	if _, err := exec.LookPath("git"); err != nil {
		t.Skip("git is not installed")
	}
	folder := t.TempDir()
	clone := filepath.Join(folder, "some", "prose")
	write(t, filepath.Join(clone, "pages", "a.md"), "# abab abab\n")
	write(t, filepath.Join(clone, "pages", "b.md"), "abab\n")
	write(t, filepath.Join(clone, "notes", "c.md"), strings.Repeat("zz", 99))
	git(t, clone, "init", "-q")
	git(t, clone, "add", ".")
	git(t, clone, "-c", "user.name=a", "-c", "user.email=a@b", "commit", "-q", "-m", "x")
	commit := git(t, clone, "rev-parse", "HEAD")
	write(t, filepath.Join(clone, "pages", "a.md"), strings.Repeat("yy", 99)) // not in the commit

	list, out := filepath.Join(folder, "sources.tsv"), filepath.Join(folder, "merges.txt")
	write(t, list, columns+"\nsome/prose\t"+commit+"\tmarkdown\t1000\tCC0-1.0\t:(glob)pages/*.md\n")
	args := []string{"-clones", folder, "-sources", list, "-out", out, "-vocab", "259"}
	if err := run(t.Context(), args); err != nil {
		t.Fatal(err)
	}
	raw, err := os.ReadFile(out)
	if err != nil {
		t.Fatal(err)
	}
	if m, err := bpe.Parse(raw); err != nil || !slices.Equal(m, bpe.Merges{{Left: 'a', Right: 'b'}, {Left: 257, Right: 257}}) {
		t.Errorf("learnt %v, %v", m, err)
	}
	write(t, list, columns+"\nsome/prose\t"+strings.Repeat("0", 40)+"\tmarkdown\t1000\tCC0-1.0\tpages\n")
	if err := run(t.Context(), args); err == nil || !strings.Contains(err.Error(), "some/prose") {
		t.Errorf("an unknown commit: %v", err)
	}
}

func write(t *testing.T, name, text string) {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func git(t *testing.T, folder string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "git", append([]string{"-C", folder}, args...)...).CombinedOutput()
	if err != nil {
		t.Fatalf("git %v: %v: %s", args, err, out)
	}
	return strings.TrimSpace(string(out))
}
