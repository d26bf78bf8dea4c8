package subtensor

import (
	"fmt"
	"maps"
	goruntime "runtime"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/rs/zerolog"

	"finest/chain"
	devruntime "finest/chain/devchain/runtime"
	"finest/chain/metadata"
	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
)

// fakeBlock is a block of a fakeNode with the state after it.
type fakeBlock struct {
	chain.Block
	parent chain.Hash
	code   devruntime.Version // that executes the next block
	xts    []hexBytes
	state  map[string][]byte
}

// fakeNode answers what its blocks say and does nothing by itself: for answers
// that a real node gives at bad times only.
type fakeNode struct {
	t *testing.T
	*rpctest.Server

	mu       sync.Mutex
	blocks   []*fakeBlock // the best chain
	forks    []*fakeBlock
	final    int
	pruned   int    // blocks below have no state
	bodiless bool   // nor bodies
	next     uint64 // system_accountNextIndex
	forms    []uint32
	asked    map[string]int
	// handle may answer before the node does; with errPass it does not.
	handle func(r rpctest.Request) (any, error)
	heads  map[*rpctest.Conn][]string
}

var errPass = fmt.Errorf("no answer of its own")

// newFakeNode has a final genesis.
func newFakeNode(t *testing.T) *fakeNode {
	n := &fakeNode{t: t, forms: []uint32{15, 16}, asked: map[string]int{}, heads: map[*rpctest.Conn][]string{}}
	n.blocks = []*fakeBlock{{Block: chain.Block{Hash: fakeHash(0, 0)}, code: devruntime.V1, state: map[string][]byte{}}}
	n.Server = rpctest.New(t, n.answer)
	return n
}

func fakeHash(number uint64, fork byte) chain.Hash {
	return chain.Hash(metadata.SumBlake2_256(fmt.Appendf(nil, "block %d of fork %d", number, fork)))
}

// dial returns a client of the nodes whose timers fire by clock.
func (n *fakeNode) dial(clock *rpctest.Clock, change ...func(*Options)) *Client {
	n.t.Helper()
	o := Options{Endpoints: []string{n.URL}, Log: zerolog.Nop(), After: clock.After, Now: clock.Now, Rand: func() float64 { return 0 }}
	for pause := rpc.DefaultMinBackoff / 2; pause < rpc.DefaultMaxBackoff; pause *= 2 {
		clock.Auto(min(pause, rpc.DefaultMaxBackoff/2)) // between two rounds of endpoints
	}
	for _, c := range change {
		c(&o)
	}
	c, err := New(o)
	if err != nil {
		n.t.Fatal(err)
	}
	n.t.Cleanup(func() { _ = c.Close() })
	return c
}

// grow appends a block that holds xts, after edit changed the state.
func (n *fakeNode) grow(edit func(*fakeBlock), xts ...hexBytes) chain.Block {
	n.mu.Lock()
	defer n.mu.Unlock()
	last := n.blocks[len(n.blocks)-1]
	number := last.Number + 1
	b := &fakeBlock{
		Block:  chain.Block{Number: number, Hash: fakeHash(number, 0)},
		parent: last.Hash, code: last.code, xts: xts, state: maps.Clone(last.state),
	}
	if edit != nil {
		edit(b)
	}
	n.blocks = append(n.blocks, b)
	return b.Block
}

// finalize makes all blocks final and tells who listens.
func (n *fakeNode) finalize() {
	n.mu.Lock()
	n.final = len(n.blocks) - 1
	heads := maps.Clone(n.heads)
	header := n.header(n.blocks[n.final])
	n.mu.Unlock()
	for c, ids := range heads {
		for _, id := range ids {
			c.Notify(id, header)
		}
	}
}

// script sets handle.
func (n *fakeNode) script(handle func(r rpctest.Request) (any, error)) {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.handle = handle
}

func (n *fakeNode) count(method string) int {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.asked[method]
}

// set writes a value as the block's code lays it out.
func (n *fakeNode) set(b *fakeBlock, v any, pallet, item string, keys ...any) {
	n.t.Helper()
	s, err := devruntime.Metadata(b.code).StorageItem(pallet, item)
	if err != nil {
		n.t.Fatal(err)
	}
	key, err := s.Key(keys...)
	if err != nil {
		n.t.Fatal(err)
	}
	raw, err := s.Encode(v)
	if err != nil {
		n.t.Fatal(err)
	}
	b.state[string(key)] = raw
}

func (n *fakeNode) header(b *fakeBlock) any {
	return map[string]any{"parentHash": hexBytes(b.parent[:]), "number": fmt.Sprintf("0x%x", b.Number)}
}

// find returns the block of the hash that is parameter i, the newest without one.
func (n *fakeNode) find(r rpctest.Request, i int) *fakeBlock {
	var hash hexHash
	r.Param(n.t, i, &hash)
	if hash == (hexHash{}) {
		return n.blocks[len(n.blocks)-1]
	}
	for _, b := range slices.Concat(n.blocks, n.forks) {
		if b.Hash == chain.Hash(hash) {
			return b
		}
	}
	return nil
}

// stateAt is find for blocks whose state is kept.
func (n *fakeNode) stateAt(r rpctest.Request, i int) (*fakeBlock, error) {
	b := n.find(r, i)
	if b == nil {
		return nil, &rpc.Error{Code: 4003, Message: "Client error: UnknownBlock: Header was not found in the database"}
	}
	if b.Number < uint64(n.pruned) {
		return nil, &rpc.Error{Code: 4003, Message: "Client error: Api called for an unknown Block: State already discarded for " + b.Hash.String()}
	}
	return b, nil
}

func (n *fakeNode) answer(r rpctest.Request) (any, error) {
	n.mu.Lock()
	n.asked[r.Method]++
	handle := n.handle
	n.mu.Unlock()
	if handle != nil {
		if v, err := handle(r); err != errPass { //nolint:errorlint // a marker
			return v, err
		}
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	switch r.Method {
	case "chain_getBlockHash":
		if len(r.Params) == 0 {
			return hexBytes(n.find(r, 0).Hash[:]), nil
		}
		var number uint64
		r.Param(n.t, 0, &number)
		if number >= uint64(len(n.blocks)) {
			return nil, nil
		}
		return hexBytes(n.blocks[number].Hash[:]), nil
	case "chain_getFinalizedHead":
		return hexBytes(n.blocks[n.final].Hash[:]), nil
	case "chain_getHeader":
		if b := n.find(r, 0); b != nil {
			return n.header(b), nil
		}
		return nil, nil
	case "chain_getBlock":
		b := n.find(r, 0)
		if b == nil || n.bodiless {
			return nil, nil
		}
		return map[string]any{"block": map[string]any{"extrinsics": slices.Concat([]hexBytes{}, b.xts)}}, nil
	case "chain_subscribeFinalizedHeads":
		id := fmt.Sprint("heads", r.ID)
		n.heads[r.Conn] = append(n.heads[r.Conn], id)
		return id, nil
	case "chain_unsubscribeFinalizedHeads", "author_unwatchExtrinsic":
		return true, nil
	case "system_accountNextIndex":
		return n.next, nil
	case "state_getRuntimeVersion":
		b, err := n.stateAt(r, 0)
		if err != nil {
			return nil, err
		}
		return map[string]any{"specVersion": b.code.Spec(), "transactionVersion": 1}, nil
	case "state_getMetadata":
		b, err := n.stateAt(r, 0)
		if err != nil {
			return nil, err
		}
		return hexBytes(encodedMetadata(n.t, b.code, 14)), nil
	case "state_call":
		return n.api(r)
	case "state_getKeysPaged":
		return n.keys(r)
	case "state_queryStorageAt":
		b, err := n.stateAt(r, 1)
		if err != nil {
			return nil, err
		}
		var keys []hexBytes
		r.Param(n.t, 0, &keys)
		changes := [][2]any{}
		for _, k := range keys {
			if v, ok := b.state[string(k)]; ok {
				changes = append(changes, [2]any{k, hexBytes(v)})
			} else {
				changes = append(changes, [2]any{k, nil})
			}
		}
		slices.Reverse(changes) // the order is no promise
		return []any{map[string]any{"block": hexBytes(b.Hash[:]), "changes": changes}}, nil
	}
	return nil, &rpc.Error{Code: -32601, Message: "Method not found"}
}

func (n *fakeNode) api(r rpctest.Request) (any, error) {
	var method string
	var args hexBytes
	r.Param(n.t, 0, &method)
	r.Param(n.t, 1, &args)
	b, err := n.stateAt(r, 2)
	if err != nil {
		return nil, err
	}
	if method != "Metadata_metadata_at_version" || len(n.forms) == 0 {
		return nil, &rpc.Error{Code: 4003, Message: "Client error: Execution failed: Other: Exported method " + method + " is not found"}
	}
	if form := uint32(args[0]); slices.Contains(n.forms, form) {
		m := encodedMetadata(n.t, b.code, int(form))
		return hexBytes(slices.Concat([]byte{1}, compactLength(len(m)), m)), nil
	}
	return hexBytes{0}, nil
}

// compactLength is the four-byte form, which metadata is long enough for.
func compactLength(n int) []byte {
	v := uint32(n)<<2 | 2
	return []byte{byte(v), byte(v >> 8), byte(v >> 16), byte(v >> 24)}
}

func (n *fakeNode) keys(r rpctest.Request) (any, error) {
	b, err := n.stateAt(r, 3)
	if err != nil {
		return nil, err
	}
	var prefix, start hexBytes
	var count int
	r.Param(n.t, 0, &prefix)
	r.Param(n.t, 1, &count)
	r.Param(n.t, 2, &start)
	page := []hexBytes{}
	for _, k := range slices.Sorted(maps.Keys(b.state)) {
		if strings.HasPrefix(k, string(prefix)) && k > string(start) && len(page) < count {
			page = append(page, hexBytes(k))
		}
	}
	return page, nil
}

type form struct {
	code devruntime.Version
	form int
}

var (
	formsMu sync.Mutex
	forms   = map[form][]byte{}
)

// encodedMetadata is the metadata of a runtime, made once.
func encodedMetadata(t *testing.T, v devruntime.Version, version int) []byte {
	formsMu.Lock()
	defer formsMu.Unlock()
	k := form{v, version}
	if forms[k] == nil {
		b, err := devruntime.Metadata(v).Encode(version)
		if err != nil {
			t.Error(err)
		}
		forms[k] = b
	}
	return forms[k]
}

// aside makes a fork block beside the newest one.
func (n *fakeNode) aside() chain.Block {
	n.mu.Lock()
	defer n.mu.Unlock()
	b := *n.blocks[len(n.blocks)-1]
	b.Hash = fakeHash(b.Number, 1)
	n.forks = append(n.forks, &b)
	return b.Block
}

// await returns what comes, while every poll falls due at once.
func await[T any](clock *rpctest.Clock, c <-chan T) T {
	for {
		select {
		case v := <-c:
			return v
		default:
			clock.TryFire(DefaultPoll)
			goruntime.Gosched()
		}
	}
}
