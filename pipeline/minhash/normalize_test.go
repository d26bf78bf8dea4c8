package minhash_test

import (
	"testing"
	"unicode/utf8"

	"finest/pipeline/minhash"
)

// Values of datatrove 0.2's simplify_text.
func TestNormalize(t *testing.T) {
	for _, tt := range []struct{ text, want string }{
		{"", ""},
		{"|$17.56||1|\n|$15.37||2599|", "0 0"},
		{"Don't STOP — it's 1,234.56 €!", "dont stop  its 0 €"},
		{"Crème brûlée: 3½ cups… №5", "creme brulee 0½ cups №0"},
		{"Cre\u0300me", "creme"},
		{"state-of-the-art (2024)", "stateoftheart 0"},
		{"e-mail@x.com 10km/h 1.2.3.4", "emailxcom 0kmh 0"},
		{" \t a\x1cb\u00a0c \n", "a b c"},
		{"tab\x00nul\x7fdel\u0085next", "tabnuldel next"},
		{"ΟΔΟΣ ΟΔΟΣ", "οδος οδος"},
		{"İstanbul", "istanbul"},
		{"١٢٣ and １２", "0 and 0"},
		{"한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8"},
		{"‘kept’ • © °", "‘kept • © °"},
	} {
		if got := minhash.Normalize(tt.text); got != tt.want {
			t.Errorf("Normalize(%q) = %q, want %q", tt.text, got, tt.want)
		}
	}
}

func TestNormalizeDeletesAllPunctuation(t *testing.T) {
	set := "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" +
		"´«»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"
	for c := range rune(0xa0) {
		if c != '\t' && c != '\n' && (c < ' ' || c >= 0x7f) {
			set += string(c)
		}
	}
	if got := minhash.Normalize(set); got != "" {
		t.Errorf("left over: %q", got)
	}
}

func FuzzNormalize(f *testing.F) {
	f.Add("Crème brûlée: 3½ cups… №5")
	f.Add("ΟΔΟΣ İ \x1c\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		if got := minhash.Normalize(text); utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Errorf("Normalize(%q) = %q is not valid UTF-8", text, got)
		}
	})
}
