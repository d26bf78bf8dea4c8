package filter_test

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/filter"
	"finest/pipeline/stagetest"
)

// pin writes a file into dir and returns the asset that pins it.
func pin(t testing.TB, dir, name, content string) contract.Asset {
	t.Helper()
	if err := os.WriteFile(filepath.Join(dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha256.Sum256([]byte(content))
	return contract.Asset{Name: name, SHA256: hex.EncodeToString(sum[:])}
}

// badWords returns the stage with lists of harmless words, by language, and its
// spec.
func badWords(t testing.TB, params, lists map[string]string) (stage pipeline.Stage, spec pipeline.StageSpec, dir string) {
	t.Helper()
	dir = t.TempDir()
	spec = filter.C4BadWordsSpec()
	spec.Assets = nil
	var languages []string
	for language, list := range lists {
		languages = append(languages, language)
		spec.Assets = append(spec.Assets, pin(t, dir, assets.BadWords(language), list))
	}
	spec.Params["languages"] = strings.Join(languages, " ")
	for name, v := range params {
		spec.Params[name] = v
	}
	stage, err := filter.NewC4BadWords(spec, dir)
	if err != nil {
		t.Fatal(err)
	}
	return stage, spec, dir
}

const unwanted = "document_removed_with_badwords"

func TestC4BadWords(t *testing.T) {
	stage, spec, dir := badWords(t, nil, map[string]string{
		"en": "turnip\nred  cabbage \nstew-pot\n+herbs\nSprout\nsm\n\n",
		"ja": "カブ\nsm\n赤い花\n",
	})
	for _, tt := range []struct {
		language, text, reason string
		value                  float64
	}{
		{"en", "A Turnip, please.", unwanted, 2},
		{"en", "turnip", unwanted, 0},
		{"en", "two turnips and myturnip and turnip_", "", 0},
		{"en", "x\nred  cabbage!", unwanted, 2},
		{"en", "red cabbage", "", 0},
		{"en", "the stew-pot", unwanted, 4},
		{"en", "a +herbs b", unwanted, 2},
		{"en", "é+herbs", "", 0},
		{"en", "éé, turnip²", "", 0}, // a superscript belongs to a word
		{"en", "éé, turnip・", unwanted, 4},
		{"en", "sprout Sprout", "", 0}, // capitals in lists match nothing
		{"en", "sm", "", 0},
		{"", "turnip", unwanted, 0},
		{"de", "turnip", "", 0},
		{"ja", "大きなカブです", unwanted, 3},
		{"ja", "turnip", "", 0},
		{"ja", "赤い", "", 0},
		{"en", "", "", 0},
	} {
		drop := stage.Process(&pipeline.Document{Text: tt.text, Language: tt.language})
		switch {
		case tt.reason == "" && drop != nil:
			t.Errorf("%s %q is dropped: %+v", tt.language, tt.text, *drop)
		case tt.reason != "" && (drop == nil || drop.Reason != tt.reason || drop.Value != tt.value):
			t.Errorf("%s %q: %v, want %s at %v", tt.language, tt.text, drop, tt.reason, tt.value)
		}
	}
	stagetest.Suite(t, spec, func(s pipeline.StageSpec) (pipeline.Stage, error) { return filter.NewC4BadWords(s, dir) })
}

// TestC4BadWordsByPattern holds the search against the reference's pattern.
func TestC4BadWordsByPattern(t *testing.T) {
	words := []string{"a", "ab", "b a", "-a", "a-", "é", "é b"}
	stage, _, _ := badWords(t, nil, map[string]string{"en": strings.Join(words, "\n")})
	var escaped []string
	for _, w := range words {
		escaped = append(escaped, regexp.QuoteMeta(w))
	}
	const outside = `[^\p{L}\p{N}_]`
	pattern := regexp.MustCompile(`(?:` + outside + `|^)(` + strings.Join(escaped, "|") + `)(?:` + outside + `|$)`)
	rapid.Check(t, func(rt *rapid.T) {
		text := strings.Join(rapid.SliceOfN(rapid.SampledFrom([]string{"a", "b", "x", "é", "_", "-", " ", "\n", "²", "。", "b a"}), 0, 9).Draw(rt, "text"), "")
		if got, want := stage.Process(&pipeline.Document{Text: text}) != nil, pattern.MatchString(text); got != want {
			rt.Fatalf("%q: found %t, by the pattern %t", text, got, want)
		}
	})
}

func TestC4BadWordsKeepsAFraction(t *testing.T) {
	stage, _, _ := badWords(t, map[string]string{"keep_fraction": "0.25"}, map[string]string{"en": "turnip"})
	kept := 0
	const records = 4000
	for i := range records {
		id := fmt.Sprintf("<urn:uuid:%d>", i)
		first := stage.Process(&pipeline.Document{ID: id, Text: "turnip"})
		if again := stage.Process(&pipeline.Document{ID: id, Text: "a turnip"}); (again == nil) != (first == nil) {
			t.Fatalf("record %s is kept once and dropped once", id)
		}
		if first == nil {
			kept++
		}
	}
	if kept < records/4-150 || kept > records/4+150 {
		t.Errorf("%d of %d records are kept, want about a quarter", kept, records)
	}
}

func TestC4BadWordsAssets(t *testing.T) {
	dir := t.TempDir()
	english := pin(t, dir, assets.BadWords("en"), "turnip")
	for name, tt := range map[string]struct {
		languages string
		assets    []contract.Asset
		want      string
	}{
		"no list":        {"en de", []contract.Asset{english}, "badwords_de.txt for language de"},
		"unused list":    {"en", []contract.Asset{english, pin(t, dir, "more.txt", "")}, "2 assets for 1 languages"},
		"missing list":   {"de", assets.MustPin(assets.BadWords("de")), "finest assets pull"},
		"list not UTF-8": {"fr", []contract.Asset{pin(t, dir, assets.BadWords("fr"), "\xff")}, "is not UTF-8"},
		"no language":    {"", nil, "parameter languages: is empty"},
	} {
		spec := filter.C4BadWordsSpec()
		spec.Params["languages"], spec.Assets = tt.languages, tt.assets
		_, err := filter.NewC4BadWords(spec, dir)
		if (err == nil) != (tt.want == "") || err != nil && !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", name, err, tt.want)
		}
	}
}
