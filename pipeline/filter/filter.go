// Package filter holds the stages that keep or drop documents by rules: the URL
// filter, Gopher's repetition and quality rules, C4's and FineWeb's own. Each
// stage is one file with its parameters, thresholds as FineWeb used them
// (Penedo et al. 2024, section 3 and appendix E), what the profiles do
// differently (release: datatrove 0.2.0, head: 0.10.1) and the reasons it gives. Rules are checked in the order in which
// they are listed; the first that fails names the drop.
//
// Lengths are counted in characters (Unicode code points). A ratio is one
// division of two whole numbers in double precision, compared as it stands.
package filter

import (
	"strings"
	"unicode/utf8"

	"finest/pipeline"
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

// splitAtFeeds cuts text at every run of at least that many line feeds, as
// Python's re.split does: text that begins or ends with one has an empty first
// or last piece.
func splitAtFeeds(text string, atLeast int) []string {
	var pieces []string
	start := 0
	for i := 0; i < len(text); {
		if text[i] != '\n' {
			next := strings.IndexByte(text[i:], '\n')
			if next < 0 {
				break
			}
			i += next
		}
		end := i
		for end < len(text) && text[end] == '\n' {
			end++
		}
		if end-i >= atLeast {
			pieces = append(pieces, text[start:i])
			start = end
		}
		i = end
	}
	return append(pieces, text[start:])
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
