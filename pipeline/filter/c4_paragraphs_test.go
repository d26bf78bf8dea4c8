package filter_test

import (
	"strings"
	"testing"

	"finest/pipeline/filter"
)

func TestC4Paragraphs(t *testing.T) {
	long := strings.Repeat("é", 200)
	check(t, build(t, filter.C4ParagraphsSpec(), filter.NewC4Paragraphs, nil), []example{
		{strings.Repeat(strings.Repeat("x", 250)+"\n", 3), ""},
		{strings.Repeat("short\n", 3), "< 3 paragraphs"},
		{long + "\n\nshort\n" + long + "\n" + long, ""},
		{long + "\n" + long + "\n" + long[2:], "< 3 paragraphs"},
		{"", "< 3 paragraphs"},
	})
	check(t, build(t, filter.C4ParagraphsSpec(), filter.NewC4Paragraphs, map[string]string{"min_paragraphs": "1"}), []example{
		{long, ""},
		{"short", "< 1 paragraphs"},
	})
}
