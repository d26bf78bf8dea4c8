package huggingface

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"finest/hub"
)

// maxCommits bounds how often one commit is sent. Each time after the first it is
// known that the branch has not moved.
const maxCommits = 6

// message is one commit to be made on a parent.
type message struct {
	text   string
	parent string
	items  []*item
}

// commit makes one commit on a branch and returns its sha. Whether a request
// whose reply is lost, or an error of the server, has made a commit is told by
// what the branch holds, and never by the reply: the Hub answers 500 and 504 to
// commits that land
// (https://github.com/huggingface/huggingface_hub/issues/1516,
// https://github.com/huggingface/datasets/issues/7708).
func (c *Client) commit(ctx context.Context, branch hub.Ref, m message) (string, error) {
	restored := false
	for attempt := 1; ; attempt++ {
		sha, err := c.commitOnce(ctx, branch, m)
		switch {
		case err == nil:
			return sha, nil
		case ctx.Err() != nil:
			return "", err
		case lacksObjects(err) && !restored:
			restored = true
			if err := c.store(ctx, branch.Repo, branch.Revision, m.items); err != nil {
				return "", err
			}
			continue
		case isDefinite(err):
			return "", err
		}
		head, lost := c.Head(ctx, branch)
		if lost != nil {
			// What was made is not known, whatever the status said.
			return "", fmt.Errorf("%w, after %s", lost, err.Error())
		}
		if head != m.parent {
			return c.adopt(ctx, branch.Repo, head, m.parent, m.items)
		}
		if attempt == maxCommits || hub.RetryAfter(err) > c.http.MaxWait {
			return "", gaveUp(err)
		}
		c.o.Log.Debug().Err(err).Str("repo", branch.Repo).Int("attempt", attempt).Msg("no commit was made, it is sent again")
		if err := c.restAfter(ctx, attempt, err); err != nil {
			return "", err
		}
	}
}

// restAfter waits as long as err asks for, and as long as polite does.
func (c *Client) restAfter(ctx context.Context, attempt int, err error) error {
	if err := c.http.Sleep(ctx, hub.RetryAfter(err)); err != nil {
		return err
	}
	return c.http.Rest(ctx, attempt)
}

// commitOnce sends a commit one time.
func (c *Client) commitOnce(ctx context.Context, branch hub.Ref, m message) (string, error) {
	body, err := newCommitBody(m)
	if err != nil {
		return "", err
	}
	defer body.close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	body.failed = cancel
	var reply commitReply
	err = c.callJSON(ctx, request{
		method: http.MethodPost, path: api(branch.Repo, "commit", branch.Revision),
		stream: body.open, size: body.size, contentType: "application/x-ndjson",
	}, &reply)
	if cause := context.Cause(ctx); err != nil && cause != nil {
		return "", cause
	}
	if err != nil {
		return "", err
	}
	return reply.sha()
}

type commitReply struct {
	OID string `json:"commitOid"`
}

func (r commitReply) sha() (string, error) {
	if !hub.IsSHA(r.OID) {
		return "", strange("the hub names the new commit %.60q", r.OID)
	}
	return r.OID, nil
}

// isDefinite reports whether err says that no commit was made and that another
// attempt would end the same way.
func isDefinite(err error) bool {
	var e *Error
	if !errors.As(err, &e) {
		// Else a source cannot be read.
		return !errors.Is(err, hub.ErrUnavailable) && !errors.Is(err, hub.ErrTooLarge)
	}
	switch e.Status {
	case http.StatusRequestTimeout, http.StatusConflict, http.StatusPreconditionFailed, http.StatusNotFound:
		// 409: another commit is being made. 412: the parent is not the head. 404:
		// the parent is gone, or its branch, which the head tells.
		return false
	}
	return e.Status < http.StatusInternalServerError
}

// lacksObjects reports whether the hub has lost LFS objects that it said it has,
// as it may after a repository was deleted and created again
// (https://github.com/huggingface/huggingface_hub/issues/3829).
func lacksObjects(err error) bool {
	var e *Error
	return errors.As(err, &e) && e.Status == http.StatusBadRequest &&
		strings.Contains(strings.ToLower(e.Message), "lfs pointer pointed to a file that does not exist")
}

// gaveUp is the error of a commit that the hub does not make although the branch
// has not moved: it may later, whatever the status says.
func gaveUp(err error) error {
	if errors.Is(err, hub.ErrUnavailable) {
		return err
	}
	return fmt.Errorf("%w: %s", hub.ErrUnavailable, err.Error())
}
