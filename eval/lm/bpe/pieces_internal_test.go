package bpe

import (
	"strings"
	"testing"
)

func split(text string) []string {
	var pieces []string
	for p := (piece{}); p.next([]byte(text)); {
		pieces = append(pieces, text[p.start:p.end])
	}
	return pieces
}

func TestPieces(t *testing.T) {
	long := strings.Repeat("x", MaxPiece)
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
