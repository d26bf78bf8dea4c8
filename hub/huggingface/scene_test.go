package huggingface_test

import (
	"net/http"
	"regexp"
	"slices"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
	"finest/hub/huggingface"
)

// Requests that tests look for, and let go wrong.
var (
	toPreupload = devhub.Match{Method: http.MethodPost, Path: "/preupload/"}
	toBatch     = devhub.Match{Method: http.MethodPost, Path: "/objects/batch$"}
	toObjects   = devhub.Match{Method: http.MethodPut, Path: "/storage/objects/"}
	toParts     = devhub.Match{Method: http.MethodPut, Path: "/storage/parts/"}
	toComplete  = devhub.Match{Method: http.MethodPost, Path: "/complete_multipart$"}
	toVerify    = devhub.Match{Method: http.MethodPost, Path: "/objects/verify$"}
	toCommit    = devhub.Match{Method: http.MethodPost, Path: "/commit/"}
	toHead      = devhub.Match{Method: http.MethodGet, Path: "/revision/main$"}
	toPaths     = devhub.Match{Method: http.MethodPost, Path: "/paths-info/"}
)

const always = -1

// scene is a client and its hub with one repository.
type scene struct {
	testing.TB
	*devhubtest.World
	c     *huggingface.Client
	repo  string
	first string // what main stands at
}

func newScene(t testing.TB, change ...func(*devhub.Options)) *scene {
	t.Helper()
	w := devhubtest.Serve(t, change...)
	s := &scene{TB: t, World: w, c: devhubtest.Dial(t, w.Endpoint), repo: "tester/repo"}
	s.first = create(t, s.c, s.repo)
	w.Server.Faults().Clear()
	return s
}

func (s *scene) publication(add ...hub.Source) hub.Publication {
	return hub.Publication{Repo: s.repo, Message: "add files", Parent: s.first, Add: add}
}

// files are what most tests publish: one LFS object and one regular file.
func files() []hub.Source {
	return []hub.Source{hub.Bytes("data/a.parquet", []byte(text(50_000))), hub.Bytes("log.jsonl", []byte("a line\n"))}
}

// count returns how many requests match.
func (s *scene) count(m devhub.Match) int { return len(s.requests(m)) }

func (s *scene) requests(m devhub.Match) (found []devhub.Request) {
	path := regexp.MustCompile(m.Path)
	for _, r := range s.Server.Faults().Requests() {
		if r.Method == m.Method && path.MatchString(r.Path) {
			found = append(found, r)
		}
	}
	return found
}

// commits returns the messages of the commits since the first, oldest first.
func (s *scene) commits() (messages []string) {
	s.Helper()
	log, err := s.Store.Log(s.Context(), hub.Ref{Repo: s.repo, Revision: hub.MainBranch}, 1000)
	if err != nil {
		s.Fatal(err)
	}
	for _, c := range log[:len(log)-1] {
		messages = append(messages, c.Message)
	}
	slices.Reverse(messages)
	return messages
}

// wantPublished checks that one commit holds exactly the sources, beside what a
// new repository has.
func (s *scene) wantPublished(sha string, err error, add []hub.Source) {
	s.Helper()
	if err != nil {
		s.Errorf("publish: %v", err)
		return
	}
	if got := s.commits(); len(got) != 1 || headOf(s, s.c, s.repo) != sha {
		s.Errorf("publishing returned %s and made the commits %q, want one", sha, got)
	}
	s.wantHeld(sha, add)
}

func (s *scene) wantHeld(sha string, add []hub.Source) {
	s.Helper()
	for _, src := range add {
		f, err := s.Store.Stat(s.Context(), hub.Ref{Repo: s.repo, Revision: sha}, src.Path)
		if err != nil || f != src.File {
			s.Errorf("%s holds %v, %v, want %v", sha, f, err, src.File)
		}
	}
}

// wantNothing checks that no commit was made.
func (s *scene) wantNothing() {
	s.Helper()
	if got := s.commits(); len(got) != 0 {
		s.Errorf("commits %q were made", got)
	}
}
