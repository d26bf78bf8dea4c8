package subtensor

import "sync"

// Sizes of the caches: a day of blocks by their hashes, and as many runtimes as
// a client meets that closes a long gap. Metadata takes about 10 MB in memory.
const (
	blocksCached   = 7200
	runtimesCached = 4
)

// cache keeps the newest entries, by the time they were added.
type cache[K comparable, V any] struct {
	mu     sync.Mutex
	values map[K]V
	order  []K // a ring, once full
	next   int
}

func newCache[K comparable, V any](size int) *cache[K, V] {
	return &cache[K, V]{values: map[K]V{}, order: make([]K, 0, size)}
}

func (c *cache[K, V]) get(k K) (V, bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	v, ok := c.values[k]
	return v, ok
}

func (c *cache[K, V]) put(k K, v V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.values[k]; !ok {
		if len(c.order) < cap(c.order) {
			c.order = append(c.order, k)
		} else {
			delete(c.values, c.order[c.next])
			c.order[c.next] = k
			c.next = (c.next + 1) % len(c.order)
		}
	}
	c.values[k] = v
}
