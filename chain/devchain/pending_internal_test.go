package devchain

import (
	"context"
	"testing"
	"time"

	"finest/chain/devchain/runtime"
)

// A message may subscribe and then make blocks: what waits for the client to learn
// the ids counts as what waits for a slow reader does.
func TestNotificationsThatWaitAreBounded(t *testing.T) {
	n, err := New(Options{Genesis: runtime.Config{BlockTime: time.Second, Drand: runtime.Beacon{Period: 1 << 20}}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = n.Close() }()
	ctx, cut := context.WithCancel(t.Context())
	c := &conn{node: n, cut: cut, wake: make(chan struct{}, 1), subs: map[string]*subscription{}}
	n.mu.Lock()
	defer n.mu.Unlock()
	s, err := (&request{Node: n, conn: c}).subscribe(topicNew)
	if err != nil {
		t.Fatal(err)
	}
	big := make([]byte, 1<<20)
	for range maxQueue >> 20 {
		n.notify(s, hexBytes(big))
	}
	if ctx.Err() == nil {
		t.Errorf("%d notifications of 2 MiB wait, and the connection lives", len(s.pending))
	}
}
