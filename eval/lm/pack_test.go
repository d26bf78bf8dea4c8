package lm_test

import (
	"errors"
	"fmt"
	"slices"
	"testing"

	"finest/eval"
	"finest/eval/lm"
)

const eos = 15

func packSpec(context int, tokens int64) lm.Spec {
	s := toySpec(tokens)
	s.Config.Context, s.Batch = context, 4
	return s
}

// sequences reads all batches of data.
func sequences(s lm.Spec, data lm.Data) [][]uint16 {
	var all [][]uint16
	length := s.Config.Context + 1
	for step := range data.Steps() {
		batch := make([]uint16, s.Batch*length)
		data.Batch(step, batch)
		for row := range slices.Chunk(batch, length) {
			all = append(all, row)
		}
	}
	return all
}

func TestPackPredictsEachTokenOnce(t *testing.T) {
	documents := [][]uint16{{1, 2, 3, 4, 5, 6, 7}, nil, {8}, {9, 10, 11, 12, 13, 14}}
	// The stream is eos 1 … 7 eos 8 eos 9 … 14, 17 tokens; 16 of them fill 4
	// sequences, one more takes a fifth, 8 sequences make 2 batches.
	spec := packSpec(4, 32)
	data, packed, err := lm.Pack(documents, eos, spec, eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	if want := (lm.Packed{Unique: 17, Sequences: 5, Epochs: 32.0 / 17}); packed != want {
		t.Errorf("packed %+v, want %+v", packed, want)
	}
	got := sequences(spec, data)
	first := slices.SortedFunc(slices.Values(got[:5]), slices.Compare[[]uint16])
	want := ring([]uint16{eos, 1, 2, 3, 4, 5, 6, 7, eos, 8, eos, 9, 10, 11, 12, 13, 14}, 4, 5)
	slices.SortFunc(want, slices.Compare[[]uint16])
	if fmt.Sprint(first) != fmt.Sprint(want) {
		t.Errorf("the first epoch has\n%v, want\n%v", first, want)
	}
	if slices.EqualFunc(got[:3], got[5:], slices.Equal[[]uint16]) {
		t.Error("the second epoch has the order of the first")
	}
}

// ring cuts n sequences of context + 1 tokens from a stream that is a ring.
func ring(stream []uint16, context, n int) [][]uint16 {
	var list [][]uint16
	for i := range n {
		var row []uint16
		for j := range context + 1 {
			row = append(row, stream[(i*context+j)%len(stream)])
		}
		list = append(list, row)
	}
	return list
}

func TestPackWholeSequences(t *testing.T) {
	// Eight tokens, of which each is predicted once by two sequences of four.
	spec := packSpec(4, 16)
	_, packed, err := lm.Pack([][]uint16{{1, 2, 3}, {4, 5, 6}}, eos, spec, eval.Seed{})
	if want := (lm.Packed{Unique: 8, Sequences: 2, Epochs: 2}); err != nil || packed != want {
		t.Errorf("packed %+v, %v; want %+v", packed, err, want)
	}
}

func TestPackShortDocuments(t *testing.T) {
	spec := packSpec(8, 100)
	data, packed, err := lm.Pack([][]uint16{{3}}, eos, spec, eval.Seed{})
	if err != nil {
		t.Fatal(err)
	}
	// 16 sequences of 8 predicted tokens have each of the two 64 times.
	if packed.Unique != 2 || packed.Sequences != 1 || packed.Epochs != 64 {
		t.Errorf("one token packs into %+v", packed)
	}
	for i, row := range sequences(spec, data) {
		if !slices.Equal(row, []uint16{eos, 3, eos, 3, eos, 3, eos, 3, eos}) {
			t.Fatalf("sequence %d is %v", i, row)
		}
	}
}

func TestPackOrder(t *testing.T) {
	spec := packSpec(4, 400)
	document := toyDocument(203, eval.Seed{})
	pack := func(order eval.Seed) lm.Data {
		data, _, err := lm.Pack([][]uint16{document}, eos, spec, order)
		if err != nil {
			t.Fatal(err)
		}
		return data
	}
	want := sequences(spec, pack(eval.Seed{1}))
	if slices.EqualFunc(want, sequences(spec, pack(eval.Seed{2})), slices.Equal[[]uint16]) {
		t.Error("two seeds give one order")
	}
	data, batch := pack(eval.Seed{1}), make([]uint16, 4*5)
	for step := data.Steps() - 1; step >= 0; step-- {
		data.Batch(step, batch)
		if !slices.Equal(batch[:5], want[4*step]) {
			t.Errorf("batch %d, asked for after later ones, begins with %v, not %v", step, batch[:5], want[4*step])
		}
	}
}

func TestPackErrors(t *testing.T) {
	if _, _, err := lm.Pack([][]uint16{nil, {}}, eos, packSpec(4, 32), eval.Seed{}); !errors.Is(err, lm.ErrNoTokens) {
		t.Errorf("empty documents: %v", err)
	}
	if _, _, err := lm.Pack([][]uint16{{1, 16}}, eos, packSpec(4, 32), eval.Seed{}); err == nil {
		t.Error("a token outside of the vocabulary is packed")
	}
	if _, _, err := lm.Pack([][]uint16{{1}}, eos, lm.Spec{}, eval.Seed{}); err == nil {
		t.Error("an empty spec is packed for")
	}
}
