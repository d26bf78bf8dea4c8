package langid_test

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"maps"
	"math"
	"os"
	"strings"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/assets"
	"finest/pipeline/langid"
)

func newLanguage(t testing.TB, params map[string]string) pipeline.Stage {
	t.Helper()
	spec := langid.LanguageSpec()
	maps.Copy(spec.Params, params)
	stage, err := langid.NewLanguage(spec, "")
	if err != nil {
		t.Fatal(err)
	}
	return stage
}

// TestLanguage holds against labels and scores of fastText 0.9.2 with the same
// model; scores are equal bit for bit.
func TestLanguage(t *testing.T) {
	tests := []struct {
		text, language string
		score          float64
		keep           bool
	}{
		{"The quick brown fox jumps over the lazy dog near the river bank.", "en", 0x1.e1e52cp-1, true},
		{"The quick brown fox jumps over\n the lazy dog near the river bank.", "en", 0x1.e1e52cp-1, true},
		{"Le chat dort sur le canapé pendant que la pluie tombe dehors.", "fr", 0x1.dd0b1p-1, false},
		{"O gato dorme no sofá enquanto a chuva cai lá fora.", "pt", 0x1.aae1fap-1, false},
		{"Il gatto dorme sul divano mentre fuori piove a dirotto.", "it", 0x1.e705a6p-1, false},
		{"Die Katze schläft auf dem Sofa, während es draußen regnet.", "de", 0x1.f951acp-1, false},
		{"猫在沙发上睡觉，外面下着雨。", "ja", 0x1.089ed4p-1, false},
		{"ok", "en", 0x1.42709p-1, false},
		{"", "en", 0x1.fdf818p-4, false},
		{"a </s> der die das", "en", 0x1.fdf818p-4, false},
		{"__label__fr", "en", 0x1.fdf818p-4, false},
	}
	stage := newLanguage(t, nil)
	for _, tt := range tests {
		d := &pipeline.Document{Text: tt.text}
		drop := stage.Process(d)
		if d.Language != tt.language || d.LanguageScore != tt.score {
			t.Errorf("%q is %s %x, want %s %x", tt.text, d.Language, d.LanguageScore, tt.language, tt.score)
		}
		if (drop == nil) != tt.keep {
			t.Errorf("%q: drop %v, want keep %v", tt.text, drop, tt.keep)
		}
		if drop != nil && (drop.Reason != "language" || drop.Value != tt.score) {
			t.Errorf("%q: drop %+v", tt.text, *drop)
		}
	}
}

// TestProfiles holds what sets the profiles apart.
func TestProfiles(t *testing.T) {
	const (
		italian = "Il gatto dorme sul divano mentre fuori piove a dirotto."
		mixed   = "Il gatto dorme, but the cat of our neighbours sleeps on the sofa while it is raining outside"
	)
	for name, tt := range map[string]struct {
		params   map[string]string
		text     string
		language string
		keep     bool
	}{
		"wanted language":               {map[string]string{"languages": "en it"}, italian, "it", true},
		"at the threshold":              {map[string]string{"languages": "it", "threshold": "0.9512150287628174"}, italian, "it", false},
		"below the threshold":           {map[string]string{"languages": "it", "threshold": "0.951214969158172"}, italian, "it", true},
		"all":                           {map[string]string{"languages": "*"}, italian, "it", true},
		"all, low score":                {map[string]string{"languages": "*"}, "ok", "en", false},
		"second best, release":          {map[string]string{"languages": "it", "threshold": "0.01"}, mixed, "en", false},
		"second best, head":             {map[string]string{"profile": "head", "languages": "it", "threshold": "0.01"}, mixed, "en", true},
		"second best too low, head":     {map[string]string{"profile": "head", "languages": "it"}, mixed, "en", false},
		"all, head":                     {map[string]string{"profile": "head", "languages": "*"}, italian, "it", true},
		"all, low score, head":          {map[string]string{"profile": "head", "languages": "*"}, "ok", "en", false},
		"nothing dropped, head":         {map[string]string{"profile": "head", "languages": "*", "threshold": "-1"}, "", "en", true},
		"line feeds are spaces in head": {map[string]string{"profile": "head"}, "The quick brown\nfox jumps over the lazy\ndog near the river bank.", "en", true},
	} {
		d := &pipeline.Document{Text: tt.text}
		drop := newLanguage(t, tt.params).Process(d)
		if d.Language != tt.language || (drop == nil) != tt.keep {
			t.Errorf("%s: %s %v, dropped %v, want %s kept %t", name, d.Language, d.LanguageScore, drop, tt.language, tt.keep)
		}
	}

	joined := &pipeline.Document{Text: "river\nbank"}
	spaced := &pipeline.Document{Text: "river\nbank"}
	newLanguage(t, nil).Process(joined)
	newLanguage(t, map[string]string{"profile": "head"}).Process(spaced)
	for d, text := range map[*pipeline.Document]string{joined: "riverbank", spaced: "river bank"} {
		want := &pipeline.Document{Text: text}
		newLanguage(t, nil).Process(want)
		if d.LanguageScore != want.LanguageScore {
			t.Errorf("the two lines score %v, want the %v of %q", d.LanguageScore, want.LanguageScore, text)
		}
	}
}

func TestLanguageParameters(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(*pipeline.StageSpec)
		want   string
	}{
		"missing parameter": {func(s *pipeline.StageSpec) { delete(s.Params, "threshold") }, "threshold"},
		"unknown parameter": {func(s *pipeline.StageSpec) { s.Params["k"] = "1" }, "k"},
		"other profile":     {func(s *pipeline.StageSpec) { s.Params["profile"] = "trunk" }, "profile"},
		"no language":       {func(s *pipeline.StageSpec) { s.Params["languages"] = " " }, "languages"},
		"no label":          {func(s *pipeline.StageSpec) { s.Params["languages"] = "en eng" }, `"eng" is none of the 176 labels`},
		"no model":          {func(s *pipeline.StageSpec) { s.Assets = nil }, "one asset"},
		"missing model": {func(s *pipeline.StageSpec) {
			s.Assets = []contract.Asset{{Name: assets.LanguageModel, SHA256: langid.ModelSHA256}}
		}, assets.LanguageModel},
	} {
		spec := langid.LanguageSpec()
		tt.change(&spec)
		if _, err := langid.NewLanguage(spec, t.TempDir()); err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %s", name, err, tt.want)
		}
	}
}

// TestModelFromAsset runs the stage on a model from the folder of assets.
func TestModelFromAsset(t *testing.T) {
	raw, err := os.ReadFile("testdata/tree.bin")
	if err != nil {
		t.Fatal(err)
	}
	spec := langid.LanguageSpec()
	sum := sha256.Sum256(raw)
	spec.Assets = []contract.Asset{{Name: "tree.bin", SHA256: hex.EncodeToString(sum[:])}}
	spec.Params["languages"] = "ru"
	stage, err := langid.NewLanguage(spec, "testdata")
	if err != nil {
		t.Fatal(err)
	}
	d := &pipeline.Document{Text: "она написала брату длинное письмо"}
	if drop := stage.Process(d); drop != nil || d.Language != "ru" {
		t.Errorf("%s, dropped %v", d.Language, drop)
	}

	spec.Assets[0].Name = "train.py"
	if _, err := langid.NewLanguage(spec, "testdata"); !errors.Is(err, assets.ErrContent) {
		t.Errorf("another file: error %v", err)
	}
}

func FuzzPredict(f *testing.F) {
	stage := newLanguage(f, nil)
	f.Add("a \x00 </s> __label__ \xff\xfe é")
	f.Fuzz(func(t *testing.T, text string) {
		d := &pipeline.Document{Text: text}
		stage.Process(d)
		if math.IsNaN(d.LanguageScore) || d.LanguageScore < 0 || d.LanguageScore > 1.0001 {
			t.Errorf("score %v", d.LanguageScore)
		}
	})
}
