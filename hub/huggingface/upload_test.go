package huggingface_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync"
	"testing"
	"time"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
)

// Uploading ahead sends objects and publishes nothing; publishing sends what is
// missing.
func TestUploadAhead(t *testing.T) {
	s := newScene(t)
	add := append(files(), hub.Bytes("data/b.parquet", []byte(text(60_000))))
	if err := s.c.Upload(t.Context(), s.repo, add[:2]); err != nil {
		t.Fatal(err)
	}
	if s.count(toObjects) != 1 || s.count(toCommit) != 0 {
		t.Errorf("%d objects and %d commits were sent", s.count(toObjects), s.count(toCommit))
	}
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
	if got := s.requests(toObjects); len(got) != 2 || !strings.HasSuffix(got[1].Path, add[2].SHA256) {
		t.Errorf("objects sent: %v", got)
	}
	// Several paths with one content send it once, and what is on the branch is
	// not asked about.
	s.Server.Faults().Clear()
	twice := []hub.Source{hub.Bytes("x.parquet", []byte("same")), hub.Bytes("y.parquet", []byte("same")), add[2]}
	if err := s.c.Upload(t.Context(), s.repo, twice); err != nil || s.count(toObjects) != 1 {
		t.Errorf("%v, %d objects sent", err, s.count(toObjects))
	}
	if err := s.c.Upload(t.Context(), "tester/nothing", nil); !errors.Is(err, hub.ErrNotFound) {
		t.Errorf("nothing into a repository that is not there: %v", err)
	}
}

// Wherever a hub has contents sent, completed and verified, the token stays.
func TestUploadSendsTheTokenToTheHubAlone(t *testing.T) {
	s := newScene(t, inChunks)
	var mu sync.Mutex
	seen := map[string]int{}
	elsewhere := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		mu.Lock()
		defer mu.Unlock()
		seen[r.Method+" "+r.URL.Path]++
		if strings.Contains(fmt.Sprint(r.Header, r.URL), devhubtest.Token) {
			t.Errorf("%s %s has the token: %v", r.Method, r.URL, r.Header)
		}
		w.Header().Set("ETag", `"1"`)
	}))
	defer elsewhere.Close()
	s.Server.Faults().Rewrite(toBatch, 1, func(h http.Header, _ []byte) (int, http.Header, []byte) {
		return 0, h, fmt.Appendf(nil, `{"transfer":"multipart","objects":[
			{"oid":%[2]q,"size":1500,"actions":{"upload":{"href":"%[1]s/complete","header":{"chunk_size":"1000","1":"%[1]s/part/1","2":"%[1]s/part/2"}},"verify":{"href":"%[1]s/verify"}}},
			{"oid":%[3]q,"size":500,"actions":{"upload":{"href":"%[1]s/object"},"verify":{"href":"%[1]s/verify"}}}
		]}`, elsewhere.URL, hub.Bytes("a", []byte(text(1500))).SHA256, hub.Bytes("b", []byte(text(500))).SHA256)
	})
	add := []hub.Source{hub.Bytes("a.parquet", []byte(text(1500))), hub.Bytes("b.parquet", []byte(text(500)))}
	if err := s.c.Upload(t.Context(), s.repo, add); err != nil {
		t.Error(err)
	}
	want := map[string]int{"PUT /part/1": 1, "PUT /part/2": 1, "POST /complete": 1, "PUT /object": 1, "POST /verify": 2}
	if !maps.Equal(seen, want) {
		t.Errorf("requests %v, want %v", seen, want)
	}
}

// A publication that is called off ends at once, in any phase, and takes nothing
// away from the next.
func TestPublishCalledOff(t *testing.T) {
	for name, m := range map[string]devhub.Match{
		"preupload": toPreupload, "batch": toBatch, "part": toParts, "object": toObjects, "complete": toComplete, "verify": toVerify, "commit": toCommit,
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t, inChunks)
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			s.Server.Faults().Rewrite(m, 1, func(h http.Header, _ []byte) (int, http.Header, []byte) {
				cancel()
				return http.StatusServiceUnavailable, h, nil
			})
			add := []hub.Source{hub.Bytes("a.parquet", []byte(text(3*chunk))), hub.Bytes("b.parquet", []byte(text(chunk)))}
			if _, err := s.c.Publish(ctx, s.publication(add...)); !errors.Is(err, context.Canceled) || errors.Is(err, hub.ErrUnavailable) {
				t.Errorf("error %v", err)
			}
			sha, err := s.c.Publish(t.Context(), s.publication(add...))
			s.wantPublished(sha, err, add)
		})
	}
}

// Storage may ask for a longer wait than one call has the patience for.
func TestUploadSaysHowLongStorageAsksToWait(t *testing.T) {
	s := newScene(t)
	s.Server.Faults().Reply(toObjects, 1, http.StatusServiceUnavailable, http.Header{"Retry-After": {"1800"}}, "")
	err := s.c.Upload(t.Context(), s.repo, files())
	if !errors.Is(err, hub.ErrUnavailable) || hub.RetryAfter(err) != 30*time.Minute || s.count(toObjects) != 1 {
		t.Errorf("error %v after %d requests, asks for %v", err, s.count(toObjects), hub.RetryAfter(err))
	}
}
