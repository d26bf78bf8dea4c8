package bpe_test

import (
	"errors"
	"iter"
	"slices"
	"strings"
	"testing"

	"finest/eval/lm/bpe"
)

func each(texts ...string) iter.Seq2[string, error] {
	return func(yield func(string, error) bool) {
		for _, text := range texts {
			if !yield(text, nil) {
				return
			}
		}
	}
}

// merges learns a vocabulary from sentences made of few words.
func merges(t testing.TB, vocab int) bpe.Merges {
	t.Helper()
	words := strings.Fields("nation station stone rest trains train an into is tents artisan roast sensation bead decade abbacde")
	var text strings.Builder
	for i := range 4000 {
		text.WriteString(" " + words[i*i%len(words)] + words[i*7%len(words)])
	}
	m, err := bpe.Train(each(text.String()), vocab)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestTrain(t *testing.T) {
	for _, tc := range []struct {
		name  string
		texts []string
		want  bpe.Merges
	}{
		{"the most frequent pair first", []string{"abab\nabab\nabab\ncd", "cd"}, bpe.Merges{{'a', 'b'}, {257, 257}, {'c', 'd'}}},
		{"texts add up", []string{"xy", "xy", "zz.zz"}, bpe.Merges{{'x', 'y'}}},
		{"of equals the lower left, then the lower right", []string{"ba\nba", "ac\nac\nab\nab"}, bpe.Merges{{'a', 'b'}, {'a', 'c'}, {'b', 'a'}}},
		{"not over the end of a piece", []string{"a\na\na\n12a12a"}, bpe.Merges{{'1', '2'}}},
	} {
		got, err := bpe.Train(each(tc.texts...), 257+len(tc.want))
		if err != nil || !slices.Equal(got, tc.want) {
			t.Errorf("%s: %v, %v, want %v", tc.name, got, err, tc.want)
		}
	}
}

// naively counts all pairs anew for each merge.
func naively(pieces []string, n int) bpe.Merges {
	var m bpe.Merges
	words := make([][]uint16, len(pieces))
	for len(m) < n {
		counts := make(map[bpe.Merge]int)
		for i, piece := range pieces {
			words[i] = slowly(m, piece)
			for j := range len(words[i]) - 1 {
				counts[bpe.Merge{Left: words[i][j], Right: words[i][j+1]}]++
			}
		}
		var best bpe.Merge
		for pair, count := range counts {
			if c := counts[best]; count > c || count == c && (pair.Left < best.Left || pair.Left == best.Left && pair.Right < best.Right) {
				best = pair
			}
		}
		m = append(m, best)
	}
	return m
}

func TestTrainIsTheDefinition(t *testing.T) {
	var text []string
	for i := range 300 {
		text = append(text, "ab"[i%2:i%2+1]+strings.Repeat("ab", i%4)+strings.Repeat("ca", i*i%5)+strings.Repeat("a", i%3))
	}
	got, err := bpe.Train(each(strings.Join(text, "\n")), 257+25)
	if want := naively(text, 25); err != nil || !slices.Equal(got, want) {
		t.Errorf("%v, %v, want %v", got, err, want)
	}
}

func TestSmallerVocabulariesTakeTheFirstMerges(t *testing.T) {
	if long := merges(t, 320); !slices.Equal(long[:20], merges(t, 277)) {
		t.Error("the first merges depend on how many there are")
	}
}

func TestTrainSaysWhatIsWrong(t *testing.T) {
	broken := errors.New("disk is gone")
	for name, tc := range map[string]struct {
		texts iter.Seq2[string, error]
		vocab int
		want  string
	}{
		"text ends":  {each("ababab"), 300, "no pair left"},
		"no text":    {each(), 258, "no pair left"},
		"too few":    {each("abab"), 256, "256 tokens"},
		"too many":   {each("abab"), bpe.MaxVocab + 1, "tokens"},
		"read error": {func(yield func(string, error) bool) { yield("", broken) }, 258, broken.Error()},
	} {
		if _, err := bpe.Train(tc.texts, tc.vocab); err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
