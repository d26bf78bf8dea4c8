package devchain

import (
	"bytes"
	"crypto/rand"

	"finest/chain"
)

// topic is what a subscription hears of, with the method of its notifications.
type topic string

const (
	topicNew       topic = "chain_newHead"
	topicAll       topic = "chain_allHead"
	topicFinal     topic = "chain_finalizedHead"
	topicStorage   topic = "state_storage"
	topicRuntime   topic = "state_runtimeVersion"
	topicExtrinsic topic = "author_extrinsicUpdate"
)

// subscription is one of a connection. Its notifications wait until the client
// was told its id.
type subscription struct {
	id    string
	conn  *conn
	topic topic
	// keys are the storage keys of interest, extrinsic the one that is watched.
	keys      [][]byte
	extrinsic chain.Hash

	// Under the lock of the connection:
	live    bool
	pending [][]byte
}

type notificationJSON struct {
	Version string     `json:"jsonrpc"`
	Method  topic      `json:"method"`
	Params  notifyJSON `json:"params"`
}

type notifyJSON struct {
	Subscription string `json:"subscription"`
	Result       any    `json:"result"`
}

// Status of a watched extrinsic beside plain words.
type (
	inBlock   struct{ Hash chain.Hash }
	retracted struct{ Hash chain.Hash }
	finalized struct{ Hash chain.Hash }
	usurped   struct{ Hash chain.Hash }
)

// statusJSON is a status on the wire, and whether it is the last one.
func statusJSON(status any) (out any, last bool) {
	word := func(name string, hash chain.Hash) any { return map[string]string{name: hexBytes(hash[:])} }
	switch s := status.(type) {
	case inBlock:
		return word("inBlock", s.Hash), false
	case retracted:
		return word("retracted", s.Hash), false
	case finalized:
		return word("finalized", s.Hash), true
	case usurped:
		return word("usurped", s.Hash), true
	}
	return status, status == "invalid" || status == "dropped"
}

// subscribe adds a subscription to the connection of a request; the node's lock
// is held.
func (r *request) subscribe(t topic) (*subscription, error) {
	c := r.conn
	if len(c.subs) >= maxSubs {
		return nil, &rpcError{Code: codeSubs, Message: "Too many subscriptions on the connection"}
	}
	s := &subscription{id: rand.Text(), conn: c, topic: t}
	c.subs[s.id] = s
	c.fresh = append(c.fresh, s)
	r.subs[s] = true
	return s, nil
}

// end forgets a subscription; n.mu is held.
func (n *Node) end(s *subscription) {
	delete(n.subs, s)
	delete(s.conn.subs, s.id)
}

// goLive sends what waited for the client to know the id.
func (s *subscription) goLive() {
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	s.live = true
	for _, m := range s.pending {
		c.held -= len(m)
		c.pushLocked(m)
	}
	s.pending = nil
}

// notify sends a result to the subscriber; n.mu is held.
func (n *Node) notify(s *subscription, result any) {
	if n.faults.silent("") {
		return
	}
	message := encode(notificationJSON{"2.0", s.topic, notifyJSON{s.id, result}})
	c := s.conn
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case s.live:
		c.pushLocked(message)
	case !c.overflows(message):
		s.pending = append(s.pending, message)
		c.held += len(message)
	}
}

// watched tells who watches an extrinsic what became of it; n.mu is held.
func (n *Node) watched(hash chain.Hash, status any) {
	out, last := statusJSON(status)
	for s := range n.subs {
		if s.topic != topicExtrinsic || s.extrinsic != hash {
			continue
		}
		n.notify(s, out)
		if last {
			n.end(s)
		}
	}
}

// announce tells subscribers of a new end of the best chain, whose head was
// before; n.mu is held.
func (n *Node) announce(before *block, branch []*block) {
	head := n.head()
	for s := range n.subs {
		switch s.topic {
		case topicNew:
			n.notify(s, head.header.json())
		case topicAll:
			for _, b := range branch {
				n.notify(s, b.header.json())
			}
		case topicStorage:
			if set := changed(s.keys, before, head); len(set.Changes) > 0 {
				n.notify(s, set)
			}
		case topicRuntime:
			if before.code != head.code {
				n.notify(s, versionJSON(head.code))
			}
		}
	}
}

// announceFinal tells subscribers of a block that became final; n.mu is held.
func (n *Node) announceFinal(b *block) {
	for s := range n.subs {
		if s.topic == topicFinal {
			n.notify(s, b.header.json())
		}
	}
}

// changeSet is what storage entries hold after a block: pairs of a key and a
// value in hex, null where it is unset.
type changeSet struct {
	Block   string       `json:"block"`
	Changes [][2]*string `json:"changes"`
}

// changed lists those keys whose value differs; all of them with no block
// before.
func changed(keys [][]byte, before, after *block) changeSet {
	set := changeSet{Block: hexBytes(after.hash[:]), Changes: [][2]*string{}}
	for _, key := range keys {
		value := after.state.Get(key)
		if before != nil {
			old := before.state.Get(key)
			if bytes.Equal(old, value) && (old == nil) == (value == nil) {
				continue
			}
		}
		set.Changes = append(set.Changes, pair(key, value))
	}
	return set
}

// pair is an entry of the storage on the wire.
func pair(key, value []byte) [2]*string {
	k := hexBytes(key)
	return [2]*string{&k, hexOrNull(value)}
}

func hexOrNull(value []byte) *string {
	if value == nil {
		return nil
	}
	v := hexBytes(value)
	return &v
}
