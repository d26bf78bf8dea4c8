package rpc_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
)

func TestSubscription(t *testing.T) {
	ended := make(chan string, 1)
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		var id string
		r.Param(t, 0, &id)
		switch r.Method {
		case "go":
			for i := range 3 {
				r.Conn.Notify(id, i)
				r.Conn.Notify("nobody's", i)
			}
		case "end":
			ended <- id
		}
		return id, nil
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	one, err := c.Subscribe(t.Context(), "subscribe", "end", "one")
	if err != nil {
		t.Fatal(err)
	}
	two, err := c.Subscribe(t.Context(), "subscribe", "end", "two")
	if err != nil {
		t.Fatal(err)
	}
	if v, err := one.TryNext(); v != nil || err != nil {
		t.Errorf("before any notification: %s, %v", v, err)
	}
	if err := c.Call(t.Context(), nil, "go", "one"); err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"0", "1", "2"} {
		if v, err := one.Next(t.Context()); err != nil || string(v) != want {
			t.Errorf("notification is %s, %v, want %s", v, err, want)
		}
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	_, err = two.Next(ctx)
	wantErr(t, "wait on another subscription", err, context.Canceled)
	one.Close()
	if id := <-ended; id != "one" {
		t.Errorf("unsubscribed from %s", id)
	}
	_, err = one.Next(t.Context())
	wantErr(t, "closed subscription", err, rpc.ErrClosed)
	s.Drop()
	_, err = two.Next(t.Context())
	wantErr(t, "subscription after a drop", err, rpc.ErrDisconnected)
	two.Close()
}

func TestSubscriptionRefused(t *testing.T) {
	s := rpctest.New(t, func(rpctest.Request) (any, error) {
		return nil, &rpc.Error{Code: 1014, Message: "Priority is too low"}
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	if _, err := c.Subscribe(t.Context(), "subscribe", "end"); err == nil || !strings.Contains(err.Error(), "1014") {
		t.Errorf("error is %v", err)
	}
}

// Who does not read ends with what came first, and an error.
func TestSlowReader(t *testing.T) {
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		if r.Method == "go" {
			for i := range 1100 {
				r.Conn.Notify("id", i)
			}
		}
		return "id", nil
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	sub, err := c.Subscribe(t.Context(), "subscribe", "end")
	if err != nil {
		t.Fatal(err)
	}
	if err := c.Call(t.Context(), nil, "go"); err != nil {
		t.Fatal(err)
	}
	n := 0
	for err == nil {
		if _, err = sub.Next(t.Context()); err == nil {
			n++
		}
	}
	wantErr(t, "slow reader", err, rpc.ErrSlowReader)
	if n != 1024 {
		t.Errorf("%d notifications were kept", n)
	}
}

// Someone who only waits for notifications learns that the server is gone.
func TestUnansweredPing(t *testing.T) {
	clock := rpctest.NewClock()
	const timeout = time.Second
	s := rpctest.NewDeaf(t, func(rpctest.Request) (any, error) { return "id", nil })
	c := open(t, rpc.Options{Endpoints: []string{s.URL}, CallTimeout: timeout, After: clock.After})
	sub, err := c.Subscribe(t.Context(), "subscribe", "end")
	if err != nil {
		t.Fatal(err)
	}
	clock.Fire(timeout) // that of the subscription
	clock.Fire(rpc.DefaultPingInterval)
	clock.Fire(timeout) // that of the ping
	_, err = sub.Next(t.Context())
	wantErr(t, "subscription", err, rpc.ErrDisconnected)
}
