package devhub_test

import (
	"fmt"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"finest/hub/devhub"
	"finest/internal/canon"
)

// inParts uploads content as a client does, and returns the URL that completes
// the upload and what it is to be sent.
func (w *world) inParts(content string) (complete string, parts []object) {
	w.Helper()
	upload := w.batch(both, content).Objects[0].Actions["upload"]
	for n := 1; ; n++ {
		url, ok := upload.Header[strconv.Itoa(n)]
		if !ok {
			return upload.Href, parts
		}
		got := w.put(url, part(content, n)).wants(http.StatusOK)
		parts = append(parts, object{"partNumber": n, "etag": got.Header.Get("ETag")})
	}
}

func part(content string, n int) string { return content[(n-1)*chunk : min(n*chunk, len(content))] }

func TestMultipart(t *testing.T) {
	for _, size := range []int{chunk + 1, 2*chunk - 1, 2 * chunk, 2*chunk + 1, 12*chunk + 7} {
		w := withRepo(t)
		content := text(size)
		url, parts := w.inParts(content)
		if want := (size + chunk - 1) / chunk; len(parts) != want {
			t.Errorf("%d bytes have %d parts, want %d", size, len(parts), want)
		}
		complete := request{method: "POST", path: url, body: object{"oid": canon.Sum([]byte(content)), "parts": parts}, as: anonymous}
		if w.has(content) {
			t.Errorf("%d bytes are stored before they are complete", size)
		}
		w.do(complete).wants(http.StatusOK)
		if !w.has(content) {
			t.Errorf("%d bytes are not stored", size)
		}
		w.do(complete).wants(http.StatusOK) // the answer was lost
		w.commit("main", object{}, lfsFile("f.parquet", content)).wants(http.StatusOK)
		if w.read("main", "f.parquet") != content {
			t.Errorf("%d bytes come back otherwise", size)
		}
		if left, _ := filepath.Glob(filepath.Join(w.dir, "incoming", "*")); len(left) > 0 {
			t.Errorf("%d bytes leave %q", size, left)
		}
	}
}

func TestMultipartRefuses(t *testing.T) {
	content := text(3 * chunk)
	oid := canon.Sum([]byte(content))
	for name, change := range map[string]func(parts []object) []object{
		"no parts":          func([]object) []object { return nil },
		"too few parts":     func(p []object) []object { return p[:2] },
		"too many parts":    func(p []object) []object { return append(p, p[2]) },
		"wrong order":       func(p []object) []object { return []object{p[1], p[0], p[2]} },
		"a part twice":      func(p []object) []object { return []object{p[0], p[0], p[2]} },
		"an ETag missing":   func(p []object) []object { delete(p[1], "etag"); return p },
		"an ETag of others": func(p []object) []object { p[1]["etag"] = p[0]["etag"]; return p },
		"a part of none":    func(p []object) []object { p[1]["partNumber"] = 7; return p },
	} {
		t.Run(name, func(t *testing.T) {
			w := withRepo(t)
			url, parts := w.inParts(content)
			right := slices.Clone(parts)
			for i, p := range right {
				right[i] = object{"partNumber": p["partNumber"], "etag": p["etag"]}
			}
			w.do(request{method: "POST", path: url, body: object{"oid": oid, "parts": change(parts)}, as: anonymous}).refuses(http.StatusBadRequest, "")
			if w.has(content) {
				t.Error("the object is stored")
			}
			// The client may ask again with the parts that it sent.
			w.do(request{method: "POST", path: url, body: object{"oid": oid, "parts": right}, as: anonymous}).wants(http.StatusOK)
		})
	}
}

func TestMultipartTrouble(t *testing.T) {
	w := withRepo(t)
	content := text(2*chunk + 5)
	oid := canon.Sum([]byte(content))
	upload := w.batch(both, content).Objects[0].Actions["upload"]
	complete := func(etags ...string) *reply {
		var parts []object
		for i, e := range etags {
			parts = append(parts, object{"partNumber": i + 1, "etag": e})
		}
		return w.do(request{method: "POST", path: upload.Href, body: object{"oid": oid, "parts": parts}, as: anonymous})
	}
	send := func(n int, content string) string {
		return w.put(upload.Header[strconv.Itoa(n)], part(content, n)).wants(http.StatusOK).Header.Get("ETag")
	}
	complete("a", "b", "c").refuses(http.StatusNotFound, "").says("NoSuchUpload")
	first, third := send(1, content), send(3, content)
	complete(first, "", third).refuses(http.StatusBadRequest, "").says("part 2")

	w.put(upload.Header["2"], "short").wants(http.StatusBadRequest).says("InvalidArgument")
	cut := w.do(request{method: "PUT", path: upload.Header["2"], body: "short", as: anonymous, length: chunk})
	cut.wants(http.StatusBadRequest).says("IncompleteBody")
	wrong := send(2, strings.ToUpper(strings.ReplaceAll(content, "1", "l")))
	complete(first, wrong, third).refuses(http.StatusBadRequest, "").says(oid)
	second := send(2, content)
	complete(first, wrong, third).refuses(http.StatusBadRequest, "")
	complete(first, strings.Trim(second, `"`), third).wants(http.StatusOK) // some clients drop the quotes
	if !w.has(content) {
		t.Error("the object is not stored")
	}
	w.do(request{method: "POST", path: upload.Href, body: object{"oid": canon.Sum(nil)}, as: anonymous}).refuses(http.StatusBadRequest, "")
	w.post("/api/complete_multipart?upload=x", object{}).refuses(http.StatusForbidden, "")
	w.clock.now = w.clock.now.Add(devhub.Expiry + time.Second)
	complete(first, second, third).refuses(http.StatusForbidden, "")
}

// An upload that nobody completes is dropped, and does not keep others out.
func TestAbandonedUploads(t *testing.T) {
	w := withRepo(t)
	begin := func(i int) int {
		content := fmt.Sprintf("%d:%s", i, text(chunk+1))
		url := w.batch(both, content).Objects[0].Actions["upload"].Header["1"]
		return w.put(url, part(content, 1)).StatusCode
	}
	for i := range 256 {
		if got := begin(i); got != http.StatusOK {
			t.Fatalf("upload %d begins with %d", i, got)
		}
	}
	if got := begin(256); got != http.StatusServiceUnavailable {
		t.Errorf("one upload too many begins with %d, want 503", got)
	}
	w.clock.now = w.clock.now.Add(devhub.Expiry + time.Second)
	if got := begin(257); got != http.StatusOK {
		t.Errorf("after the others expired an upload begins with %d", got)
	}
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	if got := begin(258); got != http.StatusServiceUnavailable {
		t.Errorf("a closed server begins an upload with %d", got)
	}
}

// URLs do not outlive the server that signed them; what arrived does.
func TestUploadOverRestart(t *testing.T) {
	w := withRepo(t)
	done, content := text(2*chunk), text(2*chunk+1)
	url, parts := w.inParts(done)
	w.do(request{method: "POST", path: url, body: object{"oid": canon.Sum([]byte(done)), "parts": parts}, as: anonymous}).wants(http.StatusOK)
	url, parts = w.inParts(content)
	complete := request{method: "POST", path: url, body: object{"oid": canon.Sum([]byte(content)), "parts": parts}, as: anonymous}
	old := w.batch(both, content).Objects[0].Actions["upload"].Header["1"]
	if err := w.server.Close(); err != nil {
		t.Fatal(err)
	}
	if left, _ := filepath.Glob(filepath.Join(w.dir, "incoming", "*")); len(left) > 0 {
		t.Errorf("a closed server leaves %q", left)
	}

	w.server = devhub.New(w.store, devhub.Options{ChunkSize: chunk, Now: w.clock.Now})
	w.put(old, part(content, 1)).wants(http.StatusForbidden)
	w.do(complete).refuses(http.StatusForbidden, "")
	if got := w.batch(both, done, content); got.Objects[0].Actions != nil || got.Objects[1].Actions == nil {
		t.Errorf("after the restart the batch is %+v", got)
	}
	complete.path, parts = w.inParts(content)
	complete.body = object{"oid": canon.Sum([]byte(content)), "parts": parts}
	w.do(complete).wants(http.StatusOK)
}
