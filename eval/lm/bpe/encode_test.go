package bpe_test

import (
	"bytes"
	"fmt"
	"math"
	"slices"
	"strings"
	"sync"
	"testing"

	"pgregory.net/rapid"

	"finest/eval/lm/bpe"
)

// The merges of these letters: "th" 257, "the" 258, " the" 259, "he" 260.
var letters = bpe.Merges{{'t', 'h'}, {257, 'e'}, {' ', 258}, {'h', 'e'}}

func TestMergesAreMadeInTheOrderTheyWereLearnt(t *testing.T) {
	tokenizer, err := bpe.New(letters)
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]uint16{
		"the":      {258},
		" the":     {259},
		"  the":    {' ', 259},
		"hethe":    {260, 258},
		"thhe":     {257, 260},
		"the\nthe": {258, '\n', 258},
		"the.":     {258, '.'},
		"the's":    {258, '\'', 's'},
		"":         nil,
	} {
		if got := tokenizer.Encode(nil, text); !slices.Equal(got, want) {
			t.Errorf("%q is %v, want %v", text, got, want)
		}
	}
	if got := tokenizer.Encode([]uint16{1}, "the"); !slices.Equal(got, []uint16{1, 258}) {
		t.Errorf("appended to a token: %v", got)
	}
}

// slowly merges what the definition says, one merge of the list after the other.
func slowly(m bpe.Merges, piece string) []uint16 {
	var tokens []uint16
	for i := range len(piece) {
		tokens = append(tokens, uint16(piece[i]))
	}
	for i, pair := range m {
		var next []uint16
		for j := 0; j < len(tokens); j++ {
			if j+1 < len(tokens) && tokens[j] == pair.Left && tokens[j+1] == pair.Right {
				next = append(next, uint16(257+i))
				j++
				continue
			}
			next = append(next, tokens[j])
		}
		tokens = next
	}
	return tokens
}

func TestEncodeIsTheDefinition(t *testing.T) {
	learnt := merges(t, 320)
	tokenizer, err := bpe.New(learnt)
	if err != nil {
		t.Fatal(err)
	}
	word := rapid.StringMatching(`[a-e]{1,20}|[aeiournst]{1,12}`)
	rapid.Check(t, func(t *rapid.T) {
		piece := word.Draw(t, "word")
		want := slowly(learnt, piece)
		for range 2 { // the second time from the cache
			if got := tokenizer.Encode(nil, piece); !slices.Equal(got, want) {
				t.Fatalf("%q is %v, want %v", piece, got, want)
			}
		}
	})
}

func TestGoroutinesShareATokenizer(t *testing.T) {
	tokenizer := load(t, 2048)
	var group sync.WaitGroup
	for i := range 8 {
		group.Go(func() {
			var text strings.Builder
			for j := range 2000 {
				fmt.Fprintf(&text, "word%d and %d more; ", (i+1)*j, j)
			}
			if got := tokenizer.Decode(tokenizer.Encode(nil, text.String())); string(got) != text.String() {
				t.Errorf("goroutine %d reads another text back", i)
			}
		})
	}
	group.Wait()
}

// Were the time quadratic, a megabyte without a space would take a quarter of an hour.
func TestLongRunsTakeLinearTime(t *testing.T) {
	tokenizer := load(t, 8192)
	for _, run := range []string{"a", " ", "\n", "=", "é", "7", "\xff", "'", "a'"} {
		text := strings.Repeat(run, 1<<20/len(run))
		tokens := tokenizer.Encode(make([]uint16, 0, len(text)), text)
		if got := tokenizer.Decode(tokens); string(got) != text {
			t.Errorf("a run of %q comes back otherwise", run)
		}
	}
}

// TestEncodeCopiesOnce: beside the text, encoding allocates nothing.
func TestEncodeCopiesOnce(t *testing.T) {
	tokenizer := load(t, 2048)
	text := strings.Repeat("What is said twice is remembered. ", 100)
	dst := make([]uint16, 0, len(text))
	if n := testing.AllocsPerRun(20, func() { dst = tokenizer.Encode(dst[:0], text) }); n > 1 {
		t.Errorf("%v allocations", n)
	}
}

func TestMergesThatCannotBe(t *testing.T) {
	deep := bpe.Merges{{'a', 'a'}}
	for i := range 6 {
		deep = append(deep, bpe.Merge{Left: uint16(257 + i), Right: uint16(257 + i)})
	}
	for name, m := range map[string]bpe.Merges{
		"a token made later": {{257, 'a'}},
		"itself":             {{'a', 257}},
		"EOS":                {{'a', 256}},
		"twice":              {{'a', 'b'}, {'a', 'b'}},
		"no token":           {{'a', math.MaxUint16}},
		"a token too long":   deep,
		"too many":           make(bpe.Merges, bpe.MaxVocab),
	} {
		if _, err := bpe.New(m); err == nil {
			t.Errorf("%s: a tokenizer is made", name)
		}
	}
}

func TestMergesReadBack(t *testing.T) {
	var buf bytes.Buffer
	if n, err := letters.WriteTo(&buf); err != nil || n != int64(buf.Len()) {
		t.Fatalf("%d bytes written, %v", n, err)
	}
	back, err := bpe.Parse(buf.Bytes())
	if err != nil || !slices.Equal(back, letters) {
		t.Errorf("read back as %v, %v", back, err)
	}
	head, _, _ := strings.Cut(buf.String(), "\n")
	for _, bad := range []string{"", "x", head + "\n1", head + "\n1 2 3", head + "\n-1 2", head + "\n1 70000", head + "\n257 1", head + "\n1 2\n\n", head + "\n" + strings.Repeat("1", 1<<20)} {
		if _, err := bpe.Parse([]byte(bad)); err == nil {
			t.Errorf("%.40q is read", bad)
		}
	}
}
