package subtensor

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"finest/chain"
	devruntime "finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
)

func TestSubmit(t *testing.T) {
	var in chain.Block
	refusal := func(code int, data string) error {
		return &rpc.Error{Code: code, Message: "refused", Data: fmt.Appendf(nil, "%q", data)}
	}
	tests := []struct {
		name string
		on   func(l *ledger, n int, conn *rpctest.Conn, xt hexBytes) (any, error)
		// sent is how often an extrinsic is sent, signed how many of these differ.
		sent, signed int
		want         error
	}{
		{"told of finality", func(l *ledger, _ int, conn *rpctest.Conn, xt hexBytes) (any, error) {
			for _, s := range []any{"future", "ready", map[string]any{"broadcast": []string{"peer"}}, map[string]any{"inBlock": hexBytes{}}, map[string]any{"retracted": hexBytes{}}, 7} {
				conn.Notify("w", s) // before the subscription is known: lost, as they may be
			}
			in = l.take(success, []byte("inherent"), xt)
			go conn.Notify("w", map[string]any{"finalized": hexBytes(in.Hash[:])})
			return "w", nil
		}, 1, 1, nil},
		{"told nothing", func(l *ledger, _ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			in = l.take(success, xt)
			return "w", nil
		}, 1, 1, nil},
		{"failed", func(l *ledger, _ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			l.take(failure, xt)
			return "w", nil
		}, 1, 1, chain.ErrRejected},
		{"cut, and not taken", func(l *ledger, n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			if n < 3 {
				return nil, rpctest.ErrDrop
			}
			in = l.take(success, xt)
			return "w", nil
		}, 3, 1, nil},
		{"cut, but taken", func(l *ledger, _ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			in = l.take(success, xt)
			return nil, rpctest.ErrDrop
		}, 1, 1, nil},
		{"cut, in the pool and not final yet", func(l *ledger, n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				return nil, rpctest.ErrDrop
			}
			in = l.take(success, xt)
			return nil, refusal(codeImported, "")
		}, 2, 1, nil},
		{"cut, in a block and not final yet", func(l *ledger, n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				return nil, rpctest.ErrDrop
			}
			in = l.take(success, xt)
			return nil, refusal(codeInvalid, "Transaction is outdated")
		}, 2, 1, nil},
		{"refused", func(*ledger, int, *rpctest.Conn, hexBytes) (any, error) {
			return nil, refusal(codeInvalid, "Custom error: 10")
		}, 1, 1, chain.ErrNotRegistered},
		{"outdated once", func(l *ledger, n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				return nil, refusal(codeInvalid, "Transaction is outdated")
			}
			in = l.take(success, xt)
			return "w", nil
		}, 2, 2, nil},
		{"outdated always", func(*ledger, int, *rpctest.Conn, hexBytes) (any, error) {
			return nil, refusal(codeInvalid, "Transaction has a bad signature")
		}, signatures, signatures, chain.ErrOutdated},
		{"too low a priority once", func(l *ledger, n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				return nil, refusal(codePriority, "")
			}
			in = l.take(success, xt)
			return "w", nil
		}, 2, 2, nil},
		{"nonce used by another process", func(l *ledger, n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				l.take(success, []byte("another"))
				return "w", nil
			}
			in = l.take(success, xt)
			return "w", nil
		}, 2, 2, nil},
		{"era passes", func(l *ledger, n int, conn *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				for range eraPeriod - 1 {
					l.grow(nil)
				}
				l.finalize()
				go conn.Notify("w", "invalid")
				return "w", nil
			}
			in = l.take(success, xt)
			return "w", nil
		}, 2, 2, nil},
		{"runtime upgrade", func(l *ledger, n int, conn *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				l.grow(func(b *fakeBlock) { b.code = devruntime.V2 })
				l.grow(nil)
				l.finalize()
				go conn.Notify("w", "invalid")
				return "w", nil
			}
			if x := l.decode(xt, devruntime.V2); x.Nonce != 0 {
				l.t.Errorf("nonce %d after the upgrade", x.Nonce)
			}
			in = l.take(success, xt)
			return "w", nil
		}, 2, 2, nil},
		{"dropped from the pool", func(l *ledger, n int, conn *rpctest.Conn, xt hexBytes) (any, error) {
			if n == 1 {
				go conn.Notify("w", "dropped")
				return "w", nil
			}
			in = l.take(success, xt)
			return "w", nil
		}, 2, 1, nil},
		{"finality takes longer than the node waits", func(l *ledger, _ int, conn *rpctest.Conn, xt hexBytes) (any, error) {
			in = l.take(success, xt)
			go conn.Notify("w", map[string]any{"finalityTimeout": hexBytes(in.Hash[:])})
			return "w", nil
		}, 1, 1, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			l := newLedger(t)
			in = chain.Block{}
			l.on = func(n int, conn *rpctest.Conn, xt hexBytes) (any, error) { return tt.on(l, n, conn, xt) }
			got := await(l.clock, l.remark(t.Context(), "x", nil))
			if !errors.Is(got.err, tt.want) || (tt.want == nil && got.Block != in) {
				t.Errorf("receipt of %v, %v, want %v, %v", got.Block, got.err, in, tt.want)
			}
			if tt.want == nil && (len(got.Events) != 1 || got.Events[0].Name != "ExtrinsicSuccess") {
				t.Errorf("events are %v", got.Events)
			}
			distinct := map[string]bool{}
			for _, xt := range l.sent {
				distinct[string(xt)] = true
			}
			if len(l.sent) != tt.sent || len(distinct) != tt.signed {
				t.Errorf("sent %d times, %d signatures, want %d and %d", len(l.sent), len(distinct), tt.sent, tt.signed)
			}
			if l.c.account(l.by.PublicKey()).open != nil {
				t.Error("a transaction whose fate is known stays open")
			}
		})
	}
}

// What is signed names the runtime, the nonce and a final block.
func TestSigned(t *testing.T) {
	l := newLedger(t)
	for range 5 {
		l.grow(nil)
	}
	l.next = 41
	l.on = func(_ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
		l.take(success, xt)
		return "w", nil
	}
	if got := await(l.clock, l.remark(t.Context(), "hello", nil)); got.err != nil {
		t.Fatal(got.err)
	}
	x := l.decode(l.sent[0], devruntime.V1)
	call, err := devruntime.Metadata(devruntime.V1).Call("System", "remark", metadata.Args{"remark": []byte("hello")})
	if err != nil {
		t.Fatal(err)
	}
	if !slices.Equal(x.Call, call) || x.Nonce != 41 || x.Era != extrinsic.MortalAt(1, eraPeriod) || x.Signer != l.by.PublicKey() {
		t.Errorf("signed %+v", x)
	}
}

// Where finality stalls, an era that began with the final block would be over.
func TestStalledFinality(t *testing.T) {
	l := newLedger(t)
	for range 100 {
		l.grow(nil)
	}
	l.on = func(_ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
		l.take(success, xt)
		return "w", nil
	}
	if got := await(l.clock, l.remark(t.Context(), "x", nil)); got.err != nil {
		t.Fatal(got.err)
	}
	if x := l.decode(l.sent[0], devruntime.V1); x.Era.Birth(101) != 101-finalityLag {
		t.Errorf("era begins with block %d", x.Era.Birth(101))
	}
}

// A call whose context ended is gone on with by the next one of its kind, and
// does not happen twice.
func TestResume(t *testing.T) {
	for name, tt := range map[string]struct {
		second       string
		sent, signed int
	}{"the same call": {"x", 2, 1}, "another call": {"y", 2, 2}} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			ctx, cancel := context.WithCancel(t.Context())
			l.on = func(n int, _ *rpctest.Conn, xt hexBytes) (any, error) {
				if n == 1 {
					cancel()
					return nil, rpctest.ErrSilent
				}
				l.take(success, xt)
				return "w", nil
			}
			first := <-l.remark(ctx, "x", nil)
			wantErr(t, "call whose context ended", first.err, context.Canceled)
			if !strings.Contains(first.err.Error(), "not known") {
				t.Errorf("error does not say that the fate is not known: %v", first.err)
			}
			if second := await(l.clock, l.remark(t.Context(), tt.second, nil)); second.err != nil {
				t.Error(second.err)
			}
			if same := slices.Equal(l.sent[0], l.sent[len(l.sent)-1]); len(l.sent) != tt.sent || same != (tt.signed == 1) {
				t.Errorf("sent %d times, the same bytes: %v", len(l.sent), same)
			}
		})
	}
}

// Where blocks cannot be read any more, the effect of the call decides.
func TestEffect(t *testing.T) {
	want := chain.Block{Number: 2, Hash: fakeHash(2, 0)}
	for name, tt := range map[string]struct {
		effect effectFunc
		want   error
	}{
		"there": {func(_ context.Context, since chain.Block) (*chain.Block, error) {
			if since.Number != 1 {
				t.Errorf("effect is looked for since block %d", since.Number)
			}
			return &want, nil
		}, nil},
		"unknown": {nil, chain.ErrUnknownBlock},
	} {
		t.Run(name, func(t *testing.T) {
			l := newLedger(t)
			l.on = func(_ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
				l.take(success, xt)
				l.fakeNode.mu.Lock()
				defer l.fakeNode.mu.Unlock()
				l.bodiless = true
				return "w", nil
			}
			got := await(l.clock, l.remark(t.Context(), "x", tt.effect))
			wantErr(t, "submit", got.err, tt.want)
			if tt.want == nil && got.Block != want {
				t.Errorf("took effect in %v, want %v", got.Block, want)
			}
		})
	}
}

// A node that answers nothing about an old block is no reason to doubt that it
// was there: an archive may have it.
func TestBlockOfAnArchive(t *testing.T) {
	l, archive := newLedger(t), newFakeNode(t)
	archive.grow(nil)
	l.c = l.dial(l.clock, func(o *Options) { o.Archive = []string{archive.URL} })
	l.on = func(_ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
		archive.grow(func(b *fakeBlock) { l.write(b, success, 0) }, xt)
		l.next-- // written a second time
		l.take(success, xt)
		l.fakeNode.mu.Lock()
		defer l.fakeNode.mu.Unlock()
		l.bodiless = true
		return "w", nil
	}
	got := await(l.clock, l.remark(t.Context(), "x", nil))
	wantErr(t, "submit", got.err, nil)
	if want := (chain.Block{Number: 2, Hash: fakeHash(2, 0)}); got.Block != want {
		t.Errorf("took effect in %v, want %v", got.Block, want)
	}
}

// One key has one transaction under way.
func TestOneAtATime(t *testing.T) {
	l := newLedger(t)
	var under, most int
	var mu sync.Mutex
	l.on = func(_ int, _ *rpctest.Conn, xt hexBytes) (any, error) {
		mu.Lock()
		under++
		most = max(most, under)
		mu.Unlock()
		defer func() {
			mu.Lock()
			under--
			mu.Unlock()
		}()
		l.take(success, xt)
		return "w", nil
	}
	const writers = 5
	var done []<-chan result
	for i := range writers {
		done = append(done, l.remark(t.Context(), fmt.Sprint(i), nil))
	}
	for _, d := range done {
		if got := await(l.clock, d); got.err != nil {
			t.Error(got.err)
		}
	}
	if most != 1 || len(l.sent) != writers {
		t.Errorf("%d transactions were under way at a time, %d sent", most, len(l.sent))
	}
	nonces := map[uint32]bool{}
	for _, xt := range l.sent {
		nonces[l.decode(xt, devruntime.V1).Nonce] = true
	}
	if len(nonces) != writers {
		t.Errorf("%d nonces for %d transactions", len(nonces), writers)
	}
}

func TestUnreachable(t *testing.T) {
	l := newLedger(t)
	l.script(func(rpctest.Request) (any, error) { return nil, rpctest.ErrDrop })
	got := await(l.clock, l.remark(t.Context(), "x", nil))
	wantErr(t, "submit", got.err, chain.ErrUnavailable)
}

// Closing the client ends what waits for a block.
func TestCloseDuringSubmit(t *testing.T) {
	l := newLedger(t)
	l.on = func(int, *rpctest.Conn, hexBytes) (any, error) {
		go func() { _ = l.c.Close() }()
		return "w", nil
	}
	got := await(l.clock, l.remark(t.Context(), "x", nil))
	wantErr(t, "submit", got.err, rpc.ErrClosed)
	if !strings.Contains(got.err.Error(), "not known") {
		t.Errorf("error does not say that the fate is not known: %v", got.err)
	}
}
