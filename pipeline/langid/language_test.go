package langid_test

import (
	"math"
	"testing"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/langid"
)

func newLanguage(t testing.TB) pipeline.Stage {
	t.Helper()
	stage, err := langid.NewLanguage(langid.LanguageSpec())
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
	stage := newLanguage(t)
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

func TestLanguageParameters(t *testing.T) {
	spec := langid.LanguageSpec()
	spec.Params["languages"] = "en it"
	spec.Params["threshold"] = "0.951214969158172" // just below the score of the text
	stage, err := langid.NewLanguage(spec)
	if err != nil {
		t.Fatal(err)
	}
	if drop := stage.Process(&pipeline.Document{Text: "Il gatto dorme sul divano mentre fuori piove a dirotto."}); drop != nil {
		t.Errorf("a wanted language is dropped: %+v", *drop)
	}

	for name, change := range map[string]func(*pipeline.StageSpec){
		"missing parameter": func(s *pipeline.StageSpec) { delete(s.Params, "threshold") },
		"unknown parameter": func(s *pipeline.StageSpec) { s.Params["k"] = "1" },
		"other profile":     func(s *pipeline.StageSpec) { s.Params["profile"] = "head" },
		"no model":          func(s *pipeline.StageSpec) { s.Assets = nil },
		"other model": func(s *pipeline.StageSpec) {
			s.Assets = []contract.Asset{{Name: "lid.176.bin", SHA256: langid.ModelSHA256}}
		},
	} {
		spec := langid.LanguageSpec()
		change(&spec)
		if _, err := langid.NewLanguage(spec); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func FuzzPredict(f *testing.F) {
	stage := newLanguage(f)
	f.Add("a \x00 </s> __label__ \xff\xfe é")
	f.Fuzz(func(t *testing.T, text string) {
		d := &pipeline.Document{Text: text}
		stage.Process(d)
		if math.IsNaN(d.LanguageScore) || d.LanguageScore < 0 || d.LanguageScore > 1.0001 {
			t.Errorf("score %v", d.LanguageScore)
		}
	})
}
