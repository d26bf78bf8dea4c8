package huggingface_test

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"finest/hub"
	"finest/hub/huggingface"
	"finest/internal/polite"
)

// TestOpenSpans reads every kind of span of both kinds of files.
func TestOpenSpans(t *testing.T) {
	body := text(100_000)
	size := int64(len(body))
	files := map[string]object{"lfs": {body, true}, "regular": {body, false}, "empty": {"", false}}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: resolves(files), storage: stores(files)})
	c := n.client(endpoint)
	for _, path := range []string{"lfs", "regular", "empty"} {
		body := files[path].body
		size := min(size, int64(len(body)))
		for _, span := range []struct {
			offset, length int64
			want           error // nil, or an error of reading or opening
		}{
			{0, -1, nil},
			{0, size, nil},
			{0, 0, nil},
			{size, 0, nil},
			{size, -1, nil},
			{size / 2, -1, nil},
			{size / 2, size / 4, nil},
			{size - size/10, size / 10, nil},
			{0, size + 1, io.ErrUnexpectedEOF},
			{size, 1, io.ErrUnexpectedEOF},
			{size / 2, size + 1, io.ErrUnexpectedEOF},
			{0, 1 << 62, io.ErrUnexpectedEOF},
			{-1, 1, errAny},
			{size + 1, 0, errAny},
			{size + 1, 1, errAny},
			{1 << 62, -1, errAny},
		} {
			got, err := read(t.Context(), c, pinned, path, span.offset, span.length)
			name := fmt.Sprintf("%s [%d, +%d)", path, span.offset, span.length)
			switch {
			case span.want == nil:
				want := body[span.offset:]
				if span.length >= 0 {
					want = want[:span.length]
				}
				if err != nil || got != want {
					t.Errorf("%s: %d bytes, %v, want %d", name, len(got), err, len(want))
				}
			case err == nil || errors.Is(err, hub.ErrUnavailable) || !errors.Is(span.want, errAny) && !errors.Is(err, span.want):
				t.Errorf("%s: error %v, want %v", name, err, span.want)
			}
		}
	}
	if hosts := n.authorized(); !hosts[endpoint] || hosts[storage] {
		t.Errorf("the token went to %v", hosts)
	}
}

var errAny = errors.New("any permanent error")

// TestOpenInTrouble reads a file from a storage, or a hub, that does not behave:
// the bytes are right or there is an error that says what is wrong.
func TestOpenInTrouble(t *testing.T) {
	body := text(100_000)
	files := map[string]object{"f": {body, true}}
	other := map[string]object{"f": {"x" + body[1:], true}}
	shorter := map[string]object{"f": {body[:70_000], true}}
	portal := says(200, "<!DOCTYPE html><p>Sign in", "Content-Type", "text/html; charset=utf-8")
	good, bytesOf := resolves(files), stores(files)
	for name, c := range map[string]struct {
		hub, storage http.HandlerFunc
		offset       int64
		want         error
		says         string // part of the error
	}{
		"cut once":                    {good, each(cutting(30_000, bytesOf), bytesOf), 0, nil, ""},
		"cut every 7 kB":              {good, cutting(7_000, bytesOf), 0, nil, ""},
		"cut every 7 kB, from inside": {good, cutting(7_000, bytesOf), 50_000, nil, ""},
		"ends early, as if that were all, every 9 kB":   {good, ending(9_000, bytesOf), 0, nil, ""},
		"ends early at once, again and again":           {good, ending(0, bytesOf), 0, hub.ErrUnavailable, "at byte 0 of 100000"},
		"cut before the first byte, again and again":    {good, func(http.ResponseWriter, *http.Request) { panic("cut") }, 0, hub.ErrUnavailable, "reset"},
		"cut, then no ranges any more":                  {good, each(cutting(30_000, bytesOf), without("Range", bytesOf)), 0, nil, ""},
		"no ranges, cut every 30 kB":                    {good, cutting(30_000, without("Range", bytesOf)), 0, hub.ErrUnavailable, "at byte 30000"},
		"no ranges":                                     {good, without("Range", bytesOf), 60_000, nil, ""},
		"the signature ran out, and the next one is ok": {good, each(says(403, "<Error>expired</Error>"), bytesOf), 0, nil, ""},
		"no signature is good":                          {good, says(403, "<Error>expired</Error>"), 0, hub.ErrUnavailable, "storage does not serve it"},
		"storage has lost it":                           {good, says(404, "gone"), 0, hub.ErrUnavailable, "404 gone"},
		"storage breaks":                                {good, says(500, ""), 0, hub.ErrUnavailable, "500"},
		"the first byte is wrong":                       {good, stores(other), 0, hub.ErrCorrupt, "its hash is"},
		"shorter":                                       {good, stores(shorter), 0, hub.ErrCorrupt, "70000 bytes instead of 100000"},
		"shorter, from inside":                          {good, stores(shorter), 60_000, hub.ErrCorrupt, "70000 bytes instead of 100000"},
		"shorter, from behind its end":                  {good, stores(shorter), 90_000, hub.ErrCorrupt, "behind the end"},
		"another span":                                  {good, changing(bytesOf, "Content-Range", "bytes 5-99999/100000"), 50_000, hub.ErrUnavailable, "Content-Range"},
		"no span":                                       {good, changing(bytesOf, "Content-Range", ""), 50_000, hub.ErrUnavailable, "Content-Range"},
		"compressed":                                    {good, changing(bytesOf, "Content-Encoding", "gzip"), 0, hub.ErrUnavailable, "encoded as"},
		"a page with status 200":                        {good, portal, 0, hub.ErrUnavailable, "a page of type"},
		"no content":                                    {good, says(204, ""), 0, hub.ErrUnavailable, "status 204"},
		"storage moves":                                 {good, each(says(302, "", "Location", storage+"/f?signature=sesame"), bytesOf), 0, nil, ""},
		"storage moves in a circle":                     {good, says(302, "", "Location", storage+"/f?signature=sesame"), 0, hub.ErrUnavailable, "more than 5 redirects"},

		"the hub is a portal":               {portal, bytesOf, 0, hub.ErrUnavailable, "this is not the hub"},
		"the hub leads to a portal":         {says(302, "", "Location", storage+"/login"), bytesOf, 0, hub.ErrUnavailable, "this is not the hub"},
		"a redirect to nowhere":             {says(302, ""), bytesOf, 0, hub.ErrUnavailable, "no Location"},
		"a redirect to no URL":              {says(302, "", "Location", "http://a b/"), bytesOf, 0, hub.ErrUnavailable, "leads nowhere"},
		"a redirect to plain http":          {changing(good, "Location", "http://storage.example/f?signature=sesame"), bytesOf, 0, hub.ErrUnavailable, "from https to http"},
		"a redirect to another protocol":    {changing(good, "Location", "ftp://storage.example/f"), bytesOf, 0, hub.ErrUnavailable, "no http"},
		"redirects in a circle":             {says(307, "", "Location", "/datasets/owner/name/resolve/main/f"), bytesOf, 0, hub.ErrUnavailable, "more than 5 redirects"},
		"another commit":                    {changing(good, "X-Repo-Commit", strings.Repeat("f", 40)), bytesOf, 0, hub.ErrCorrupt, "the hub answers for commit ffff"},
		"a commit that is none":             {changing(good, "X-Repo-Commit", "main"), bytesOf, 0, hub.ErrUnavailable, `names the commit "main"`},
		"no size":                           {changing(good, "X-Linked-Size", ""), bytesOf, 0, hub.ErrUnavailable, "how long the file is"},
		"a negative size":                   {changing(good, "X-Linked-Size", "-1"), bytesOf, 0, hub.ErrCorrupt, `"-1" bytes`},
		"a huge size":                       {changing(good, "X-Linked-Size", "99999999999999999999"), bytesOf, 0, hub.ErrCorrupt, "bytes"},
		"more than the size":                {changing(good, "X-Linked-Size", "99999"), bytesOf, 0, hub.ErrCorrupt, "100000 bytes instead of 99999"},
		"another file after a cut":          {each(good, resolves(other)), cutting(30_000, bytesOf), 0, hub.ErrCorrupt, "it was 100000 bytes"},
		"deleted after a cut":               {each(good, resolves(nil)), cutting(30_000, bytesOf), 0, hub.ErrNotFound, "EntryNotFound"},
		"the hub breaks once, after a cut":  {each(good, says(502, ""), good), cutting(60_000, bytesOf), 0, nil, ""},
		"the hub breaks for ever after one": {each(good, says(502, "")), cutting(60_000, bytesOf), 0, hub.ErrUnavailable, "502"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: c.hub, storage: c.storage})
			got, err := read(t.Context(), n.client(endpoint), pinned, "f", c.offset, -1)
			switch {
			case c.want == nil && (err != nil || got != body[c.offset:]):
				t.Errorf("%d bytes, %v", len(got), err)
			case c.want != nil && (!errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says)):
				t.Errorf("error %v, want %v that says %q", err, c.want, c.says)
			case err != nil && strings.Contains(err.Error(), "sesame"):
				t.Errorf("the signature is in the error: %v", err)
			case len(n.requests) > 100:
				t.Errorf("%d requests", len(n.requests))
			}
			if n.authorized()[storage] {
				t.Error("storage got the token")
			}
		})
	}
}

// Files that are not in LFS come from the hub itself, with Git's name of them.
func TestOpenRegularInTrouble(t *testing.T) {
	body := text(50_000)
	files := map[string]object{"f": {body, false}}
	other := map[string]object{"f": {"x" + body[1:], false}}
	good := resolves(files)
	for name, c := range map[string]struct {
		hub  http.HandlerFunc
		want error
		says string
	}{
		"cut":                         {cutting(20_000, good), nil, ""},
		"without a length":            {ending(1<<30, good), nil, ""},
		"without a length, and cut":   {each(ending(1<<30, cutting(20_000, good)), good), nil, ""},
		"ends early":                  {changing(good, "X-Linked-Size", "50000", "Content-Length", "49999"), hub.ErrCorrupt, "49999 bytes instead of 50000"},
		"other bytes":                 {changing(resolves(other), "ETag", `"`+files["f"].gitID()+`"`), hub.ErrCorrupt, "its hash is"},
		"a tag that is no hash":       {changing(resolves(other), "ETag", `"v1"`), nil, ""},
		"changed after a cut":         {each(cutting(20_000, good), resolves(other)), hub.ErrCorrupt, "it was 50000 bytes"},
		"compressed":                  {changing(good, "Content-Encoding", "br"), hub.ErrUnavailable, "encoded as"},
		"its repository has moved":    {each(says(307, "", "Location", "/datasets/owner/name/resolve/main/f"), good), nil, ""},
		"no ranges, cut then whole":   {each(cutting(20_000, good), without("Range", good)), nil, ""},
		"a range of a whole that was": {each(cutting(20_000, good), says(416, "", "Content-Range", "bytes */10")), hub.ErrCorrupt, "now 10 bytes"},
	} {
		t.Run(name, func(t *testing.T) {
			n := newNetwork(t, map[string]http.HandlerFunc{endpoint: c.hub})
			got, err := read(t.Context(), n.client(endpoint), pinned, "f", 0, -1)
			switch {
			case c.want == nil && (err != nil || len(got) != len(body) || got[1:] != body[1:]):
				t.Errorf("%d bytes, %v", len(got), err)
			case c.want != nil && (!errors.Is(err, c.want) || !strings.Contains(err.Error(), c.says)):
				t.Errorf("error %v, want %v that says %q", err, c.want, c.says)
			}
		})
	}
}

// Spans end where they should also where the hub does not say how long a file is.
func TestOpenUnknownLength(t *testing.T) {
	body := text(5000)
	good := resolves(map[string]object{"f": {body, false}})
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: ending(1<<30, without("Range", good))})
	c := n.client(endpoint)
	for _, span := range []struct {
		offset, length int64
		want           string
		err            error
	}{
		{0, 100, body[:100], nil},
		{4000, 1000, body[4000:], nil},
		{4000, -1, body[4000:], nil},
		{4000, 1001, body[4000:], io.ErrUnexpectedEOF},
		{5000, -1, "", nil},
	} {
		got, err := read(t.Context(), c, pinned, "f", span.offset, span.length)
		if got != span.want || !errors.Is(err, span.err) || (err == nil) != (span.err == nil) {
			t.Errorf("[%d, +%d): %d bytes, %v, want %d, %v", span.offset, span.length, len(got), err, len(span.want), span.err)
		}
	}
}

// The Hub serves files that are not in LFS from a cache at its own host, which
// gets the token as they may be of a private repository.
func TestOpenFromTheCacheOfTheHub(t *testing.T) {
	f := object{text(900), false}
	cached := func(w http.ResponseWriter, r *http.Request) {
		if !strings.HasPrefix(r.URL.Path, "/api/resolve-cache/") {
			says(307, "", "X-Repo-Commit", commit, "X-Linked-Size", "900", "X-Linked-Etag", `"`+f.gitID()+`"`,
				"Location", "/api/resolve-cache/datasets/owner/name/"+commit+"/f?etag=%22x%22")(w, r)
			return
		}
		if r.Header.Get("Authorization") == "" || r.URL.RawQuery != "etag=%22x%22" {
			t.Errorf("%s without a token", r.URL)
		}
		http.ServeContent(w, r, "", time.Time{}, strings.NewReader(f.body))
	}
	c := newNetwork(t, map[string]http.HandlerFunc{endpoint: cached}).client(endpoint)
	for _, offset := range []int64{0, 300} {
		if got, err := read(t.Context(), c, pinned, "f", offset, -1); err != nil || got != f.body[offset:] {
			t.Errorf("from %d: %d bytes, %v", offset, len(got), err)
		}
	}
	if file, err := c.Stat(t.Context(), pinned, "f"); err != nil || file.SHA256 != f.sum() || file.Size != 900 {
		t.Errorf("%+v, %v", file, err)
	}
}

// A reader of a branch stays at the commit it began with.
func TestOpenStaysAtItsCommit(t *testing.T) {
	files := map[string]object{"f": {text(10_000), true}}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: resolves(files), storage: cutting(3_000, stores(files))})
	if _, err := read(t.Context(), n.client(endpoint), hub.Ref{Repo: "owner/name", Revision: "main"}, "f", 0, -1); err != nil {
		t.Fatal(err)
	}
	var at []string
	for _, line := range n.sent() {
		if rest, ok := strings.CutPrefix(line, "GET "+endpoint+"/datasets/owner/name/resolve/"); ok {
			at = append(at, rest)
		}
	}
	if len(at) != 4 || at[0] != "main/f" || at[1] != commit+"/f" || at[3] != commit+"/f" {
		t.Errorf("resolved at %q", at)
	}
}

// A reader ends when it is closed, and what it holds is given back (newNetwork
// looks at that in all tests).
func TestOpenClosed(t *testing.T) {
	files := map[string]object{"f": {text(10_000), false}}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: resolves(files)})
	r, err := n.client(endpoint).Open(t.Context(), pinned, "f", 0, -1)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
	if _, err := r.Read(make([]byte, 1)); !errors.Is(err, io.ErrClosedPipe) {
		t.Errorf("reading after the end: %v", err)
	}
}

// A file that was begun far from its start is not read over from there.
func TestOpenSkipsWithinBounds(t *testing.T) {
	const size = 70 << 20
	linked := says(302, "", "X-Repo-Commit", commit, "X-Linked-Size", fmt.Sprint(size), "X-Linked-Etag", strings.Repeat("a", 64), "Location", storage+"/f")
	whole := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Length", fmt.Sprint(size))
		_, _ = io.WriteString(w, "begin")
	}
	n := newNetwork(t, map[string]http.HandlerFunc{endpoint: linked, storage: whole})
	_, err := read(t.Context(), n.client(endpoint), pinned, "f", 65<<20, 10)
	if !errors.Is(err, hub.ErrUnavailable) || !strings.Contains(err.Error(), "knows no ranges") {
		t.Errorf("error %v", err)
	}
}

// A transfer in which nothing moves is taken up again, after the minute that a
// server may be silent.
func TestOpenWatchesTransfers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		body := text(10_000)
		files := map[string]object{"f": {body, true}}
		n := newNetwork(t, map[string]http.HandlerFunc{endpoint: resolves(files), storage: stores(files)})
		stalls := &stalling{network: n, at: 4_000}
		c := n.client(endpoint, waiting, func(o *huggingface.Options) { o.HTTP.Transport = stalls })
		begin := time.Now()
		got, err := read(t.Context(), c, pinned, "f", 0, -1)
		if err != nil || got != body || stalls.stalled != 1 {
			t.Errorf("%d bytes, %v, %d times stalled", len(got), err, stalls.stalled)
		}
		if took, want := time.Since(begin), polite.DefaultStall+polite.DefaultBackoff; took != want {
			t.Errorf("took %v, want %v", took, want)
		}
	})
}

// stalling lets the first answer of storage stand still.
type stalling struct {
	*network
	at      int64
	stalled int
}

func (s *stalling) RoundTrip(r *http.Request) (*http.Response, error) {
	resp, err := s.network.RoundTrip(r)
	if err == nil && strings.HasPrefix(r.URL.String(), storage) && s.stalled == 0 {
		s.stalled++
		resp.Body = struct {
			io.Reader
			io.Closer
		}{io.MultiReader(io.LimitReader(resp.Body, s.at), still{r}), resp.Body}
	}
	return resp, err
}

// still sends nothing until the request is cancelled.
type still struct{ r *http.Request }

func (s still) Read([]byte) (int, error) {
	<-s.r.Context().Done()
	return 0, s.r.Context().Err()
}
