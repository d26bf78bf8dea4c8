package interop

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
	"finest/internal/canon"
)

// Our client against a server that others wrote: hfd, a Git server with the Hub's
// API (https://github.com/matrixhub-ai/hfd, seen at c4fdaa7). FINEST_HFD names its
// binary, which "go build ./cmd/hfd" makes.
func TestHFD(t *testing.T) {
	t.Parallel()
	program := os.Getenv("FINEST_HFD")
	if program == "" {
		t.Skip("FINEST_HFD names no binary of hfd")
	}
	h := &hfd{endpoint: startHFD(t, program)}
	h.client = devhubtest.Dial(t, h.endpoint)
	blob := make([]byte, 12<<20+3)
	if _, err := rand.NewChaCha8([32]byte{5}).Read(blob); err != nil {
		t.Fatal(err)
	}
	contents := map[string][]byte{
		"README.md": []byte("# Read me\n"), "data/a.parquet": blob, "data/b.parquet": blob[:77], "data/sub/é a.txt": []byte("é\n"),
	}
	said := pushed{Repo: "tester/data", Files: map[string]string{}}
	for path, content := range contents {
		h.sources = append(h.sources, hub.Bytes(path, content))
		said.Files[path] = canon.Sum(content)
	}
	h.first = publishTo(t, h.client, said.Repo, h.sources)
	said.Revision = h.first.Revision
	pullFiles(t, h.client, said)
	part, err := h.client.Open(t.Context(), h.first, "data/a.parquet", 5<<20, 1000)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = part.Close() }()
	if got, err := io.ReadAll(part); err != nil || !bytes.Equal(got, blob[5<<20:][:1000]) {
		t.Errorf("read %d other bytes of the middle, error %v", len(got), err)
	}
	// The first commit stays what it was when others follow.
	next := publishTo(t, h.client, said.Repo, []hub.Source{hub.Bytes("README.md", []byte("# Next\n"))})
	pullFiles(t, h.client, said)
	if got := sum(t, h.client, next, "README.md"); next == h.first || got != canon.Sum([]byte("# Next\n")) {
		t.Errorf("%s holds another README.md", next)
	}
	for gap, isThere := range hfdGaps {
		if !isThere(t, h) {
			t.Errorf("hfd has no longer the gap: %s", gap)
		}
	}
}

// hfd is a running server, with a repository that our client has filled.
type hfd struct {
	endpoint string
	client   *huggingface.Client
	sources  []hub.Source
	first    hub.Ref // the commit with sources
}

// hfdGaps is where hfd differs from the Hub. What is not here works.
var hfdGaps = map[string]func(*testing.T, *hfd) bool{
	"no X-Error-Code": func(t *testing.T, h *hfd) bool {
		status, header, _ := h.ask(t, http.MethodGet, "/datasets/tester/data/resolve/main/nothing", "")
		return status == http.StatusNotFound && header.Get("X-Error-Code") == ""
	},
	"no paths-info": func(t *testing.T, h *hfd) bool {
		_, err := h.client.Paths(t.Context(), h.first, []string{"README.md"})
		return errors.Is(err, hub.ErrSetup)
	},
	"no raw": func(t *testing.T, h *hfd) bool {
		status, _, _ := h.ask(t, http.MethodGet, "/datasets/tester/data/raw/main/README.md", "")
		return status == http.StatusNotFound
	},
	"no account without one in its settings": func(t *testing.T, h *hfd) bool {
		_, err := h.client.WhoAmI(t.Context())
		return errors.Is(err, hub.ErrDenied)
	},
	"a repository can be made twice": func(t *testing.T, h *hfd) bool {
		status, _, _ := h.ask(t, http.MethodPost, "/api/repos/create", `{"type":"dataset","organization":"tester","name":"data"}`)
		return status == http.StatusOK
	},
	"no multipart": func(t *testing.T, h *hfd) bool {
		const batch = `{"operation":"upload","transfers":["basic","multipart"],"hash_algo":"sha256","objects":[{"oid":"%064d","size":100000000}]}`
		status, _, body := h.ask(t, http.MethodPost, "/datasets/tester/data.git/info/lfs/objects/batch", fmt.Sprintf(batch, 1))
		return status == http.StatusOK && strings.Contains(body, `"transfer":"basic"`)
	},
	// So publishing the same again makes a commit without a change.
	"no oid in preupload": func(t *testing.T, h *hfd) bool {
		again := publishTo(t, h.client, "tester/again", h.sources)
		return publishTo(t, h.client, "tester/again", h.sources) != again
	},
	"a stale parent is no conflict": func(t *testing.T, h *hfd) bool {
		stale := publishTo(t, h.client, "tester/stale", h.sources[:1])
		publishTo(t, h.client, "tester/stale", h.sources[1:])
		return h.commit(t, "tester/stale", fmt.Sprintf(`{"summary":"x","parentCommit":%q}`, stale.Revision)) == http.StatusInternalServerError
	},
	"an object that is not there can be committed": func(t *testing.T, h *hfd) bool {
		publishTo(t, h.client, "tester/lies", h.sources[:1])
		const file = `{"key":"lfsFile","value":{"path":"lie.parquet","algo":"sha256","oid":"%064d","size":7}}`
		return h.commit(t, "tester/lies", `{"summary":"x"}`, fmt.Sprintf(file, 1)) == http.StatusOK
	},
	// It takes the empty file for the pointer to an empty object.
	"an empty file cannot be read": func(t *testing.T, h *hfd) bool {
		ref := publishTo(t, h.client, "tester/empty", []hub.Source{hub.Bytes("empty", nil)})
		_, err := h.client.Stat(t.Context(), ref, "empty")
		return errors.Is(err, hub.ErrNotFound)
	},
	"no pull requests": func(t *testing.T, h *hfd) bool {
		_, err := h.client.OpenPull(t.Context(), "tester/data", "title", "")
		return errors.Is(err, hub.ErrSetup)
	},
}

// commit posts lines to main, header first, and returns the status.
func (h *hfd) commit(t *testing.T, repo, header string, lines ...string) int {
	t.Helper()
	body := strings.Join(append([]string{`{"key":"header","value":` + header + `}`}, lines...), "\n") + "\n"
	status, _, _ := h.ask(t, http.MethodPost, "/api/datasets/"+repo+"/commit/main", body)
	return status
}

func (h *hfd) ask(t *testing.T, method, path, body string) (int, http.Header, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, h.endpoint+path, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	if strings.HasSuffix(path, "/objects/batch") {
		req.Header.Set("Accept", "application/vnd.git-lfs+json")
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, resp.Header, string(raw)
}

// startHFD runs hfd on free ports until the test ends.
func startHFD(t *testing.T, program string) (endpoint string) {
	t.Helper()
	addr, ssh := freePort(t), freePort(t)
	command := exec.CommandContext(t.Context(), program, "-addr", addr, "-ssh-addr", ssh, "-data", t.TempDir())
	if err := command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = command.Wait() }) // killed as the test's context has ended
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var dialer net.Dialer
	for {
		conn, err := dialer.DialContext(ctx, "tcp", addr)
		if err == nil {
			_ = conn.Close()
			return "http://" + addr
		}
		select {
		case <-time.After(50 * time.Millisecond):
		case <-ctx.Done():
			t.Fatal("hfd does not listen: ", err)
		}
	}
}

func freePort(t *testing.T) string {
	t.Helper()
	var config net.ListenConfig
	l, err := config.Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = l.Close() }()
	return l.Addr().String()
}
