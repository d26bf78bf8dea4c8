package taskserver_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"runtime"
	"strings"
	"sync"
	"testing"

	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/engine"
)

// maxHeap is what the server may take under the attacks of this file: what
// operators are told to give it.
const maxHeap = 300 << 20

// heapStore notes the largest heap at changes and views of a store.
type heapStore struct {
	engine.Store
	mu  sync.Mutex
	max uint64
}

// sample returns the largest heap up to now.
func (s *heapStore) sample() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.max = max(s.max, m.HeapAlloc)
	return s.max
}

func (s *heapStore) Change(ctx context.Context, f func(engine.Tx) error) error {
	s.sample()
	return s.Store.Change(ctx, f)
}

func (s *heapStore) View(ctx context.Context, f func(engine.View) error) error {
	defer s.sample()
	return s.Store.View(ctx, f)
}

// header is that of a signed request with a body of another length.
func (e *env) header(r *http.Request, length int) string {
	e.t.Helper()
	var header strings.Builder
	fmt.Fprintf(&header, "POST %s HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Length: %d\r\n", r.URL.Path, length)
	check(e.t, r.Header.Write(&header))
	return header.String() + "\r\n"
}

// TestMemoryUnderAttack: clients that send almost all of a large body, send many
// large bodies at once, or ask for large answers and do not read them, together
// do not make the server large.
func TestMemoryUnderAttack(t *testing.T) {
	var heap *heapStore
	e := newEnv(t, 1, func(o *taskserver.Options) {
		heap = &heapStore{Store: o.Store}
		o.Store, o.Burst = heap, 1000
	})
	var bodies [][]byte
	for i := range 2 {
		bodies = append(bodies, fmt.Appendf(nil, `{"op":"proof","proof":{"n":%d,"text":%q}}`, i, strings.Repeat("x", contract.MaxProof-100)))
	}
	equal(t, "problem of a large proof", e.problemOf(e.signedRequest("//Validator", "proof", bodies[0], uuidOf(1000))), "")
	addr := e.serve()
	runtime.GC()
	began := heap.sample()

	var senders sync.WaitGroup
	send := func(conn net.Conn, header string, body []byte) {
		senders.Go(func() { // until the server has had enough
			_, err := io.Copy(conn, io.MultiReader(strings.NewReader(header), bytes.NewReader(body)))
			if err == nil && len(body) == len(bodies[1]) { // else it waits for more
				_, _ = io.Copy(io.Discard, conn)
			}
		})
	}
	for i := range 24 {
		r := e.signedRequest("//Validator", "proof", bodies[1], uuidOf(i))
		send(dial(t, addr, ""), e.header(r, len(bodies[1])), bodies[1][:len(bodies[1])-1])
	}
	for range 24 {
		dial(t, addr, "GET /v1/proofs HTTP/1.1\r\nHost: x\r\n\r\n")
	}
	for i := range 12 {
		r := e.signedRequest("//Validator", "proof", bodies[1], uuidOf(100+i))
		send(dial(t, addr, ""), e.header(r, len(bodies[1])), bodies[1])
	}
	senders.Wait()
	most := heap.sample()
	t.Logf("heap: %d MiB before, %d MiB at most", began>>20, most>>20)
	if most > began+maxHeap {
		t.Errorf("the server took %d MiB", (most-began)>>20)
	}
}

// TestLargeBodiesAreOfValidators: what a miner sends is small, whatever it says
// of the length.
func TestLargeBodiesAreOfValidators(t *testing.T) {
	e := newEnv(t, 1)
	body := []byte(`{"op":"proof","proof":{"text":"` + strings.Repeat("x", 16<<10) + `"}}`)
	for i, length := range []int64{int64(len(body)), -1} {
		for uri, want := range map[string]string{"//Miner": contract.ProblemTooLarge, "//Validator": ""} {
			r := e.signedRequest(uri, "proof", body, uuidOf(i))
			r.ContentLength = length
			equal(t, fmt.Sprintf("problem of %s with length %d", uri, length), e.problemOf(r), want)
		}
	}
}
