package devchaintest

import (
	"context"
	"testing"
	"time"

	"finest/chain/devchain"
	"finest/chain/rpc"
)

// inPool is for how many blocks Abandon holds what was sent.
const inPool = 5

// Abandon lets write send an extrinsic and ends its ctx while the pool holds it,
// as happens to a process that is killed then. A block takes the extrinsic in a
// few blocks later. It returns when write did.
func Abandon(t testing.TB, node *devchain.Node, write func(ctx context.Context)) {
	t.Helper()
	pool, err := rpc.New(rpc.Options{Endpoints: []string{Listen(t, node)}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = pool.Close() }()
	node.Faults().DelayInclusion(inPool)
	defer node.Faults().DelayInclusion(0)
	ctx, kill := context.WithCancel(t.Context())
	defer kill()
	done := make(chan struct{})
	go func() {
		defer close(done)
		write(ctx)
	}()
	ask := time.NewTicker(time.Millisecond)
	defer ask.Stop()
	for pending := []string(nil); len(pending) == 0; <-ask.C {
		if err := pool.Call(t.Context(), &pending, "author_pendingExtrinsics"); err != nil {
			t.Fatal(err)
		}
		select {
		case <-done:
			t.Fatal("the write ended before anything was in the pool")
		default:
		}
	}
	kill()
	<-done
}
