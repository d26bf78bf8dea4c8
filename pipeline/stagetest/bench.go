package stagetest

import (
	"math/rand/v2"
	"strings"
	"testing"

	"finest/pipeline"
)

// Benchmark measures a stage over one document of 1 KB, 100 KB and 10 MB of
// prose, which shows whether its time per byte stays flat. Words are cut before,
// by the splitter, as another stage of a recipe would have done; without one
// nothing is.
func Benchmark(b *testing.B, stage pipeline.Stage, splitter pipeline.Splitter) {
	for _, size := range []struct {
		name  string
		bytes int
	}{{"1KB", 1e3}, {"100KB", 1e5}, {"10MB", 1e7}} {
		b.Run(size.name, func(b *testing.B) {
			fresh := pipeline.Document{ID: "<urn:uuid:00000000-0000-4000-8000-000000000001>", Text: Prose(size.bytes), Language: "en"}
			if splitter != nil {
				fresh.Words(splitter)
			}
			b.SetBytes(int64(len(fresh.Text)))
			b.ReportAllocs()
			for b.Loop() {
				d := fresh
				stage.Process(&d)
			}
		})
	}
}

// Prose returns about so many bytes of English words in sentences and lines, the
// same at every call, that no rule of a recipe drops: nothing in it repeats but
// the words, and those as often as in a language.
func Prose(bytes int) string {
	random := rand.New(rand.NewPCG(1, 2))
	stems := strings.Fields(`river mill bridge winter council engine letter garden market signal harbour
		copper window morning village science teacher measure history weather colour number mountain paper`)
	endings := strings.Fields("s ed ing er ly ness ful less y al")
	small := strings.Fields("the of and to a in that it with for be have was on not he as you this but his from")
	var text strings.Builder
	for text.Len() < bytes {
		for range 2 + random.IntN(4) {
			sentence := make([]string, 7+random.IntN(14))
			for i := range sentence {
				switch x := random.Float64(); {
				case x < 0.4:
					// The square makes the first words the most frequent.
					at := random.Float64()
					sentence[i] = small[int(at*at*float64(len(small)))]
				case x < 0.7:
					sentence[i] = stems[random.IntN(len(stems))]
				default:
					sentence[i] = stems[random.IntN(len(stems))] + stems[random.IntN(len(stems))] + endings[random.IntN(len(endings))]
				}
			}
			first := sentence[0]
			sentence[0] = strings.ToUpper(first[:1]) + first[1:]
			text.WriteString(strings.Join(sentence, " "))
			text.WriteString(". ")
		}
		text.WriteByte('\n')
	}
	return text.String()
}
