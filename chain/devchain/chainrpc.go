package devchain

import (
	"encoding/json"
	"fmt"

	"finest/chain"
)

// chainMethods are about blocks.
var chainMethods = map[string]method{
	"chain_getBlockHash":     getBlockHash,
	"chain_getFinalizedHead": getFinalizedHead,
	"chain_getHeader":        getHeader,
	"chain_getBlock":         getBlock,

	"chain_subscribeNewHeads":         subscribeNewHeads,
	"chain_subscribeAllHeads":         subscribeAllHeads,
	"chain_subscribeFinalizedHeads":   subscribeFinalizedHeads,
	"chain_unsubscribeNewHeads":       unsubscribe,
	"chain_unsubscribeAllHeads":       unsubscribe,
	"chain_unsubscribeFinalizedHeads": unsubscribe,
}

// getBlockHash answers with the hash of a block of the best chain by number, or
// with a list for a list; without a number with that of the head.
func getBlockHash(r *request) (any, error) {
	var raw json.RawMessage
	ok, err := r.param(0, &raw)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		hash := r.head().hash
		return hexBytes(hash[:]), nil
	}
	var numbers []numberParam
	if json.Unmarshal(raw, &numbers) == nil {
		if len(numbers) > maxQuery {
			return nil, invalidParams("%d numbers, at most %d", len(numbers), maxQuery)
		}
		hashes := make([]*string, len(numbers))
		for i, number := range numbers {
			hashes[i] = r.numbered(uint64(number))
		}
		return hashes, nil
	}
	var number numberParam
	if err := r.need(0, &number); err != nil {
		return nil, err
	}
	return r.numbered(uint64(number)), nil
}

// numbered is the hash of a block by number, null beyond the head; n.mu is held.
func (n *Node) numbered(number uint64) *string {
	if number >= uint64(len(n.best)) {
		return nil
	}
	return hexOrNull(n.best[number].hash[:])
}

func getFinalizedHead(r *request) (any, error) {
	final := r.Finalized().Hash
	return hexBytes(final[:]), nil
}

// block returns the block whose hash is parameter i, the head without one, and
// nil if there is none.
func (r *request) block(i int) (*block, error) {
	var hash hashParam
	ok, err := r.param(i, &hash)
	if err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if !ok {
		return r.head(), nil
	}
	return r.tree[chain.Hash(hash)], nil
}

func getHeader(r *request) (any, error) {
	b, err := r.block(0)
	if err != nil || b == nil {
		return nil, err
	}
	return b.header.json(), nil
}

type blockJSON struct {
	Header     headerJSON `json:"header"`
	Extrinsics []string   `json:"extrinsics"`
}

type signedBlockJSON struct {
	Block          blockJSON `json:"block"`
	Justifications any       `json:"justifications"`
}

func getBlock(r *request) (any, error) {
	b, err := r.block(0)
	if err != nil || b == nil {
		return nil, err
	}
	out := blockJSON{Header: b.header.json(), Extrinsics: []string{}}
	for _, xt := range b.body {
		out.Extrinsics = append(out.Extrinsics, hexBytes(xt))
	}
	return signedBlockJSON{Block: out}, nil
}

func subscribeNewHeads(r *request) (any, error) { return r.heads(topicNew) }
func subscribeAllHeads(r *request) (any, error) { return r.heads(topicAll) }

func subscribeFinalizedHeads(r *request) (any, error) { return r.heads(topicFinal) }

// heads subscribes to headers, from the newest there is.
func (r *request) heads(t topic) (any, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s, err := r.subscribe(t)
	if err != nil {
		return nil, err
	}
	b := r.head()
	if t == topicFinal {
		b = r.best[r.final]
	}
	r.notify(s, b.header.json())
	return s.id, nil
}

// unsubscribe ends a subscription, and says whether there was one.
func unsubscribe(r *request) (any, error) {
	var id string
	if err := r.need(0, &id); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.conn.subs[id]
	if s != nil {
		r.end(s)
	}
	return s != nil, nil
}

func unknownBlock(hash chain.Hash) error {
	return &rpcError{
		Code:    codeState,
		Message: fmt.Sprintf("Client error: UnknownBlock: Header was not found in the database: 0x%s", hash),
	}
}
