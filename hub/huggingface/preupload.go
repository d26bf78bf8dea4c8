package huggingface

import (
	"context"
	"fmt"
	"net/http"
	"slices"

	"finest/hub"
)

// maxPreupload is how many files one preupload call may name, and maxBatch how
// many objects one LFS batch may (huggingface_hub, UPLOAD_BATCH_MAX_NUM_FILES).
const (
	maxPreupload = 256
	maxBatch     = 256
)

// Upload modes: as an LFS object, or inside the commit.
const (
	modeLFS     = "lfs"
	modeRegular = "regular"
)

// item is a file on its way into a repository.
type item struct {
	hub.Source
	sample []byte
	mode   string
	// remote is how the hub names what is at the path now: SHA-256 of an LFS
	// object, Git's id of a regular file, "" if nothing is.
	remote string
	// gitID is Git's id of the content once it was read, else "".
	gitID string
}

type preuploadRequest struct {
	Files []preuploadFile `json:"files"`
}

type preuploadFile struct {
	Path   string `json:"path"`
	Size   int64  `json:"size"`
	Sample []byte `json:"sample"`
}

type preuploadReply struct {
	Files []struct {
		Path         string `json:"path"`
		UploadMode   string `json:"uploadMode"`
		ShouldIgnore bool   `json:"shouldIgnore"`
		OID          string `json:"oid"`
	} `json:"files"`
}

// preupload asks how each file is to be stored and what the branch has in its
// place.
func (c *Client) preupload(ctx context.Context, repo, branch string, sources []hub.Source) ([]*item, error) {
	items := make([]*item, len(sources))
	for i, src := range sources {
		items[i] = &item{Source: src}
		if sample, ok := c.samples.get(src.SHA256); ok {
			items[i].sample = sample
			continue
		}
		var err error
		if items[i].sample, err = readSample(src); err != nil {
			return nil, fmt.Errorf("%.200q: %w", src.Path, err)
		}
	}
	for some := range slices.Chunk(items, maxPreupload) {
		if err := c.preuploadSome(ctx, repo, branch, some); err != nil {
			return nil, err
		}
	}
	return items, nil
}

func (c *Client) preuploadSome(ctx context.Context, repo, branch string, items []*item) error {
	var ask preuploadRequest
	for _, it := range items {
		ask.Files = append(ask.Files, preuploadFile{Path: it.Path, Size: it.Size, Sample: it.sample})
	}
	var reply preuploadReply
	r := request{method: http.MethodPost, path: api(repo, "preupload", branch), message: ask, repeatable: true}
	if err := c.callJSON(ctx, r, &reply); err != nil {
		return err
	}
	return reply.apply(items)
}

// apply sets the modes of items; the reply must have an answer for each.
func (r *preuploadReply) apply(items []*item) error {
	byPath := make(map[string]*item, len(items))
	for _, it := range items {
		byPath[it.Path] = it
	}
	for _, f := range r.Files {
		it := byPath[f.Path]
		switch {
		case it == nil:
			return strange("preupload: the hub answers about %.100q, which it was not asked", f.Path)
		case it.mode != "":
			return strange("preupload: the hub answers about %.100q twice", f.Path)
		case f.ShouldIgnore:
			return fmt.Errorf("the repository's .gitignore leaves %.200q out", f.Path)
		case f.UploadMode != modeLFS && f.UploadMode != modeRegular:
			return strange("preupload: the hub wants %.100q stored as %.40q", f.Path, f.UploadMode)
		}
		it.mode, it.remote = f.UploadMode, f.OID
		if it.Size == 0 {
			// Object stores answer 501 to an empty PUT.
			it.mode = modeRegular
		}
	}
	for _, it := range items {
		if it.mode == "" {
			return strange("preupload: the hub does not answer about %.100q", it.Path)
		}
	}
	return nil
}

// held reports whether the branch has the content at the path already, as far
// as preupload said so. It reads the content where only Git's id tells.
func (it *item) held(ctx context.Context) (bool, error) {
	if !hub.IsSHA(it.remote) || it.Size > maxInline {
		return it.remote == it.SHA256, nil
	}
	if err := it.identify(ctx); err != nil {
		return false, err
	}
	return it.remote == it.gitID, nil
}

// identify reads the content once, checks it and learns its Git id.
func (it *item) identify(ctx context.Context) error {
	if it.gitID != "" {
		return nil
	}
	id, err := check(ctx, it.Source, true)
	if err != nil {
		return fmt.Errorf("%.200q: %w", it.Path, err)
	}
	it.gitID = id
	return nil
}
