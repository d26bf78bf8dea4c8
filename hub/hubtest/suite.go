// Package hubtest holds the contract of hub.Hub as tests that every
// implementation passes.
package hubtest

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"testing"
	"time"

	"finest/hub"
)

// Env is one hub to test. Specs make their own repositories and nothing else.
type Env struct {
	Hub hub.Hub
	// Peer is a second connection to the same hub, as another process has it.
	Peer hub.Hub
	// NewRepo returns the name of a repository that does not exist yet and that
	// the caller may create.
	NewRepo func() string
}

// deadline bounds one spec: real hubs limit the rate of requests.
const deadline = 20 * time.Minute

// Suite runs the specs. newEnv is called once for each.
func Suite(t *testing.T, newEnv func(t *testing.T) Env) {
	specs := []struct {
		name string
		run  func(t *testing.T, s *spec)
	}{
		{"repositories/missing", specMissingRepo},
		{"repositories/ensure", specEnsure},
		{"repositories/names", specRepoNames},
		{"publish/first", specFirst},
		{"publish/adds and replaces", specAddReplace},
		{"publish/same again", specSameAgain},
		{"publish/conflict", specConflict},
		{"publish/contents that lie", specLies},
		{"publish/sources that fail", specSourceFails},
		{"publish/bad publications", specBadPublications},
		{"publish/same content, several paths", specSharedContent},
		{"publish/concurrently", specConcurrent},
		{"publish/the same, concurrently", specSameConcurrently},
		{"publish/many files", specManyFiles},
		{"publish/large files", specLarge},
		{"publish/odd paths", specOddPaths},
		{"upload/ahead", specUploadAhead},
		{"upload/by another process", specUploadPeer},
		{"upload/contents that lie", specUploadLies},
		{"upload/what fails", specUploadFails},
		{"read/pinned", specPinned},
		{"read/missing", specMissing},
		{"read/paths that climb", specPaths},
		{"read/ranges", specRanges},
		{"read/tree", specTree},
		{"read/tree is bounded", specTreeBound},
		{"read/peer", specPeer},
		{"read/whole file", specReadFile},
		{"context", specContext},
	}
	for _, sp := range specs {
		t.Run(sp.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), deadline)
			defer cancel()
			sp.run(t, &spec{TB: t, Env: newEnv(t), ctx: ctx})
		})
	}
}

// spec is the environment of one spec with helpers that fail it.
type spec struct {
	testing.TB
	Env
	ctx context.Context
}

// content maps paths to what they hold.
type content map[string]string

// sources returns the files of c, in no order.
func (c content) sources() (add []hub.Source) {
	for path, text := range c {
		add = append(add, source(path, text))
	}
	return add
}

func source(path, text string) hub.Source { return hub.Bytes(path, []byte(text)) }

func sum(text string) string {
	h := sha256.Sum256([]byte(text))
	return hex.EncodeToString(h[:])
}

// newRepo creates a repository and returns the sha it stands at: "", or the
// commit that a hub makes by itself.
func (s *spec) newRepo() (repo, sha string) {
	s.Helper()
	repo = s.NewRepo()
	if err := s.Hub.EnsureRepo(s.ctx, repo); err != nil {
		s.Fatalf("create %s: %v", repo, err)
	}
	return repo, s.headOf(repo)
}

func (s *spec) headOf(repo string) string {
	s.Helper()
	sha, err := s.Hub.Head(s.ctx, hub.Ref{Repo: repo, Revision: hub.MainBranch})
	if err != nil {
		s.Fatalf("head of %s: %v", repo, err)
	}
	return sha
}

func (s *spec) publish(repo, parent string, c content) (sha string) {
	s.Helper()
	sha, err := s.Hub.Publish(s.ctx, hub.Publication{Repo: repo, Message: "add files", Parent: parent, Add: c.sources()})
	if err != nil {
		s.Fatalf("publish to %s: %v", repo, err)
	}
	if !isSHA(sha) {
		s.Fatalf("publishing returned %q, not the sha of a commit", sha)
	}
	return sha
}

func isSHA(s string) bool {
	raw, err := hex.DecodeString(s)
	return err == nil && len(raw) == 20 && hex.EncodeToString(raw) == s
}

// wantFiles checks that the revision holds exactly c, apart from .gitattributes,
// which some hubs write by themselves.
func (s *spec) wantFiles(h hub.Hub, ref hub.Ref, c content) {
	s.Helper()
	files, err := h.Tree(s.ctx, ref, "", 1000)
	if err != nil {
		s.Errorf("tree of %s: %v", ref, err)
		return
	}
	var want []hub.File
	for _, src := range c.sources() {
		want = append(want, src.File)
	}
	slices.SortFunc(want, func(a, b hub.File) int { return strings.Compare(a.Path, b.Path) })
	got := slices.DeleteFunc(files, func(f hub.File) bool { return f.Path == ".gitattributes" })
	for i := range got {
		if got[i].SHA256 == "" && i < len(want) {
			got[i].SHA256 = want[i].SHA256
		}
	}
	if !slices.Equal(got, want) {
		s.Errorf("%s holds\n%v, want\n%v", ref, got, want)
	}
	for path, text := range c {
		if got := s.read(h, ref, path, 0, -1); got != text {
			s.Errorf("%s of %s is %.60q, want %.60q", path, ref, got, text)
		}
		f, err := h.Stat(s.ctx, ref, path)
		if err != nil || f != source(path, text).File {
			s.Errorf("%s of %s is %v, %v, want %v", path, ref, f, err, source(path, text).File)
		}
	}
}

func (s *spec) read(h hub.Hub, ref hub.Ref, path string, offset, length int64) string {
	s.Helper()
	r, err := h.Open(s.ctx, ref, path, offset, length)
	if err != nil {
		s.Errorf("open %s of %s: %v", path, ref, err)
		return ""
	}
	raw, err := io.ReadAll(r)
	if err := errors.Join(err, r.Close()); err != nil {
		s.Errorf("read %s of %s: %v", path, ref, err)
	}
	return string(raw)
}

func (s *spec) wantErr(what string, err, want error) {
	s.Helper()
	if !errors.Is(err, want) {
		s.Errorf("%s: error %v, want %v", what, err, want)
	}
}

// text returns n bytes that compress badly and differ by label.
func text(label string, n int) string {
	var b bytes.Buffer
	for i := 0; b.Len() < n; i++ {
		h := sha256.Sum256(fmt.Appendf(nil, "%s %d", label, i))
		b.Write(h[:])
	}
	return b.String()[:n]
}

// failing are sources whose content fails with err.
func failing(path, text string, err error) map[string]hub.Source {
	closed, half := source(path, text), source(path, text)
	closed.Open = func() (hub.Content, error) { return nil, err }
	half.Open = func() (hub.Content, error) { return halfContent{text[:len(text)/2], err}, nil }
	return map[string]hub.Source{"does not open": closed, "breaks off half-way": half}
}

// halfContent reads as text, and fails with err from its end on.
type halfContent struct {
	text string
	err  error
}

func (h halfContent) ReadAt(p []byte, off int64) (int, error) {
	if off < int64(len(h.text)) {
		if n := copy(p, h.text[off:]); n == len(p) {
			return n, nil
		}
	}
	return max(0, min(len(p), len(h.text)-int(off))), h.err
}

func (halfContent) Close() error { return nil }
