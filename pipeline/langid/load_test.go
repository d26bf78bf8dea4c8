package langid_test

import (
	"bytes"
	"encoding/binary"
	"errors"
	"math"
	"strings"
	"testing"

	"finest/pipeline/langid"
)

// tinyModel describes a model file of two dimensions with the words "a" and "b"
// and three labels.
type tinyModel struct {
	loss              int32
	quantised, pruned bool
	version           int32
	change            map[int]int32 // overrides of the arguments
}

func (m tinyModel) bytes() []byte {
	var b bytes.Buffer
	put := func(values ...any) {
		for _, v := range values {
			// Writing fixed-size values to a buffer cannot fail.
			_ = binary.Write(&b, binary.LittleEndian, v)
		}
	}
	version := int32(12)
	if m.version != 0 {
		version = m.version
	}
	args := []int32{2, 5, 1, 1, 5, 1, m.loss, 3, 4, 2, 3, 100}
	for i, v := range m.change {
		args[i] = v
	}
	put(int32(793712314), version, args, float64(1e-4))

	const words, labels, buckets = 3, 3, 4
	kept := int64(-1)
	if m.pruned {
		kept = 2
	}
	put(int32(words+labels), int32(words), int32(labels), int64(60), kept)
	for i, w := range []string{"</s>", "a", "b", "__label__x", "__label__y", "__label__z"} {
		b.WriteString(w)
		put(byte(0), int64(30-i), i >= words)
	}
	rows := words + buckets
	if m.pruned {
		put(int32(1), int32(0), int32(3), int32(1))
		rows = words + int(kept)
	}

	put(m.quantised)
	if m.quantised {
		// One part of both columns, whose centroid c is (c, -c)/16, and norms
		// whose centroid c is c.
		put(true, int64(rows), int64(2), int32(rows))
		for i := range rows {
			put(byte(i))
		}
		put(int32(2), int32(1), int32(2), int32(2))
		for c := range 256 {
			put(float32(c)/16, -float32(c)/16)
		}
		for range rows {
			put(byte(2))
		}
		put(int32(1), int32(1), int32(1), int32(1))
		for c := range 256 {
			put(float32(c))
		}
	} else {
		put(int64(rows), int64(2))
		for i := range rows {
			put(float32(i)/8, -float32(i)/8)
		}
	}
	put(false, int64(labels), int64(2))
	for i := range labels {
		put(float32(i), float32(-i))
	}
	return b.Bytes()
}

const (
	tree    = 1
	softmax = 3
)

var tinyModels = map[string]tinyModel{
	"softmax":            {loss: softmax},
	"tree":               {loss: tree},
	"quantised":          {loss: softmax, quantised: true},
	"quantised, pruned":  {loss: tree, quantised: true, pruned: true},
	"without n-grams":    {loss: softmax, change: map[int]int32{10: 0, 8: 0}},
	"of the old version": {loss: softmax, version: 11},
}

// TestPredictTiny holds against sums done by hand: of the word "a" alone the mean
// of its row and that of the end of the line is (1, -1)/16 where n-grams are off,
// and scores of labels are i/8.
func TestPredictTiny(t *testing.T) {
	m := load(t, tinyModels["without n-grams"].bytes())
	label, score := m.Predict("a\nb b b")
	want := math.Exp(0.25) / (1 + math.Exp(0.125) + math.Exp(0.25))
	if label != "z" || math.Abs(score-want) > 2e-5 {
		t.Errorf("a is %s %v, want z %v", label, score, want)
	}

	// Without words but the end of the line all labels are equal: fastText then
	// takes the last.
	if label, score := m.Predict("\tunknown  __label__x"); label != "z" || math.Abs(score-1.0/3) > 2e-5 {
		t.Errorf("nothing is %s %v, want z 1/3", label, score)
	}

	// The Huffman tree: x against (y, z) with weights of x's inner node first.
	m = load(t, tinyModel{loss: tree, change: map[int]int32{10: 0, 8: 0}}.bytes())
	if label, score := m.Predict("a"); label == "" || score < 1.0/3 || score > 1 {
		t.Errorf("a is %s %v", label, score)
	}
}

func TestQuantisedEqualsDense(t *testing.T) {
	// Codes are row numbers, so that a row is (i, -i)/16 times the norm 2: the
	// dense rows.
	dense, quantised := load(t, tinyModels["softmax"].bytes()), load(t, tinyModels["quantised"].bytes())
	for _, text := range []string{"", "a", "a b", "other words, même"} {
		l1, s1 := dense.Predict(text)
		l2, s2 := quantised.Predict(text)
		if l1 != l2 || s1 != s2 {
			t.Errorf("%q is %s %v dense, %s %v quantised", text, l1, s1, l2, s2)
		}
	}
}

func load(t testing.TB, data []byte) *langid.Model {
	t.Helper()
	m, err := langid.Load(data)
	if err != nil {
		t.Fatal(err)
	}
	return m
}

func TestLoadRefuses(t *testing.T) {
	for name, m := range tinyModels {
		data := m.bytes()
		load(t, data)
		for n := range data {
			if _, err := langid.Load(data[:n]); !errors.Is(err, langid.ErrModel) {
				t.Fatalf("%s, cut at %d: error %v", name, n, err)
			}
		}
		if _, err := langid.Load(append(data, 0)); err == nil || !strings.Contains(err.Error(), "after the end") {
			t.Errorf("%s with a byte more: error %v", name, err)
		}
	}
	for argument, value := range map[int]int32{0: 0, 5: 2, 6: 2, 7: 1, 8: -1, 10: 1000} {
		m := tinyModel{loss: softmax, change: map[int]int32{argument: value}}
		if _, err := langid.Load(m.bytes()); err == nil {
			t.Errorf("argument %d of %d: no error", argument, value)
		}
	}
	if _, err := langid.Load([]byte("<html>not found</html>")); err == nil {
		t.Error("a web page: no error")
	}
	pruned := tinyModel{loss: softmax, pruned: true}
	if _, err := langid.Load(pruned.bytes()); err == nil {
		t.Error("pruned but not quantised: no error")
	}
}

func FuzzLoad(f *testing.F) {
	for _, m := range tinyModels {
		f.Add(m.bytes())
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		m, err := langid.Load(data)
		if err != nil {
			if !errors.Is(err, langid.ErrModel) {
				t.Errorf("error %v is no ErrModel", err)
			}
			return
		}
		label, score := m.Predict("a b </ other wörds 日本語 __label__x")
		if math.IsNaN(score) && label == "" {
			t.Error("no label but a score")
		}
	})
}
