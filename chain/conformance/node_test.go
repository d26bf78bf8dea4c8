package conformance

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/devchaintest"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
	"finest/chain/rpc"
	"finest/chain/subtensor"
	"finest/chain/wallet"
)

// patience bounds the wait for one transaction or block of a slow node.
const patience = 5 * time.Minute

// node is the node under test, seen through raw JSON-RPC and through the client.
type node struct {
	endpoint string
	dev      *devchain.Node // nil where the node runs elsewhere
	rpc      *rpc.Client
	client   *subtensor.Client
	methods  []string
	alice    *wallet.Hotkey
	run      string // makes keys new on a chain that was tested before

	meta     *metadata.Metadata
	spec, tx uint32
	genesis  chain.Hash
}

// open connects to a node elsewhere.
func open(t *testing.T, endpoint string) *node {
	return (&node{endpoint: endpoint}).connect(t)
}

// start starts a development chain and connects to it.
func start(t *testing.T, noGuards bool, seal devchain.SealMode) *node {
	const blockTime = 12 * time.Second
	dev := devchaintest.Start(t, runtime.Config{BlockTime: blockTime, NoGuards: noGuards}, func(o *devchain.Options) { o.Seal = seal })
	return (&node{dev: dev, endpoint: devchaintest.Listen(t, dev)}).connect(t)
}

func (n *node) connect(t *testing.T) *node {
	n.client = devchaintest.Dial(t, n.endpoint)
	var err error
	if n.rpc, err = rpc.New(rpc.Options{Endpoints: []string{n.endpoint}, CallTimeout: patience}); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = n.rpc.Close() })
	var listed struct{ Methods []string }
	n.call(t, &listed, "rpc_methods")
	n.methods = listed.Methods
	n.alice = devchaintest.Key(t, "//Alice")
	n.genesis = n.hash(t, "chain_getBlockHash", 0)
	n.refresh(t)
	// Chopsticks signs for another genesis at block 0 than at later ones.
	if n.head(t).Number == 0 && n.has("dev_newBlock") {
		n.pass(t, 1)
	}
	n.run = strconv.FormatUint(n.head(t).Number, 10)
	return n
}

func (n *node) has(method string) bool { return slices.Contains(n.methods, method) }

// need skips a test that needs a method which nodes of a network lack.
func (n *node) need(t *testing.T, method string) {
	t.Helper()
	if !n.has(method) {
		t.Skipf("this node has no %s", method)
	}
}

// needCall skips a test that needs a call which the runtime lacks.
func (n *node) needCall(t *testing.T, pallet, call string) {
	t.Helper()
	if !n.meta.HasCall(pallet, call) {
		t.Skipf("runtime %d has no call %s.%s", n.spec, pallet, call)
	}
}

func (n *node) call(t *testing.T, result any, method string, params ...any) {
	t.Helper()
	if err := n.rpc.Call(t.Context(), result, method, params...); err != nil {
		t.Fatal(err)
	}
}

func (n *node) hash(t *testing.T, method string, params ...any) chain.Hash {
	t.Helper()
	var text string
	n.call(t, &text, method, params...)
	return chain.Hash(unhex(t, text))
}

// refresh reads the runtime of the newest block.
func (n *node) refresh(t *testing.T) {
	t.Helper()
	var v struct{ SpecVersion, TransactionVersion uint32 }
	n.call(t, &v, "state_getRuntimeVersion")
	if n.meta != nil && v.SpecVersion == n.spec {
		return
	}
	n.spec, n.tx = v.SpecVersion, v.TransactionVersion
	var text string
	n.call(t, &text, "state_getMetadata")
	meta, err := metadata.Decode(unhex(t, text))
	if err != nil {
		t.Fatal(err)
	}
	n.meta = meta
}

func (n *node) head(t *testing.T) chain.Block {
	t.Helper()
	b, err := n.client.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// pass lets blocks pass: it makes them where it can, and waits elsewhere.
func (n *node) pass(t *testing.T, blocks uint64) chain.Block {
	t.Helper()
	number := n.head(t).Number + blocks
	n.reach(t, number)
	return n.head(t)
}

func (n *node) reach(t *testing.T, number uint64) {
	t.Helper()
	if err := n.until(t.Context(), number); err != nil {
		t.Fatal(err)
	}
}

// until waits until the head has this number.
func (n *node) until(ctx context.Context, number uint64) error {
	head, err := n.client.Head(ctx)
	if err != nil || head.Number >= number {
		return err
	}
	if n.has("dev_newBlock") {
		return n.rpc.Call(ctx, nil, "dev_newBlock", map[string]uint64{"count": number - head.Number})
	}
	heads, err := n.rpc.Subscribe(ctx, "chain_subscribeNewHeads", "chain_unsubscribeNewHeads")
	if err != nil {
		return err
	}
	defer heads.Close()
	for {
		note, err := heads.Next(ctx)
		if err != nil {
			return err
		}
		var h struct{ Number string }
		if err := json.Unmarshal(note, &h); err != nil {
			return err
		}
		if at, err := strconv.ParseUint(strings.TrimPrefix(h.Number, "0x"), 16, 64); err != nil || at >= number {
			return err
		}
	}
}

// key is a hotkey that no earlier run used.
func (n *node) key(t *testing.T, name string) *wallet.Hotkey {
	t.Helper()
	return devchaintest.Key(t, fmt.Sprintf("//Alice//conformance//%s//%s", n.run, name))
}

// item is a storage item of the runtime; a test that needs one which it lacks is
// skipped.
func (n *node) item(t *testing.T, pallet, name string) *metadata.StorageItem {
	t.Helper()
	item, err := n.meta.StorageItem(pallet, name)
	var missing *metadata.MissingError
	if errors.As(err, &missing) {
		t.Skipf("runtime %d has no storage item %s.%s", n.spec, pallet, name)
	}
	if err != nil {
		t.Fatal(err)
	}
	return item
}

func storageKey(t *testing.T, item *metadata.StorageItem, keys ...any) []byte {
	t.Helper()
	key, err := item.Key(keys...)
	if err != nil {
		t.Fatal(err)
	}
	return key
}

// raw reads a storage value after a block; nil where it is unset.
func (n *node) raw(t *testing.T, at chain.Hash, key []byte) []byte {
	t.Helper()
	var text *string
	n.call(t, &text, "state_getStorage", tohex(key), tohex(at[:]))
	if text == nil {
		return nil
	}
	return unhex(t, *text)
}

// read reads and decodes a storage value after the newest block.
func (n *node) read(t *testing.T, pallet, name string, keys ...any) any {
	t.Helper()
	item := n.item(t, pallet, name)
	v, err := item.Decode(n.raw(t, n.head(t).Hash, storageKey(t, item, keys...)))
	if err != nil {
		t.Fatal(err)
	}
	return v
}

// store sets a storage value by dev_setStorage; a test that needs that is skipped
// on a node without it.
func (n *node) store(t *testing.T, value any, pallet, name string, keys ...any) {
	t.Helper()
	n.need(t, "dev_setStorage")
	item := n.item(t, pallet, name)
	encoded, err := item.Encode(value)
	if err != nil {
		t.Fatal(err)
	}
	n.call(t, nil, "dev_setStorage", [][2]string{{tohex(storageKey(t, item, keys...)), tohex(encoded)}})
}

func tohex(b []byte) string { return "0x" + hex.EncodeToString(b) }

func unhex(t testing.TB, text string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(text, "0x"))
	if err != nil {
		t.Fatalf("%.80s: %v", text, err)
	}
	return b
}
