package devhub_test

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"runtime"
	"strconv"
	"testing"

	"finest/hub/devhub"
)

// endless is content of any length that takes no memory.
type endless struct{ at int64 }

func (e *endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte((e.at + int64(i)) >> 8)
	}
	e.at += int64(len(p))
	return len(p), nil
}

// A file of any size goes through in a few buffers, in one piece and in parts,
// up and down.
func TestMemory(t *testing.T) {
	if testing.Short() {
		t.Skip("moves two hundred megabytes")
	}
	const size, most = 64 << 20, 16 << 20
	sum := sha256.New()
	if _, err := io.CopyN(sum, &endless{}, size); err != nil {
		t.Fatal(err)
	}
	oid := hex.EncodeToString(sum.Sum(nil))
	for name, transfers := range map[string][]string{"basic": {"basic"}, "multipart": {"basic", "multipart"}} {
		t.Run(name, func(t *testing.T) {
			l := listen(t, func(o *devhub.Options) { o.ChunkSize = devhub.DefaultChunkSize })
			_, body, err := l.send("POST", batch, string(encode(t, object{
				"operation": "upload", "transfers": transfers, "objects": []object{{"oid": oid, "size": size}},
			})))
			var got batched
			if err != nil || json.Unmarshal([]byte(body), &got) != nil {
				t.Fatalf("the batch is answered with %s, %v", body, err)
			}
			upload := got.Objects[0].Actions["upload"]
			before := allocated()
			if name == "basic" {
				l.stream(upload.Href, 0, size)
			} else {
				var parts []object
				for n := 1; n < len(upload.Header); n++ {
					from := int64(n-1) * devhub.DefaultChunkSize
					etag := l.stream(upload.Header[strconv.Itoa(n)], from, min(devhub.DefaultChunkSize, size-from))
					parts = append(parts, object{"partNumber": n, "etag": etag})
				}
				if _, body, err := l.send("POST", upload.Href, string(encode(t, object{"oid": oid, "parts": parts}))); err != nil || body != `{"success":true}` {
					t.Fatalf("completing is answered with %s, %v", body, err)
				}
			}
			if used := allocated() - before; used > most {
				t.Errorf("uploading %d MiB allocates %d MiB, want at most %d", size>>20, used>>20, most>>20)
			}
			l.commit("main", object{}, object{"key": "lfsFile", "value": object{"path": "f.parquet", "oid": oid}}).wants(http.StatusOK)
			answer, _, err := l.send("GET", site+"/resolve/main/f.parquet", "")
			if err != nil {
				t.Fatal(err)
			}
			before = allocated()
			if got := l.fetch(answer.Header.Get("Location")); got != oid {
				t.Errorf("the file comes back as %s, want %s", got, oid)
			}
			if used := allocated() - before; used > most {
				t.Errorf("downloading %d MiB allocates %d MiB, want at most %d", size>>20, used>>20, most>>20)
			}
		})
	}
}

// allocated is all that this process ever allocated, in bytes.
func allocated() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.TotalAlloc
}

// stream puts size bytes of endless content and returns the ETag.
func (l *live) stream(to string, from, size int64) string {
	l.Helper()
	r, err := http.NewRequestWithContext(context.Background(), "PUT", to, io.LimitReader(&endless{from}, size))
	if err != nil {
		l.Fatal(err)
	}
	r.ContentLength = size
	answer, err := l.client.Do(r)
	if err != nil {
		l.Fatal(err)
	}
	_ = answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		l.Fatalf("%d bytes are answered with %s", size, answer.Status)
	}
	return answer.Header.Get("ETag")
}

// fetch returns the SHA-256 of what is at a URL.
func (l *live) fetch(from string) string {
	l.Helper()
	answer, err := l.client.Get(from)
	if err != nil {
		l.Fatal(err)
	}
	defer func() { _ = answer.Body.Close() }()
	sum := sha256.New()
	if _, err := io.Copy(sum, answer.Body); err != nil {
		l.Fatal(err)
	}
	return hex.EncodeToString(sum.Sum(nil))
}
