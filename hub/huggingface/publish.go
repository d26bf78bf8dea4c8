package huggingface

import (
	"context"
	"errors"
	"fmt"
	"path"
	"unicode/utf8"

	"finest/hub"
)

// Limits of the Hub (https://huggingface.co/docs/hub/storage-limits,
// https://huggingface.co/docs/hub/repositories-recommendations).
const (
	// maxPerFolder is the most files the Hub takes in one folder.
	maxPerFolder = 10_000
	// maxPerCommit is how many files the Hub surely takes in one commit before
	// its request times out after 60 s.
	maxPerCommit = 100
	// maxInline is how many bytes one commit may carry that are not LFS objects.
	maxInline = 100_000_000
)

// Publish makes one commit on main, or several if there are more files than the
// Hub takes in one. LFS objects are sent first, so a kill at any moment leaves
// the branch as it was or with whole commits.
func (c *Client) Publish(ctx context.Context, p hub.Publication) (string, error) {
	return c.PublishTo(ctx, hub.MainBranch, p)
}

// PublishTo is Publish on another branch, or on the pull request refs/pr/N.
func (c *Client) PublishTo(ctx context.Context, branch string, p hub.Publication) (string, error) {
	sha, err := c.publish(ctx, branch, p)
	if err != nil {
		return "", fmt.Errorf("publish to %s of %.100q: %w", branch, p.Repo, err)
	}
	return sha, nil
}

func (c *Client) publish(ctx context.Context, branch string, p hub.Publication) (string, error) {
	if err := validatePublication(branch, p); err != nil {
		return "", err
	}
	at := hub.Ref{Repo: p.Repo, Revision: branch}
	head, err := c.Head(ctx, at)
	if err != nil {
		return "", err
	}
	if head != p.Parent {
		return c.adopt(ctx, p.Repo, head, p.Parent, itemsOf(p.Add))
	}
	items, err := c.preupload(ctx, p.Repo, branch, p.Add)
	if err != nil {
		return "", err
	}
	left, err := c.missing(ctx, items)
	if err != nil {
		return "", err
	}
	if len(left) == 0 {
		// Preupload speaks of the branch as it was then, not of the head.
		if head, err = c.Head(ctx, at); err != nil {
			return "", err
		}
		return c.adopt(ctx, p.Repo, head, p.Parent, items)
	}
	if err := c.store(ctx, p.Repo, branch, left); err != nil {
		return "", err
	}
	for _, some := range commitsOf(left) {
		if head, err = c.commit(ctx, at, message{p.Message, head, some}); err != nil {
			return "", err
		}
	}
	return head, nil
}

func itemsOf(sources []hub.Source) []*item {
	items := make([]*item, len(sources))
	for i, src := range sources {
		items[i] = &item{Source: src}
	}
	return items
}

// commitsOf cuts items into what single commits can take, in their order.
func commitsOf(items []*item) [][]*item {
	var commits [][]*item
	begin, regular := 0, int64(0)
	for i, it := range items {
		size := int64(0)
		if it.mode == modeRegular {
			size = it.Size
		}
		if i-begin == maxPerCommit || i > begin && regular+size > maxInline {
			commits = append(commits, items[begin:i])
			begin, regular = i, 0
		}
		regular += size
	}
	return append(commits, items[begin:])
}

// adopt returns head if that commit holds all items, and else ErrConflict if it
// is not the parent.
func (c *Client) adopt(ctx context.Context, repo, head, parent string, items []*item) (string, error) {
	holds, err := c.holds(ctx, hub.Ref{Repo: repo, Revision: head}, items)
	if err != nil {
		return "", err
	}
	switch {
	case holds:
		return head, nil
	case head == parent:
		return "", strange("it stands at %q, which does not hold what the hub says it holds", head)
	}
	return "", fmt.Errorf("it stands at %q, not at %q: %w", head, parent, hub.ErrConflict)
}

// holds reports whether a commit has the content of all items at their paths.
func (c *Client) holds(ctx context.Context, at hub.Ref, items []*item) (bool, error) {
	if at.Revision == "" {
		return false, nil // a repository without commits
	}
	paths := make([]string, len(items))
	for i, it := range items {
		paths[i] = it.Path
	}
	entries, err := c.Paths(ctx, at, paths)
	if err != nil {
		return false, err
	}
	byPath := make(map[string]Entry, len(entries))
	for _, e := range entries {
		byPath[e.Path] = e
	}
	for _, it := range items {
		e, ok := byPath[it.Path]
		if !ok || e.Size != it.Size {
			return false, nil
		}
		if it.remote = e.SHA256; !e.LFS {
			it.remote = e.GitID
		}
		if held, err := it.held(ctx); err != nil || !held {
			return false, err
		}
	}
	return true, nil
}

func validatePublication(branch string, p hub.Publication) error {
	if err := validateRef(hub.Ref{Repo: p.Repo, Revision: branch}); err != nil {
		return err
	}
	if p.Parent != "" && !hub.IsSHA(p.Parent) {
		return fmt.Errorf("parent %.60q is not a commit", p.Parent)
	}
	if len(p.Add) == 0 {
		return errors.New("nothing to publish")
	}
	if !utf8.ValidString(p.Message) {
		return errors.New("message is not UTF-8")
	}
	return validateSources(p.Add)
}

// validateSources refuses what the Hub would refuse after all has been sent.
func validateSources(sources []hub.Source) error {
	files := make(map[string]bool, len(sources))
	inFolder := make(map[string]int)
	for _, src := range sources {
		if err := validatePath(src.Path); err != nil {
			return err
		}
		if !isHash(src.SHA256) || src.Size < 0 || src.Open == nil {
			return fmt.Errorf("%.200q has no size, hash or content", src.Path)
		}
		if files[src.Path] {
			return fmt.Errorf("%.200q is given twice", src.Path)
		}
		files[src.Path] = true
		folder := path.Dir(src.Path)
		if inFolder[folder]++; inFolder[folder] > maxPerFolder {
			return fmt.Errorf("more than the %d files the hub takes in the folder %.200q", maxPerFolder, folder)
		}
	}
	for file := range files {
		for i, r := range file {
			if r == '/' && files[file[:i]] {
				return fmt.Errorf("%.200q is both a file and a folder", file[:i])
			}
		}
	}
	return nil
}
