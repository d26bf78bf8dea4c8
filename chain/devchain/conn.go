package devchain

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"sync"

	"github.com/coder/websocket"
)

// conn is one websocket connection.
type conn struct {
	node *Node
	// cut ends the connection without a word.
	cut func()
	// subs are its subscriptions by id; under the lock of the node.
	subs map[string]*subscription
	// fresh are the subscriptions that the message at hand made; only for the
	// goroutine that reads.
	fresh []*subscription

	mu    sync.Mutex
	queue [][]byte
	size  int
	// held is the size of what subscriptions that are not live yet have to say.
	held int
	wake chan struct{}
}

// push queues a message; a reader that is too slow is cut off.
func (c *conn) push(message []byte) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.pushLocked(message)
}

func (c *conn) pushLocked(message []byte) {
	if c.overflows(message) {
		return
	}
	c.queue = append(c.queue, message)
	c.size += len(message)
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// overflows says whether a message has no room beside what waits, and cuts the
// connection then; c.mu is held.
func (c *conn) overflows(message []byte) bool {
	if c.size+c.held+len(message) <= maxQueue {
		return false
	}
	c.cut()
	return true
}

// pop returns what is queued.
func (c *conn) pop() [][]byte {
	c.mu.Lock()
	defer c.mu.Unlock()
	queue := c.queue
	c.queue, c.size = nil, 0
	return queue
}

// write sends what is queued until ctx ends or the reader is gone.
func (c *conn) write(ctx context.Context, ws *websocket.Conn) {
	for {
		select {
		case <-ctx.Done():
			return
		case <-c.wake:
		}
		for _, message := range c.pop() {
			within, cancel := context.WithTimeout(ctx, writeWait)
			err := ws.Write(within, websocket.MessageText, message)
			cancel()
			if err != nil {
				c.cut()
				return
			}
		}
	}
}

// handle answers one message: a request or a batch of them.
func (c *conn) handle(message []byte) {
	defer func() {
		// net/http would swallow it, and the clients of a node that is broken would
		// wait for what never comes.
		if reason := recover(); reason != nil {
			c.node.broke(reason)
			c.cut()
		}
		for _, s := range c.fresh {
			s.goLive()
		}
		c.fresh = nil
	}()
	message = bytes.TrimSpace(message)
	if len(message) == 0 || message[0] != '[' {
		if answer := c.answer(message); answer != nil {
			c.push(answer)
		}
		return
	}
	var batch []json.RawMessage
	if err := json.Unmarshal(message, &batch); err != nil {
		c.push(errorResponse(nil, &rpcError{Code: codeParse, Message: "Parse error"}))
		return
	}
	if len(batch) == 0 || len(batch) > maxBatch {
		c.push(errorResponse(nil, &rpcError{Code: codeRequest, Message: "Invalid request"}))
		return
	}
	answers := make([]json.RawMessage, 0, len(batch))
	size := 0
	for _, m := range batch {
		answer := c.answer(m)
		if answer == nil {
			continue
		}
		if size += len(answer); size > maxResponse {
			c.push(errorResponse(nil, tooBig()))
			return
		}
		answers = append(answers, answer)
	}
	if len(answers) > 0 {
		c.push(encode(answers))
	}
}

// answer handles one request; nil if it gets no answer.
func (c *conn) answer(message []byte) []byte {
	var r struct {
		ID     json.RawMessage `json:"id"`
		Method string          `json:"method"`
		Params json.RawMessage `json:"params"`
	}
	if err := json.Unmarshal(message, &r); err != nil {
		return errorResponse(nil, &rpcError{Code: codeParse, Message: "Parse error"})
	}
	if r.Method == "" {
		return errorResponse(r.ID, &rpcError{Code: codeRequest, Message: "Invalid request"})
	}
	n := c.node
	n.mu.Lock()
	silent := n.faults.silent(r.Method)
	n.mu.Unlock()
	if silent {
		return nil
	}
	result, err := c.call(r.Method, r.Params)
	switch {
	case r.ID == nil || errors.Is(err, errCut):
		return nil // nobody waits for an answer
	case err != nil:
		return errorResponse(r.ID, err)
	}
	raw := response(r.ID, result)
	if len(raw) > maxResponse {
		return errorResponse(r.ID, tooBig())
	}
	return raw
}
