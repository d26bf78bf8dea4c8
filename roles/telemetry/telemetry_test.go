package telemetry_test

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"finest/roles/telemetry"
)

func get(h http.Handler, method, path string) (status int, mediaType, body string) {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(method, path, nil))
	return w.Code, w.Header().Get("Content-Type"), w.Body.String()
}

func TestHandler(t *testing.T) {
	var reason error
	h := telemetry.Handler(telemetry.NewRegistry("mine", "v1.2.3"), func() error { return reason })
	for _, c := range []struct {
		name, method, path string
		reason             error
		status             int
		mediaType, body    string
	}{
		{"alive", "GET", "/healthz", errors.New("no chain"), 200, "application/json", `{"status":"ok"}`},
		{"ready", "GET", "/readyz", nil, 200, "application/json", `{"status":"ok"}`},
		{"not ready", "GET", "/readyz", errors.New("no chain"), 503, "application/problem+json", `"detail":"no chain"`},
		{"version", "GET", "/metrics", nil, 200, "text/plain", `finest_build_info{role="mine",version="v1.2.3"} 1`},
		{"process", "GET", "/metrics", nil, 200, "text/plain", "\ngo_goroutines "},
		{"POST", "POST", "/metrics", nil, 405, "text/plain", ""},
		{"elsewhere", "GET", "/debug/pprof/", nil, 404, "text/plain", ""},
	} {
		t.Run(c.name, func(t *testing.T) {
			reason = c.reason
			status, mediaType, body := get(h, c.method, c.path)
			if status != c.status || !strings.HasPrefix(mediaType, c.mediaType) || !strings.Contains(body, c.body) {
				t.Errorf("got %d, %s\n%s", status, mediaType, body)
			}
		})
	}
}

// TestServe: it answers while the role works, also when that was told to stop,
// and lets go of its port.
func TestServe(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	at, stop, err := telemetry.Serve(ctx, "127.0.0.1:0", telemetry.Handler(telemetry.NewRegistry("mine", "v1"), func() error { return nil }), zerolog.Nop())
	if err != nil {
		t.Fatal(err)
	}
	client := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	for range 2 {
		request, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+at.String()+"/healthz", nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(request)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if err != nil || resp.StatusCode != http.StatusOK {
			t.Fatalf("status %d, %s, %v", resp.StatusCode, body, err)
		}
		cancel()
	}
	if _, _, err := telemetry.Serve(t.Context(), at.String(), nil, zerolog.Nop()); err == nil || !strings.Contains(err.Error(), at.String()) {
		t.Errorf("a taken port: error %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", at.String())
	if err != nil {
		t.Fatalf("the port is not free: %v", err)
	}
	_ = l.Close()
}
