package huggingface_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/rs/zerolog"

	"finest/hub"
	"finest/hub/huggingface"
)

// No host but the endpoint gets the token, whatever the names have in common.
func TestTokenStaysAtItsHost(t *testing.T) {
	body := text(1000)
	files := map[string]object{"f": {body, true}}
	for _, c := range []struct{ endpoint, storage string }{
		{"https://hub.example", "https://cdn.example"},
		{"https://hub.example", "https://cdn.hub.example"},
		{"https://hub.example", "https://example"},
		{"https://hub.example", "https://hub.example.evil"},
		{"https://hub.example", "https://hub.example:8443"},
		{"https://hub.example:8443", "https://hub.example"},
		{"http://hub.example", "https://hub.example"},
		{"http://127.0.0.1:1", "http://127.0.0.1:2"},
		{"http://127.0.0.1:1", "http://localhost:1"},
		{"http://hub.example/mirror", "http://cdn.hub.example"},
	} {
		t.Run(c.endpoint+" to "+c.storage, func(t *testing.T) {
			at, prefix := strings.TrimSuffix(c.endpoint, "/mirror"), ""
			if at != c.endpoint {
				prefix = "/mirror"
			}
			n := newNetwork(t, map[string]http.HandlerFunc{
				at:        http.StripPrefix(prefix, changing(resolves(files), "Location", c.storage+"/f?signature=sesame")).ServeHTTP,
				c.storage: stores(files),
			})
			if got, err := read(t.Context(), n.client(c.endpoint), pinned, "f", 0, -1); err != nil || got != body {
				t.Errorf("%d bytes, %v", len(got), err)
			}
			if hosts := n.authorized(); !hosts[at] || len(hosts) != 1 {
				t.Errorf("the token went to %v", hosts)
			}
		})
	}
}

// The port that a scheme has anyway makes no other host.
func TestTokenAndDefaultPorts(t *testing.T) {
	n := newNetwork(t, map[string]http.HandlerFunc{
		"https://hub.example:443": says(307, "", "Location", "https://HUB.example/api/moved"),
		"https://HUB.example":     says(200, `{"sha":"`+commit+`"}`),
	})
	if _, err := n.client("https://hub.example:443").Head(t.Context(), pinned); err != nil {
		t.Fatal(err)
	}
	if hosts := n.authorized(); len(hosts) != 2 {
		t.Errorf("the token went to %v alone", hosts)
	}
}

// The API of a repository that was renamed answers with a relative redirect,
// which takes method, body and token along; one to another host is not followed.
func TestRedirectsOfTheAPI(t *testing.T) {
	found := `[{"type":"file","oid":"` + commit + `","size":1,"path":"a"}]`
	moved := func(w http.ResponseWriter, r *http.Request) {
		raw, err := io.ReadAll(r.Body)
		if r.Method != http.MethodPost || string(raw) != `{"paths":["a"],"expand":false}` || err != nil || r.Header.Get("Authorization") != "Bearer "+token {
			t.Errorf("%s, %q, %v, %q", r.Method, raw, err, r.Header.Get("Authorization"))
		}
		_, _ = io.WriteString(w, found)
	}
	for name, c := range map[string]struct {
		hub  http.HandlerFunc
		want error
		says string
	}{
		"relative":             {each(says(307, "", "Location", "/api/datasets/new/name/paths-info/x"), moved), nil, ""},
		"permanent":            {each(says(308, "", "Location", "/api/datasets/new/name/paths-info/x"), moved), nil, ""},
		"absolute":             {each(says(307, "", "Location", endpoint+"/api/datasets/new/name/paths-info/x"), moved), nil, ""},
		"of the Hub itself":    {each(says(307, "", "Location", huggingface.DefaultEndpoint+"/api/datasets/new/name/paths-info/x"), moved), nil, ""},
		"changing the method":  {each(says(302, "", "Location", "/api/new"), moved), hub.ErrUnavailable, "would change its method"},
		"to another host":      {says(307, "", "Location", "https://login.example/?next=api"), hub.ErrUnavailable, "login.example, which is not the hub"},
		"to plain http":        {says(307, "", "Location", "http://hub.example/"), hub.ErrUnavailable, "from https to http"},
		"with a user":          {says(307, "", "Location", "https://me:secret@hub.example/"), hub.ErrUnavailable, "leads nowhere"},
		"in a circle":          {says(307, "", "Location", "/api/datasets/owner/name/paths-info/"+commit), hub.ErrUnavailable, "more than 5 redirects"},
		"not modified":         {says(304, ""), nil, "304"},
		"a choice":             {says(300, "", "Location", "/x"), nil, "300"},
		"nowhere":              {says(307, ""), hub.ErrUnavailable, "no Location"},
		"a Location that long": {says(307, "", "Location", "ftp://"+strings.Repeat("a", 5000)), hub.ErrUnavailable, "of 5006 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: c.hub})
			entries, err := n.client(endpoint).Paths(t.Context(), pinned, []string{"a"})
			switch {
			case c.says == "" && (err != nil || len(entries) != 1 || entries[0].Path != "a"):
				t.Errorf("%v, %v", entries, err)
			case c.says != "" && (!errors.Is(err, c.want) && c.want != nil || err == nil || !strings.Contains(err.Error(), c.says) || len(err.Error()) > 600):
				t.Errorf("error %v, want %v that says %q", err, c.want, c.says)
			}
		})
	}
}

// URLs of the Hub that a mirror hands through lead to the mirror: the network
// here has no other host.
func TestMirror(t *testing.T) {
	body := text(500)
	files := map[string]object{"f": {body, true}}
	hf := huggingface.DefaultEndpoint
	mirror := func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, "/api/") && r.URL.Query().Get("cursor") == "":
			says(200, `[{"type":"file","path":"a","size":1}]`, "Link", "<"+hf+`/api/datasets/owner/name/tree/x?cursor=2>; rel="next"`)(w, r)
		case strings.HasPrefix(r.URL.Path, "/api/"):
			says(200, `[{"type":"file","path":"b","size":1}]`)(w, r)
		case strings.HasPrefix(r.URL.Path, "/storage/"):
			says(200, body)(w, r)
		default:
			changing(resolves(files), "Location", hf+"/storage/f%20f?signature=a%2Fb")(w, r)
		}
	}
	for _, prefix := range []string{"", "/deep/down"} {
		n := newNetwork(t, map[string]http.HandlerFunc{"http://mirror.example": http.StripPrefix(prefix, http.HandlerFunc(mirror)).ServeHTTP})
		c := n.client("http://mirror.example" + prefix + "/")
		if c.Endpoint() != "http://mirror.example"+prefix {
			t.Errorf("endpoint %q", c.Endpoint())
		}
		files, err := c.Tree(t.Context(), pinned, "", 10)
		if err != nil || len(files) != 2 {
			t.Errorf("tree %v, %v", files, err)
		}
		if got, err := read(t.Context(), c, pinned, "f", 0, -1); err != nil || got != body {
			t.Errorf("%d bytes, %v", len(got), err)
		}
		if lines := n.sent(); lines[len(lines)-1] != "GET http://mirror.example"+prefix+"/storage/f%20f?signature=a%2Fb" {
			t.Errorf("sent %q", lines)
		}
	}
}

// Every element of a URL is escaped once.
func TestEscaping(t *testing.T) {
	for _, c := range []struct{ revision, path, want string }{
		{"main", "a b/c#d", "main/a%20b/c%23d"},
		{"main", "100%/%20", "main/100%25/%2520"},
		{"main", "ä/日本", "main/%C3%A4/%E6%97%A5%E6%9C%AC"},
		{"main", "a?b=c&d+e", "main/a%3Fb=c&d+e"},
		{"refs/pr/1", "f", "refs%2Fpr%2F1/f"},
		{"a b%2F", "f", "a%20b%252F/f"},
	} {
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: func(w http.ResponseWriter, r *http.Request) {
			if r.Method == http.MethodHead {
				says(200, "", "X-Repo-Commit", commit, "Content-Length", "0")(w, r)
				return
			}
			says(404, "")(w, r)
		}})
		client, ref, ctx := n.client(endpoint), hub.Ref{Repo: "owner/na.me", Revision: c.revision}, context.Background()
		_, _ = client.Open(ctx, ref, c.path, 0, -1)
		_, _ = client.Head(ctx, ref)
		_, _ = client.Tree(ctx, hub.Ref{Repo: ref.Repo, Revision: commit}, c.path, 1)
		_ = client.CreateBranch(ctx, ref.Repo, c.revision, "")
		rev, path, _ := strings.Cut(c.want, "/")
		want := []string{
			"GET " + endpoint + "/datasets/owner/na.me/resolve/" + c.want,
			"GET " + endpoint + "/api/datasets/owner/na.me/revision/" + rev + "?expand=sha",
			"GET " + endpoint + "/api/datasets/owner/na.me/tree/" + commit + "/" + path + "?expand=false&recursive=true",
			"POST " + endpoint + "/api/datasets/owner/na.me/branch/" + rev,
		}
		if got := n.sent(); fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("%q of %q:\n%q, want\n%q", c.path, c.revision, got, want)
		}
	}
}

// A client that is switched off sends nothing.
func TestOffline(t *testing.T) {
	n := newNetwork(t, nil)
	c := n.client(endpoint, func(o *huggingface.Options) { o.Offline = true })
	ctx, repo := t.Context(), "owner/name"
	for name, call := range map[string]func() error{
		"who am I":    func() error { _, err := c.WhoAmI(ctx); return err },
		"info":        func() error { _, err := c.Info(ctx, repo); return err },
		"ensure":      func() error { return c.EnsureRepo(ctx, repo) },
		"create":      func() error { return c.CreateRepo(ctx, repo, true) },
		"delete":      func() error { return c.DeleteRepo(ctx, repo) },
		"refs":        func() error { _, err := c.Refs(ctx, repo); return err },
		"branch":      func() error { return c.CreateBranch(ctx, repo, "b", "") },
		"no branch":   func() error { return c.DeleteBranch(ctx, repo, "b") },
		"pull":        func() error { _, err := c.OpenPull(ctx, repo, "t", "d"); return err },
		"head":        func() error { _, err := c.Head(ctx, pinned); return err },
		"tree":        func() error { _, err := c.Tree(ctx, pinned, "", 10); return err },
		"paths":       func() error { _, err := c.Paths(ctx, pinned, []string{"a"}); return err },
		"stat":        func() error { _, err := c.Stat(ctx, pinned, "a"); return err },
		"open":        func() error { _, err := c.Open(ctx, pinned, "a", 0, -1); return err },
		"upload":      func() error { return c.Upload(ctx, repo, []hub.Source{hub.Bytes("a", []byte("a"))}) },
		"publication": func() error { _, err := c.Publish(ctx, publication(repo)); return err },
	} {
		if err := call(); !errors.Is(err, huggingface.ErrOffline) || !errors.Is(err, hub.ErrUnavailable) || !errors.Is(err, hub.ErrSetup) {
			t.Errorf("%s: error %v", name, err)
		}
	}
	if sent := n.sent(); len(sent) > 0 {
		t.Errorf("sent %q", sent)
	}
}

func publication(repo string) hub.Publication {
	return hub.Publication{Repo: repo, Message: "m", Parent: commit, Add: []hub.Source{hub.Bytes("a", []byte("a"))}}
}

// Bodies are wanted as they are stored, of anybody, without a token.
func TestRequestHeaders(t *testing.T) {
	files := map[string]object{"f": {text(100), true}}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: resolves(files), storage: stores(files)})
	c := n.client(endpoint, anonymous)
	if _, err := read(t.Context(), c, pinned, "f", 10, 20); err != nil {
		t.Fatal(err)
	}
	for _, r := range n.requests {
		h := r.Header
		if h.Get("Accept-Encoding") != "identity" || h.Get("Range") != "bytes=10-29" || h.Get("Authorization") != "" || h.Get("User-Agent") != "finest/test" {
			t.Errorf("%s has the header %v", r.URL, h)
		}
	}
	if len(n.requests) != 2 {
		t.Errorf("%d requests", len(n.requests))
	}
}

// TestNew takes endpoints and tokens that can be used, and shows no others.
func TestNew(t *testing.T) {
	for _, good := range []huggingface.Options{
		{}, {Endpoint: "http://127.0.0.1:8080"}, {Endpoint: "https://hub.example/a/b/"}, {Token: " hf_x\n"}, {Endpoint: "http://[::1]:1", Token: "x"},
	} {
		if _, err := huggingface.New(good); err != nil {
			t.Errorf("%+v: %v", good, err)
		}
	}
	for _, bad := range []huggingface.Options{
		{Endpoint: "hub.example"}, {Endpoint: "ftp://hub.example"}, {Endpoint: "https://"}, {Endpoint: "https://me:secret@hub.example"},
		{Endpoint: "https://hub.example/?secret=1"}, {Endpoint: "https://hub.example/#secret"}, {Endpoint: "https://me:secret@hub.example:port"},
		{Token: "hf_secret secret"}, {Token: "hf_secret\r\nX-Other: 1"}, {Token: "hf_secretä"}, {Token: strings.Repeat("secret", 1000)},
	} {
		if _, err := huggingface.New(bad); err == nil || strings.Contains(err.Error(), "secret") {
			t.Errorf("%+v: error %v", bad, err)
		}
	}
}

// A token that travels unencrypted is worth a warning, but not on this machine.
func TestUnencryptedToken(t *testing.T) {
	for where, want := range map[string]bool{
		"http://hub.example": true, "http://127.0.0.1.example": true, "http://10.0.0.1:80": true,
		"https://hub.example": false, "http://127.0.0.1:8080": false, "http://[::1]:8080": false, "http://localhost": false,
	} {
		var log bytes.Buffer
		newNetwork(t, nil).client(where, func(o *huggingface.Options) { o.Log = zerolog.New(&log) })
		if got := log.String(); strings.Contains(got, "unencrypted") != want || strings.Contains(got, token) {
			t.Errorf("%s: logged %q", where, got)
		}
	}
}
