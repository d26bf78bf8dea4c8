package devchain

import (
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"

	"finest/chain"
)

// Codes of JSON-RPC, of its server in Substrate nodes, and of state methods.
const (
	codeParse    = -32700
	codeRequest  = -32600
	codeMethod   = -32601
	codeParams   = -32602
	codeInternal = -32603
	codeTooBig   = -32702
	codeSubs     = -32006
	codeState    = 4003
)

// rpcError is an error on the wire.
type rpcError struct {
	Code    int    `json:"code"`
	Message string `json:"message"`
	Data    any    `json:"data,omitempty"`
}

func (e *rpcError) Error() string {
	if e.Data != nil {
		return fmt.Sprintf("%d %s: %v", e.Code, e.Message, e.Data)
	}
	return fmt.Sprintf("%d %s", e.Code, e.Message)
}

func internal(err error) error { return &rpcError{Code: codeInternal, Message: err.Error()} }

func tooBig() error { return &rpcError{Code: codeTooBig, Message: "Response is too big"} }

func invalidParams(format string, args ...any) error {
	return &rpcError{Code: codeParams, Message: "Invalid params", Data: fmt.Sprintf(format, args...)}
}

// errCut says that the connection was cut and nobody waits for an answer.
var errCut = errors.New("connection was cut")

type responseJSON struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Result  any             `json:"result"`
}

type errorJSON struct {
	Version string          `json:"jsonrpc"`
	ID      json.RawMessage `json:"id"`
	Error   *rpcError       `json:"error"`
}

func response(id json.RawMessage, result any) []byte {
	return encode(responseJSON{"2.0", id, result})
}

func errorResponse(id json.RawMessage, err error) []byte {
	var e *rpcError
	if !errors.As(err, &e) {
		e = &rpcError{Code: codeInternal, Message: err.Error()}
	}
	if id == nil {
		id = json.RawMessage("null")
	}
	return encode(errorJSON{"2.0", id, e})
}

// encode writes what the node itself made, which has no value without a form.
func encode(v any) []byte {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err)
	}
	return raw
}

// request is one call of a method.
type request struct {
	*Node
	conn   *conn
	params []json.RawMessage
}

type method func(*request) (any, error)

// methods are what the server offers.
var methods = func() map[string]method {
	all := map[string]method{}
	for _, part := range []map[string]method{chainMethods, stateMethods, authorMethods, systemMethods, devMethods} {
		maps.Copy(all, part)
	}
	for alias, name := range aliases {
		all[alias] = all[name]
	}
	return all
}()

// aliases are other names of methods, as Substrate nodes have them.
var aliases = map[string]string{
	"chain_getHead":                   "chain_getBlockHash",
	"chain_getFinalisedHead":          "chain_getFinalizedHead",
	"chain_getRuntimeVersion":         "state_getRuntimeVersion",
	"chain_subscribeNewHead":          "chain_subscribeNewHeads",
	"subscribe_newHead":               "chain_subscribeNewHeads",
	"chain_unsubscribeNewHead":        "chain_unsubscribeNewHeads",
	"unsubscribe_newHead":             "chain_unsubscribeNewHeads",
	"chain_subscribeFinalisedHeads":   "chain_subscribeFinalizedHeads",
	"chain_unsubscribeFinalisedHeads": "chain_unsubscribeFinalizedHeads",
	"chain_subscribeRuntimeVersion":   "state_subscribeRuntimeVersion",
	"chain_unsubscribeRuntimeVersion": "state_unsubscribeRuntimeVersion",
	"state_callAt":                    "state_call",
	"state_getKeysPagedAt":            "state_getKeysPaged",
	"state_getStorageAt":              "state_getStorage",
	"state_getStorageHashAt":          "state_getStorageHash",
	"state_getStorageSizeAt":          "state_getStorageSize",
	"account_nextIndex":               "system_accountNextIndex",
}

// methodNames lists the methods, for rpc_methods.
var methodNames = func() []string { return slices.Sorted(maps.Keys(methods)) }()

func (c *conn) call(name string, params json.RawMessage) (any, error) {
	if name == "rpc_methods" {
		return map[string]any{"methods": append([]string{"rpc_methods"}, methodNames...)}, nil
	}
	m := methods[name]
	if m == nil {
		return nil, &rpcError{Code: codeMethod, Message: "Method not found"}
	}
	r := &request{Node: c.node, conn: c}
	if len(params) > 0 && string(params) != "null" {
		if err := json.Unmarshal(params, &r.params); err != nil {
			return nil, invalidParams("parameters are no list: %v", err)
		}
	}
	return m(r)
}

// param reads parameter i into v, and says whether it is there.
func (r *request) param(i int, v any) (bool, error) {
	if i >= len(r.params) || string(r.params[i]) == "null" {
		return false, nil
	}
	if err := json.Unmarshal(r.params[i], v); err != nil {
		return false, invalidParams("parameter %d: %v", i+1, err)
	}
	return true, nil
}

// need is param for one that must be there.
func (r *request) need(i int, v any) error {
	ok, err := r.param(i, v)
	if err == nil && !ok {
		err = invalidParams("parameter %d is missing", i+1)
	}
	return err
}

// hexParam is bytes in hex, with or without 0x before them.
type hexParam []byte

func (h *hexParam) UnmarshalText(text []byte) error {
	b, err := hex.DecodeString(strings.TrimPrefix(string(text), "0x"))
	*h = b
	return err
}

// hashParam is a block hash.
type hashParam chain.Hash

func (h *hashParam) UnmarshalText(text []byte) error {
	var b hexParam
	if err := b.UnmarshalText(text); err != nil {
		return err
	}
	if len(b) != len(h) {
		return fmt.Errorf("hash of %d bytes", len(b))
	}
	copy(h[:], b)
	return nil
}

// numberParam is a number, or one in hex as text. One that no block can have is
// beyond the head.
type numberParam uint64

func (n *numberParam) UnmarshalJSON(raw []byte) error {
	text := strings.Trim(string(raw), `"`)
	v, err := strconv.ParseUint(text, 0, 64)
	if errors.Is(err, strconv.ErrRange) {
		v, err = math.MaxUint64, nil
	}
	if err != nil {
		return fmt.Errorf("%s is no number", raw)
	}
	*n = numberParam(v)
	return nil
}
