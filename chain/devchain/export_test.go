package devchain

import "context"

// Handle answers a message of a client that is gone afterwards.
func (n *Node) Handle(message []byte) {
	_, cut := context.WithCancel(context.Background())
	c := &conn{node: n, cut: cut, wake: make(chan struct{}, 1), subs: map[string]*subscription{}}
	if !n.enter(c) {
		return
	}
	defer n.leave(c)
	c.handle(message)
}

// Replay puts an entry of a journal on a chain in memory.
func (n *Node) Replay(entry []byte) error {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.replay(entry)
}
