package minhash_test

import (
	"testing"
	"unicode/utf8"

	"finest/pipeline/minhash"
)

// punctuation is the set of both versions of datatrove.
func punctuation() string {
	set := "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~" +
		"´«»–—’“”„…∶━►、。〈〉《》「」【】！％（），．１：；？～"
	for c := range rune(0xa0) {
		if c != '\t' && c != '\n' && (c < ' ' || c >= 0x7f) {
			set += string(c)
		}
	}
	return set
}

// Values of simplify_text, by execution of datatrove 0.2.0 and 0.10.1.
func TestApply(t *testing.T) {
	for _, tt := range []struct{ text, release, head string }{
		{"", "", ""},
		{"|$17.56||1|\n|$15.37||2599|", "0 0", "0 0 0 0"},
		{"Don't STOP — it's 1,234.56 €!", "dont stop  its 0 €", "don t stop it s 0 0 €"},
		{"Crème brûlée: 3½ cups… №5", "creme brulee 0½ cups №0", "creme brulee 0½ cups №0"},
		{"Cre\u0300me", "creme", "creme"},
		{"state-of-the-art (2024)", "stateoftheart 0", "state of the art 0"},
		{"e-mail@x.com 10km/h 1.2.3.4", "emailxcom 0kmh 0", "e mail x com 0km h 0 0"},
		{punctuation(), "", "0"}, // the set holds a full-width digit
		{" \t a\x1cb\u00a0c \n", "a b c", "a b c"},
		{"tab\x00nul\x7fdel\u0085next", "tabnuldel next", "tab nul del next"},
		{"ΟΔΟΣ ΟΔΟΣ", "οδος οδος", "οδος οδος"},
		{"İstanbul", "istanbul", "istanbul"},
		{"١٢٣ and １２", "0 and 0", "0 and 0"},
		{"한국", "\u1112\u1161\u11ab\u1100\u116e\u11a8", "\u1112\u1161\u11ab\u1100\u116e\u11a8"},
		{"‘kept’ • © °", "‘kept • © °", "‘kept • © °"},
		{"1\u03082 3\u0308.4", "0 0", "00 0 0"},
		{"1.,2 3. 4٫5 6،7 8⎖9", "0 0 0٫0 0،0 0⎖0", "0 0 0 0 0 0"},
		{"a \u0301 b", "a  b", "a  b"},
		{"-\u0301x", "x", "x"},
		{"१२.३४.५", "0", "0 0"},
		{"!1!", "0", "0"},
	} {
		if got := minhash.Release.Apply(tt.text); got != tt.release {
			t.Errorf("release of %q = %q, want %q", tt.text, got, tt.release)
		}
		if got := minhash.Head.Apply(tt.text); got != tt.head {
			t.Errorf("head of %q = %q, want %q", tt.text, got, tt.head)
		}
	}
}

func FuzzApply(f *testing.F) {
	f.Add("Crème brûlée: 3½ cups… №5")
	f.Add("ΟΔΟΣ İ \x1c\u2028")
	f.Fuzz(func(t *testing.T, text string) {
		for _, n := range []minhash.Normalization{minhash.Release, minhash.Head} {
			if got := n.Apply(text); utf8.ValidString(text) && !utf8.ValidString(got) {
				t.Errorf("%s of %q = %q is not valid UTF-8", n, text, got)
			}
		}
	})
}
