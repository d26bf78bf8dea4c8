package rpc

import (
	"encoding/json"
	"testing"
)

// idle is a connection without a socket: what take needs.
func idle() *conn {
	return &conn{o: &Options{MessageLimit: DefaultMessageLimit}, done: make(chan struct{}), stop: func() {}, pending: map[uint64]*request{}, subs: map[string]*Subscription{}}
}

func TestLeadingID(t *testing.T) {
	tests := []struct {
		start string
		id    uint64
		ok    bool
	}{
		{`{"jsonrpc":"2.0","id":7,"result":"00`, 7, true},
		{`{"id":18446744073709551615,"result":[`, 1<<64 - 1, true},
		{`{"jsonrpc":"2.0","result":"00`, 0, false},
		{`{"jsonrpc":"2.0","result":{"id":7`, 0, false},
		{`{"jsonrpc":"2.0","id":"7","result":"`, 0, false},
		{`{"jsonrpc":"2.0","id":7`, 0, false}, // may be the beginning of 77
		{`[{"id":7`, 0, false},
		{``, 0, false},
	}
	for _, tt := range tests {
		if id, ok := leadingID([]byte(tt.start)); ok != tt.ok || (ok && id != tt.id) {
			t.Errorf("leadingID(%s) = %d, %v, want %d, %v", tt.start, id, ok, tt.id, tt.ok)
		}
	}
}

// Whatever a server sends is an answer, a notification, nothing, or an error.
func FuzzTake(f *testing.F) {
	for _, seed := range []string{
		`{"jsonrpc":"2.0","id":1,"result":"0x00"}`,
		`{"jsonrpc":"2.0","id":1,"result":null}`,
		`{"jsonrpc":"2.0","id":1,"error":{"code":1010,"message":"Invalid Transaction","data":"Custom error: 6"}}`,
		`{"jsonrpc":"2.0","method":"x","params":{"subscription":"s","result":{"number":"0x1"}}}`,
		`{"jsonrpc":"2.0","id":2,"result":"s"}`,
		`{"id":null,"error":{}}`, `[]`, `null`, ``, `{"id":-1}`, `{"params":{}}`,
	} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		c := idle()
		call, subscribe := &request{answer: make(chan answer, 1)}, &request{answer: make(chan answer, 1), sub: newSubscription(c, "end")}
		c.pending[1], c.pending[2] = call, subscribe
		c.subs[`"s"`] = newSubscription(c, "end")
		err := c.take(data)
		if !json.Valid(data) && err == nil {
			t.Error("what is no JSON is taken")
		}
		leadingID(data)
		for _, r := range []*request{call, subscribe} {
			select {
			case a := <-r.answer:
				if a.err != nil && a.err.Error() == "" {
					t.Error("error without a text")
				}
			default:
			}
		}
	})
}
