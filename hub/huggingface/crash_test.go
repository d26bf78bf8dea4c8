package huggingface_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"

	"finest/hub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
	"finest/internal/polite"
)

// A publisher in a process of its own is this test binary again, told by these
// what to publish where, and when to be killed.
const (
	envEndpoint = "HUGGINGFACE_TEST_ENDPOINT"
	envParent   = "HUGGINGFACE_TEST_PARENT"
	envKill     = "HUGGINGFACE_TEST_KILL" // WHEN NUMBER: at which request
)

func TestMain(m *testing.M) {
	if endpoint := os.Getenv(envEndpoint); endpoint != "" {
		if err := publishInChild(endpoint); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run()) // memory_test.go has a child of its own, which is a test
}

// crashFiles are an object in parts, one in one piece, and regular files.
func crashFiles() []hub.Source {
	return []hub.Source{
		hub.Bytes("data/three.parquet", []byte(text(2*chunk+1))), hub.Bytes("data/one.parquet", []byte(text(chunk))),
		hub.Bytes("README.md", []byte("# card\n")), hub.Bytes("log.jsonl", []byte("a line\n")),
	}
}

func publishInChild(endpoint string) error {
	carrier := polite.NewClient("finest/test")
	carrier.Interval = 0
	if kill := os.Getenv(envKill); kill != "" {
		k := &killer{}
		if _, err := fmt.Sscan(kill, &k.when, &k.at); err != nil {
			return err
		}
		carrier.Transport = k
	}
	// One at a time, so that the order of requests is always the same.
	c, err := huggingface.New(huggingface.Options{Endpoint: endpoint, Token: devhubtest.Token, HTTP: carrier, Parallel: 1})
	if err != nil {
		return err
	}
	sha, err := c.Publish(context.Background(), hub.Publication{
		Repo: "tester/repo", Message: "add files", Parent: os.Getenv(envParent), Add: crashFiles(),
	})
	if err != nil {
		return err
	}
	fmt.Println(sha)
	return nil
}

// killer carries requests and kills its own process before one is sent, within
// its body, or once its reply is there.
type killer struct {
	when string
	at   int
	sent int
}

func (k *killer) RoundTrip(r *http.Request) (*http.Response, error) {
	k.sent++
	if k.sent != k.at {
		return http.DefaultTransport.RoundTrip(r)
	}
	switch k.when {
	case "before":
		killMyself()
	case "within":
		if r.Body == nil {
			killMyself()
		}
		r.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(r.Body, r.ContentLength/2), fatal{}), r.Body}
	}
	defer killMyself()
	return http.DefaultTransport.RoundTrip(r)
}

// fatal kills whoever reads it.
type fatal struct{}

func (fatal) Read([]byte) (int, error) { killMyself(); return 0, io.EOF }

func killMyself() {
	_ = syscall.Kill(os.Getpid(), syscall.SIGKILL)
	select {} // until it arrives
}

// child publishes in another process, killed as kill says, and returns the sha
// that it printed.
func (s *scene) child(kill string) (sha string, killed bool) {
	s.Helper()
	cmd := exec.CommandContext(s.Context(), os.Args[0])
	cmd.Env = append(os.Environ(), envEndpoint+"="+s.Endpoint, envParent+"="+s.first, envKill+"="+kill)
	cmd.Stderr = os.Stderr
	out, err := cmd.Output()
	var exit *exec.ExitError
	if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signal() == syscall.SIGKILL {
		return "", true
	}
	if err != nil {
		s.Fatalf("the publisher ends with %v", err)
	}
	return strings.TrimSpace(string(out)), false
}

// Whenever a publisher is killed, the next one ends with the same tree in exactly
// one commit, and sends no object again that had arrived.
func TestKilledPublisher(t *testing.T) {
	for _, when := range []string{"before", "within", "after"} {
		t.Run(when, func(t *testing.T) {
			t.Parallel()
			for at := 1; ; at++ {
				if !crash(t, fmt.Sprintf("%s %d", when, at)) {
					if at < 12 {
						t.Errorf("the publisher sent %d requests", at-1)
					}
					return
				}
				if testing.Short() && at%3 == 1 {
					at += 2
				}
			}
		})
	}
}

// crash kills a publisher and lets another one finish. It reports whether the
// first one got as far as to be killed.
func crash(t *testing.T, kill string) (killed bool) {
	s := newScene(t, inChunks)
	sha, killed := s.child(kill)
	add := crashFiles()
	var arrived []hub.Source
	for _, src := range add[:2] {
		has, err := s.Store.HasObject(t.Context(), src.File)
		if err != nil {
			t.Fatal(err)
		}
		if has {
			arrived = append(arrived, src)
		}
	}
	landed := headOf(t, s.c, s.repo)
	s.Server.Faults().Clear()
	if killed {
		sha, _ = s.child("")
	}
	if landed != s.first && landed != sha {
		t.Errorf("killed %s: %s had landed, the next publisher returns %s", kill, landed, sha)
	}
	s.wantPublished(sha, nil, add)
	for _, r := range s.Server.Faults().Requests() {
		for _, src := range arrived {
			if r.Method == http.MethodPut && strings.Contains(r.Path+r.Query, src.SHA256) {
				t.Errorf("killed %s: %s is sent again: %s", kill, src.Path, r.Path)
			}
		}
	}
	return killed
}
