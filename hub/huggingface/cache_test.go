package huggingface

import (
	"fmt"
	"testing"

	"finest/hub"
)

// The cache keeps what was asked for lately, and no more than it may.
func TestCache(t *testing.T) {
	var s stats
	key := func(i int) statKey { return statKey{"o/n", "sha", fmt.Sprint(i)} }
	for i := range maxRemembered {
		s.put(key(i), hub.File{Size: int64(i)})
	}
	if _, ok := s.get(key(0)); !ok {
		t.Error("the first is gone before there are too many")
	}
	s.put(key(1), hub.File{Size: 99})
	s.put(key(maxRemembered), hub.File{Size: maxRemembered})
	for i, want := range map[int]bool{0: true, 1: true, 2: false, 3: true, maxRemembered: true} {
		if f, ok := s.get(key(i)); ok != want || ok && f.Size != int64(i) {
			t.Errorf("file %d: %v, %v, want %v", i, f, ok, want)
		}
	}
	if len(s.byKey) != maxRemembered || s.order.Len() != maxRemembered {
		t.Errorf("%d and %d files", len(s.byKey), s.order.Len())
	}
	if _, ok := s.get(statKey{"o/n", "other", "0"}); ok {
		t.Error("a file of another commit")
	}
}
