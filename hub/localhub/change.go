package localhub

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"finest/hub"
)

// maxPerFolder is the most files and folders that the Hugging Face Hub takes in
// one folder, https://huggingface.co/docs/hub/storage-limits.
const maxPerFolder = 10_000

// Change is what a commit does to the branch it is made on. Deletions come
// before additions.
type Change struct {
	Message, Description string
	// Parent is the sha that the branch must stand at, "" for any.
	Parent string
	// Add are files to create or replace. Their contents must be stored. GitID
	// and PointerSize are not looked at.
	Add []Entry
	// Delete are files and DeleteFolders folders, which must be there.
	Delete, DeleteFolders []string
}

// Commit makes one commit on a branch or pull request, even one that changes
// nothing. It fails with ErrConflict if the branch stands elsewhere than at
// Parent, with ErrNotFound if there is no such branch or parent, and with
// ErrBadRequest if the change cannot be made.
func (h *Hub) Commit(ctx context.Context, repo, branch string, c Change) (string, error) {
	sha, err := h.commitChange(ctx, repo, branch, c)
	if err != nil {
		return "", fmt.Errorf("commit to %.200q of %.100q: %w", branch, repo, err)
	}
	return sha, nil
}

func (h *Hub) commitChange(ctx context.Context, repo, branch string, c Change) (string, error) {
	if c.Parent != "" && !hub.IsSHA(c.Parent) {
		return "", badRequest("parent %.60q is not a commit", c.Parent)
	}
	if err := validateMessage(c.Message, c.Description); err != nil {
		return "", err
	}
	ref, err := branchRef(branch)
	if err != nil {
		return "", err
	}
	if _, err := h.resolve(ctx, hub.Ref{Repo: repo, Revision: ref}); err != nil {
		return "", err
	}
	add, err := h.files(ctx, c.Add)
	if err != nil {
		return "", err
	}
	return h.update(ctx, repo, ref, func(head string, base *commit) (*commit, error) {
		if c.Parent != "" && c.Parent != head {
			if _, err := h.commit(repo, c.Parent); err != nil {
				return nil, fmt.Errorf("parent %s: %w", c.Parent, err)
			}
			return nil, moved(head, c.Parent)
		}
		return base.with(head, c, add)
	})
}

func moved(head, parent string) error {
	return fmt.Errorf("it stands at %q, not at %q: %w", head, parent, hub.ErrConflict)
}

// update moves a branch to the commit that next makes of the one it stands at;
// nil leaves it.
func (h *Hub) update(ctx context.Context, repo, ref string, next func(head string, base *commit) (*commit, error)) (sha string, err error) {
	err = h.locked(ctx, repo, func() error {
		head, base, err := h.at(ctx, hub.Ref{Repo: repo, Revision: ref})
		if err != nil {
			return err
		}
		c, err := next(head, base)
		if err != nil || c == nil {
			sha = head
			return err
		}
		sha, err = h.advance(repo, ref, c)
		return err
	})
	return sha, err
}

// advance stores a commit and moves a branch to it; the lock is held.
func (h *Hub) advance(repo, ref string, next *commit) (string, error) {
	sha, err := h.writeCommit(repo, next)
	if err != nil {
		return "", err
	}
	return sha, h.writeRef(repo, ref, sha)
}

// with returns the commit that follows c, which is at head, with a change whose
// added files are add.
func (c *commit) with(head string, change Change, add []file) (*commit, error) {
	files := make(map[string]file, len(c.Files)+len(add))
	for _, f := range c.Files {
		files[f.Path] = f
	}
	for _, path := range change.Delete {
		if _, ok := files[path]; !ok {
			return nil, badRequest("there is no file %.200q to delete", path)
		}
		delete(files, path)
	}
	for _, folder := range change.DeleteFolders {
		name := strings.TrimSuffix(folder, "/")
		under := c.under(name)
		if name == "" || len(under) == 0 {
			return nil, badRequest("there is no folder %.200q to delete", folder)
		}
		for _, f := range under {
			delete(files, f.Path)
		}
	}
	for _, f := range add {
		files[f.Path] = f
	}
	if err := fitTogether(files); err != nil {
		return nil, err
	}
	return &commit{
		Parent: head, Message: change.Message, Description: change.Description,
		Files: slices.SortedFunc(maps.Values(files), byPath),
	}, nil
}

// fitTogether checks that the paths can be in one tree of folders.
func fitTogether(files map[string]file) error {
	entries := map[string]int{} // of each folder
	for path := range files {
		for child := path; child != ""; {
			folder := child[:max(0, strings.LastIndexByte(child, '/'))]
			if _, both := files[folder]; both {
				return badRequest("%.200q is both a file and a folder", folder)
			}
			entries[folder]++
			if entries[folder] > maxPerFolder {
				return badRequest("too many files per directory: more than %d in %.200q", maxPerFolder, folder)
			}
			if entries[folder] > 1 { // it is counted in the folder above
				break
			}
			child = folder
		}
	}
	return nil
}

// files returns entries as a commit holds them, if their contents are stored.
func (h *Hub) files(ctx context.Context, entries []Entry) ([]file, error) {
	files := make([]file, 0, len(entries))
	seen := make(map[string]bool, len(entries))
	for _, e := range entries {
		if err := validateFile(e.File); err != nil {
			return nil, err
		}
		if seen[e.Path] {
			return nil, badRequest("%.200q is given twice", e.Path)
		}
		seen[e.Path] = true
		f, err := h.file(ctx, e)
		if errors.Is(err, hub.ErrCorrupt) {
			return nil, badRequest("%.200q names content that is not stored: %w", e.Path, err)
		}
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}
