package devchain_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"

	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

func TestMessages(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	for _, tc := range []struct{ send, want string }{
		{`{"jsonrpc":"2.0","id":1,"method":"system_chain"}`, `{"jsonrpc":"2.0","id":1,"result":"Development"}`},
		{`{"jsonrpc":"2.0","id":"a","method":"system_chain","params":null}`, `{"jsonrpc":"2.0","id":"a","result":"Development"}`},
		{`{"jsonrpc":"2.0","id":2,"method":"chain_getBlockHash","params":[7]}`, `{"jsonrpc":"2.0","id":2,"result":null}`},
		{`{"jsonrpc":"2.0","id":3,"method":"no_such"}`, `{"jsonrpc":"2.0","id":3,"error":{"code":-32601,"message":"Method not found"}}`},
		{`{`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`},
		{`{"id":4}`, `{"jsonrpc":"2.0","id":4,"error":{"code":-32600,"message":"Invalid request"}}`},
		{`[]`, `{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"Invalid request"}}`},
		{
			`[{"jsonrpc":"2.0","id":1,"method":"system_chain"},{"jsonrpc":"2.0","method":"system_chain"},{"jsonrpc":"2.0","id":2,"method":"system_health"}]`,
			`[{"jsonrpc":"2.0","id":1,"result":"Development"},{"jsonrpc":"2.0","id":2,"result":{"peers":0,"isSyncing":false,"shouldHavePeers":false}}]`,
		},
	} {
		w.send(tc.send)
		if got, err := w.read(t.Context()); err != nil || string(got) != tc.want {
			t.Errorf("%s is answered by\n%s, want\n%s (%v)", tc.send, got, tc.want, err)
		}
	}
}

func TestMethodsAreListed(t *testing.T) {
	w := connect(t, newNode(t))
	var list struct{ Methods []string }
	w.call(&list, "rpc_methods")
	for _, name := range list.Methods {
		_, err := w.try(name)
		var e *wireError
		if errors.As(err, &e) && e.Code == -32601 {
			t.Errorf("%s is listed, but not known", name)
		}
	}
	for _, name := range []string{"state_call", "account_nextIndex", "state_getStorageAt", "chain_getHead", "chain_subscribeFinalisedHeads"} {
		if !slices.Contains(list.Methods, name) {
			t.Errorf("%s is not listed", name)
		}
	}
}

func TestBlockHashes(t *testing.T) {
	n := newNode(t)
	n.Seal(3)
	w := connect(t, n)
	two := "0x" + w.hash(2).String()
	for _, tc := range []struct {
		param any
		want  string
	}{
		{nil, `"0x` + n.Head().Hash.String() + `"`},
		{2, `"` + two + `"`},
		{"0x2", `"` + two + `"`},
		{4, "null"},
		{uint64(1<<64 - 1), "null"},
		{json.RawMessage("100000000000000000000000"), "null"},
		{[]any{2, "0x2", 9}, `["` + two + `","` + two + `",null]`},
	} {
		raw, err := w.try("chain_getBlockHash", tc.param)
		if err != nil || string(raw) != tc.want {
			t.Errorf("hash of %v is %s, want %s (%v)", tc.param, raw, tc.want, err)
		}
	}
	w.wantError(-32602, "number", "chain_getBlockHash", "two")
	unknown := "0x" + strings.Repeat("ab", 32)
	for _, method := range []string{"chain_getHeader", "chain_getBlock"} {
		if raw, err := w.try(method, unknown); err != nil || string(raw) != "null" {
			t.Errorf("%s of an unknown block is %s (%v)", method, raw, err)
		}
	}
	w.wantError(4003, "UnknownBlock: Header was not found in the database: "+unknown, "state_getStorage", "0x00", unknown)
	w.wantError(4003, "Method", "state_call", "Method_missing", "0x")
}

func TestStorage(t *testing.T) {
	n := newNode(t)
	var want []string
	n.Edit(func(s *runtime.State) {
		for i := range 25 {
			want = append(want, fmt.Sprintf("0xffaa%02x", i))
			s.Set([]byte{0xff, 0xaa, byte(i)}, []byte{byte(i)})
		}
	})
	n.Seal(1)
	w := connect(t, n)
	var got, page []string
	for start := any(nil); len(got) == 0 || len(page) > 0; start = got[len(got)-1] {
		w.call(&page, "state_getKeysPaged", "0xffaa", 10, start)
		got = append(got, page...)
	}
	if !slices.Equal(got, want) {
		t.Errorf("keys in pages are %q", got)
	}
	w.call(&page, "state_getKeysPaged", "ffaa", 1000, "0xffaa") // from the prefix, as some clients ask
	if !slices.Equal(page, want) {
		t.Errorf("keys from the prefix are %q", page)
	}
	w.wantError(4002, "count exceeds maximum value", "state_getKeysPaged", "0xffaa", 1001)
	raw, err := w.try("state_queryStorageAt", []string{"0xffaa05", "0xffff", "ffaa01"})
	wantSet := `[{"block":"0x` + n.Head().Hash.String() + `","changes":[["0xffaa05","0x05"],["0xffff",null],["0xffaa01","0x01"]]}]`
	if err != nil || string(raw) != wantSet {
		t.Errorf("query is answered by\n%s, want\n%s (%v)", raw, wantSet, err)
	}
	if raw, err := w.try("state_getStorage", "0xffaa01", "0x"+w.hash(0).String()); err != nil || string(raw) != "null" {
		t.Errorf("the block before has %s (%v)", raw, err)
	}
	var size int
	if w.call(&size, "state_getStorageSize", "0xffaa01"); size != 1 {
		t.Errorf("size %d", size)
	}
}

func TestSetStorage(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	hash := w.text("dev_setStorage", [][2]any{{"0xff01", "0x"}, {"0xff02", "0x07"}})
	if hash != "0x"+n.Head().Hash.String() || n.Head().Number != 1 {
		t.Errorf("the block with the change is %s, the head %v", hash, n.Head())
	}
	if got := w.text("state_getStorage", "0xff01"); got != "0x" {
		t.Errorf("an empty value is %q", got)
	}
	w.call(nil, "dev_setStorage", [][2]any{{"0xff02", nil}})
	if raw, err := w.try("state_getStorage", "0xff02"); err != nil || string(raw) != "null" {
		t.Errorf("a deleted value is %s (%v)", raw, err)
	}
	w.wantError(-32602, "no pair", "dev_setStorage", [][]any{{"0xff01"}})
	w.call(nil, "dev_newBlock", map[string]int{"count": 4})
	if n.Head().Number != 6 {
		t.Errorf("head %d after four new blocks", n.Head().Number)
	}
	w.wantError(-32602, "blocks", "dev_newBlock", map[string]int{"count": 1 << 30})
}

func TestSubscribeStorage(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	id := w.text("state_subscribeStorage", []string{"0xff01", "0xff02"})
	changes := func() string {
		t.Helper()
		note := w.note()
		var set struct{ Changes json.RawMessage }
		if err := json.Unmarshal(note.Params.Result, &set); err != nil || note.Method != "state_storage" || note.Params.Subscription != id {
			t.Fatalf("notification %+v (%v)", note, err)
		}
		return string(set.Changes)
	}
	if got := changes(); got != `[["0xff01",null],["0xff02",null]]` {
		t.Errorf("first %s", got)
	}
	n.Seal(1)
	w.call(nil, "dev_setStorage", [][2]any{{"0xff02", "0x02"}})
	if got := changes(); got != `[["0xff02","0x02"]]` {
		t.Errorf("then %s", got)
	}
	var was bool
	if w.call(&was, "state_unsubscribeStorage", id); !was {
		t.Error("the subscription was not there")
	}
	if w.call(&was, "state_unsubscribeStorage", id); was {
		t.Error("the subscription was there twice")
	}
}

func TestFinalizedHeads(t *testing.T) {
	n := newNode(t)
	w := connect(t, n)
	w.call(nil, "chain_subscribeFinalizedHeads")
	n.Seal(lag + 3)
	for want := range 4 {
		var h struct{ Number string }
		if err := json.Unmarshal(w.note().Params.Result, &h); err != nil || h.Number != fmt.Sprintf("%#x", want) {
			t.Errorf("heard of final block %s, want %d (%v)", h.Number, want, err)
		}
	}
}

// The metadata comes in all three forms and describes one runtime.
func TestMetadataForms(t *testing.T) {
	w := connect(t, newNode(t))
	if m := w.meta(); m.Version != 14 || len(m.Pallets) < 6 {
		t.Errorf("state_getMetadata gives V%d with %d pallets", m.Version, len(m.Pallets))
	}
	for _, v := range []byte{14, 15, 16} {
		raw := unhex(t, w.text("state_call", "Metadata_metadata_at_version", fmt.Sprintf("%02x000000", v)))
		if len(raw) < 9 || raw[0] != 1 {
			t.Errorf("no metadata V%d", v)
			continue
		}
		// An option of bytes that are longer than 2^14 and so have a length of 4.
		m, err := metadata.Decode(raw[5:])
		if err != nil || m.Version != int(v) {
			t.Errorf("metadata V%d: %v", v, err)
		}
	}
}

// An archive keeps the state of all blocks, other nodes of the newest.
func TestKeep(t *testing.T) {
	n := newNode(t, func(o *devchain.Options) { o.Keep = 3 })
	n.Seal(10)
	w := connect(t, n)
	for number := range uint64(11) {
		hash := "0x" + w.hash(number).String()
		if kept := number+3 >= n.Finalized().Number; kept {
			w.call(nil, "state_getStorage", "0x00", hash)
		} else {
			w.wantError(4003, "Client error: UnknownBlock: State already discarded for "+hash, "state_getStorage", "0x00", hash)
			w.wantError(4003, "Client error: Api called for an unknown Block: State already discarded for "+hash, "state_call", "Core_version", "0x", hash)
		}
		w.call(nil, "chain_getBlock", hash)
	}
}

func TestLimits(t *testing.T) {
	n := newNode(t)
	if _, err := n.Listen(t.Context(), "0.0.0.0:0"); err == nil {
		t.Error("served to other machines")
	}
	endpoint, err := n.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Run("web page", func(t *testing.T) {
		_, _, err := websocket.Dial(t.Context(), endpoint, &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://example.com"}}})
		if err == nil {
			t.Error("a web page of another origin was served")
		}
		_, _, err = websocket.Dial(t.Context(), endpoint, &websocket.DialOptions{Host: "rebound.example.com"})
		if err == nil {
			t.Error("a name that was made to resolve to this machine was served")
		}
	})
	t.Run("subscriptions", func(t *testing.T) {
		w := dial(t, endpoint)
		for range 1024 {
			w.call(nil, "chain_subscribeAllHeads")
		}
		w.wantError(-32006, "Too many", "chain_subscribeAllHeads")
	})
	t.Run("message", func(t *testing.T) {
		w := dial(t, endpoint)
		if _, err := w.try("system_chain", strings.Repeat("x", 16<<20)); err == nil {
			t.Error("a message of 16 MiB was read")
		}
	})
	t.Run("batch", func(t *testing.T) {
		w := dial(t, endpoint)
		w.send("[" + strings.Repeat("1,", 2000) + "1]")
		if raw, err := w.read(t.Context()); err != nil || !strings.Contains(string(raw), "-32600") {
			t.Errorf("a batch of 2,001 requests is answered by %s (%v)", raw, err)
		}
	})
	t.Run("keys", func(t *testing.T) {
		w := dial(t, endpoint)
		w.wantError(-32602, "keys", "state_queryStorageAt", make([]string, 10_001))
		w.wantError(-32602, "key of", "state_getStorage", strings.Repeat("00", 5000))
	})
	t.Run("numbers", func(t *testing.T) {
		w := dial(t, endpoint)
		w.wantError(-32602, "numbers", "chain_getBlockHash", make([]int, 10_001))
	})
	t.Run("one large value often", func(t *testing.T) {
		w := dial(t, endpoint)
		w.call(nil, "dev_setStorage", [][2]string{{"0xaa", strings.Repeat("00", 1<<20)}})
		keys := make([]string, 1000)
		for i := range keys {
			keys[i] = "0xaa"
		}
		w.wantError(-32702, "too big", "state_queryStorageAt", keys)
	})
	t.Run("connections", func(t *testing.T) {
		var err error
		for range 200 {
			if _, _, err = websocket.Dial(t.Context(), endpoint, nil); err != nil {
				return
			}
		}
		t.Error("200 connections were served")
	})
}

// The end of its context ends a server and its connections, not the node.
func TestListenUntil(t *testing.T) {
	n := newNode(t)
	ctx, cancel := context.WithCancel(t.Context())
	endpoint, err := n.Listen(ctx, "localhost:0")
	if err != nil {
		t.Fatal(err)
	}
	w, other := dial(t, endpoint), connect(t, n)
	w.call(nil, "system_chain")
	cancel()
	if raw, err := w.read(t.Context()); err == nil {
		t.Errorf("a connection of a server that ended says %s", raw)
	}
	other.call(nil, "system_chain")
	if err := n.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := n.Listen(t.Context(), "127.0.0.1:0"); err == nil {
		t.Error("a closed node listens")
	}
	if head := n.Head(); head.Number != 0 {
		t.Errorf("head %v", head)
	}
	n.Seal(1)
	if head := n.Head(); head.Number != 0 {
		t.Errorf("a closed node made block %v", head)
	}
}
