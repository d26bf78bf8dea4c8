package memstore

import (
	"cmp"
	"slices"
	"strings"
)

// key is what an index orders.
type key[K any] interface {
	comparable
	compare(K) int
}

// index is a set of keys in their order.
type index[K key[K]] struct{ keys []K }

func (x *index[K]) find(k K) (int, bool) {
	return slices.BinarySearchFunc(x.keys, k, K.compare)
}

func (x *index[K]) add(k K) {
	if at, found := x.find(k); !found {
		x.keys = slices.Insert(x.keys, at, k)
	}
}

func (x *index[K]) remove(k K) {
	if at, found := x.find(k); found {
		x.keys = slices.Delete(x.keys, at, at+1)
	}
}

// set makes k a member or not.
func (x *index[K]) set(k K, member bool) {
	if member {
		x.add(k)
	} else {
		x.remove(k)
	}
}

// addAll adds many keys at once.
func (x *index[K]) addAll(keys []K) {
	x.keys = append(x.keys, keys...)
	slices.SortFunc(x.keys, K.compare)
	x.keys = slices.Compact(x.keys)
}

// from returns the keys at or after k.
func (x *index[K]) from(k K) []K {
	at, _ := x.find(k)
	return x.keys[at:]
}

// taskID orders tasks by their id.
type taskID string

func (a taskID) compare(b taskID) int { return strings.Compare(string(a), string(b)) }

// place orders tasks by a number, a Point or a block, then by id.
type place struct {
	at uint64
	id string
}

func (a place) compare(b place) int {
	return cmp.Or(cmp.Compare(a.at, b.at), strings.Compare(a.id, b.id))
}

// excuseKey orders releases by their block.
type excuseKey struct {
	block uint64
	leaseKey
}

func (a excuseKey) compare(b excuseKey) int {
	return cmp.Or(cmp.Compare(a.block, b.block), strings.Compare(a.task, b.task), cmp.Compare(a.generation, b.generation))
}
