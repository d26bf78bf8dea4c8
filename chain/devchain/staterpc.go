package devchain

import (
	"errors"
	"fmt"
	"strings"

	"finest/chain"
	"finest/chain/devchain/runtime"
	"finest/chain/metadata"
)

// stateMethods are about the state after a block: the last parameter names it,
// the head without.
var stateMethods = map[string]method{
	"state_getStorage":        getStorage,
	"state_getStorageHash":    getStorageHash,
	"state_getStorageSize":    getStorageSize,
	"state_getKeys":           getKeys,
	"state_getPairs":          getPairs,
	"state_getKeysPaged":      getKeysPaged,
	"state_queryStorageAt":    queryStorageAt,
	"state_queryStorage":      queryStorage,
	"state_call":              stateCall,
	"state_getMetadata":       getMetadata,
	"state_getRuntimeVersion": getRuntimeVersion,

	"state_subscribeStorage":          subscribeStorage,
	"state_unsubscribeStorage":        unsubscribe,
	"state_subscribeRuntimeVersion":   subscribeRuntimeVersion,
	"state_unsubscribeRuntimeVersion": unsubscribe,
}

// Limits of one answer. Those of keys are of Substrate nodes.
const (
	maxPage     = 1000
	maxAllKeys  = 100_000
	maxQuery    = 10_000 // keys or block numbers of one query
	maxKeyBytes = 4096
	maxRange    = 1000 // blocks of one query
)

// view is the state after a block for one request, and the runtime it holds.
type view struct {
	*runtime.State
	hash chain.Hash
	code runtime.Version
}

// at is the state after the block whose hash is parameter i.
func (r *request) at(i int) (view, error) {
	b, err := r.block(i)
	if err != nil {
		return view{}, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if b == nil {
		var hash hashParam
		_, _ = r.param(i, &hash) // it was read before
		return view{}, unknownBlock(chain.Hash(hash))
	}
	if b.state == nil {
		return view{}, discarded(b)
	}
	return view{b.state.Copy(), b.hash, b.code}, nil
}

func discarded(b *block) error {
	return &rpcError{Code: codeState, Message: fmt.Sprintf("Client error: UnknownBlock: State already discarded for 0x%s", b.hash)}
}

// key reads the storage key that is parameter i.
func (r *request) key(i int) ([]byte, error) {
	var key hexParam
	if err := r.need(i, &key); err != nil {
		return nil, err
	}
	if len(key) > maxKeyBytes {
		return nil, invalidParams("key of %d bytes, at most %d", len(key), maxKeyBytes)
	}
	return key, nil
}

// keys reads the list of storage keys that is parameter i.
func (r *request) keys(i int) ([][]byte, error) {
	var list []hexParam
	if err := r.need(i, &list); err != nil {
		return nil, err
	}
	if len(list) > maxQuery {
		return nil, invalidParams("%d keys, at most %d", len(list), maxQuery)
	}
	keys := make([][]byte, len(list))
	for i, key := range list {
		if len(key) > maxKeyBytes {
			return nil, invalidParams("key of %d bytes, at most %d", len(key), maxKeyBytes)
		}
		keys[i] = key
	}
	return keys, nil
}

// distinct leaves out keys that come again, in whose place the first one stands:
// what they hold is then no more than the state.
func distinct(keys [][]byte) (out [][]byte) {
	seen := make(map[string]bool, len(keys))
	for _, key := range keys {
		if !seen[string(key)] {
			seen[string(key)] = true
			out = append(out, key)
		}
	}
	return out
}

// value is the value under the key in parameter 0 at the block in parameter 1.
func (r *request) value() ([]byte, error) {
	key, err := r.key(0)
	if err != nil {
		return nil, err
	}
	s, err := r.at(1)
	if err != nil {
		return nil, err
	}
	return s.Get(key), nil
}

func getStorage(r *request) (any, error) {
	value, err := r.value()
	return hexOrNull(value), err
}

func getStorageHash(r *request) (any, error) {
	value, err := r.value()
	if err != nil || value == nil {
		return nil, err
	}
	hash := metadata.SumBlake2_256(value)
	return hexBytes(hash[:]), nil
}

func getStorageSize(r *request) (any, error) {
	value, err := r.value()
	if err != nil || value == nil {
		return nil, err
	}
	return len(value), nil
}

// pairs lists the entries whose keys begin with parameter 0.
func (r *request) pairs() (pairs [][2]*string, err error) {
	prefix, err := r.key(0)
	if err != nil {
		return nil, err
	}
	s, err := r.at(1)
	if err != nil {
		return nil, err
	}
	pairs = [][2]*string{}
	s.Range(prefix, nil, func(key, value []byte) bool {
		pairs = append(pairs, pair(key, value))
		return len(pairs) <= maxAllKeys
	})
	if len(pairs) > maxAllKeys {
		return nil, tooBig()
	}
	return pairs, nil
}

func getPairs(r *request) (any, error) { return r.pairs() }

func getKeys(r *request) (any, error) {
	pairs, err := r.pairs()
	if err != nil {
		return nil, err
	}
	keys := make([]string, len(pairs))
	for i, p := range pairs {
		keys[i] = *p[0]
	}
	return keys, nil
}

// getKeysPaged lists keys with a prefix that follow the start key, in order.
func getKeysPaged(r *request) (any, error) {
	var prefix, start hexParam
	var count numberParam
	if _, err := r.param(0, &prefix); err != nil {
		return nil, err
	}
	if err := r.need(1, &count); err != nil {
		return nil, err
	}
	if _, err := r.param(2, &start); err != nil {
		return nil, err
	}
	if count > maxPage {
		return nil, &rpcError{Code: 4002, Message: fmt.Sprintf("count exceeds maximum value. value: %d, max: %d", count, maxPage)}
	}
	s, err := r.at(3)
	if err != nil {
		return nil, err
	}
	keys := []string{}
	if count == 0 {
		return keys, nil
	}
	s.Range(prefix, start, func(key, _ []byte) bool {
		keys = append(keys, hexBytes(key))
		return len(keys) < int(count)
	})
	return keys, nil
}

func queryStorageAt(r *request) (any, error) {
	keys, err := r.keys(0)
	if err != nil {
		return nil, err
	}
	s, err := r.at(1)
	if err != nil {
		return nil, err
	}
	set := changeSet{Block: hexBytes(s.hash[:]), Changes: [][2]*string{}}
	size := 0
	for _, key := range keys {
		value := s.Get(key)
		// A key may be asked for often, so that the state does not bound the answer.
		if size += 2 * (len(key) + len(value)); size > maxResponse {
			return nil, tooBig()
		}
		set.Changes = append(set.Changes, pair(key, value))
	}
	return []changeSet{set}, nil
}

// queryStorage lists what changed under keys from one block of the best chain to
// another.
func queryStorage(r *request) (any, error) {
	keys, err := r.keys(0)
	if err != nil {
		return nil, err
	}
	from, err := r.block(1)
	if err != nil {
		return nil, err
	}
	to, err := r.block(2)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if from == nil || to == nil || r.numbered(from.number()) == nil || from.number() > to.number() || to.number()-from.number() > maxRange {
		return nil, invalidParams("the blocks are no range of at most %d blocks", maxRange)
	}
	keys = distinct(keys)
	sets := []changeSet{}
	var before *block
	for _, b := range r.best[from.number():min(to.number()+1, uint64(len(r.best)))] {
		if b.state == nil {
			return nil, discarded(b)
		}
		if set := changed(keys, before, b); len(set.Changes) > 0 {
			sets = append(sets, set)
		}
		before = b
	}
	return sets, nil
}

func stateCall(r *request) (any, error) {
	var name string
	var args hexParam
	if err := r.need(0, &name); err != nil {
		return nil, err
	}
	if _, err := r.param(1, &args); err != nil {
		return nil, err
	}
	s, err := r.at(2)
	if err != nil {
		return nil, strippedUnknown(err)
	}
	out, err := r.runtimes[s.code].Call(s.State, name, args)
	if err != nil {
		reason := err.Error()
		var unknown *runtime.UnknownAPIError
		if errors.As(err, &unknown) { // clients know these words of Substrate
			reason = "Other: Exported method " + unknown.Method + " is not found"
		}
		return nil, &rpcError{Code: codeState, Message: "Client error: Execution failed: " + reason}
	}
	return hexBytes(out), nil
}

// strippedUnknown says of state_call what Substrate nodes say, whose words for a
// block without state are other ones there.
func strippedUnknown(err error) error {
	var e *rpcError
	if !errors.As(err, &e) {
		return err
	}
	out := *e
	out.Message = strings.Replace(e.Message, "UnknownBlock: State", "Api called for an unknown Block: State", 1)
	return &out
}

func getMetadata(r *request) (any, error) {
	s, err := r.at(0)
	if err != nil {
		return nil, err
	}
	raw, err := r.runtimes[s.code].Metadata().Encode(14)
	if err != nil {
		return nil, internal(err)
	}
	return hexBytes(raw), nil
}

type runtimeVersionJSON struct {
	SpecName           string   `json:"specName"`
	ImplName           string   `json:"implName"`
	AuthoringVersion   uint32   `json:"authoringVersion"`
	SpecVersion        uint32   `json:"specVersion"`
	ImplVersion        uint32   `json:"implVersion"`
	APIs               [][2]any `json:"apis"`
	TransactionVersion uint32   `json:"transactionVersion"`
	SystemVersion      uint32   `json:"systemVersion"`
	StateVersion       uint32   `json:"stateVersion"`
}

func versionJSON(v runtime.Version) runtimeVersionJSON {
	out := runtimeVersionJSON{
		SpecName: runtime.SpecName, ImplName: runtime.SpecName, AuthoringVersion: runtime.AuthoringVersion,
		SpecVersion: v.Spec(), ImplVersion: runtime.ImplVersion, TransactionVersion: runtime.TxVersion,
		SystemVersion: runtime.StateVersion, StateVersion: runtime.StateVersion,
	}
	for _, api := range runtime.APIs() {
		out.APIs = append(out.APIs, [2]any{hexBytes(api.ID[:]), api.Version})
	}
	return out
}

func getRuntimeVersion(r *request) (any, error) {
	s, err := r.at(0)
	if err != nil {
		return nil, err
	}
	return versionJSON(s.code), nil
}

// subscribeStorage sends what is under keys at once, and then what changes.
func subscribeStorage(r *request) (any, error) {
	keys, err := r.keys(0)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.subscribe(topicStorage)
	if err != nil {
		return nil, err
	}
	s.keys = distinct(keys)
	r.notify(s, changed(s.keys, nil, r.head()))
	return s.id, nil
}

func subscribeRuntimeVersion(r *request) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.subscribe(topicRuntime)
	if err != nil {
		return nil, err
	}
	r.notify(s, versionJSON(r.head().code))
	return s.id, nil
}
