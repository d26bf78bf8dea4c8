package localchain

import (
	"crypto/sha256"
	"fmt"
	"slices"
	"sort"

	"finest/chain"
)

// history is a value that changes with blocks, oldest version first.
type history[T any] []version[T]

type version[T any] struct {
	block uint64
	value T
}

// at returns the version that holds after block.
func (h history[T]) at(block uint64) (version[T], bool) {
	i := sort.Search(len(h), func(i int) bool { return h[i].block > block })
	if i == 0 {
		return version[T]{}, false
	}
	return h[i-1], true
}

// last returns the newest version.
func (h history[T]) last() (version[T], bool) {
	if len(h) == 0 {
		return version[T]{}, false
	}
	return h[len(h)-1], true
}

// set records the value after block, which is no older than the last one.
func (h *history[T]) set(block uint64, value T) {
	if last, ok := h.last(); ok && last.block == block {
		*h = (*h)[:len(*h)-1]
	}
	*h = append(*h, version[T]{block, value})
}

// state is the chain's storage after every block at once: each value keeps its
// history, so memory grows with the extrinsics, about their size in the journal.
type state struct {
	genesis string // hash of block 0
	subnets map[uint16]*subnet
	nonces  map[chain.PublicKey]uint64 // next nonce of a hotkey
	// bodies chains the SHA-256 of the extrinsics of each block that has any.
	bodies map[uint64][sha256.Size]byte
	last   uint64 // newest block with an extrinsic
}

type subnet struct {
	settings chain.Subnet
	neurons  []*neuron // by uid
	uids     map[chain.PublicKey]uint16
	// committed lists, for a block, who wrote a commitment in it, in the order
	// of each one's last.
	committed map[uint64][]*neuron
}

type neuron struct {
	uid             uint16
	hotkey, coldkey chain.PublicKey
	registeredAt    uint64
	standing        history[standing]
	commitments     history[[][]byte]
	weights         history[[]chain.Weight]
	// used counts the commitment bytes of the epoch numbered epoch.
	epoch, used uint64
}

type standing struct {
	stake  uint64
	permit bool
}

func newState(g genesis, hash chain.Hash) *state {
	s := &state{
		genesis: hash.String(), subnets: map[uint16]*subnet{},
		nonces: map[chain.PublicKey]uint64{}, bodies: map[uint64][sha256.Size]byte{},
	}
	for _, gs := range g.Subnets {
		sub := &subnet{
			settings: chain.Subnet{
				Netuid: gs.Netuid, Owner: chain.PublicKey(gs.Owner), Tempo: gs.Tempo,
				WeightsRateLimit: gs.WeightsRateLimit, MinWeights: gs.MinWeights,
				MaxWeight: gs.MaxWeight, VersionKey: gs.VersionKey,
			},
			uids:      map[chain.PublicKey]uint16{},
			committed: map[uint64][]*neuron{},
		}
		for _, n := range gs.Neurons {
			sub.register(0, chain.PublicKey(n.Hotkey), chain.PublicKey(n.Coldkey), standing{n.Stake, n.Permit})
		}
		s.subnets[gs.Netuid] = sub
	}
	return s
}

// apply executes an extrinsic whose journal line is raw. An extrinsic that the
// rules refuse changes nothing.
func (s *state) apply(x extrinsic, raw []byte) error {
	effect, err := s.check(x)
	if err != nil {
		return err
	}
	effect()
	if !x.Call.administration() {
		s.nonces[chain.PublicKey(x.Call.Hotkey)]++
	}
	body := s.bodies[x.Block]
	s.bodies[x.Block] = sha256.Sum256(slices.Concat(body[:], raw))
	s.last = x.Block
	return nil
}

func (s *subnet) register(block uint64, hotkey, coldkey chain.PublicKey, st standing) {
	n := &neuron{uid: uint16(len(s.neurons)), hotkey: hotkey, coldkey: coldkey, registeredAt: block}
	n.standing.set(block, st)
	s.neurons = append(s.neurons, n)
	s.uids[hotkey] = n.uid
}

func (s *subnet) commit(n *neuron, block uint64, fields [][]byte, epoch, used uint64) {
	n.commitments.set(block, fields)
	n.epoch, n.used = epoch, used
	others := slices.DeleteFunc(s.committed[block], func(o *neuron) bool { return o == n })
	s.committed[block] = append(others, n)
}

// registered returns the neuron of a hotkey after block, or nil.
func (s *subnet) registered(hotkey chain.PublicKey, block uint64) *neuron {
	uid, ok := s.uids[hotkey]
	if !ok || s.neurons[uid].registeredAt > block {
		return nil
	}
	return s.neurons[uid]
}

// neuronsAt returns the neurons registered by block; uids never change hands.
func (s *subnet) neuronsAt(block uint64) []*neuron {
	n := sort.Search(len(s.neurons), func(i int) bool { return s.neurons[i].registeredAt > block })
	return s.neurons[:n]
}

func (n *neuron) view(block uint64) chain.Neuron {
	st, _ := n.standing.at(block)
	w, _ := n.weights.at(block)
	return chain.Neuron{
		UID: n.uid, Hotkey: n.hotkey, Coldkey: n.coldkey, Stake: st.value.stake, Permit: st.value.permit,
		LastUpdate: w.block, RegisteredAt: n.registeredAt,
	}
}

// commitment returns a copy of what holds after block, or nil.
func (n *neuron) commitment(block uint64) *chain.Commitment {
	v, ok := n.commitments.at(block)
	if !ok {
		return nil
	}
	c := &chain.Commitment{Hotkey: n.hotkey, Block: v.block, Fields: make([][]byte, len(v.value))}
	for i, f := range v.value {
		c.Fields[i] = append([]byte{}, f...)
	}
	return c
}

func (s *state) subnet(netuid uint16) (*subnet, error) {
	sub, ok := s.subnets[netuid]
	if !ok {
		return nil, fmt.Errorf("subnet %d does not exist", netuid)
	}
	return sub, nil
}
