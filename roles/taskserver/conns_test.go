package taskserver_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver"
	"finest/roles/taskserver/client"
)

// smallBuffers makes the system hold little of what is sent, as it does for
// connections of far away.
type smallBuffers struct{ net.Listener }

func (l smallBuffers) Accept() (net.Conn, error) {
	conn, err := l.Listener.Accept()
	if err == nil {
		err = conn.(*net.TCPConn).SetWriteBuffer(64 << 10)
	}
	return conn, err
}

// serve runs the server on loopback until the test ends.
func (e *env) serve() (addr string) {
	e.t.Helper()
	listener, err := (&net.ListenConfig{}).Listen(e.t.Context(), "tcp", "127.0.0.1:0")
	check(e.t, err)
	l := smallBuffers{listener}
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error)
	go func() { done <- e.server.Serve(ctx, l) }()
	e.t.Cleanup(func() {
		stop()
		check(e.t, <-done)
	})
	return l.Addr().String()
}

// dial connects and sends what is given.
func dial(t testing.TB, addr, text string) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{Timeout: 5 * time.Second}).DialContext(t.Context(), "tcp", addr)
	check(t, err)
	t.Cleanup(func() { _ = conn.Close() })
	_, err = io.WriteString(conn, text)
	check(t, err)
	check(t, conn.SetReadDeadline(time.Now().Add(10*time.Second)))
	return conn
}

// ended reports whether the server has closed a connection without a word.
func ended(t testing.TB, conn net.Conn) bool {
	t.Helper()
	check(t, conn.SetReadDeadline(time.Now().Add(5*time.Second)))
	n, err := conn.Read(make([]byte, 1))
	netErr, isNet := err.(net.Error) //nolint:errorlint // as it comes from the connection
	return n == 0 && err != nil && !(isNet && netErr.Timeout())
}

// TestHalfOpenConnectionsGiveWay: however many clients begin a request and do
// not end it, others are served at once, and the newest of them are heard out.
func TestHalfOpenConnectionsGiveWay(t *testing.T) {
	const limit = 8
	e := newEnv(t, 1, func(o *taskserver.Options) { o.MaxConnections = limit })
	addr := e.serve()
	var slow []net.Conn
	for range 3 * limit {
		slow = append(slow, dial(t, addr, "GET /v1/tasks HTTP/1.1\r\nHost: x\r\n"))
		transport := &http.Transport{DisableKeepAlives: true}
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+addr+"/healthz", nil)
		check(t, err)
		resp, err := transport.RoundTrip(req)
		check(t, err)
		check(t, resp.Body.Close())
		equal(t, "status beside half-open connections", resp.StatusCode, 200)
	}
	if !ended(t, slow[0]) {
		t.Error("the oldest half-open connection is still there")
	}
	newest := slow[len(slow)-1]
	check(t, newest.SetReadDeadline(time.Now().Add(10*time.Second)))
	_, err := io.WriteString(newest, "\r\n")
	check(t, err)
	head := make([]byte, 15)
	_, err = io.ReadFull(newest, head)
	check(t, err)
	equal(t, "answer to the newest", string(head), "HTTP/1.1 200 OK")
	_, metrics := e.get("/metrics")
	if strings.Contains(metrics, "finest_connections_evicted_total 0") || !strings.Contains(metrics, "finest_connections ") {
		t.Error("metrics do not tell of connections")
	}
}

// TestSlowBodiesGiveWay: a header alone keeps no place either.
func TestSlowBodiesGiveWay(t *testing.T) {
	e := newEnv(t, 1, func(o *taskserver.Options) { o.MaxConnections = 2 })
	addr := e.serve()
	r := e.signedRequest("//Miner", "lease", []byte(leaseBody), uuidOf(1))
	var header strings.Builder
	fmt.Fprintf(&header, "POST /v1/lease HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n", len(leaseBody))
	check(t, r.Header.Write(&header))
	slow := dial(t, addr, header.String()+"\r\n{")
	for range 3 {
		dial(t, addr, "GET /healthz HTTP/1.1\r\nHost: x\r\n")
	}
	if !ended(t, slow) {
		t.Error("a request without its body is still there")
	}
}

// TestLargeBodiesGiveWay: those that are large, and late, do not fill the
// memory, nor keep others from sending one.
func TestLargeBodiesGiveWay(t *testing.T) {
	e := newEnv(t, 1)
	addr := e.serve()
	body := strings.Repeat("x", contract.MaxProof)
	var first net.Conn
	for i := range 16 { // of 4 MiB each; 48 MiB are allowed
		conn := dial(t, addr, e.header(e.signedRequest("//Validator", "proof", []byte("{}"), uuidOf(i)), len(body)+1))
		_, err := io.WriteString(conn, body)
		check(t, err)
		if first == nil {
			first = conn
		}
	}
	if !ended(t, first) {
		t.Error("the oldest of many large bodies is still there")
	}
	transport := &http.Transport{}
	defer transport.CloseIdleConnections()
	c := client.New("http://"+addr, key(t, "//Validator"), &http.Client{Transport: transport}, e.clock)
	check(t, c.SendProof(t.Context(), json.RawMessage(`{"text":"`+strings.Repeat("x", 1<<20)+`"}`)))
}

// TestWhoSendsIsHeardOut: an upload that goes on is not given up for others,
// neither those that only say how much they will send, nor those that have sent
// much and stopped, though they began later.
func TestWhoSendsIsHeardOut(t *testing.T) {
	e := newEnv(t, 1)
	addr := e.serve()
	const half = contract.MaxProof / 2
	body := []byte(`{"op":"proof","proof":{"text":"` + strings.Repeat("x", half*2-100) + `"}}`)
	honest := dial(t, addr, e.header(e.signedRequest("//Validator", "proof", body, uuidOf(1)), len(body))+string(body[:half]))
	other := strings.Repeat("x", half)
	uuid := 1
	for part := range 4 { // what has not come yet of the honest one
		for range 10 {
			uuid++
			header := e.header(e.signedRequest("//Validator", "proof", []byte("{}"), uuidOf(uuid)), contract.MaxProof)
			dial(t, addr, header) // in its beginnings
			_, err := io.WriteString(dial(t, addr, header), other)
			check(t, err)
		}
		_, err := honest.Write(body[half+part*(len(body)-half)/4 : half+(part+1)*(len(body)-half)/4])
		check(t, err)
	}
	check(t, honest.SetReadDeadline(time.Now().Add(20*time.Second)))
	head := make([]byte, 12)
	_, err := io.ReadFull(honest, head)
	check(t, err)
	equal(t, "answer", string(head), "HTTP/1.1 204")
}

// TestLargeAnswersGiveWay: nor do clients that ask for much and read little.
func TestLargeAnswersGiveWay(t *testing.T) {
	const size = contract.MaxProof - 100
	e := newEnv(t, 1, func(o *taskserver.Options) { o.Burst = 1000 })
	check(t, e.client("//Validator").SendProof(t.Context(), json.RawMessage(fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", size)))))
	addr := e.serve()
	var slow []net.Conn
	for range 16 {
		conn := dial(t, addr, "")
		check(t, conn.(*net.TCPConn).SetReadBuffer(64<<10))
		_, err := io.WriteString(conn, "GET /v1/proofs HTTP/1.1\r\nHost: x\r\n\r\n")
		check(t, err)
		_, err = io.ReadFull(conn, make([]byte, 15))
		check(t, err)
		slow = append(slow, conn)
	}
	read := func(conn net.Conn) int64 {
		check(t, conn.SetReadDeadline(time.Now().Add(20*time.Second)))
		n, _ := io.CopyN(io.Discard, conn, size) // what is missing is what counts
		return n
	}
	if n := read(slow[0]); n == size {
		t.Error("the oldest of many large answers is still sent")
	}
	equal(t, "bytes of the newest", read(slow[len(slow)-1]), size)
}

// TestIdleConnectionsGiveWay: those who were served and stay do not keep others
// out.
func TestIdleConnectionsGiveWay(t *testing.T) {
	const limit = 4
	e := newEnv(t, 1, func(o *taskserver.Options) { o.MaxConnections = limit })
	addr := e.serve()
	for range 3 * limit {
		conn := dial(t, addr, "GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")
		head := make([]byte, 15)
		_, err := io.ReadFull(conn, head)
		check(t, err)
		equal(t, "answer beside idle connections", string(head), "HTTP/1.1 200 OK")
	}
}

// TestLimitsOfHeaders: a header beyond all measure is refused before anything is
// done with it.
func TestLimitsOfHeaders(t *testing.T) {
	e := newEnv(t, 1)
	addr := e.serve()
	conn := dial(t, addr, "GET /healthz HTTP/1.1\r\nHost: x\r\nX: "+strings.Repeat("x", 64<<10))
	answer, _ := io.ReadAll(conn) // the server may cut the connection while it is sent
	if len(answer) > 0 && !strings.HasPrefix(string(answer), "HTTP/1.1 431 ") {
		t.Errorf("answer to a header of 64 KiB: %.60q", answer)
	}
	// HTTP/2 without TLS is not spoken: its frames are no requests.
	conn = dial(t, addr, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")
	answer, err := io.ReadAll(conn)
	check(t, err)
	if !strings.HasPrefix(string(answer), "HTTP/1.1 4") && !strings.HasPrefix(string(answer), "HTTP/1.1 505") {
		t.Errorf("answer to HTTP/2: %.60q", answer)
	}
}
