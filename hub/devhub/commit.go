package devhub

import (
	"bytes"
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"net/http"

	"finest/hub"
	"finest/hub/localhub"
	"finest/internal/canon"
)

// commit makes one commit of the lines of a request.
func (s *Server) commit(w http.ResponseWriter, r *http.Request) error {
	repo, err := s.writable(r)
	if err != nil {
		return err
	}
	branch := r.PathValue("rev")
	head, err := s.revision(r, repo)
	if err != nil {
		return err
	}
	select { // each holds a line or two of many megabytes
	case s.commits <- struct{}{}:
		defer func() { <-s.commits }()
	case <-r.Context().Done():
		return r.Context().Err()
	}
	change, err := s.readChange(r.Context(), http.MaxBytesReader(w, r.Body, maxCommit))
	if err != nil {
		return err
	}
	reply := map[string]any{"success": true, "hookOutput": ""}
	if isTrue(r.URL.Query().Get("create_pr")) {
		if err := s.follows(r, head, change.Parent); err != nil {
			return err
		}
		number, err := s.newPull(r, repo, change.Message, change.Description)
		if err != nil {
			return err
		}
		branch = fmt.Sprintf("refs/pr/%d", number)
		reply["pullRequestUrl"] = fmt.Sprintf("%s/datasets/%s/discussions/%d", endpoint(r), repo, number)
	}
	// It lands even if the client does not wait for it.
	sha, err := s.store.Commit(context.WithoutCancel(r.Context()), repo, branch, change)
	if errors.Is(err, hub.ErrNotFound) {
		return revisionNotFound(cmp.Or(change.Parent, branch))
	}
	if err != nil {
		return err
	}
	reply["commitOid"] = sha
	reply["commitUrl"] = fmt.Sprintf("%s/datasets/%s/commit/%s", endpoint(r), repo, sha)
	return ok(w, reply)
}

// follows tells whether a commit on parent can be a pull request now; "" is any.
func (s *Server) follows(r *http.Request, head hub.Ref, parent string) error {
	if parent == "" || parent == head.Revision {
		return nil
	}
	_, err := s.store.Head(r.Context(), hub.Ref{Repo: head.Repo, Revision: parent})
	if errors.Is(err, hub.ErrNotFound) {
		return revisionNotFound(parent)
	}
	return cmp.Or(err, hub.ErrConflict)
}

// readChange reads the lines of a commit and stores the contents they hold.
func (s *Server) readChange(ctx context.Context, body io.Reader) (localhub.Change, error) {
	c := &changeReader{store: s.store}
	err := readLines(body, func(l line) error { return c.add(ctx, l) })
	if err == nil && !c.begun {
		err = refuse(http.StatusBadRequest, "the commit has no header")
	}
	return c.change, err
}

// changeReader puts a change together line by line.
type changeReader struct {
	store  *localhub.Hub
	change localhub.Change
	begun  bool // the header was read
}

func (c *changeReader) add(ctx context.Context, l line) error {
	if (l.Key == "header") == c.begun {
		return refuse(http.StatusBadRequest, "the header is not the first line, or is there twice")
	}
	v := l.Value
	switch l.Key {
	case "header":
		c.begun = true
		c.change.Message, c.change.Description, c.change.Parent = v.Summary, v.Description, v.ParentCommit
		if v.Summary == "" {
			return refuse(http.StatusBadRequest, "the commit has no summary")
		}
	case "file":
		return c.addFile(ctx, v)
	case "lfsFile":
		return c.addLFS(ctx, v)
	case "deletedFile":
		c.change.Delete = append(c.change.Delete, v.Path)
	case "deletedFolder":
		c.change.DeleteFolders = append(c.change.DeleteFolders, v.Path)
	default:
		return refuse(http.StatusBadRequest, "there are no lines with the key %.60q", l.Key)
	}
	return nil
}

// addFile stores the content of a regular file.
func (c *changeReader) addFile(ctx context.Context, v lineValue) error {
	content, err := v.content()
	if err != nil {
		return refuse(http.StatusBadRequest, "content of %.200q: %v", v.Path, err)
	}
	sum := sha256.Sum256(content)
	f := hub.File{Path: v.Path, Size: int64(len(content)), SHA256: hex.EncodeToString(sum[:])}
	if err := c.store.StoreObject(ctx, f, bytes.NewReader(content)); err != nil {
		return err
	}
	c.change.Add = append(c.change.Add, localhub.Entry{File: f})
	return nil
}

// addLFS names an object, without a size one of any size.
func (c *changeReader) addLFS(ctx context.Context, v lineValue) error {
	if _, err := canon.ParseHash(v.OID); err != nil || v.Algo != "" && v.Algo != "sha256" {
		return refuse(http.StatusBadRequest, "%.200q has no SHA-256", v.Path)
	}
	size, err := c.store.ObjectSize(ctx, v.OID)
	if errors.Is(err, hub.ErrNotFound) || err == nil && v.Size != nil && *v.Size != size {
		return refuse(http.StatusBadRequest, "Your push was rejected because an LFS pointer pointed to a file that does not exist. "+
			"For instance, this can happen if you used git push --no-verify to push your changes. Offending file: - %.200s", v.Path)
	}
	if err != nil {
		return err
	}
	f := hub.File{Path: v.Path, Size: size, SHA256: v.OID}
	c.change.Add = append(c.change.Add, localhub.Entry{File: f, LFS: true})
	return nil
}
