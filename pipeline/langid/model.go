// Package langid says which language a text is in. It reads fastText models
// (.bin and quantised .ftz) in pure Go, carries the quantised lid.176 model, and
// computes scores so that they have the same bits on every CPU.
package langid

import (
	"cmp"
	"encoding/binary"
	"math"
	"slices"
)

// Model is a fastText classifier. It is immutable and safe for concurrent use.
//
// The arithmetic follows fastText 0.9.2: single precision, sums in the order of
// the n-grams, no fused operations. Scores of a fastText build whose compiler
// fuses or reorders operations differ in the last bits of a single.
type Model struct {
	dim    int
	input  matrix // one row per word, then one per bucket of n-grams
	output matrix
	words  map[string]int32 // known words; labels have the value labelEntry
	labels []string         // without prefix, in the order of the file

	minn, maxn int
	bucket     uint32
	nwords     int32
	// kept knows the rows after the words that buckets have; nil if no bucket was
	// pruned away, and then a bucket is its own row. pruned means that none is
	// left.
	kept     *keptBuckets
	keptRows int
	pruned   bool

	tree []treeNode // of the hierarchical softmax; nil for the plain one
}

// labelEntry marks a label among the known words.
const labelEntry = -1

const (
	endOfSentence = "</s>"
	labelPrefix   = "__label__"
)

// matrix holds rows of single precision numbers as a model file does, little
// endian, so that a large file is not held twice.
type matrix struct {
	rows, cols int
	data       []byte
}

func (m *matrix) row(i int32) []byte {
	size := 4 * m.cols
	at := int(i) * size
	return m.data[at : at+size : at+size]
}

// number returns number i of a row.
func number(row []byte, i int) float32 {
	return math.Float32frombits(binary.LittleEndian.Uint32(row[4*i : 4*i+4 : 4*i+4]))
}

// Predict returns the most probable label of a text, without its prefix, and its
// probability. As fastText computes it, a probability may exceed 1 by 1e-5. Text
// beyond the first newline is not read. The label is empty where the text holds
// nothing that the model knows.
func (m *Model) Predict(text string) (label string, score float64) {
	hidden, ok := m.embed(text)
	if !ok {
		return "", 0
	}
	best, highest := -1, lowest
	m.classify(hidden, func(label int, logarithm float32) float32 {
		if logarithm >= highest {
			best, highest = label, logarithm
		}
		return highest
	})
	if best < 0 {
		return "", 0
	}
	return m.labels[best], probability(highest)
}

// Probabilities returns the probability of each of Labels, in their order, and 0
// for those that fastText leaves out of its answer for being below 1e-5. The
// highest may differ from that of Predict by 1e-5 of it, as fastText's do, which
// does not follow every branch for the best label alone. It is nil where the text
// holds nothing that the model knows.
func (m *Model) Probabilities(text string) []float64 {
	hidden, ok := m.embed(text)
	if !ok {
		return nil
	}
	out := make([]float64, len(m.labels))
	m.classify(hidden, func(label int, logarithm float32) float32 {
		out[label] = probability(logarithm)
		return lowest
	})
	return out
}

// Labels returns the labels of the model, without prefix. Callers must not
// change them.
func (m *Model) Labels() []string { return m.labels }

func probability(logarithm float32) float64 { return float64(float32(exp(float64(logarithm)))) }

// classify hands over labels with the logarithms of their probabilities. found
// returns below what logarithm no further label is wanted.
func (m *Model) classify(hidden []float32, found func(label int, logarithm float32) (wanted float32)) {
	if m.tree != nil {
		m.descend(hidden, found)
	} else {
		m.softmax(hidden, found)
	}
}

var lowest = float32(math.Inf(-1))

// floor is the logarithm of a probability below which fastText does not follow a
// branch.
var floor = logarithm(0)

// logarithm is fastText's: of x + 1e-5, in double, rounded to single precision.
func logarithm(x float32) float32 { return float32(log(float64(x) + 1e-5)) }

// branch is a step of the walk down the tree.
type branch struct {
	node      int
	logarithm float32
}

// descend walks the tree of the hierarchical softmax, left before right, and
// leaves out branches that are no longer wanted.
func (m *Model) descend(hidden []float32, found func(label int, logarithm float32) (wanted float32)) {
	leaves := len(m.labels)
	wanted := floor
	stack := []branch{{len(m.tree) - 1, 0}}
	for len(stack) > 0 {
		b := stack[len(stack)-1]
		stack = stack[:len(stack)-1]
		if b.logarithm < wanted {
			continue
		}
		if b.node < leaves {
			wanted = max(floor, found(b.node, b.logarithm))
			continue
		}
		f := sigmoid(dot(m.output.row(int32(b.node-leaves)), hidden))
		left := logarithm(float32(1 - float64(f)))
		n := m.tree[b.node]
		stack = append(stack, branch{n.right, b.logarithm + logarithm(f)}, branch{n.left, b.logarithm + left})
	}
}

// softmax judges all labels.
func (m *Model) softmax(hidden []float32, found func(label int, logarithm float32) (wanted float32)) {
	scores := make([]float32, len(m.labels))
	for i := range scores {
		scores[i] = dot(m.output.row(int32(i)), hidden)
	}
	highest := slices.Max(scores)
	var sum float32
	for i, s := range scores {
		scores[i] = float32(exp(float64(s - highest)))
		sum += scores[i]
	}
	for i, s := range scores {
		found(i, logarithm(s/sum))
	}
}

func sigmoid(x float32) float32 {
	return float32(1 / float64(1+float32(exp(float64(-x)))))
}

// dot adds the products of a row with a vector in order; each is rounded before
// it is added.
func dot(row []byte, v []float32) float32 {
	var sum float32
	for i, x := range v {
		sum += float32(number(row, i) * x)
	}
	return sum
}

// treeNode is an inner node of the Huffman tree; leaves have no children.
type treeNode struct{ left, right int }

// buildTree returns the Huffman tree over labels with these counts, which are not
// negative and together below unbuilt. Leaves come first and the root last.
func buildTree(counts []int64) []treeNode {
	n := len(counts)
	weight := append(slices.Clone(counts), make([]int64, n-1)...)
	for i := n; i < len(weight); i++ {
		weight[i] = unbuilt
	}
	tree := make([]treeNode, len(weight))
	leaf, inner := n-1, n
	next := func() int {
		if leaf >= 0 && cmp.Less(weight[leaf], weight[inner]) {
			leaf--
			return leaf + 1
		}
		inner++
		return inner - 1
	}
	for i := n; i < len(tree); i++ {
		left := next()
		right := next()
		tree[i] = treeNode{left, right}
		weight[i] = weight[left] + weight[right]
	}
	return tree
}

// unbuilt is the weight of a node that has no children yet; fastText's constant.
const unbuilt = int64(1e15)
