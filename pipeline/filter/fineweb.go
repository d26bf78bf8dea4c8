package filter

import (
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/words"
)

// FineWeb drops lists, menus and other text cut into short or repeated lines:
// the rules that FineWeb adds (Penedo et al. 2024, section 3.6).
type FineWeb struct {
	profile                                 fineWebProfile
	splitter                                pipeline.Splitter
	linePunct, shortLine, duplicates, lists float64
	excludeZero                             bool
	shortLength                             int
	isStop                                  func(last rune) bool
}

// fineWebProfile is what the profiles do differently.
type fineWebProfile struct {
	// blankLines count among the lines whose ends and lengths are judged.
	blankLines bool
	// tooLow and tooHigh compare a ratio with its limit.
	tooLow, tooHigh func(ratio, limit float64) bool
}

func fineWebProfileOf(p *pipeline.Params) fineWebProfile {
	return pipeline.Profile(p,
		fineWebProfile{
			blankLines: true,
			tooLow:     func(ratio, limit float64) bool { return ratio <= limit },
			tooHigh:    func(ratio, limit float64) bool { return ratio >= limit },
		},
		fineWebProfile{
			tooLow:  func(ratio, limit float64) bool { return ratio < limit },
			tooHigh: func(ratio, limit float64) bool { return ratio > limit },
		})
}

// FineWebSpec returns the stage as FineWeb used it.
//
//	profile                  release: blank lines count as lines in the first two
//	                         rules, and the limits of the first three are within
//	                         what is dropped; head: neither
//	words                    the word splitter
//	stop_chars               what a line may end with to count as punctuated:
//	                         characters, or terminal for all terminal marks (head)
//	line_punct_thr           lowest share of punctuated lines
//	line_punct_exclude_zero  but not where no line is punctuated
//	short_line_thr           highest share of short lines
//	short_line_length        longest short line, in characters
//	char_duplicates_ratio    highest share of characters in repeated lines
//	new_line_ratio           highest ratio of line feeds to words
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
	isStop, stopErr := endings(p.List("stop_chars"))
	f := &FineWeb{
		profile:     fineWebProfileOf(p),
		splitter:    words.FromParams(p),
		isStop:      isStop,
		linePunct:   p.Float("line_punct_thr"),
		excludeZero: p.Bool("line_punct_exclude_zero"),
		shortLine:   p.Float("short_line_thr"),
		shortLength: p.Int("short_line_length"),
		duplicates:  p.Float("char_duplicates_ratio"),
		lists:       p.Float("new_line_ratio"),
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if stopErr != nil {
		return nil, fmt.Errorf("stage %s: parameter stop_chars: %w", spec.Name, stopErr)
	}
	return f, nil
}

// Name is "fineweb".
func (*FineWeb) Name() string { return "fineweb" }

// Process checks, in this order, for the reasons empty (head: nothing but blank
// lines), line_punct_ratio, short_line_ratio, char_dup_ratio and list_ratio.
func (f *FineWeb) Process(d *pipeline.Document) *pipeline.Drop {
	all := strings.Split(d.Text, "\n")
	feeds := len(all) - 1
	filled := slices.DeleteFunc(slices.Clone(all), func(line string) bool { return words.TrimSpace(line) == "" })

	judged := filled
	if f.profile.blankLines {
		judged = all
	}
	if len(judged) == 0 {
		return drop("empty", 0)
	}
	punctuated, short := 0, 0
	for _, line := range judged {
		if last, size := utf8.DecodeLastRuneInString(line); size > 0 && f.isStop(last) {
			punctuated++
		}
		if utf8.RuneCountInString(line) <= f.shortLength {
			short++
		}
	}
	if v := ratio(punctuated, len(judged)); f.profile.tooLow(v, f.linePunct) && !(punctuated == 0 && f.excludeZero) {
		return drop("line_punct_ratio", v)
	}
	if v := ratio(short, len(judged)); f.profile.tooHigh(v, f.shortLine) {
		return drop("short_line_ratio", v)
	}
	_, characters := repeats(filled)
	if v := ratio(characters, utf8.RuneCountInString(d.Text)-feeds); f.profile.tooHigh(v, f.duplicates) {
		return drop("char_dup_ratio", v)
	}
	if v := ratio(feeds, len(d.Words(f.splitter))); v > f.lists {
		return drop("list_ratio", v)
	}
	return nil
}
