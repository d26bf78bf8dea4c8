package filter_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/filter"
	"finest/pipeline/stagetest"
)

// lists are short stand-ins for the real files.
var lists = map[string]string{
	"domains": "# a comment\nblocked.com\n danger.org \nbadsubdomain.nice.com\nshop.co.uk\n\n" +
		"süd.de\nprivate.github.io\ngithub.io\nCased.com",
	"urls":                  "http://nice.com/bad page\nnice.com/worse\n",
	"banned_words.txt":      "#no\nhard\nBad-Word\n",
	"banned_subwords.txt":   "sub word\n",
	"soft_banned_words.txt": "mild\nsoft\nsoft\n",
}

// listFiles writes lists into a folder and returns it with a spec that pins them.
func listFiles(t testing.TB, lists map[string]string) (pipeline.StageSpec, string) {
	t.Helper()
	dir := t.TempDir()
	spec := filter.URLSpec()
	for i, a := range spec.Assets {
		content := lists[a.Name]
		if err := os.WriteFile(filepath.Join(dir, a.Name), []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256([]byte(content))
		spec.Assets[i].SHA256 = hex.EncodeToString(sum[:])
	}
	return spec, dir
}

func TestURL(t *testing.T) {
	spec, dir := listFiles(t, lists)
	stage, err := filter.NewURL(spec, dir)
	if err != nil {
		t.Fatal(err)
	}
	for url, want := range map[string]string{
		"https://blocked.com/page?x=1":          "domain",
		"http://u:p@blocked.com:80":             "domain",
		"//blocked.com#f":                       "domain",
		"blocked.com.":                          "domain",
		"http://hey.danger.org":                 "domain",
		"https://www.danger.org/":               "domain",
		"http://a.b.shop.co.uk/":                "domain",
		"http://www.süd.de/":                    "domain",
		"http://Cased.com":                      "domain",
		"http://cased.com":                      "",
		"http://private.github.io/":             "domain", // github.io is a private suffix and does not count
		"http://nice.com/":                      "",
		"http://badsubdomain.nice.com/":         "subdomain",
		"http://sdsd.badsubdomain.nice.com":     "",
		"http://blocke.dcom":                    "",
		"http://co.uk/":                         "",
		"http://192.0.2.1/":                     "",
		"http://nice.com/bad page":              "url",
		"http://nice.com/bad%20page":            "",
		"nice.com/worse":                        "url",
		"http://nice.com/a-hard_one":            "hard_blacklisted",
		"http://nice.com/HARD":                  "",
		"http://nice.com/badword":               "hard_blacklisted",
		"http://nice.com/bad-word":              "",
		"http://nice.com/soft-mild":             "soft_blacklisted",
		"http://nice.com/soft-soft":             "",
		"http://nice.com/my-SUB-words":          "blacklisted_subword",
		"http://nice.com/s/u/b/w/o/r/d":         "blacklisted_subword",
		"":                                      "",
		"dns:":                                  "",
		"http://[::1]/":                         "",
		strings.Repeat("a.", 2000) + "com/hard": "hard_blacklisted",
	} {
		reason := ""
		if drop := stage.Process(&pipeline.Document{URL: url}); drop != nil {
			reason = drop.Reason
		}
		if reason != want {
			t.Errorf("%.80q: %q, want %q", url, reason, want)
		}
	}
}

func TestURLKeepsTheContract(t *testing.T) {
	spec, dir := listFiles(t, lists)
	stagetest.Suite(t, spec, func(s pipeline.StageSpec) (pipeline.Stage, error) { return filter.NewURL(s, dir) })
}

func TestURLAssets(t *testing.T) {
	spec, dir := listFiles(t, lists)
	for _, name := range []string{"urls", "domains"} {
		if err := os.Remove(filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	var missing *assets.MissingError
	if _, err := filter.NewURL(spec, dir); !errors.As(err, &missing) || !slices.Equal(missing.Names, []string{"domains", "urls"}) {
		t.Errorf("two files removed: error %v", err)
	}
	if _, err := filter.NewURL(filter.URLSpec(), ""); !errors.As(err, &missing) || len(missing.Names) != 5 {
		t.Errorf("no folder: error %v", err)
	}

	spec, dir = listFiles(t, lists)
	spec.Assets[2].SHA256 = strings.Repeat("0", 64)
	if _, err := filter.NewURL(spec, dir); err == nil || errors.As(err, &missing) || !strings.Contains(err.Error(), "banned_words.txt") {
		t.Errorf("another hash: error %v", err)
	}
	spec.Assets[2].Name = "../banned_words.txt"
	if _, err := filter.NewURL(spec, dir); err == nil || errors.As(err, &missing) {
		t.Errorf("a name outside the folder: error %v", err)
	}
	spec, dir = listFiles(t, lists)
	spec.Assets = spec.Assets[:4]
	if _, err := filter.NewURL(spec, dir); err == nil {
		t.Error("a recipe without one of the lists: no error")
	}
}
