package huggingface

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"finest/hub"
)

// ErrExists says that a repository or branch of the name is there already.
var ErrExists = errors.New("it exists already")

// User is who a token belongs to.
type User struct {
	Name string
	// Type is "user" or "org".
	Type string
	// Orgs are the organisations the user is in.
	Orgs []string
	// Role is what the token may do: "read", "write" or "fineGrained".
	Role string
}

// WhoAmI returns who the token belongs to.
func (c *Client) WhoAmI(ctx context.Context) (User, error) {
	var reply struct {
		Name string `json:"name"`
		Type string `json:"type"`
		Orgs []struct {
			Name string `json:"name"`
		} `json:"orgs"`
		Auth struct {
			AccessToken struct {
				Role string `json:"role"`
			} `json:"accessToken"`
		} `json:"auth"`
	}
	if err := c.callJSON(ctx, request{method: http.MethodGet, path: "/api/whoami-v2"}, &reply); err != nil {
		return User{}, fmt.Errorf("who am I: %w", err)
	}
	u := User{Name: reply.Name, Type: reply.Type, Role: reply.Auth.AccessToken.Role}
	for _, o := range reply.Orgs {
		u.Orgs = append(u.Orgs, o.Name)
	}
	return u, nil
}

// Info is what the hub says about a dataset repository.
type Info struct {
	// SHA is what its main branch stands at.
	SHA               string
	Private, Disabled bool
	// Gated is "auto" or "manual" where readers must be let in, else "".
	Gated string
}

// Info describes a repository.
func (c *Client) Info(ctx context.Context, repo string) (Info, error) {
	info, err := c.info(ctx, repo)
	if err != nil {
		return Info{}, fmt.Errorf("describe repository %.100q: %w", repo, err)
	}
	return info, nil
}

func (c *Client) info(ctx context.Context, repo string) (Info, error) {
	if err := validateRepo(repo); err != nil {
		return Info{}, err
	}
	var reply struct {
		SHA      string          `json:"sha"`
		Private  bool            `json:"private"`
		Disabled bool            `json:"disabled"`
		Gated    json.RawMessage `json:"gated"` // false or text
	}
	// Without expand the list of all files comes along.
	r := request{method: http.MethodGet, path: api(repo), query: url.Values{"expand": {"sha", "private", "disabled", "gated"}}}
	if err := c.callJSON(ctx, r, &reply); err != nil {
		return Info{}, err
	}
	if reply.SHA != "" && !hub.IsSHA(reply.SHA) {
		return Info{}, strange("the hub says it stands at %.60q", reply.SHA)
	}
	info := Info{SHA: reply.SHA, Private: reply.Private, Disabled: reply.Disabled}
	_ = json.Unmarshal(reply.Gated, &info.Gated) // false leaves it empty
	return info, nil
}

// EnsureRepo creates a public repository if it does not exist.
func (c *Client) EnsureRepo(ctx context.Context, repo string) error {
	_, err := c.Info(ctx, repo)
	if !errors.Is(err, hub.ErrNotFound) {
		return err
	}
	if err := c.CreateRepo(ctx, repo, false); !errors.Is(err, ErrExists) {
		return err
	}
	return nil
}

// repoCall is the body of calls that create and delete repositories.
type repoCall struct {
	Name         string `json:"name"`
	Organization string `json:"organization"`
	Type         string `json:"type"`
	Visibility   string `json:"visibility,omitempty"`
}

// CreateRepo creates a dataset repository. It fails with ErrExists if there is
// one of the name.
func (c *Client) CreateRepo(ctx context.Context, repo string, private bool) error {
	visibility := "public"
	if private {
		visibility = "private"
	}
	for attempt := 1; ; attempt++ {
		err := c.callRepo(ctx, http.MethodPost, "/api/repos/create", repo, visibility)
		var answer *Error
		switch {
		case err == nil:
			return nil
		case !errors.As(err, &answer) || answer.Status != http.StatusConflict:
			return fmt.Errorf("create repository %.100q: %w", repo, err)
		case !strings.Contains(answer.Message, "conflicting operation"):
			return fmt.Errorf("create repository %.100q: %w", repo, ErrExists)
		case attempt >= c.http.Attempts:
			return fmt.Errorf("create repository %.100q: %w: %w", repo, hub.ErrUnavailable, err)
		}
		if err := c.http.Rest(ctx, attempt); err != nil {
			return fmt.Errorf("create repository %.100q: %w", repo, err)
		}
	}
}

// DeleteRepo deletes a dataset repository with all that is in it. If a reply was
// lost on the way the repository is gone, and the error hub.ErrNotFound.
func (c *Client) DeleteRepo(ctx context.Context, repo string) error {
	if err := c.callRepo(ctx, http.MethodDelete, "/api/repos/delete", repo, ""); err != nil {
		return fmt.Errorf("delete repository %.100q: %w", repo, err)
	}
	return nil
}

func (c *Client) callRepo(ctx context.Context, method, path, repo, visibility string) error {
	if err := validateRepo(repo); err != nil {
		return err
	}
	owner, name, _ := strings.Cut(repo, "/")
	message := repoCall{Name: name, Organization: owner, Type: "dataset", Visibility: visibility}
	// A create whose reply is lost may be sent again: it then finds that the
	// repository exists.
	return c.callJSON(ctx, request{method: method, path: path, message: message, repeatable: true}, nil)
}
