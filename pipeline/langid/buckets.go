package langid

import "math/bits"

// keptBuckets knows the rows of the buckets that pruning left. A bit per bucket
// says whether it is there: of 2 million the 43,000 of lid.176.ftz are kept, and
// their bits stay in the processor's cache.
type keptBuckets struct {
	present []uint64
	// before counts the buckets that are present before each word of present.
	before []int32
	// rows are those of the buckets present, in the order of the buckets.
	rows []int32
}

// newKeptBuckets returns the table of so many buckets of which these are there.
func newKeptBuckets(buckets uint32, there []int32) *keptBuckets {
	k := &keptBuckets{present: make([]uint64, buckets/64+1)}
	for _, b := range there {
		k.present[b/64] |= 1 << (b % 64)
	}
	k.before = make([]int32, len(k.present))
	n := int32(0)
	for i, word := range k.present {
		k.before[i] = n
		n += int32(bits.OnesCount64(word))
	}
	k.rows = make([]int32, n)
	return k
}

// row returns where the row of a bucket stands; nil if it was pruned away.
func (k *keptBuckets) row(bucket uint32) *int32 {
	word, bit := k.present[bucket/64], uint64(1)<<(bucket%64)
	if word&bit == 0 {
		return nil
	}
	return &k.rows[int(k.before[bucket/64])+bits.OnesCount64(word&(bit-1))]
}
