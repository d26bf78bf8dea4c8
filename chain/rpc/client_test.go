package rpc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"finest/chain/rpc"
	"finest/chain/rpc/rpctest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func open(t *testing.T, o rpc.Options) *rpc.Client {
	t.Helper()
	c, err := rpc.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	return c
}

// closedPort is the address of a port that nobody listens on.
func closedPort(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // a test
	return "ws://" + l.Addr().String()
}

func echo(r rpctest.Request) (any, error) { return r.Params[0], nil }

func wantErr(t *testing.T, what string, err, want error) {
	t.Helper()
	if !errors.Is(err, want) {
		t.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// Answers that come in another order than their requests find their callers.
func TestConcurrentCalls(t *testing.T) {
	const n = 50
	var ready sync.WaitGroup
	ready.Add(n)
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		ready.Done()
		ready.Wait() // all are under way before the first is answered
		return r.Params[0], nil
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			var got int
			if err := c.Call(t.Context(), &got, "echo", i); err != nil || got != i {
				t.Errorf("call %d returned %d, %v", i, got, err)
			}
		})
	}
	wg.Wait()
	if s.Opened() != 1 {
		t.Errorf("%d calls made %d connections", n, s.Opened())
	}
}

func TestServerErrors(t *testing.T) {
	tests := []struct {
		name string
		err  rpc.Error
		text string
	}{
		{"without data", rpc.Error{Code: -32601, Message: "Method not found"}, "error -32601: Method not found"},
		{"data is text", rpc.Error{Code: 1010, Message: "Invalid Transaction", Data: json.RawMessage(`"Custom error: 6"`)}, "error 1010: Invalid Transaction: Custom error: 6"},
		{"data is an object", rpc.Error{Code: 1, Message: "x", Data: json.RawMessage(`{"a":1}`)}, `error 1: x: {"a":1}`},
		{"endless text", rpc.Error{Code: 1, Message: strings.Repeat("x", 10_000)}, "error 1: " + strings.Repeat("x", 500) + "…"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			s := rpctest.New(t, func(rpctest.Request) (any, error) { return nil, &tt.err })
			err := open(t, rpc.Options{Endpoints: []string{s.URL}}).Call(t.Context(), nil, "m")
			var got *rpc.Error
			if !errors.As(err, &got) || got.Code != tt.err.Code || got.Error() != tt.text {
				t.Errorf("error is %v, want %s", err, tt.text)
			}
		})
	}
}

func TestNewRefusesEndpoints(t *testing.T) {
	for _, endpoints := range [][]string{nil, {"http://127.0.0.1"}, {"ws://"}, {"ws://127.0.0.1:1", "::secret"}} {
		_, err := rpc.New(rpc.Options{Endpoints: endpoints})
		if err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("endpoints %q: error %v", endpoints, err)
		}
	}
}

// An answer over the limit, one without end and none at all end in an error, and
// the next call has a new connection.
func TestHostileServers(t *testing.T) {
	const timeout = time.Second
	chunk := []byte(strings.Repeat("0", 1<<20))
	tests := []struct {
		name   string
		limit  int64
		script rpctest.Handler
		fire   bool
		want   error
	}{
		{"silence", 0, func(rpctest.Request) (any, error) { return nil, rpctest.ErrSilent }, true, rpc.ErrTimeout},
		{"drop", 0, func(rpctest.Request) (any, error) { return nil, rpctest.ErrDrop }, false, rpc.ErrDisconnected},
		{"100 MB", 0, func(r rpctest.Request) (any, error) {
			r.Conn.Stream(fmt.Sprintf(`{"jsonrpc":"2.0","id":%d,"result":"`, r.ID), chunk, 100)
			return nil, rpctest.ErrSilent
		}, false, &rpc.SizeError{Limit: rpc.DefaultMessageLimit}},
		{"100 MB that begin with the result", 0, func(r rpctest.Request) (any, error) {
			r.Conn.Stream(`{"result":"`, chunk, 100)
			return nil, rpctest.ErrSilent
		}, false, &rpc.SizeError{Limit: rpc.DefaultMessageLimit}},
		{"without end, fast", 1 << 20, func(r rpctest.Request) (any, error) {
			r.Conn.Stream("", chunk, -1)
			return nil, rpctest.ErrSilent
		}, false, &rpc.SizeError{Limit: 1 << 20}},
		{"without end, slow", 0, func(r rpctest.Request) (any, error) {
			r.Conn.Begin(`{"jsonrpc":"2.0",`)
			return nil, rpctest.ErrSilent
		}, true, rpc.ErrTimeout},
		{"no JSON", 0, func(r rpctest.Request) (any, error) {
			r.Conn.Write([]byte("<html>"))
			return nil, rpctest.ErrSilent
		}, false, rpc.ErrDisconnected},
		{"refusal without id", 0, func(r rpctest.Request) (any, error) {
			r.Conn.Write([]byte(`{"jsonrpc":"2.0","id":null,"error":{"code":-32700,"message":"Parse error"}}`))
			return nil, rpctest.ErrSilent
		}, false, rpc.ErrDisconnected},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			clock := rpctest.NewClock()
			asked := make(chan struct{}, 100)
			bad := rpctest.New(t, func(r rpctest.Request) (any, error) {
				asked <- struct{}{}
				return tt.script(r)
			})
			good := rpctest.New(t, echo)
			c := open(t, rpc.Options{Endpoints: []string{bad.URL, good.URL}, CallTimeout: timeout, MessageLimit: tt.limit, After: clock.After})
			done := make(chan error, 1)
			go func() { done <- c.Call(t.Context(), nil, "m", 1) }()
			if tt.fire {
				<-asked
				clock.Fire(timeout)
			}
			err := <-done
			var size, wantSize *rpc.SizeError
			switch {
			case errors.As(tt.want, &wantSize):
				if !errors.As(err, &size) || *size != *wantSize {
					t.Errorf("error is %v, want %v", err, tt.want)
				}
			default:
				wantErr(t, "call", err, tt.want)
			}
			if tt.name == "drop" {
				return // nothing says that the endpoint is to blame
			}
			var got int
			if err := c.Call(t.Context(), &got, "echo", 7); err != nil || got != 7 {
				t.Errorf("next call returned %d, %v", got, err)
			}
		})
	}
}

// A server that answers others in time is only slow for one call.
func TestTimeoutKeepsLivingConnection(t *testing.T) {
	const timeout = time.Second
	clock := rpctest.NewClock()
	asked := make(chan struct{})
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		if r.Method == "slow" {
			close(asked)
			return nil, rpctest.ErrSilent
		}
		return echo(r)
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}, CallTimeout: timeout, After: clock.After})
	if err := c.Call(t.Context(), nil, "echo", 0); err != nil {
		t.Fatal(err)
	}
	sent := make(chan error, 1)
	go func() { sent <- c.Call(t.Context(), nil, "slow") }()
	<-asked
	if err := c.Call(t.Context(), nil, "echo", 2); err != nil {
		t.Fatal(err)
	}
	clock.Fire(timeout)
	wantErr(t, "slow call", <-sent, rpc.ErrTimeout)
	if err := c.Call(t.Context(), nil, "echo", 3); err != nil || s.Opened() != 1 {
		t.Errorf("after a slow call: %v, %d connections", err, s.Opened())
	}
}

func TestReconnect(t *testing.T) {
	s := rpctest.New(t, echo)
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	for i := range 3 {
		sub, err := c.Subscribe(t.Context(), "echo", "end", "id")
		if err != nil {
			t.Fatal(err)
		}
		s.Drop()
		_, err = sub.Next(t.Context()) // the client knows of the loss when this returns
		wantErr(t, "subscription", err, rpc.ErrDisconnected)
		if err := c.Call(t.Context(), nil, "echo", i); err != nil {
			t.Errorf("call after drop %d: %v", i, err)
		}
	}
}

// Rounds of endpoints that all fail are apart by a pause that doubles, half of it
// chance, and a failure tells of each endpoint by its host alone.
func TestBackoff(t *testing.T) {
	clock := rpctest.NewClock()
	const first, last = 100 * time.Millisecond, 300 * time.Millisecond
	pauses := []time.Duration{75 * time.Millisecond, 150 * time.Millisecond, 225 * time.Millisecond}
	for _, d := range pauses {
		clock.Auto(d)
	}
	a, b := closedPort(t), closedPort(t)
	c := open(t, rpc.Options{
		Endpoints:  []string{a + "/key-of-a", strings.Replace(b, "ws://", "ws://user:password@", 1)},
		MinBackoff: first, MaxBackoff: last,
		After: clock.After, Now: clock.Now, Rand: func() float64 { return 0.5 },
	})
	for range 2 {
		err := c.Call(t.Context(), nil, "m")
		wantErr(t, "call", err, rpc.ErrUnreachable)
		for _, secret := range []string{"key-of-a", "password"} {
			if strings.Contains(err.Error(), secret) {
				t.Errorf("error tells %s: %v", secret, err)
			}
		}
		for _, host := range []string{strings.TrimPrefix(a, "ws://"), strings.TrimPrefix(b, "ws://")} {
			if !strings.Contains(err.Error(), host) {
				t.Errorf("error does not name %s: %v", host, err)
			}
		}
	}
	var got []time.Duration
	for _, d := range clock.Log() {
		if d < time.Second {
			got = append(got, d)
		}
	}
	if want := []time.Duration{pauses[0], pauses[1], pauses[2], pauses[2], pauses[2]}; !slices.Equal(got, want) {
		t.Errorf("pauses are %v, want %v", got, want)
	}
}

func TestEndpointsInTurn(t *testing.T) {
	good := rpctest.New(t, echo)
	refusing := httptest.NewServer(http.NotFoundHandler())
	defer refusing.Close()
	var redirected bool
	elsewhere := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { redirected = true }))
	defer elsewhere.Close()
	redirecting := httptest.NewServer(http.RedirectHandler(elsewhere.URL, http.StatusFound))
	defer redirecting.Close()
	ws := func(s *httptest.Server) string { return strings.Replace(s.URL, "http", "ws", 1) }
	c := open(t, rpc.Options{Endpoints: []string{closedPort(t), ws(refusing), ws(redirecting), good.URL}})
	if err := c.Call(t.Context(), nil, "echo", 1); err != nil {
		t.Error(err)
	}
	if redirected {
		t.Error("a redirect was followed")
	}
}

func TestCheck(t *testing.T) {
	other := rpctest.New(t, func(rpctest.Request) (any, error) { return "other", nil })
	mine := rpctest.New(t, func(rpctest.Request) (any, error) { return "mine", nil })
	check := func(ctx context.Context, call rpc.CallFunc) error {
		var name string
		if err := call(ctx, &name, "name"); err != nil {
			return err
		}
		if name != "mine" {
			return errors.New("not the chain of before")
		}
		return nil
	}
	c := open(t, rpc.Options{Endpoints: []string{other.URL, mine.URL}, Check: check})
	var got string
	if err := c.Call(t.Context(), &got, "name"); err != nil || got != "mine" {
		t.Errorf("call returned %q, %v", got, err)
	}
	clock := rpctest.NewClock()
	silent := rpctest.New(t, func(rpctest.Request) (any, error) { return nil, rpctest.ErrSilent })
	clock.Auto(rpc.DefaultDialTimeout)
	clock.Auto(rpc.DefaultMinBackoff / 2)
	clock.Auto(rpc.DefaultMinBackoff)
	c = open(t, rpc.Options{Endpoints: []string{silent.URL}, Check: check, After: clock.After, Now: clock.Now, Rand: func() float64 { return 0 }})
	err := c.Call(t.Context(), nil, "name")
	wantErr(t, "check without an answer", err, rpc.ErrUnreachable)
	if errors.Is(err, context.Canceled) {
		t.Errorf("the deadline of a check looks like the caller's context: %v", err)
	}
}

func TestContext(t *testing.T) {
	asked := make(chan struct{})
	s := rpctest.New(t, func(rpctest.Request) (any, error) {
		close(asked)
		return nil, rpctest.ErrSilent
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	wantErr(t, "call with an ended context", c.Call(ctx, nil, "m"), context.Canceled)
	ctx, cancel = context.WithCancel(t.Context())
	go func() {
		<-asked
		cancel()
	}()
	wantErr(t, "call whose context ends", c.Call(ctx, nil, "m"), context.Canceled)
}

func TestClose(t *testing.T) {
	asked := make(chan struct{})
	s := rpctest.New(t, func(r rpctest.Request) (any, error) {
		if r.Method == "subscribe" {
			return "id", nil
		}
		close(asked)
		return nil, rpctest.ErrSilent
	})
	c := open(t, rpc.Options{Endpoints: []string{s.URL}})
	sub, err := c.Subscribe(t.Context(), "subscribe", "end")
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- c.Call(t.Context(), nil, "m") }()
	<-asked
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	wantErr(t, "call under way", <-done, rpc.ErrClosed)
	_, err = sub.Next(t.Context())
	wantErr(t, "subscription", err, rpc.ErrClosed)
	wantErr(t, "call after closing", c.Call(t.Context(), nil, "m"), rpc.ErrClosed)
	sub.Close()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}
