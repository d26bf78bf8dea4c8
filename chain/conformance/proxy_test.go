package conformance

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/coder/websocket"
)

// proxy stands between a client and a node, and can cut the line between them.
type proxy struct {
	endpoint, node string
	mu             sync.Mutex
	armed, after   bool
	cuts           int
}

// startProxy serves a proxy of the node at an endpoint until the test ends.
func startProxy(t *testing.T, node string) *proxy {
	t.Helper()
	p := &proxy{node: node}
	ctx, stop := context.WithCancel(context.Background())
	var running sync.WaitGroup
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		running.Add(1)
		defer running.Done()
		p.relay(ctx, w, r)
	}))
	t.Cleanup(func() {
		stop()
		server.Close()
		running.Wait()
	})
	p.endpoint = "ws" + strings.TrimPrefix(server.URL, "http")
	return p
}

// cutNext makes the proxy cut the line at the next submission: before it is passed
// on, or after that and before its answer.
func (p *proxy) cutNext(after bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.armed, p.after = true, after
}

func (p *proxy) cutsMade() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.cuts
}

// strikes says whether the message is the submission to cut at, and where.
func (p *proxy) strikes(message []byte) (now, after bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if !p.armed || !bytes.Contains(message, []byte("author_submit")) {
		return false, false
	}
	p.armed = false
	p.cuts++
	return true, p.after
}

// relay passes messages on until one side ends or the line is cut.
func (p *proxy) relay(ctx context.Context, w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	in, err := websocket.Accept(w, r, nil)
	if err != nil {
		return
	}
	defer func() { _ = in.CloseNow() }()
	out, _, err := websocket.Dial(ctx, p.node, nil) //nolint:bodyclose // the websocket closes it
	if err != nil {
		return
	}
	defer func() { _ = out.CloseNow() }()
	in.SetReadLimit(-1)
	out.SetReadLimit(-1)
	var silent atomic.Bool
	running := make(chan struct{})
	go func() {
		defer close(running)
		defer cancel()
		pass(ctx, out, in, func(message []byte) (end bool) {
			return silent.Load() && !bytes.Contains(message, []byte(`"method"`)) // not a notification: the answer
		})
	}()
	pass(ctx, in, out, func(message []byte) (end bool) {
		strikes, after := p.strikes(message)
		silent.Store(strikes)
		return strikes && !after
	})
	cancel()
	<-running
}

// pass copies messages until one side ends, or ends says so of one, which is not
// passed on.
func pass(ctx context.Context, from, to *websocket.Conn, ends func([]byte) bool) {
	for {
		kind, message, err := from.Read(ctx)
		if err != nil || ends(message) || to.Write(ctx, kind, message) != nil {
			return
		}
	}
}
