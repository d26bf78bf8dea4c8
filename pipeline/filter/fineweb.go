package filter

import (
	"slices"
	"strings"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/words"
)

// FineWeb drops lists, menus and other text cut into short or repeated lines:
// the rules that FineWeb adds (Penedo et al. 2024, section 3.6).
type FineWeb struct {
	splitter                                pipeline.Splitter
	linePunct, shortLine, duplicates, lists float64
	excludeZero                             bool
	shortLength                             int
	stops                                   []string
}

// FineWebSpec returns the stage as FineWeb used it.
//
//	profile                  release: blank lines count as lines
//	words                    the word splitter
//	stop_chars               what a line may end with to count as punctuated
//	line_punct_thr           drop at or below this share of punctuated lines
//	line_punct_exclude_zero  but not where no line is punctuated
//	short_line_thr           drop at or above this share of short lines
//	short_line_length        longest short line, in characters
//	char_duplicates_ratio    drop at or above this share of characters in repeated lines
//	new_line_ratio           drop above this ratio of line feeds to words
func FineWebSpec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "fineweb",
		Params: map[string]string{
			"profile":                 "release",
			"words":                   "nltk",
			"stop_chars":              `. ' " ! ?`,
			"line_punct_thr":          "0.12",
			"line_punct_exclude_zero": "false",
			"short_line_thr":          "0.67",
			"short_line_length":       "30",
			"char_duplicates_ratio":   "0.01",
			"new_line_ratio":          "0.3",
		},
	}
}

// NewFineWeb builds the stage.
func NewFineWeb(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	p.Choice("profile", "release")
	f := &FineWeb{
		splitter:    splitter(p),
		stops:       p.List("stop_chars"),
		linePunct:   p.Float("line_punct_thr"),
		excludeZero: p.Bool("line_punct_exclude_zero"),
		shortLine:   p.Float("short_line_thr"),
		shortLength: p.Int("short_line_length"),
		duplicates:  p.Float("char_duplicates_ratio"),
		lists:       p.Float("new_line_ratio"),
	}
	return f, p.Err()
}

// Name is "fineweb".
func (*FineWeb) Name() string { return "fineweb" }

// Process checks, in this order, for the reasons line_punct_ratio,
// short_line_ratio, char_dup_ratio and list_ratio.
func (f *FineWeb) Process(d *pipeline.Document) *pipeline.Drop {
	lines := strings.Split(d.Text, "\n")
	punctuated, short := 0, 0
	for _, line := range lines {
		if f.isPunctuated(line) {
			punctuated++
		}
		if utf8.RuneCountInString(line) <= f.shortLength {
			short++
		}
	}
	if v := ratio(punctuated, len(lines)); v <= f.linePunct && !(punctuated == 0 && f.excludeZero) {
		return drop("line_punct_ratio", v)
	}
	if v := ratio(short, len(lines)); v >= f.shortLine {
		return drop("short_line_ratio", v)
	}

	feeds := len(lines) - 1
	lines = slices.DeleteFunc(lines, func(line string) bool { return words.TrimSpace(line) == "" })
	_, characters := repeats(lines)
	if v := ratio(characters, utf8.RuneCountInString(d.Text)-feeds); v >= f.duplicates {
		return drop("char_dup_ratio", v)
	}
	if v := ratio(feeds, len(d.Words(f.splitter))); v > f.lists {
		return drop("list_ratio", v)
	}
	return nil
}

func (f *FineWeb) isPunctuated(line string) bool {
	return slices.ContainsFunc(f.stops, func(stop string) bool { return strings.HasSuffix(line, stop) })
}
