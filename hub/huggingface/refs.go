package huggingface

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"slices"

	"finest/hub"
)

// Refs are the names that commits of a repository have.
type Refs struct {
	Branches []Branch `json:"branches"`
	Tags     []Branch `json:"tags"`
	Pulls    []Branch `json:"pullRequests"`
}

// Branch is a name and the commit it stands at.
type Branch struct {
	Name string `json:"name"`
	// Ref is the whole name: refs/heads/main, refs/tags/v1, refs/pr/1.
	Ref string `json:"ref"`
	SHA string `json:"targetCommit"`
}

// Refs lists branches, tags and pull requests.
func (c *Client) Refs(ctx context.Context, repo string) (Refs, error) {
	refs, err := c.refs(ctx, repo)
	if err != nil {
		return Refs{}, fmt.Errorf("list refs of %.100q: %w", repo, err)
	}
	return refs, nil
}

func (c *Client) refs(ctx context.Context, repo string) (Refs, error) {
	if err := validateRepo(repo); err != nil {
		return Refs{}, err
	}
	var refs Refs
	r := request{method: http.MethodGet, path: api(repo, "refs"), query: url.Values{"include_prs": {"1"}}}
	if err := c.callJSON(ctx, r, &refs); err != nil {
		return Refs{}, err
	}
	for _, b := range slices.Concat(refs.Branches, refs.Tags, refs.Pulls) {
		if !hub.IsSHA(b.SHA) {
			return Refs{}, strange("the hub says %.100q stands at %.60q", b.Ref, b.SHA)
		}
	}
	return refs, nil
}

// CreateBranch creates a branch at a revision; "" is main. It fails with
// ErrExists if there is one of the name.
func (c *Client) CreateBranch(ctx context.Context, repo, name, from string) error {
	err := c.callBranch(ctx, http.MethodPost, repo, name, struct {
		StartingPoint string `json:"startingPoint,omitempty"`
	}{from})
	var answer *Error
	switch {
	case errors.As(err, &answer) && answer.Status == http.StatusConflict:
		return fmt.Errorf("create branch %.100q of %.100q: %w", name, repo, ErrExists)
	case err != nil:
		return fmt.Errorf("create branch %.100q of %.100q: %w", name, repo, err)
	}
	return nil
}

// DeleteBranch deletes a branch.
func (c *Client) DeleteBranch(ctx context.Context, repo, name string) error {
	if err := c.callBranch(ctx, http.MethodDelete, repo, name, nil); err != nil {
		return fmt.Errorf("delete branch %.100q of %.100q: %w", name, repo, err)
	}
	return nil
}

func (c *Client) callBranch(ctx context.Context, method, repo, name string, message any) error {
	if err := validateRepo(repo); err != nil {
		return err
	}
	if err := validateRevision(name); err != nil {
		return err
	}
	return c.callJSON(ctx, request{method: method, path: api(repo, "branch", name), message: message}, nil)
}

// OpenPull opens a pull request and returns its number n; its commits go to the
// revision refs/pr/n. It is sent once, as a second one would be another request.
func (c *Client) OpenPull(ctx context.Context, repo, title, description string) (int, error) {
	number, err := c.openPull(ctx, repo, title, description)
	if err != nil {
		return 0, fmt.Errorf("open a pull request of %.100q: %w", repo, err)
	}
	return number, nil
}

func (c *Client) openPull(ctx context.Context, repo, title, description string) (int, error) {
	if err := validateRepo(repo); err != nil {
		return 0, err
	}
	r := request{method: http.MethodPost, path: api(repo, "discussions"), message: struct {
		Title       string `json:"title"`
		Description string `json:"description"`
		Pull        bool   `json:"pullRequest"`
	}{title, description, true}}
	var reply struct {
		Number int `json:"num"`
	}
	if err := c.callJSON(ctx, r, &reply); err != nil {
		return 0, err
	}
	if reply.Number <= 0 {
		return 0, strange("the hub gives it the number %d", reply.Number)
	}
	return reply.Number, nil
}
