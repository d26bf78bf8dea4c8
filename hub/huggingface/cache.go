package huggingface

import (
	"container/list"
	"sync"

	"finest/hub"
)

// maxStats is how many files are remembered: about as many as a validator looks
// at in one go.
const maxStats = 4096

// statCache remembers files at commits, which do not change, and forgets those
// not asked for longest. Its zero value is empty.
type statCache struct {
	mu    sync.Mutex
	order list.List // of statEntry, newest first
	byKey map[statKey]*list.Element
}

type statKey struct{ repo, sha, path string }

type statEntry struct {
	key  statKey
	file hub.File
}

func (s *statCache) get(key statKey) (hub.File, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	e, ok := s.byKey[key]
	if !ok {
		return hub.File{}, false
	}
	s.order.MoveToFront(e)
	return e.Value.(statEntry).file, true
}

func (s *statCache) put(key statKey, file hub.File) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if e, ok := s.byKey[key]; ok {
		s.order.MoveToFront(e)
		return
	}
	if s.byKey == nil {
		s.byKey = make(map[statKey]*list.Element)
	}
	s.byKey[key] = s.order.PushFront(statEntry{key, file})
	if s.order.Len() > maxStats {
		last := s.order.Back()
		s.order.Remove(last)
		delete(s.byKey, last.Value.(statEntry).key)
	}
}
