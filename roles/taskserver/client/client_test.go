package client_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/chain/wallet"
	"finest/internal/contract"
	"finest/roles/taskserver/client"
)

// The two sides are tested against each other in package taskserver; here are
// the answers that no task server gives.

var now = time.UnixMilli(1_700_000_000_000)

// answers is a transport that answers every request to a path in the same way.
type answers map[string]func(*http.Request) (*http.Response, error)

func (a answers) RoundTrip(r *http.Request) (*http.Response, error) {
	if f, ok := a[r.URL.Path]; ok {
		return f(r)
	}
	return nil, fmt.Errorf("no answer for %s", r.URL)
}

// reply is one such answer.
type reply struct {
	status                      int
	mediaType, body, retryAfter string
}

func (a reply) send(*http.Request) (*http.Response, error) {
	h := http.Header{"Content-Type": {a.mediaType}}
	if a.retryAfter != "" {
		h.Set("Retry-After", a.retryAfter)
	}
	return &http.Response{StatusCode: a.status, Header: h, Body: io.NopCloser(strings.NewReader(a.body))}, nil
}

func hotkey(t testing.TB) *wallet.Hotkey {
	t.Helper()
	k, err := wallet.FromURI("//Miner")
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func newClient(t testing.TB, a answers) *client.Client {
	t.Helper()
	c := client.New("http://tasks.test/", hotkey(t), &http.Client{Transport: a}, func() time.Time { return now })
	c.Server = hotkey(t).Address()
	return c
}

func TestAnswers(t *testing.T) {
	problem := func(kind string) string {
		raw, _ := json.Marshal(contract.Problem{Type: kind, Title: "t", Status: 418})
		return string(raw)
	}
	for _, c := range []struct {
		name  string
		reply reply
		want  error
		retry time.Duration
	}{
		{"bad gateway", reply{502, "text/html", "<html>", ""}, client.ErrUnavailable, 0},
		{"maintenance", reply{503, "text/html", "<html>", "7"}, client.ErrUnavailable, 7 * time.Second},
		{"senseless retry", reply{503, "text/html", "<html>", "-7"}, client.ErrUnavailable, 0},
		{"another site", reply{404, "text/html", "<html>", ""}, client.ErrAnswer, 0},
		{"a page instead of JSON", reply{200, "text/html", "<html>", ""}, client.ErrAnswer, 0},
		{"a redirect to nowhere", reply{302, "text/html", "", ""}, client.ErrAnswer, 0},
		{"empty receipt", reply{200, "application/json", "{}", ""}, client.ErrAnswer, 0},
		{"too much", reply{200, "application/json", strings.Repeat(" ", 33<<20), ""}, client.ErrAnswer, 0},
		{"no task", reply{404, contract.ProblemMediaType, problem(contract.ProblemNoTask), ""}, client.ErrNoTask, 0},
		{"fenced", reply{409, contract.ProblemMediaType, problem(contract.ProblemFenced), ""}, client.ErrFenced, 0},
		{"banned", reply{403, contract.ProblemMediaType, problem(contract.ProblemBanned), ""}, client.ErrBanned, 0},
		{"outdated", reply{426, contract.ProblemMediaType, problem(contract.ProblemOutdated), ""}, client.ErrOutdated, 0},
		{"ahead of the server", reply{503, contract.ProblemMediaType, problem(contract.ProblemAhead), "12"}, client.ErrUnavailable, 12 * time.Second},
		{"broken problem", reply{409, contract.ProblemMediaType, "{", ""}, client.ErrAnswer, 0},
	} {
		t.Run(c.name, func(t *testing.T) {
			_, err := newClient(t, answers{"/v1/lease": c.reply.send}).Lease(t.Context(), 1, "fineweb")
			if !errors.Is(err, c.want) {
				t.Fatalf("got error %v, want %v", err, c.want)
			}
			if got := client.RetryAfter(err); got != c.retry {
				t.Errorf("retry after: got %s, want %s", got, c.retry)
			}
		})
	}
}

// TestClientSaysItsVersion, so that a server can tell an outdated one.
func TestClientSaysItsVersion(t *testing.T) {
	var said string
	c := newClient(t, answers{"/v1/renew": func(r *http.Request) (*http.Response, error) {
		said = r.Header.Get("Finest-Client")
		return reply{200, "application/json", "{}", ""}.send(r)
	}})
	if err := c.Renew(t.Context(), "C-000000", 1); err != nil || said != strconv.Itoa(contract.ClientVersion) {
		t.Errorf("said %q, got error %v", said, err)
	}
}

func TestThrottledByProxy(t *testing.T) {
	_, err := newClient(t, answers{"/v1/lease": reply{429, "text/plain", "slow down", "3"}.send}).Lease(t.Context(), 1, "fineweb")
	var throttled *client.Throttled
	if !errors.As(err, &throttled) || throttled.RetryAfter != 3*time.Second {
		t.Errorf("got error %v", err)
	}
}

func TestReceiptForAnother(t *testing.T) {
	const digits = "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	other, err := wallet.FromURI("//Other")
	if err != nil {
		t.Fatal(err)
	}
	raw, err := json.Marshal(contract.Receipt{V: 1, Task: "C-000000", Crawl: "C", CatalogueSHA256: digits, Files: []contract.InputFile{{Path: "a", Bytes: 1}},
		Recipe: contract.RecipeRef{Name: "fineweb", Hash: digits}, Hotkey: other.Address(), Generation: 1, Block: 1, BlockHash: digits,
		DeadlineBlock: 2, Server: other.Address(), Signature: digits + digits})
	if err != nil {
		t.Fatal(err)
	}
	_, err = newClient(t, answers{"/v1/lease": reply{200, "application/json", string(raw), ""}.send}).Lease(t.Context(), 1, "fineweb")
	if !errors.Is(err, client.ErrAnswer) || !strings.Contains(err.Error(), other.Address()) {
		t.Errorf("got error %v", err)
	}
}

func TestCancelled(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c := newClient(t, answers{"/v1/renew": func(r *http.Request) (*http.Response, error) {
		cancel()
		return nil, r.Context().Err()
	}})
	err := c.Renew(ctx, "C-000000", 1)
	if !errors.Is(err, context.Canceled) || errors.Is(err, client.ErrUnavailable) {
		t.Errorf("got error %v", err)
	}
}

func TestRequestIsSigned(t *testing.T) {
	server, err := wallet.FromURI("//Server")
	if err != nil {
		t.Fatal(err)
	}
	asked, seen := 0, make(map[string]bool)
	a := answers{
		"/v1/server": func(r *http.Request) (*http.Response, error) {
			asked++
			return reply{200, "application/json", `{"server":"` + server.Address() + `"}`, ""}.send(r)
		},
		"/v1/renew": func(r *http.Request) (*http.Response, error) {
			body, err := io.ReadAll(r.Body)
			if err != nil {
				return nil, err
			}
			h, err := contract.ParseSignedHeaders(r.Header)
			if err != nil {
				return nil, err
			}
			if !h.Time().Equal(now) || h.SignedBy != hotkey(t).Address() || h.SignedFor != server.Address() || seen[h.UUID] ||
				!wallet.Verify(hotkey(t).PublicKey(), h.Message(body), h.Signature) {
				return nil, fmt.Errorf("headers %+v", h)
			}
			seen[h.UUID] = true
			if want := `{"generation":2,"op":"renew","task":"C-000000"}`; string(body) != want {
				return nil, fmt.Errorf("body %s, want %s", body, want)
			}
			return reply{200, "application/json", "{}", ""}.send(r)
		},
	}
	c := client.New("http://tasks.test", hotkey(t), &http.Client{Transport: a}, func() time.Time { return now })
	for range 2 {
		if err := c.Renew(t.Context(), "C-000000", 2); err != nil {
			t.Fatal(err)
		}
	}
	if asked != 1 {
		t.Errorf("the server was asked %d times who it is", asked)
	}
	if err := client.New("http://tasks.test", nil, &http.Client{Transport: a}, nil).Renew(t.Context(), "C-000000", 2); err == nil {
		t.Error("a client without a hotkey signed")
	}
}
