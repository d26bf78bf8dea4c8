package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"strings"
	"testing"
	"time"

	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
)

// A node that takes connections and cuts them at once was sent no request, so
// nothing may have happened.
func TestCutDuringCheck(t *testing.T) {
	cutting := rpctest.New(t, func(rpctest.Request) (any, error) { return nil, rpctest.ErrDrop })
	check := func(ctx context.Context, call rpc.CallFunc) error { return call(ctx, nil, "name") }
	c := open(t, rpc.Options{Endpoints: []string{cutting.URL}, Check: check, MinBackoff: 1, MaxBackoff: 1})
	err := c.Call(t.Context(), nil, "m")
	wantErr(t, "call", err, rpc.ErrUnreachable)
	if errors.Is(err, rpc.ErrDisconnected) {
		t.Errorf("the request that was not sent may have been: %v", err)
	}
}

// What a server says costs no more memory and log than it is worth.
func TestLongAnswersInErrors(t *testing.T) {
	endless := strings.Repeat("7", 10_000)
	for name, answer := range map[string]any{
		"number":         json.RawMessage(endless),
		"message":        &rpc.Error{Code: 1, Message: endless},
		"data":           &rpc.Error{Code: 1, Data: json.RawMessage(`"` + endless + `"`)},
		"data in object": &rpc.Error{Code: 1, Data: json.RawMessage(`{"a":` + endless + `}`)},
	} {
		s := rpctest.New(t, func(rpctest.Request) (any, error) {
			if refusal, ok := answer.(*rpc.Error); ok {
				return nil, refusal
			}
			return answer, nil
		})
		var n uint64
		err := open(t, rpc.Options{Endpoints: []string{s.URL}}).Call(t.Context(), &n, "m")
		if err == nil || len(err.Error()) > 1200 {
			t.Errorf("%s: error of %d bytes", name, len(err.Error()))
		}
		var refusal *rpc.Error
		if errors.As(err, &refusal) && len(refusal.Message)+len(refusal.Text()) > 1200 {
			t.Errorf("%s: refusal of %d bytes", name, len(refusal.Message)+len(refusal.Text()))
		}
	}
}

// Notifications that nobody reads take no more memory than one message may.
func TestLargeNotifications(t *testing.T) {
	large := strings.Repeat("x", 1000)
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		if r.Method == "go" {
			for range 20 {
				r.Conn.Notify("id", large)
			}
		}
		return "id", nil
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}, MessageLimit: 10_000})
	sub, err := c.Subscribe(t.Context(), "subscribe", "end")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), nil, "go"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for {
		var v json.RawMessage
		if v, err = sub.TryNext(); v == nil || err != nil {
			break
		}
		n++
	}
	wantErr(t, "slow reader", err, rpc.ErrSlowReader)
	if n != 9 {
		t.Errorf("%d notifications of 1,002 bytes were kept, 9 fit", n)
	}
}

// A node that takes connections, answers and cuts them is not dialled without a
// pause.
func TestBackoffAfterShortConnections(t *testing.T) {
	clock := rpctest.NewClock()
	const first, last = 100 * time.Millisecond, 300 * time.Millisecond
	for _, d := range []time.Duration{75 * time.Millisecond, 150 * time.Millisecond, 225 * time.Millisecond} {
		clock.Auto(d)
	}
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		if r.Method == "cut" {
			return nil, rpctest.ErrDrop
		}
		return true, nil
	})
	check := func(ctx context.Context, call rpc.CallFunc) error { return call(ctx, nil, "name") }
	c := open(t, rpc.Options{
		Endpoints: []string{s.URL}, Check: check, MinBackoff: first, MaxBackoff: last,
		After: clock.After, Now: clock.Now, Rand: func() float64 { return 0.5 },
	})
	pauses := func() (got []time.Duration) {
		for _, d := range clock.Log() {
			if d < time.Second {
				got = append(got, d)
			}
		}
		return got
	}
	for range 5 {
		wantErr(t, "call", c.Call(t.Context(), nil, "cut"), rpc.ErrDisconnected)
	}
	// One lost connection may be chance; from the second on there are pauses.
	if got := pauses(); len(got) != 3 || got[0] != 75*time.Millisecond || got[2] != 225*time.Millisecond {
		t.Errorf("pauses are %v", got)
	}
}
