package huggingface_test

import (
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/huggingface"
)

// TestErrors is what an answer means to callers.
func TestErrors(t *testing.T) {
	code := func(c string) []string { return []string{"X-Error-Code", c} }
	for name, c := range map[string]struct {
		anonymous bool
		status    int
		body      string
		header    []string
		want      error // nil: none that callers tell apart
		says      string
	}{
		"no repository":                    {false, 404, "", code("RepoNotFound"), hub.ErrNotFound, "404 Not Found (RepoNotFound)"},
		"no repository, or a private one":  {true, 401, "", code("RepoNotFound"), hub.ErrNotFound, "RepoNotFound"},
		"the same, without a code":         {true, 401, `{"error":"Repository not found"}`, nil, hub.ErrNotFound, "Repository not found"},
		"with a token it is the token":     {false, 401, `{"error":"Unauthorized"}`, nil, hub.ErrDenied, "HF_TOKEN"},
		"a token that the hub knows not":   {false, 401, "", []string{"X-Error-Message", "Invalid credentials in Authorization header"}, hub.ErrSetup, "HF_TOKEN"},
		"the same, without a token":        {true, 401, "", []string{"X-Error-Message", "Invalid credentials in Authorization header"}, hub.ErrDenied, "Invalid credentials"},
		"no revision":                      {false, 404, "", code("RevisionNotFound"), hub.ErrNotFound, "RevisionNotFound"},
		"no file":                          {false, 404, "", code("EntryNotFound"), hub.ErrNotFound, "EntryNotFound"},
		"not found, without a code":        {false, 404, "Not Found", nil, hub.ErrNotFound, "404"},
		"a server that is no hub":          {false, 404, "<html>", []string{"X-Request-Id", ""}, hub.ErrSetup, "404 Not Found: no hub answers like this"},
		"a server that stands in for it":   {false, 404, `{"error":"not found"}`, []string{"X-Request-Id", "", "Content-Type", "application/json"}, hub.ErrNotFound, "not found"},
		"gated":                            {false, 403, `{"error":"Access is restricted"}`, code("GatedRepo"), hub.ErrDenied, "Access is restricted"},
		"gated, to readers without tokens": {true, 401, "", code("GatedRepo"), hub.ErrDenied, "HF_TOKEN"},
		"disabled":                         {false, 403, "", []string{"X-Error-Message", "Access to this resource is disabled."}, hub.ErrDenied, "disabled"},
		"bad request":                      {false, 400, `{"error":"too many files"}`, nil, nil, "too many files"},
		"too much":                         {false, 413, `{"error":"too many parameters"}`, nil, nil, "413"},
		"conflict":                         {false, 409, "", nil, hub.ErrConflict, "409"},
		"stale parent":                     {false, 412, `{"error":"A commit has happened since. Please refresh and try again."}`, nil, hub.ErrConflict, "has happened since"},
		"rate":                             {false, 429, "", []string{"Retry-After", "3000"}, hub.ErrUnavailable, "again in 50m0s"},
		"broken":                           {false, 500, "<html>", nil, hub.ErrUnavailable, "500 Internal Server Error [request"},
		"not implemented":                  {false, 501, "", nil, hub.ErrUnavailable, "501"},
		"the token in it":                  {false, 400, `{"error":"` + token + ` is no token"}`, []string{"X-Request-Id", token}, nil, "[token] is no token"},
		"lines and controls":               {false, 400, "a\r\n\tb\x1b[31m\xff", nil, nil, "a b [31m\uFFFD"},
		"a long story":                     {false, 400, strings.Repeat("long", 10_000), nil, nil, "long…"},
		"an error that is an object":       {false, 400, `{"error":{"a":1},"message":"m"}`, nil, nil, ": m"},
	} {
		t.Run(name, func(t *testing.T) {
			header := append([]string{"X-Request-Id", "Root=1-2-3"}, c.header...)
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: says(c.status, c.body, header...)})
			change := func(o *huggingface.Options) {
				if c.anonymous {
					o.Token = ""
				}
			}
			_, err := n.client(endpoint, change).Head(t.Context(), pinned)
			if c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			for _, other := range []error{hub.ErrNotFound, hub.ErrConflict, hub.ErrUnavailable, hub.ErrCorrupt, hub.ErrTooLarge, hub.ErrDenied, hub.ErrSetup} {
				if errors.Is(c.want, hub.ErrSetup) && (errors.Is(other, hub.ErrDenied) || errors.Is(other, hub.ErrUnavailable)) {
					continue // one of them comes with it
				}
				if !errors.Is(other, c.want) && errors.Is(err, other) {
					t.Errorf("error %v is also %v", err, other)
				}
			}
			var answer *huggingface.Error
			if !errors.As(err, &answer) || answer.Status != c.status || answer.Request != "GET https://hub.example/api/datasets/owner/name/revision/"+commit {
				t.Errorf("error %#v", answer)
			}
			text := err.Error()
			if !strings.Contains(text, c.says) || strings.Contains(text, token) || strings.ContainsAny(text, "\n\r\t\x1b") || len(text) > 1000 {
				t.Errorf("it says %q, want %q in it", text, c.says)
			}
			if !strings.Contains(text, "Root=1-2-3") && !slices.Contains(c.header, "X-Request-Id") {
				t.Errorf("no request id in %q", text)
			}
		})
	}
}

// Whatever a server sends with the token in it, no error shows it.
func TestTokenInNoError(t *testing.T) {
	ctx := t.Context()
	for name, h := range map[string]http.HandlerFunc{
		"as JSON that is none": says(200, token, "Content-Type", token),
		"as a commit":          says(200, `{"sha":"`+token+`"}`),
		"as a Location":        says(302, "", "Location", "https://evil.example/"+token),
		"as a bad Location":    says(302, "", "Location", "https://a b/"+token),
		"as another protocol":  says(302, "", "Location", token+"://x"),
		"as a status":          says(599, token, "X-Error-Message", token, "X-Error-Code", token),
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: h})
			c := n.client(endpoint)
			_, head := c.Head(ctx, pinned)
			_, tree := c.Tree(ctx, pinned, "", 10)
			_, refs := c.Refs(ctx, "owner/name")
			_, info := c.Info(ctx, "owner/name")
			for _, err := range []error{head, tree, refs, info, c.CreateRepo(ctx, "owner/name", true), c.DeleteRepo(ctx, "owner/name")} {
				if err != nil && strings.Contains(err.Error(), token) {
					t.Errorf("the token is in %q", err)
				}
			}
			if head == nil {
				t.Error("no error")
			}
		})
	}
}
