package huggingface_test

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"finest/hub"
)

// FuzzReplies lets the hub answer anything: there is no panic, no other host is
// asked, and no error shows the token.
func FuzzReplies(f *testing.F) {
	f.Add(200, []byte(`{"sha":"`+commit+`","gated":"auto","num":1,"name":"me"}`), "", "")
	f.Add(200, []byte(`[{"type":"file","path":"a","size":1,"oid":"x","lfs":{"oid":"x","size":1}}]`), `<https://hub.example/api/x?cursor=1>; rel="next"`, "")
	f.Add(200, []byte(`{"branches":[{"name":"main","ref":"refs/heads/main","targetCommit":"`+commit+`"}],"tags":null}`), "", "")
	f.Add(302, []byte(token), "", "https://hub.example/"+token)
	f.Add(429, []byte(`{"error":"`+token+`"}`), "", "")
	f.Fuzz(func(t *testing.T, status int, body []byte, link, location string) {
		if status < 200 || status > 599 {
			return
		}
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: says(status, string(body), "Link", link, "Location", location)})
		c, ctx := n.client(endpoint), t.Context()
		var errs []error
		_, err := c.WhoAmI(ctx)
		errs = append(errs, err)
		_, err = c.Info(ctx, "owner/name")
		errs = append(errs, err)
		_, err = c.Refs(ctx, "owner/name")
		errs = append(errs, err)
		_, err = c.OpenPull(ctx, "owner/name", "t", "d")
		errs = append(errs, err)
		_, err = c.Head(ctx, pinned)
		errs = append(errs, err)
		files, err := c.Tree(ctx, pinned, "", 20)
		errs = append(errs, err)
		if len(files) > 20 {
			t.Errorf("%d files", len(files))
		}
		_, err = c.Paths(ctx, pinned, []string{"a", "b"})
		errs = append(errs, err)
		for _, err := range errs {
			if err != nil && strings.Contains(err.Error(), token) {
				t.Errorf("the token is in %q", err)
			}
		}
	})
}

// FuzzResolve lets hub and storage answer with any header lines: what is read is
// within the span that was asked for.
func FuzzResolve(f *testing.F) {
	f.Add(302, "5", strings.Repeat("a", 64), commit, "https://storage.example/f", 206, "bytes 1-4/5", "body", int64(1), int64(4))
	f.Add(302, "5", "", commit, "/datasets/owner/name/resolve/x/f", 200, "", "body", int64(0), int64(-1))
	f.Add(200, "", commit, commit, "", 416, "bytes */3", "<html>", int64(9), int64(9))
	f.Add(416, "-1", "W/\"x\"", "", "::", 403, "bytes a-b/c", "", int64(3), int64(0))
	f.Fuzz(func(t *testing.T, status int, size, etag, sha, location string, storageStatus int, span, body string, offset, length int64) {
		if status < 200 || status > 599 || storageStatus < 200 || storageStatus > 599 || strings.Contains(location, "//") && location != storage+"/f" {
			return
		}
		at := says(status, body, "X-Linked-Size", size, "X-Linked-Etag", etag, "X-Repo-Commit", sha, "Location", location, "Content-Range", span, "ETag", etag)
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: at, storage: says(storageStatus, body, "Content-Range", span)})
		c := n.client(endpoint)
		ref := hub.Ref{Repo: "owner/name", Revision: "main"}
		if file, err := c.Stat(t.Context(), ref, "f"); err == nil && (file.Size < 0 || len(file.SHA256) != 64) {
			t.Errorf("the file is %+v", file)
		}
		r, err := c.Open(t.Context(), ref, "f", offset, length)
		if err != nil {
			return
		}
		raw, err := io.ReadAll(r)
		if length >= 0 && int64(len(raw)) > length || err == nil && length >= 0 && int64(len(raw)) != length {
			t.Errorf("%d bytes of %d, %v", len(raw), length, err)
		}
		_ = r.Close()
		if n.authorized()[storage] {
			t.Error("storage got the token")
		}
	})
}
