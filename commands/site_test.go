package commands_test

import (
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

type siteKey struct{}

// site is a web server of a script.
type site struct {
	dir string

	mu      sync.Mutex
	stalled string
}

// serve is the script command
//
//	serve VARIABLE DIR
//
// It serves a folder over HTTP on loopback and sets the variable to its URL.
// Below /gone/ every file is a page of the server's own, with status 200.
func serve(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(siteKey{}).(*site)
	s.dir = ts.MkAbs(args[1])
	server := httptest.NewServer(s)
	ts.Defer(server.CloseClientConnections) // after Close, which waits for them
	ts.Defer(func() { go server.Close() })
	ts.Setenv(args[0], server.URL)
}

// stall is the script command
//
//	stall [NAME]
//
// From now on the server sends half of the named file and then nothing more, as
// a hanging connection does; without a name it answers again.
func stall(ts *testscript.TestScript, _ bool, args []string) {
	s := ts.Value(siteKey{}).(*site)
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.stalled = ""; len(args) > 0 {
		s.stalled = args[0]
	}
}

// get is the script command
//
//	get STATUS URL FILE
//
// It asks until the answer has the status, and writes its body to the file.
func get(ts *testscript.TestScript, _ bool, args []string) {
	client := &http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	poll(ts, "get "+args[1]+" with status "+args[0], func() bool {
		resp, err := client.Get(args[1]) //nolint:noctx // the client has a timeout
		if err != nil {
			return false
		}
		defer func() { _ = resp.Body.Close() }()
		body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
		ts.Check(err)
		ts.Check(os.WriteFile(ts.MkAbs(args[2]), body, 0o600))
		return strconv.Itoa(resp.StatusCode) == args[0]
	})
}

func (s *site) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	name := path.Base(r.URL.Path)
	if path.Base(path.Dir(r.URL.Path)) == "gone" {
		w.Header().Set("Content-Type", "text/html")
		fmt.Fprint(w, "<!DOCTYPE html><title>Maintenance</title><p>Please come back later.")
		return
	}
	s.mu.Lock()
	stalled := name == s.stalled && r.Method == http.MethodGet
	s.mu.Unlock()
	file := filepath.Join(s.dir, name)
	if !stalled {
		http.ServeFile(w, r, file)
		return
	}
	content, err := os.ReadFile(file)
	if err != nil {
		http.NotFound(w, r)
		return
	}
	w.Header().Set("Content-Length", fmt.Sprint(len(content)))
	_, _ = w.Write(content[:len(content)/2])
	w.(http.Flusher).Flush()
	<-r.Context().Done()
}
