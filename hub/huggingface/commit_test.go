package huggingface_test

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
)

func page(http.Header, []byte) (int, http.Header, []byte) {
	return http.StatusOK, http.Header{"Content-Type": {"text/html"}}, []byte("<html>Please log in</html>")
}

// However the reply to a commit is lost, it is made once.
func TestCommitWithoutAReply(t *testing.T) {
	for name, fault := range map[string]func(f *devhub.Faults){
		"connection cut after it landed": func(f *devhub.Faults) { f.Drop(toCommit, 1) },
		"cut within the reply":           func(f *devhub.Faults) { f.CutAfter(toCommit, 1, 10) },
		"500 after it landed":            func(f *devhub.Faults) { f.After(toCommit, 1, http.StatusInternalServerError) },
		"502 after it landed":            func(f *devhub.Faults) { f.After(toCommit, 1, http.StatusBadGateway) },
		"504 after it landed":            func(f *devhub.Faults) { f.After(toCommit, 1, http.StatusGatewayTimeout) },
		"409 after it landed":            func(f *devhub.Faults) { f.After(toCommit, 1, http.StatusConflict) },
		"412 after it landed":            func(f *devhub.Faults) { f.After(toCommit, 1, http.StatusPreconditionFailed) },
		"a page in place of the reply":   func(f *devhub.Faults) { f.Rewrite(toCommit, 1, page) },
		"no sha in the reply": func(f *devhub.Faults) {
			f.Rewrite(toCommit, 1, func(h http.Header, _ []byte) (int, http.Header, []byte) { return 0, h, []byte(`{}`) })
		},
		"a flood in place of the reply": func(f *devhub.Faults) {
			f.Rewrite(toCommit, 1, func(h http.Header, _ []byte) (int, http.Header, []byte) {
				return 0, h, bytes.Repeat([]byte(","), 1<<20)
			})
		},
		"503 before it landed": func(f *devhub.Faults) { f.Reply(toCommit, 2, http.StatusServiceUnavailable, nil, "") },
		"409 before it landed": func(f *devhub.Faults) {
			f.Reply(toCommit, 2, http.StatusConflict, nil, `{"error":"Another commit is in progress"}`)
		},
		"412 of a head that lags": func(f *devhub.Faults) {
			f.Reply(toCommit, 2, http.StatusPreconditionFailed, nil, `{"error":"A commit has happened since. Please refresh and try again."}`)
		},
		"429 before it landed": func(f *devhub.Faults) {
			f.Reply(toCommit, 2, http.StatusTooManyRequests, http.Header{"Ratelimit": {`"api";r=0;t=9`}}, "")
		},
		"cut within the request":   func(f *devhub.Faults) { f.CutUpload(toCommit, 2, 100) },
		"landed once after a miss": func(f *devhub.Faults) { f.CutUpload(toCommit, 1, 100); f.Drop(toCommit, 1) },
		"head unknown for a while": func(f *devhub.Faults) {
			f.Drop(toCommit, 1)
			f.Reply(toPaths, 3, http.StatusBadGateway, nil, "")
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newScene(t)
			fault(s.Server.Faults())
			add := files()
			sha, err := s.c.Publish(t.Context(), s.publication(add...))
			s.wantPublished(sha, err, add)
			again, err := s.c.Publish(t.Context(), s.publication(add...))
			if err != nil || again != sha {
				t.Errorf("published again: %s, %v, want %s", again, err, sha)
			}
			s.wantPublished(sha, err, add)
			if n := s.count(toObjects); n != 1 {
				t.Errorf("the object was sent %d times", n)
			}
		})
	}
}

// A commit whose fate cannot be learned is an error, and the next attempt finds
// what landed.
func TestCommitOfUnknownFate(t *testing.T) {
	s := newScene(t)
	add := files()
	f := s.Server.Faults()
	f.Rewrite(toCommit, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
		f.Reply(toHead, 6, http.StatusServiceUnavailable, nil, "")
		return http.StatusConflict, h, b
	})
	if _, err := s.c.Publish(t.Context(), s.publication(add...)); !errors.Is(err, hub.ErrUnavailable) || errors.Is(err, hub.ErrConflict) {
		t.Errorf("error %v", err)
	}
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
}

// A commit is sent a bounded number of times, and what stands in its way is
// named for what it is: a conflict only if the branch has moved.
func TestCommitRefused(t *testing.T) {
	for _, tc := range []struct {
		name   string
		status int
		body   string
		want   error
		sent   int
	}{
		{"busy for ever", http.StatusConflict, `{"error":"Another commit is in progress"}`, hub.ErrUnavailable, 6},
		{"parent stale for ever", http.StatusPreconditionFailed, `{"error":"A commit has happened since."}`, hub.ErrUnavailable, 6},
		{"broken for ever", http.StatusInternalServerError, "", hub.ErrUnavailable, 6},
		{"no access", http.StatusForbidden, `{"error":"You need write access"}`, hub.ErrDenied, 1},
		{"too many files", http.StatusBadRequest, `{"error":"too many files per directory"}`, nil, 1},
		{"too large", http.StatusRequestEntityTooLarge, "", nil, 1},
		{"parent unknown for ever, which is the head", http.StatusNotFound, `{"error":"Invalid rev id"}`, hub.ErrUnavailable, 6},
		{"objects lost for ever", http.StatusBadRequest, `{"error":"Your push was rejected because an LFS pointer pointed to a file that does not exist."}`, nil, 2},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t)
			s.Server.Faults().Reply(toCommit, always, tc.status, nil, tc.body)
			_, err := s.c.Publish(t.Context(), s.publication(files()...))
			if err == nil || tc.want != nil && !errors.Is(err, tc.want) || s.count(toCommit) != tc.sent {
				t.Errorf("error %v after %d commits, want %v after %d", err, s.count(toCommit), tc.want, tc.sent)
			}
			if errors.Is(err, hub.ErrConflict) || errors.Is(err, hub.ErrNotFound) || errors.Is(err, hub.ErrUnavailable) != errors.Is(tc.want, hub.ErrUnavailable) {
				t.Errorf("error %v has the wrong class", err)
			}
			s.wantNothing()
		})
	}
}

// The parent is the head when publishing begins, and may not be any more when
// the commit is sent.
func TestCommitOfAnotherMeanwhile(t *testing.T) {
	for _, tc := range []struct {
		name  string
		other []hub.Source
		want  error
	}{
		{"other files", []hub.Source{hub.Bytes("other", []byte("1"))}, hub.ErrConflict},
		{"half of it", files()[:1], hub.ErrConflict},
		{"the same", files(), nil},
		{"the same and more", append(files(), hub.Bytes("other", []byte("1"))), nil},
	} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t)
			peer := devhubtest.Dial(t, s.Endpoint)
			var theirs string
			s.Server.Faults().Rewrite(toPreupload, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
				var err error
				if theirs, err = peer.Publish(t.Context(), hub.Publication{Repo: s.repo, Message: "theirs", Parent: s.first, Add: tc.other}); err != nil {
					t.Errorf("the other publication: %v", err)
				}
				return 0, h, b
			})
			sha, err := s.c.Publish(t.Context(), s.publication(files()...))
			if !errors.Is(err, tc.want) || tc.want == nil && sha != theirs {
				t.Errorf("%s, %v, want %s, %v", sha, err, theirs, tc.want)
			}
			if got := s.commits(); len(got) != 1 || headOf(t, s.c, s.repo) != theirs {
				t.Errorf("commits %q", got)
			}
		})
	}
}

// Preupload speaks of the branch as it is then; a commit that lands just before
// must not be taken for the parent, whose content is another.
func TestPublishOfWhatLandsMeanwhile(t *testing.T) {
	for _, tc := range []struct {
		name  string
		stale int // answers that name the head before
		want  error
	}{{"head known in time", 1, nil}, {"head that lags", 2, hub.ErrUnavailable}} {
		t.Run(tc.name, func(t *testing.T) {
			s := newScene(t)
			peer := devhubtest.Dial(t, s.Endpoint)
			var theirs string
			before := func(h http.Header, _ []byte) (int, http.Header, []byte) {
				return 0, h, fmt.Appendf(nil, `{"sha":%q}`, s.first)
			}
			s.Server.Faults().Rewrite(toHead, tc.stale, before)
			s.Server.Faults().Rewrite(toPreupload, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
				var err error
				files := files()
				if theirs, err = s.Store.Publish(t.Context(), s.publication(files...)); err != nil {
					t.Errorf("the other publication: %v", err)
				}
				var told []string
				for _, f := range files {
					told = append(told, fmt.Sprintf(`{"path":%q,"uploadMode":"lfs","oid":%q}`, f.Path, f.SHA256))
				}
				return 0, h, fmt.Appendf(nil, `{"files":[%s]}`, strings.Join(told, ","))
			})
			sha, err := s.c.Publish(t.Context(), s.publication(files()...))
			if !errors.Is(err, tc.want) || errors.Is(err, hub.ErrConflict) || tc.want == nil && sha != theirs {
				t.Errorf("%s, %v; %s has landed", sha, err, theirs)
			}
			s.Server.Faults().Clear()
			sha, err = peer.Publish(t.Context(), s.publication(files()...))
			if err != nil || sha != theirs {
				t.Errorf("published again: %s, %v, want %s", sha, err, theirs)
			}
			s.wantPublished(sha, err, files())
		})
	}
}

// Nothing is asked or sent on a parent that is not the head any more.
func TestPublishOnAStaleParent(t *testing.T) {
	s := newScene(t)
	if _, err := s.c.Publish(t.Context(), s.publication(hub.Bytes("other", []byte("1")))); err != nil {
		t.Fatal(err)
	}
	for name, parent := range map[string]string{"older": s.first, "unknown": strings.Repeat("0", 40), "none": ""} {
		s.Server.Faults().Clear()
		p := s.publication(files()...)
		p.Parent = parent
		if _, err := s.c.Publish(t.Context(), p); !errors.Is(err, hub.ErrConflict) {
			t.Errorf("%s parent: %v", name, err)
		}
		if s.count(toPreupload)+s.count(toBatch)+s.count(toObjects)+s.count(toCommit) != 0 {
			t.Errorf("%s parent: %v was sent", name, s.Server.Faults().Requests())
		}
	}
}

// After a squash the parent is gone.
func TestPublishAfterASquash(t *testing.T) {
	s := newScene(t)
	s.Server.Faults().Rewrite(toPreupload, 1, func(h http.Header, b []byte) (int, http.Header, []byte) {
		if _, err := s.Store.Squash(t.Context(), s.repo, hub.MainBranch, "squashed"); err != nil {
			t.Error(err)
		}
		return 0, h, b
	})
	if _, err := s.c.Publish(t.Context(), s.publication(files()...)); !errors.Is(err, hub.ErrConflict) {
		t.Errorf("error %v", err)
	}
}

// A hub that has lost objects gets them once more.
func TestCommitOfLostObjects(t *testing.T) {
	s := newScene(t)
	s.Server.Faults().Reply(toCommit, 1, http.StatusBadRequest, nil,
		`{"error":"Your push was rejected because an LFS pointer pointed to a file that does not exist."}`)
	add := files()
	sha, err := s.c.Publish(t.Context(), s.publication(add...))
	s.wantPublished(sha, err, add)
	if b, c := s.count(toBatch), s.count(toCommit); b != 2 || c != 2 {
		t.Errorf("%d batches and %d commits, want 2 and 2", b, c)
	}
}
