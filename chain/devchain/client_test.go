package devchain_test

import (
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/coder/websocket"
	"go.uber.org/goleak"

	"finest/chain"
	"finest/chain/devchain"
	"finest/chain/devchain/runtime"
	"finest/chain/extrinsic"
	"finest/chain/metadata"
	"finest/chain/wallet"
)

func TestMain(m *testing.M) {
	if dir := os.Getenv(envDir); dir != "" {
		os.Exit(sealUntilKilled(dir))
	}
	goleak.VerifyTestMain(m)
}

const netuid = 7

func key(t testing.TB, uri string) *wallet.Hotkey {
	t.Helper()
	k, err := wallet.FromURI(uri)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

// config registers //Owner, //Validator and //Miner on a subnet. //Alice is sudo.
func config(t testing.TB) runtime.Config {
	t.Helper()
	sub := runtime.Subnet{Netuid: netuid, Owner: key(t, "//Owner").PublicKey(), Tempo: 100, WeightsRateLimit: 10, MinWeights: 1}
	for _, uri := range []string{"//Owner", "//Validator", "//Miner"} {
		sub.Neurons = append(sub.Neurons, runtime.Neuron{Hotkey: key(t, uri).PublicKey(), Stake: 1e12, Permit: uri == "//Validator"})
	}
	return runtime.Config{
		Start: start, BlockTime: blockTime, Subnets: []runtime.Subnet{sub},
		// Rounds of drand cost more than all else that a block does.
		Drand: runtime.Beacon{Genesis: uint32(start.Unix()), Period: 3600},
	}
}

func newNode(t testing.TB, change ...func(*devchain.Options)) *devchain.Node {
	t.Helper()
	o := devchain.Options{Genesis: config(t), FinalityLag: lag}
	for _, c := range change {
		c(&o)
	}
	n, err := devchain.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := n.Close(); err != nil {
			t.Error(err)
		}
	})
	return n
}

// wire is a client that knows the wire alone.
type wire struct {
	t    testing.TB
	ws   *websocket.Conn
	next int
	// notes are notifications that came before they were asked for.
	notes []note
}

type note struct {
	Method string
	Params struct {
		Subscription string
		Result       json.RawMessage
	}
}

type wireError struct {
	Code    int
	Message string
	Data    any
}

func (e *wireError) Error() string { return fmt.Sprintf("%d %s: %v", e.Code, e.Message, e.Data) }

type answer struct {
	ID     json.RawMessage
	Result json.RawMessage
	Error  *wireError
	note
}

func connect(t testing.TB, n *devchain.Node) *wire {
	t.Helper()
	endpoint, err := n.Listen(t.Context(), "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return dial(t, endpoint)
}

func dial(t testing.TB, endpoint string) *wire {
	t.Helper()
	ws, _, err := websocket.Dial(t.Context(), endpoint, nil)
	if err != nil {
		t.Fatal(err)
	}
	ws.SetReadLimit(32 << 20)
	t.Cleanup(func() { _ = ws.CloseNow() })
	return &wire{t: t, ws: ws}
}

// send writes a message as it is.
func (w *wire) send(message string) {
	w.t.Helper()
	if err := w.ws.Write(w.t.Context(), websocket.MessageText, []byte(message)); err != nil {
		w.t.Fatal(err)
	}
}

func (w *wire) read(ctx context.Context) ([]byte, error) {
	_, raw, err := w.ws.Read(ctx)
	return raw, err
}

// try calls a method and returns its result or error.
func (w *wire) try(method string, params ...any) (json.RawMessage, error) {
	w.t.Helper()
	w.next++
	if params == nil {
		params = []any{}
	}
	raw, err := json.Marshal(map[string]any{"jsonrpc": "2.0", "id": w.next, "method": method, "params": params})
	if err != nil {
		w.t.Fatal(err)
	}
	if err := w.ws.Write(w.t.Context(), websocket.MessageText, raw); err != nil {
		return nil, err
	}
	for {
		raw, err := w.read(w.t.Context())
		if err != nil {
			return nil, err
		}
		var a answer
		if err := json.Unmarshal(raw, &a); err != nil {
			w.t.Fatalf("%s: %v", raw, err)
		}
		switch {
		case a.ID == nil:
			w.notes = append(w.notes, a.note)
			continue
		case string(a.ID) != fmt.Sprint(w.next):
			w.t.Fatalf("answer to %s, want %d", a.ID, w.next)
		case a.Error != nil:
			return nil, a.Error
		}
		return a.Result, nil
	}
}

// call is try for calls that succeed, with the result read into v unless nil.
func (w *wire) call(v any, method string, params ...any) {
	w.t.Helper()
	raw, err := w.try(method, params...)
	if err != nil {
		w.t.Fatalf("%s %v: %v", method, params, err)
	}
	if v == nil {
		return
	}
	if err := json.Unmarshal(raw, v); err != nil {
		w.t.Fatalf("%s: result %s: %v", method, raw, err)
	}
}

func (w *wire) text(method string, params ...any) (s string) {
	w.t.Helper()
	w.call(&s, method, params...)
	return s
}

// note returns the next notification.
func (w *wire) note() note {
	w.t.Helper()
	if len(w.notes) > 0 {
		n := w.notes[0]
		w.notes = w.notes[1:]
		return n
	}
	raw, err := w.read(w.t.Context())
	if err != nil {
		w.t.Fatal(err)
	}
	var a answer
	if err := json.Unmarshal(raw, &a); err != nil || a.Method == "" {
		w.t.Fatalf("%s is no notification (%v)", raw, err)
	}
	return a.note
}

// statuses returns the next n states of a watched extrinsic, in one word each.
func (w *wire) statuses(n int) (words []string) {
	w.t.Helper()
	for range n {
		words = append(words, strings.Trim(string(w.note().Params.Result), `"`))
	}
	return words
}

func (w *wire) wantError(code int, data string, method string, params ...any) {
	w.t.Helper()
	raw, err := w.try(method, params...)
	var e *wireError
	if !errors.As(err, &e) || e.Code != code || !strings.Contains(fmt.Sprint(e.Message, " ", e.Data), data) {
		w.t.Errorf("%s: result %s, error %v; want %d with %q", method, raw, err, code, data)
	}
}

// metas holds metadata by spec version, which takes a while to read.
var metas = map[uint32]*metadata.Metadata{}

// meta is the metadata of the head.
func (w *wire) meta() *metadata.Metadata {
	w.t.Helper()
	var v struct{ SpecVersion uint32 }
	w.call(&v, "state_getRuntimeVersion")
	if m, ok := metas[v.SpecVersion]; ok {
		return m
	}
	m, err := metadata.Decode(unhex(w.t, w.text("state_getMetadata")))
	if err != nil {
		w.t.Fatal(err)
	}
	metas[v.SpecVersion] = m
	return m
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(strings.TrimPrefix(s, "0x"))
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (w *wire) hash(number uint64) (h chain.Hash) {
	w.t.Helper()
	copy(h[:], unhex(w.t, w.text("chain_getBlockHash", number)))
	return h
}

// params are those of an immortal extrinsic for the head.
func (w *wire) params(by chain.Signer) extrinsic.Params {
	w.t.Helper()
	var v struct{ SpecVersion, TransactionVersion uint32 }
	w.call(&v, "state_getRuntimeVersion")
	p := extrinsic.Params{Spec: v.SpecVersion, TxVersion: v.TransactionVersion, Genesis: w.hash(0)}
	w.call(&p.Nonce, "system_accountNextIndex", by.Address())
	return p
}

// sign signs a call for the head.
func (w *wire) sign(by chain.Signer, call []byte, change ...func(*extrinsic.Params)) string {
	w.t.Helper()
	p := w.params(by)
	for _, c := range change {
		c(&p)
	}
	xt, err := extrinsic.Sign(w.meta(), by, call, p)
	if err != nil {
		w.t.Fatal(err)
	}
	return "0x" + hex.EncodeToString(xt)
}

// remark is a signed extrinsic that does nothing.
func (w *wire) remark(by chain.Signer, text string, change ...func(*extrinsic.Params)) string {
	w.t.Helper()
	call, err := w.meta().Call("System", "remark", metadata.Args{"remark": []byte(text)})
	if err != nil {
		w.t.Fatal(err)
	}
	return w.sign(by, call, change...)
}

// body is the extrinsics of a block.
func (w *wire) body(hash chain.Hash) []string {
	w.t.Helper()
	var b struct{ Block struct{ Extrinsics []string } }
	w.call(&b, "chain_getBlock", "0x"+hash.String())
	return b.Block.Extrinsics
}

// where returns the numbers of the blocks that hold an extrinsic.
func (w *wire) where(xt string, head uint64) (numbers []uint64) {
	w.t.Helper()
	for number := range head + 1 {
		if slices.Contains(w.body(w.hash(number)), xt) {
			numbers = append(numbers, number)
		}
	}
	return numbers
}
