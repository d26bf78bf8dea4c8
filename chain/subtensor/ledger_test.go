package subtensor

import (
	"context"
	"sync"
	"testing"

	"finest/chain"
	devruntime "finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/rpc/rpctest"
	"finest/chain/wallet"
)

// ledger is a fakeNode that takes extrinsics. on says what becomes of the n-th
// one that is sent, counted from 1; it may return errPass to have it taken.
type ledger struct {
	*fakeNode
	clock *rpctest.Clock
	c     *Client
	by    *wallet.Hotkey
	on    func(n int, conn *rpctest.Conn, xt hexBytes) (any, error)

	mu   sync.Mutex
	sent []hexBytes
}

func newLedger(t *testing.T) *ledger {
	by, err := wallet.FromURI("//Alice")
	if err != nil {
		t.Fatal(err)
	}
	l := &ledger{fakeNode: newFakeNode(t), clock: rpctest.NewClock(), by: by}
	l.grow(nil)
	l.finalize()
	l.c = l.dial(l.clock)
	l.script(func(r rpctest.Request) (any, error) {
		if r.Method != "author_submitAndWatchExtrinsic" {
			return nil, errPass
		}
		var xt hexBytes
		r.Param(t, 0, &xt)
		l.mu.Lock()
		l.sent = append(l.sent, xt)
		n := len(l.sent)
		l.mu.Unlock()
		return l.on(n, r.Conn, xt)
	})
	return l
}

// take puts extrinsics into a block that is final at once; event is that of the
// last.
func (l *ledger) take(event metadata.Enum, xts ...hexBytes) chain.Block {
	b := l.grow(func(b *fakeBlock) { l.write(b, event, len(xts)-1) }, xts...)
	l.finalize()
	return b
}

// write notes the nonce that is used and the events of a block.
func (l *ledger) write(b *fakeBlock, event metadata.Enum, index int) {
	l.next++
	l.set(b, map[string]any{
		"nonce": l.next, "consumers": 0, "providers": 1, "sufficients": 0,
		"data": map[string]any{"free": 0, "reserved": 0, "frozen": 0, "flags": 0},
	}, "System", "Account", l.by.PublicKey())
	l.set(b, []any{map[string]any{
		"phase": metadata.NewEnum("ApplyExtrinsic", index), "event": metadata.NewEnum("System", event), "topics": []any{},
	}}, "System", "Events")
}

// Events of an extrinsic that succeeded, and of one that did not.
var (
	info    = map[string]any{"weight": map[string]any{"ref_time": 1, "proof_size": 1}, "class": "Normal", "pays_fee": "No"}
	success = metadata.Enum{Name: "ExtrinsicSuccess", Fields: metadata.Record{{Name: "dispatch_info", Value: info}}}
	failure = metadata.Enum{Name: "ExtrinsicFailed", Fields: metadata.Record{{Name: "dispatch_error", Value: "BadOrigin"}, {Name: "dispatch_info", Value: info}}}
)

// remark submits a call that changes nothing.
func (l *ledger) remark(ctx context.Context, text string, effect effectFunc) <-chan result {
	done := make(chan result, 1)
	go func() {
		r, err := l.c.submit(ctx, l.by, "System", "remark", metadata.Args{"remark": []byte(text)}, effect)
		done <- result{r, err}
	}()
	return done
}

type result struct {
	receipt
	err error
}

// decode reads what was sent.
func (l *ledger) decode(xt hexBytes, v devruntime.Version) *extrinsic.Extrinsic {
	x, err := extrinsic.Decode(devruntime.Metadata(v), xt)
	if err != nil {
		l.t.Error(err)
		return &extrinsic.Extrinsic{}
	}
	return x
}
