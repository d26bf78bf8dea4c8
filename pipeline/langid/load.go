package langid

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
)

// ErrModel says that a file is no fastText model that this package can use.
var ErrModel = errors.New("not a usable fastText model")

// Limits on what a model file may ask for; lid.176 stays far below them.
const (
	maxDim     = 4096
	maxLabels  = 1 << 16
	maxNgram   = 32
	maxBuckets = 1 << 24
	// maxInflation bounds the numbers that a quantised matrix may expand to, per
	// byte of the file.
	maxInflation = 16
)

const (
	magic        = 793712314
	lossSoftmax  = 3
	lossTree     = 1
	supervised   = 3
	labelType    = 1
	oldVersion   = 11
	version      = 12
	argumentInts = 12
)

// Load reads a supervised fastText model, .bin or .ftz, trained with the softmax
// or the hierarchical softmax loss and without word n-grams. The model keeps
// data, which must not be changed, and for the matrices of a .bin nothing beside
// it: lid.176.bin takes its 126 MiB and about 5 for the words. The matrices of a
// .ftz are expanded; memory stays within about 64 bytes per byte of data and 3
// bits per bucket, of which there may be 2^24. Every error wraps ErrModel.
func Load(data []byte) (*Model, error) {
	r := &reader{data: data, total: len(data)}
	m, err := r.model()
	if err != nil {
		return nil, fmt.Errorf("load language model of %d bytes: %w: %w", len(data), ErrModel, err)
	}
	return m, nil
}

// reader cuts numbers off the front of a file. After the first mistake it
// returns zeros; err holds the mistake.
type reader struct {
	data  []byte
	total int
	err   error
}

func (r *reader) fail(format string, args ...any) {
	if r.err == nil {
		r.err = fmt.Errorf(format, args...)
		r.data = nil
	}
}

func (r *reader) bytes(n int) []byte {
	if n < 0 || n > len(r.data) {
		r.fail("the file ends early")
		return nil
	}
	b := r.data[:n]
	r.data = r.data[n:]
	return b
}

func (r *reader) int32() int {
	if b := r.bytes(4); b != nil {
		return int(int32(binary.LittleEndian.Uint32(b)))
	}
	return 0
}

func (r *reader) int64() int64 {
	if b := r.bytes(8); b != nil {
		return int64(binary.LittleEndian.Uint64(b))
	}
	return 0
}

func (r *reader) bool() bool {
	b := r.bytes(1)
	return b != nil && b[0] != 0
}

// between returns n if it is within [low, high].
func (r *reader) between(what string, n, low, high int64) int {
	if n < low || n > high {
		r.fail("%s %d is not within %d and %d", what, n, low, high)
		return 0
	}
	return int(n)
}

// floats returns n single precision numbers as they stand in the file.
func (r *reader) floats(n int) []byte {
	if n > len(r.data)/4 {
		r.fail("the file ends early")
		return nil
	}
	raw := r.bytes(4 * n)
	for i := range len(raw) / 4 {
		if v := number(raw, i); v-v != 0 {
			r.fail("a weight is not a finite number")
		}
	}
	return raw
}

func (r *reader) model() (*Model, error) {
	if r.int32() != magic {
		r.fail("the file does not begin like one")
	}
	fileVersion := r.between("version", int64(r.int32()), oldVersion, version)
	var args [argumentInts]int
	for i := range args {
		args[i] = r.int32()
	}
	r.bytes(8) // the sampling threshold of training
	wordNgrams, loss, kind := args[5], args[6], args[7]
	m := &Model{
		dim:    r.between("dimension", int64(args[0]), 1, maxDim),
		minn:   args[9],
		maxn:   r.between("longest n-gram", int64(args[10]), 0, maxNgram),
		bucket: uint32(r.between("buckets", int64(args[8]), 0, maxBuckets)),
	}
	switch {
	case kind != supervised:
		r.fail("it is no classifier")
	case loss != lossTree && loss != lossSoftmax:
		r.fail("loss function %d is not supported", loss)
	case wordNgrams > 1:
		r.fail("word n-grams are not supported")
	case m.maxn > 0 && m.bucket == 0:
		r.fail("n-grams without buckets")
	}
	if fileVersion == oldVersion {
		m.maxn = 0 // such models were trained without n-grams
	}

	counts := r.dictionary(m)
	quantised := r.bool()
	m.input = r.matrix(quantised)
	outputQuantised := r.bool()
	m.output = r.matrix(quantised && outputQuantised)
	r.check(m, loss, quantised)
	if r.err != nil {
		return nil, r.err
	}
	if loss == lossTree {
		m.tree = buildTree(counts)
	}
	return m, nil
}

// dictionary reads words, labels and the buckets that pruning left, and returns
// the counts of the labels.
func (r *reader) dictionary(m *Model) []int64 {
	size := r.between("words", int64(r.int32()), 0, int64(len(r.data)/10))
	m.nwords = int32(r.between("words", int64(r.int32()), 0, int64(size)))
	labels := r.between("labels", int64(r.int32()), 1, maxLabels)
	r.int64() // tokens seen in training
	pruned := r.int64()
	if int(m.nwords)+labels != size {
		r.fail("%d words and %d labels are not %d entries", m.nwords, labels, size)
	}
	if r.err != nil {
		return nil
	}
	m.words = make(map[string]int32, size)
	var counts []int64
	var total int64
	for i := range size {
		end := bytes.IndexByte(r.data[:min(len(r.data), maxWord)], 0)
		word := string(r.bytes(end))
		r.bytes(1)
		count := r.int64()
		isLabel := r.bool()
		if r.err != nil {
			return nil
		}
		if isLabel != (i >= int(m.nwords)) {
			r.fail("entry %d: labels do not follow the words", i)
		}
		if isLabel {
			m.labels = append(m.labels, strings.TrimPrefix(word, labelPrefix))
			counts = append(counts, count)
			total += int64(r.between("count of a label", count, 0, unbuilt-1-total))
		}
		if _, ok := m.words[word]; ok {
			r.fail("entry %d is there twice", i)
		}
		m.words[word] = entry(i, isLabel)
	}
	r.keptBuckets(m, pruned)
	return counts
}

// maxWord is the longest entry of a dictionary, with its end.
const maxWord = 4096

func entry(i int, isLabel bool) int32 {
	if isLabel {
		return labelEntry
	}
	return int32(i)
}

// keptBuckets reads which buckets are left; a negative number means all.
func (r *reader) keptBuckets(m *Model, n int64) {
	m.pruned = n == 0
	if n <= 0 {
		return
	}
	r.between("buckets left", n, 1, int64(len(r.data)/8))
	if r.err != nil {
		return
	}
	buckets, rows := make([]int32, n), make([]int32, n)
	for i := range n {
		buckets[i] = int32(r.between("bucket", int64(r.int32()), 0, int64(m.bucket)-1))
		rows[i] = int32(r.between("row of a bucket", int64(r.int32()), 0, n-1))
	}
	if r.err != nil {
		return
	}
	m.kept = newKeptBuckets(m.bucket, buckets)
	for i, bucket := range buckets {
		*m.kept.row(uint32(bucket)) = rows[i]
	}
	m.keptRows = int(n)
}

// check makes sure that no prediction leaves the matrices.
func (r *reader) check(m *Model, loss int, quantised bool) {
	rows, outputs := int64(m.nwords), int64(len(m.labels))
	switch {
	case m.kept != nil:
		rows += int64(m.keptRows)
	case m.maxn > 0 && !m.pruned:
		rows += int64(m.bucket)
	}
	if loss == lossTree {
		outputs--
	}
	switch {
	case m.kept != nil && !quantised:
		r.fail("buckets are pruned but the matrix is not quantised")
	case m.input.cols != m.dim || int64(m.input.rows) < rows:
		r.fail("input matrix of %d × %d for %d rows of %d", m.input.rows, m.input.cols, rows, m.dim)
	case m.output.cols != m.dim || int64(m.output.rows) < outputs:
		r.fail("output matrix of %d × %d for %d rows of %d", m.output.rows, m.output.cols, outputs, m.dim)
	case len(r.data) > 0:
		r.fail("%d bytes after the end", len(r.data))
	}
}
