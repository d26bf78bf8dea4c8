package huggingface

import (
	"container/list"
	"sync"

	"finest/hub"
)

// maxRemembered is how many things of a kind a client remembers: about as many
// files as a validator looks at in one go, and 2 MiB of samples.
const maxRemembered = 4096

// cache remembers what does not change, and forgets what was not asked for
// longest. Its zero value is empty.
type cache[K comparable, V any] struct {
	mu    sync.Mutex
	order list.List // of remembered[K, V], newest first
	byKey map[K]*list.Element
}

type remembered[K comparable, V any] struct {
	key   K
	value V
}

func (c *cache[K, V]) get(key K) (value V, ok bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	e, ok := c.byKey[key]
	if !ok {
		return value, false
	}
	c.order.MoveToFront(e)
	return e.Value.(remembered[K, V]).value, true
}

func (c *cache[K, V]) put(key K, value V) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if e, ok := c.byKey[key]; ok {
		c.order.MoveToFront(e)
		return
	}
	if c.byKey == nil {
		c.byKey = make(map[K]*list.Element)
	}
	c.byKey[key] = c.order.PushFront(remembered[K, V]{key, value})
	if c.order.Len() > maxRemembered {
		last := c.order.Back()
		c.order.Remove(last)
		delete(c.byKey, last.Value.(remembered[K, V]).key)
	}
}

// statKey names a file at a commit.
type statKey struct{ repo, sha, path string }

type (
	// stats are files at commits.
	stats = cache[statKey, hub.File]
	// samples are the first bytes of contents that the hub has stored, by SHA-256,
	// so that a publication need not open what was uploaded ahead of it.
	samples = cache[string, []byte]
)
