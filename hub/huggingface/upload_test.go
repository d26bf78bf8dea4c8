package huggingface_test

import (
	"errors"
	"strings"
	"testing"

	"finest/hub"
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
