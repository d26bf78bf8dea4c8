package subtensor

import (
	"context"
	"errors"
	"math"
	"reflect"
	"strings"
	"sync/atomic"
	"testing"

	"go.uber.org/goleak"

	"finest/chain"
	devruntime "finest/chain/devchain/runtime"
	"finest/chain/metadata"
	"finest/chain/rpc/rpctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

func TestBlocks(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial(rpctest.NewClock())
	one := n.grow(nil)
	n.finalize()
	two := n.grow(nil)
	for name, read := range map[string]struct {
		f    func(context.Context) (chain.Block, error)
		want chain.Block
	}{
		"head":      {c.Head, two},
		"finalized": {c.Finalized, one},
		"by number": {func(ctx context.Context) (chain.Block, error) { return c.BlockAt(ctx, 1) }, one},
		"waited":    {func(ctx context.Context) (chain.Block, error) { return c.WaitFinalized(ctx, 1) }, one},
	} {
		if got, err := read.f(t.Context()); err != nil || got != read.want {
			t.Errorf("%s is %v, %v, want %v", name, got, err, read.want)
		}
	}
	for _, number := range []uint64{3, math.MaxUint32, math.MaxUint32 + 1, math.MaxUint64} {
		_, err := c.BlockAt(t.Context(), number)
		wantErr(t, "a block that is not there", err, chain.ErrUnknownBlock)
	}
}

// A wait hears of blocks, and asks where it hears nothing, or lost the
// connection.
func TestWaitFinalized(t *testing.T) {
	for _, how := range []string{"told", "asked", "cut off", "cut off while it subscribes"} {
		t.Run(how, func(t *testing.T) {
			clock := rpctest.NewClock()
			n := newFakeNode(t)
			c := n.dial(clock)
			listening := make(chan struct{}, 10)
			var subscribed atomic.Int32
			n.script(func(r rpctest.Request) (any, error) {
				if r.Method == "chain_subscribeFinalizedHeads" {
					listening <- struct{}{}
					if subscribed.Add(1) == 1 && how == "cut off while it subscribes" {
						return nil, rpctest.ErrDrop
					}
				}
				return nil, errPass
			})
			done := make(chan chain.Block, 1)
			go func() {
				b, err := c.WaitFinalized(t.Context(), 2)
				if err != nil {
					t.Error(err)
				}
				done <- b
			}()
			<-listening
			n.grow(nil)
			want := n.grow(nil)
			switch how {
			case "told":
				// The node may not have noted the subscription the first time.
				for len(done) == 0 {
					n.finalize()
				}
			case "cut off":
				n.Drop()
				<-listening
				fallthrough
			case "asked", "cut off while it subscribes":
				n.mu.Lock()
				n.final = 2
				n.mu.Unlock()
			}
			if got := await(clock, done); got != want {
				t.Errorf("waited for %v, want %v", got, want)
			}
		})
	}
}

func TestReads(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial(rpctest.NewClock())
	const many = 2*keysPaged + 300
	at := n.grow(func(b *fakeBlock) {
		n.set(b, uint64(77), "SubtensorModule", "Tempo", uint16(7))
		for uid := range many {
			n.set(b, uint64(uid), "SubtensorModule", "BlockAtRegistration", uint16(7), uint16(uid))
		}
		n.set(b, uint64(1), "SubtensorModule", "BlockAtRegistration", uint16(8), uint16(0))
	})
	n.finalize()
	n.grow(func(b *fakeBlock) { clear(b.state) }) // later blocks change nothing

	v, err := c.read(t.Context(), at, "SubtensorModule", "Tempo", uint16(7))
	if err != nil || v != uint64(77) {
		t.Errorf("a value that is set reads %v, %v", v, err)
	}
	v, err = c.read(t.Context(), at, "SubtensorModule", "Tempo", uint16(8))
	if err != nil || v != uint64(360) {
		t.Errorf("the default reads %v, %v", v, err)
	}
	v, err = c.read(t.Context(), at, "SubtensorModule", "Uids", uint16(7), chain.PublicKey{1})
	if err != nil || v != nil {
		t.Errorf("an optional value that is unset reads %v, %v", v, err)
	}
	_, err = c.read(t.Context(), at, "SubtensorModule", "NoSuchItem")
	var missing *metadata.MissingError
	if !errors.As(err, &missing) {
		t.Errorf("an item that is not there: %v", err)
	}
	if _, err = c.read(t.Context(), at, "SubtensorModule", "Tempo", "seven"); err == nil {
		t.Error("a key of the wrong type is taken")
	}

	entries, err := c.readMap(t.Context(), at, "SubtensorModule", "BlockAtRegistration", uint16(7))
	if err != nil || len(entries) != many {
		t.Fatalf("%d entries, %v, want %d", len(entries), err, many)
	}
	seen := map[any]bool{}
	for _, e := range entries {
		if !reflect.DeepEqual(e.keys, []any{uint64(7), e.value}) || seen[e.value] {
			t.Fatalf("entry %v", e)
		}
		seen[e.value] = true
	}
	keys := make([][]any, many+1)
	for i := range keys {
		keys[i] = []any{uint16(7), uint16(many - i)}
	}
	values, err := c.readMany(t.Context(), at, "SubtensorModule", "BlockAtRegistration", keys)
	if err != nil || values[0] != uint64(0) || values[1] != uint64(many-1) || values[many] != uint64(0) {
		t.Errorf("many values: %v, %v", len(values), err)
	}
}

// A page that does not follow the one before would go on for ever, and values
// that were not told are not taken for unset ones.
func TestNodeThatLies(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial(rpctest.NewClock())
	at := n.grow(nil)
	page := make([]hexBytes, keysPaged)
	n.script(func(r rpctest.Request) (any, error) {
		switch r.Method {
		case "state_getKeysPaged":
			var prefix hexBytes
			r.Param(t, 0, &prefix)
			for i := range page {
				page[i] = append(append(hexBytes{}, prefix...), byte(i>>8), byte(i))
			}
			return page, nil
		case "state_queryStorageAt":
			return []any{}, nil
		}
		return nil, errPass
	})
	_, err := c.readMap(t.Context(), at, "SubtensorModule", "Tempo")
	if err == nil || !strings.Contains(err.Error(), "out of order") {
		t.Errorf("the same page again and again: %v", err)
	}
	_, err = c.read(t.Context(), at, "SubtensorModule", "Tempo", uint16(7))
	if err == nil || !strings.Contains(err.Error(), "does not tell") {
		t.Errorf("an answer without the value: %v", err)
	}
}

// However many answers a read takes, it keeps no more bytes than one may have.
func TestValuesTakeTooMuchMemory(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial(rpctest.NewClock(), func(o *Options) { o.MessageLimit = 400_000 })
	at := n.grow(nil)
	n.script(func(r rpctest.Request) (any, error) {
		if r.Method != "state_queryStorageAt" {
			return nil, errPass
		}
		var asked []hexBytes
		r.Param(t, 0, &asked)
		changes := make([][2]hexBytes, len(asked))
		for i, k := range asked {
			changes[i] = [2]hexBytes{k, make(hexBytes, 500)}
		}
		return []any{map[string]any{"changes": changes}}, nil
	})
	keys := make([][]byte, 4*keysAsked)
	for i := range keys {
		keys[i] = []byte{byte(i >> 8), byte(i)}
	}
	if _, err := c.rawMany(t.Context(), at, keys[:keysAsked]); err != nil {
		t.Errorf("values that fit: %v", err)
	}
	if _, err := c.rawMany(t.Context(), at, keys); err == nil || !strings.Contains(err.Error(), "more than 400000 bytes") {
		t.Errorf("values of 512,000 bytes: error %v", err)
	}
}

func TestUnknownBlocks(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial(rpctest.NewClock())
	n.grow(nil)
	n.finalize()
	head := n.grow(nil)
	fork := n.aside()
	misnumbered, err := c.Finalized(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	misnumbered.Number--
	for name, at := range map[string]chain.Block{
		"a fork": fork, "another number": misnumbered, "the future": {Number: 9, Hash: head.Hash},
	} {
		_, err := c.read(t.Context(), at, "SubtensorModule", "Tempo", uint16(7))
		wantErr(t, "read on "+name, err, chain.ErrUnknownBlock)
		_, err = c.events(t.Context(), at)
		wantErr(t, "events on "+name, err, chain.ErrUnknownBlock)
		_, err = c.apiCall(t.Context(), at, "AccountNonceApi", "account_nonce", nil)
		wantErr(t, "API on "+name, err, chain.ErrUnknownBlock)
	}
	if _, err := c.read(t.Context(), head, "SubtensorModule", "Tempo", uint16(7)); err != nil {
		t.Error(err)
	}
}

func TestOtherChain(t *testing.T) {
	n, other := newFakeNode(t), newFakeNode(t)
	other.blocks[0].Hash[0] ^= 1
	c := n.dial(rpctest.NewClock(), func(o *Options) { o.Archive = []string{other.URL} })
	if _, err := c.Head(t.Context()); err != nil {
		t.Fatal(err)
	}
	var hash hexHash
	err := c.archive.Call(t.Context(), &hash, "chain_getFinalizedHead")
	if err == nil || !strings.Contains(err.Error(), "another chain") {
		t.Errorf("a node of another chain is used: %v", err)
	}
}

// The block that upgrades the runtime was executed by the old one: its events
// and its state are laid out by that one, while APIs and signatures are the new
// one's already.
func TestUpgrade(t *testing.T) {
	n := newFakeNode(t)
	c := n.dial(rpctest.NewClock())
	before := n.grow(nil)
	upgrade := n.grow(func(b *fakeBlock) { b.code = devruntime.V2 })
	after := n.grow(nil)
	old, now := devruntime.V1.Spec(), devruntime.V2.Spec()
	for _, tt := range []struct {
		at          chain.Block
		layout, api uint32
	}{{before, old, old}, {upgrade, old, now}, {after, now, now}, {chain.Block{Hash: n.blocks[0].Hash}, old, old}} {
		layout, err := c.layoutAt(t.Context(), tt.at)
		if err != nil || layout.Spec != tt.layout {
			t.Errorf("block %d is laid out by %v, %v, want %d", tt.at.Number, layout, err, tt.layout)
		}
		api, err := c.runtimeAt(t.Context(), tt.at.Hash)
		if err != nil || api.Spec != tt.api {
			t.Errorf("after block %d runs %v, %v, want %d", tt.at.Number, api, err, tt.api)
		}
	}
	if got := n.count("state_call"); got != 2 {
		t.Errorf("metadata of two runtimes was asked for %d times", got)
	}
}

func TestMetadataForms(t *testing.T) {
	for name, tt := range map[string]struct {
		forms []uint32
		want  int
	}{"newest": {[]uint32{14, 15, 16}, 16}, "older": {[]uint32{14, 15}, 15}, "without the API": {nil, 14}} {
		t.Run(name, func(t *testing.T) {
			n := newFakeNode(t)
			n.forms = tt.forms
			r, err := n.dial(rpctest.NewClock()).runtimeAt(t.Context(), n.blocks[0].Hash)
			if err != nil || r.Meta.Version != tt.want {
				t.Errorf("metadata %v, %v, want form %d", r, err, tt.want)
			}
		})
	}
}

// A read survives lost connections, and one that never answers ends.
func TestReadsOverBadConnections(t *testing.T) {
	clock := rpctest.NewClock()
	n := newFakeNode(t)
	c := n.dial(clock)
	want := n.grow(nil)
	var drops atomic.Int32 // every connection has a goroutine of its own
	n.script(func(r rpctest.Request) (any, error) {
		if r.Method == "chain_getHeader" && drops.Add(1) <= 2 {
			return nil, rpctest.ErrDrop
		}
		return nil, errPass
	})
	if got, err := c.Head(t.Context()); err != nil || got != want {
		t.Errorf("over a connection that is lost twice: %v, %v", got, err)
	}
	asked := make(chan struct{})
	n.script(func(rpctest.Request) (any, error) {
		close(asked)
		return nil, rpctest.ErrSilent
	})
	done := make(chan error, 1)
	go func() {
		_, err := c.Head(t.Context())
		done <- err
	}()
	<-asked
	clock.Fire(DefaultCallTimeout)
	wantErr(t, "silence", <-done, chain.ErrUnavailable)
	n.script(func(r rpctest.Request) (any, error) {
		r.Conn.Stream(`{"jsonrpc":"2.0",`, []byte(strings.Repeat(" ", 1<<16)), -1)
		return nil, rpctest.ErrSilent
	})
	_, err := n.dial(clock, func(o *Options) { o.MessageLimit = 1 << 20 }).Head(t.Context())
	wantErr(t, "answer without end", err, chain.ErrUnavailable)
	n.script(nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = c.Head(ctx)
	wantErr(t, "ended context", err, context.Canceled)
}
