// Package filter holds the stages that keep or drop documents by rules: the URL
// filter, Gopher's repetition and quality rules, C4's and FineWeb's own. Each
// stage is one file with its parameters, thresholds as FineWeb used them
// (Penedo et al. 2024, section 3 and appendix E; datatrove 0.2.0, the release
// profile) and the reasons it gives. Rules are checked in the order in which
// they are listed; the first that fails names the drop.
//
// Lengths are counted in characters (Unicode code points). A ratio is one
// division of two whole numbers in double precision, compared as it stands.
package filter

import (
	"unicode/utf8"

	"finest/pipeline"
	"finest/pipeline/words"
)

// ratio returns a/b, and 0 where b is 0.
func ratio(a, b int) float64 {
	if b == 0 {
		return 0
	}
	return float64(a) / float64(b)
}

// drop is a shorthand for a drop by a measured value.
func drop(reason string, value float64) *pipeline.Drop {
	return &pipeline.Drop{Reason: reason, Value: value}
}

// splitter reads the parameter that names how words are cut.
func splitter(p *pipeline.Params) pipeline.Splitter {
	p.Choice("words", "nltk")
	return words.NLTK()
}

// repeats counts the elements that occurred before in the list, and their
// characters; the first occurrence of each is free.
func repeats(list []string) (count, characters int) {
	seen := make(map[string]struct{}, len(list))
	for _, s := range list {
		if _, ok := seen[s]; ok {
			count++
			characters += utf8.RuneCountInString(s)
			continue
		}
		seen[s] = struct{}{}
	}
	return count, characters
}
