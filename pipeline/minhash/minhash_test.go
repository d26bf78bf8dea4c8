package minhash_test

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"finest/internal/contract"
	"finest/pipeline"
	"finest/pipeline/minhash"
	"finest/pipeline/words"
)

func newStage(t testing.TB) pipeline.Stage {
	t.Helper()
	s, err := minhash.New(minhash.Spec(), words.NLTK())
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func sumOf(values []uint64) string {
	h := sha256.New()
	for _, v := range values {
		h.Write(binary.LittleEndian.AppendUint64(nil, v))
	}
	return hex.EncodeToString(h.Sum(nil))
}

// The golden values of this file were computed with datatrove and numpy, seed 1.

func TestPermutations(t *testing.T) {
	a, b := minhash.NewHasher(1, minhash.SHA1).Permutations()
	for _, tt := range []struct {
		name   string
		values []uint64
		first  []uint64
		last   uint64
		sum    string
	}{
		{
			"a", a,
			[]uint64{775169054918279404, 1758426461858698313, 2109959069025162, 965365488286768774},
			223865076026037746,
			"646f7c43faa49e0426999bc921979e88d751a279eabdb2d5e2dfb1c1a70a7212",
		},
		{
			"b", b,
			[]uint64{1062448801025099917, 1324811268927594100, 1217488311597731462, 100775521383383736},
			1097409548522419201,
			"f81eeb8337743ed94fa76566ebdc77b3f4e1bfea5e2365fcecdf81d24b9b1583",
		},
	} {
		if len(tt.values) != 112 || !slices.Equal(tt.values[:4], tt.first) || tt.values[111] != tt.last || sumOf(tt.values) != tt.sum {
			t.Errorf("%s = %d values %v … %d, sha256 %s", tt.name, len(tt.values), tt.values[:4], tt.values[111], sumOf(tt.values))
		}
	}
}

func TestSignature(t *testing.T) {
	text := strings.Fields("the quick brown fox jumps over the lazy dog")
	for hash, want := range map[minhash.Hash][]uint64{
		minhash.SHA1: {
			12313522834835307089, 13802602654544986703, 6350799717277693736, 10823048585179756349, 13679420430192371655,
		},
		minhash.XXHash: {7797000677988824208, 4793414983259776074},
	} {
		if got := minhash.Shingles(text, hash); len(got) != 5 || !slices.Equal(got[:len(want)], want) {
			t.Errorf("%s: shingles %v, want %v", hash, got, want)
		}
	}
	signature := minhash.NewHasher(1, minhash.SHA1).Signature(text)
	for band, want := range map[int][]uint64{
		0: {
			585594454516184072, 284080765670708113, 594234408324153881, 226360113463360020,
			42312182183823545, 295150809832830541, 316606424307206655, 439255022718586444,
		},
		13: {
			164139703210280404, 29074511532028102, 126148420424728747, 770718497917940458,
			126167845672318228, 404162727557050195, 306993506350509109, 800584869340422436,
		},
	} {
		if got := signature[8*band : 8*band+8]; !slices.Equal(got, want) {
			t.Errorf("band %d: %v, want %v", band, got, want)
		}
	}
	if got, want := sumOf(signature), "5111488576fd07f07c8cfbf034ff68e03acb2475d32d9c6e6704af7032021c10"; got != want {
		t.Errorf("sha256 of the signature %s, want %s", got, want)
	}
}

func TestBandKeys(t *testing.T) {
	signature := minhash.NewHasher(1, minhash.SHA1).Signature(strings.Fields("the quick brown fox jumps over the lazy dog"))
	keys := minhash.BandKeys(signature)
	if len(keys) != contract.Bands {
		t.Fatalf("%d keys, want %d", len(keys), contract.Bands)
	}
	var last []byte
	for _, v := range signature[104:] {
		last = binary.LittleEndian.AppendUint64(last, v)
	}
	sum := sha256.Sum256(last)
	if want := binary.BigEndian.Uint64(sum[:8]); keys[13] != want {
		t.Errorf("key 13 = %x, want %x", keys[13], want)
	}
}

func TestStage(t *testing.T) {
	s := newStage(t)
	for _, tt := range []struct {
		text string
		keys int
	}{
		{"", 0},
		{"one two three four", 0},
		{"one two three four !!!", 0},
		{"one two three four five", 14},
	} {
		d := &pipeline.Document{Text: tt.text, BandKeys: []uint64{1}}
		if drop := s.Process(d); drop != nil || len(d.BandKeys) != tt.keys {
			t.Errorf("%q: drop %v, %d keys, want none and %d", tt.text, drop, len(d.BandKeys), tt.keys)
		}
	}
}

func TestStageIgnoresFormOfTheText(t *testing.T) {
	s := newStage(t)
	a := &pipeline.Document{Text: "The café opened in 1999, and closed in 2004.\n\nNobody knew why!"}
	b := &pipeline.Document{Text: "THE CAFE\u0301 opened in 7 and closed  in 12 — nobody knew why"}
	s.Process(a)
	s.Process(b)
	if !slices.Equal(a.BandKeys, b.BandKeys) {
		t.Error("texts that differ in form alone have different keys")
	}
}

// The profiles differ in how they take a text apart, and in nothing after that.
func TestStageOfTheHeadProfile(t *testing.T) {
	spec := minhash.Spec()
	spec.Params["normalization"], spec.Params["words"], spec.Params["hash"] = "head", "spacy", "xxhash64"
	s, err := minhash.New(spec, words.SpaCy())
	if err != nil {
		t.Fatal(err)
	}
	a := &pipeline.Document{Text: "A state-of-the-art café, built in 1999.5!"}
	b := &pipeline.Document{Text: "a STATE of the art cafe built in 7"}
	s.Process(a)
	s.Process(b)
	if len(a.BandKeys) != contract.Bands || !slices.Equal(a.BandKeys, b.BandKeys) {
		t.Errorf("keys %x and %x", a.BandKeys, b.BandKeys)
	}
	if other := newStage(t); other.Process(b) != nil || slices.Equal(a.BandKeys, b.BandKeys) {
		t.Error("the hash makes no difference")
	}
}

func TestNewRefusesOtherParameters(t *testing.T) {
	for name := range minhash.Spec().Params {
		spec := minhash.Spec()
		spec.Params[name] = "x"
		if _, err := minhash.New(spec, words.NLTK()); err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("New with %s = x: error %v, want one that names it", name, err)
		}
	}
}

// The share of pairs that meet follows 1 − (1 − s^8)^14 for a share s of equal
// shingles.
func TestProbabilityOfMeeting(t *testing.T) {
	h := minhash.NewHasher(1, minhash.SHA1)
	random := rand.New(rand.NewPCG(1, 2))
	const pairs, length = 300, 400
	for _, tt := range []struct{ share, want float64 }{{0.70, 0.565}, {0.80, 0.924}, {0.90, 0.9996}} {
		met := 0
		for pair := range pairs {
			a := make([]string, length)
			for i := range a {
				a[i] = fmt.Sprint(pair, random.Uint64())
			}
			// With n of length shingles in common, Jaccard is n / (2·length − n).
			n := length - int(float64(2*length)*tt.share/(1+tt.share))
			b := slices.Clone(a)
			for i := range n {
				b[i] = fmt.Sprint("other", pair, i)
			}
			ka, kb := minhash.BandKeys(h.Signature(a)), minhash.BandKeys(h.Signature(b))
			for i := range ka {
				if ka[i] == kb[i] {
					met++
					break
				}
			}
		}
		if got := float64(met) / pairs; got < tt.want-0.12 || got > tt.want+0.12 {
			t.Errorf("share %.2f: %.3f of pairs met, want about %.3f", tt.share, got, tt.want)
		}
	}
}

// The fast loop over the permutations is the textbook's arithmetic, also where
// its shortcut does not hold.
func TestPermutationArithmetic(t *testing.T) {
	h := minhash.NewHasher(1, minhash.SHA1)
	const prime = 1<<61 - 1
	rapid.Check(t, func(t *rapid.T) {
		i := 2 * rapid.IntRange(0, 55).Draw(t, "pair")
		xs := rapid.SliceOf(rapid.Uint64()).Draw(t, "xs")
		odd := i
		for odd < 112 && h.Even(odd) {
			odd++
		}
		if odd <= i+1 {
			for _, v := range rapid.SliceOf(rapid.SampledFrom([]uint64{
				0, 1, prime - 1, prime, prime + 1, 2*prime - 1, 2 * prime, 7 * prime, 8 * prime, 8*prime + 7, 1<<64 - 1,
			})).Draw(t, "images") {
				xs = append(xs, h.Preimage(odd, v))
			}
		}
		if slow, fast := h.Images(i, xs); slow != fast {
			t.Fatalf("permutations %d and %d: %v, by division %v", i, i+1, fast, slow)
		}
	})
}

// A signature is the smallest of the signatures of its parts that overlap by
// four words, however long it is.
func TestSignatureOfLongTexts(t *testing.T) {
	h := minhash.NewHasher(1, minhash.XXHash)
	for _, n := range []int{511, 512, 515, 516, 517, 1027, 1028, 1029, 3000} {
		text := make([]string, n)
		for i := range text {
			text[i] = fmt.Sprint("w", i)
		}
		want := make([]uint64, 112)
		for i := range want {
			want[i] = 1<<64 - 1
		}
		for i := range n - 4 {
			for j, v := range h.Signature(text[i : i+5]) {
				want[j] = min(want[j], v)
			}
		}
		if got := h.Signature(text); !slices.Equal(got, want) {
			t.Errorf("%d words: the signature is not the least of its parts", n)
		}
	}
}

const sentence = "The committee met on Thursday to discuss, at length, 42 unforeseen details. "

func BenchmarkStage(b *testing.B) {
	s := newStage(b)
	d := &pipeline.Document{Text: strings.Repeat(sentence, 70)}
	b.SetBytes(int64(len(d.Text)))
	for b.Loop() {
		s.Process(d)
	}
}

// The parts of the stage, whose time per byte must not grow with the text.
func BenchmarkParts(b *testing.B) {
	for _, size := range []int{1 << 10, 100 << 10, 10 << 20} {
		text := strings.Repeat(sentence, size/len(sentence)+1)[:size]
		normal := minhash.Release.Apply(text)
		tokens := words.NLTK().Words(normal)
		h := minhash.NewHasher(1, minhash.SHA1)
		for _, part := range []struct {
			name string
			do   func()
		}{
			{"normalise", func() { minhash.Release.Apply(text) }},
			{"normalise-head", func() { minhash.Head.Apply(text) }},
			{"tokenise", func() { words.NLTK().Words(normal) }},
			{"from-tokens", func() { minhash.BandKeys(h.Signature(tokens)) }},
		} {
			b.Run(fmt.Sprintf("%s/%dKiB", part.name, size>>10), func(b *testing.B) {
				b.SetBytes(int64(size))
				for b.Loop() {
					part.do()
				}
			})
		}
	}
}
