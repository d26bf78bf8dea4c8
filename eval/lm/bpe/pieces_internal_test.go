package bpe

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"strings"
	"testing"
	"unicode"
)

func split(text string) []string {
	var pieces []string
	for p := (piece{}); p.next([]byte(text)); {
		pieces = append(pieces, text[p.start:p.end])
	}
	return pieces
}

// TestKindsAreFixed holds the kinds of all characters. They are those of the
// Unicode tables that Go brings: where a later Go has other ones, the same text has
// other tokens, so version changes or the old kinds are kept.
func TestKindsAreFixed(t *testing.T) {
	var kinds []byte
	for r := range rune(unicode.MaxRune + 1) {
		kinds = binary.LittleEndian.AppendUint32(kinds, uint32(runeKind(r)))
	}
	sum := sha256.Sum256(kinds)
	const want = "3408cafe63db39e637edb7ccab43ff7397facc2696d4628718f84b4fa17d6788"
	if got := hex.EncodeToString(sum[:]); got != want {
		t.Errorf("with Unicode %s the kinds of characters have the digest %s, not %s", unicode.Version, got, want)
	}
}

func TestPieces(t *testing.T) {
	long := strings.Repeat("x", maxPiece)
	for _, tc := range []struct{ text, want string }{
		{"ab cd", "ab| cd"},
		{"ab  cd", "ab| | cd"},
		{"naïve e\u0301t\u00a0é", "naïve| e\u0301t|\u00a0|é"},
		{"日本語 123", "日本語| 123"},
		{"x² ½", "x|²| ½"},
		{"a\xffb\xc3", "a|\xff|b|\xc3"},
		{"l’homme ’x", "l|’homme| ’|x"},
		{strings.Repeat("é", 17), strings.Repeat("é", 16) + "|é"},
		{" " + strings.Repeat("é", 16), " " + strings.Repeat("é", 15) + "|é"},
		{"ab\n cd", "ab|\n| cd"},
		{"ab\n\ncd", "ab|\n\n|cd"},
		{"ab\r\ncd", "ab|\r|\n|cd"},
		{"a1b22", "a|1|b|22"},
		{"ab, cd!? .", "ab|,| cd|!?| ."},
		{"don't", "don|'t"},
		{"don''t 'tis a' b", "don|''|t| '|tis| a|'| b"},
		{" ", " "},
		{"   ", "   "},
		{long + "y", long + "|y"},
		{" " + long, " " + long[1:] + "|x"},
		{strings.Repeat(" ", 33) + "a", strings.Repeat(" ", 32) + "| a"},
		{strings.Repeat(" ", 34) + "a", strings.Repeat(" ", 32) + "| | a"},
	} {
		if got := strings.Join(split(tc.text), "|"); got != tc.want {
			t.Errorf("%q has the pieces %q, want %q", tc.text, got, tc.want)
		}
	}
}
