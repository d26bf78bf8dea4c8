package commands

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/urfave/cli/v2"

	"finest/hub"
	"finest/hub/huggingface"
	"finest/hub/localhub"
)

// tokenVariables name a token, or the file that holds one, as the Hub's own
// tools know them.
var tokenVariables = []string{"HF_TOKEN", "HF_TOKEN_PATH"}

const tokenFlag = "hub-token-file"

func hubFlags() []cli.Flag {
	return []cli.Flag{
		stringFlag("hub", huggingface.DefaultEndpoint, "`URL` of the hub, or file:DIR", "HF_ENDPOINT"),
		stringFlag(tokenFlag, "", "`FILE` with the token for it (default: $HF_TOKEN, else that in $HF_TOKEN_PATH, else that of hf auth login)"),
	}
}

// hubToRead opens the hub for a command that only reads it: a folder that is no
// hub stays as it is.
func hubToRead(c *invocation) (hub.Hub, error) {
	dir, isFolder := strings.CutPrefix(c.String("hub"), filePrefix)
	if _, err := os.Stat(filepath.Join(dir, "repos")); isFolder && dir != "" && err != nil {
		return nil, withHint(fmt.Errorf("--hub %s%s is no hub: %w", filePrefix, dir, err), "name the folder that hub serve was given")
	}
	return openHub(c)
}

// openHub returns the hub that publications are on. It is asked nothing yet.
func openHub(c *invocation) (hub.Hub, error) {
	location := c.String("hub")
	if dir, isFolder := strings.CutPrefix(location, filePrefix); isFolder {
		if dir == "" {
			return nil, usageError("--hub %s names no folder", filePrefix)
		}
		return localhub.Open(dir)
	}
	u, err := url.Parse(location)
	switch {
	case err != nil || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "":
		// What is no plain URL may hold a secret.
		return nil, withHint(usageError("--hub holds what is neither an http or https URL nor file:DIR"), "leave it out for %s", huggingface.DefaultEndpoint)
	case u.Scheme != "http" && u.Scheme != "https":
		return nil, usageError("--hub: %q is reached by http:// or https://, not %s://", u.Host, u.Scheme)
	}
	token, err := hubToken(c)
	if err != nil {
		return nil, err
	}
	client, err := huggingface.New(huggingface.Options{
		Endpoint: location, Token: token, UserAgent: userAgent(c), Offline: isOffline(os.Getenv("HF_HUB_OFFLINE")),
		Progress: uploadProgress(c.out), Log: c.log.With().Str("part", "hub").Logger(),
	})
	if err != nil {
		return nil, usageError("%w", err)
	}
	return client, nil
}

// isOffline reads the variable as the Hub's own tools do.
func isOffline(value string) bool {
	switch strings.ToUpper(value) {
	case "1", "ON", "YES", "TRUE":
		return true
	}
	return false
}

// hubToken returns the token for the hub, "" if there is none. A file that is
// named by flag or configuration holds it; else it is where the Hub's own tools
// find it.
func hubToken(c *invocation) (string, error) {
	path := c.String(tokenFlag)
	if path == "" {
		token, err := huggingface.FindToken(os.Getenv)
		if err != nil {
			return "", usageError("find the hub's token: %w", err)
		}
		return token, nil
	}
	token, err := huggingface.ReadToken(path)
	if err == nil && token == "" {
		err = fmt.Errorf("%s is empty", path)
	}
	if err != nil {
		return "", usageError("--%s: %w", tokenFlag, err)
	}
	return token, nil
}

// requireToken refuses to begin work that could not be published.
func requireToken(c *invocation) error {
	if strings.HasPrefix(c.String("hub"), filePrefix) {
		return nil
	}
	token, err := hubToken(c)
	if err == nil && token == "" {
		err = withHint(usageError("%s: the hub takes publications with a token only, and there is none", commandPath(c.Context)),
			"set HF_TOKEN, or name a file with --%s", tokenFlag)
	}
	return err
}

// askPatience bounds a question that an answer would only save time with.
const askPatience = 20 * time.Second

// mayPublish asks the hub whether the token is one that may write, as it would
// be a pity to find out when a task is done. A hub that does not answer now may
// do so by then.
func mayPublish(c *invocation, h hub.Hub) error {
	client, ok := h.(*huggingface.Client)
	if !ok {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.Context.Context, askPatience)
	defer cancel()
	user, err := client.WhoAmI(ctx)
	switch {
	case c.Context.Err() != nil:
		return c.Context.Err()
	case errors.Is(err, hub.ErrDenied), errors.Is(err, hub.ErrNotFound), errors.Is(err, hub.ErrSetup):
		return err
	case err != nil:
		c.log.Warn().Err(err).Msg("the hub does not say whose token this is")
	case user.Role == "read":
		return withHint(fmt.Errorf("mine: the hub's token of %s is for reading only", user.Name), "one that may write to the repository is needed")
	}
	return nil
}

// uploadProgress shows what goes to the hub.
func uploadProgress(out *printer) func(huggingface.Progress) {
	return func(p huggingface.Progress) {
		out.progress(func() string {
			return fmt.Sprintf("uploaded %s of %s to %s, %d of %s whole", byteCount(p.Sent), byteCount(p.Size), p.Repo, p.Done, plural(p.Objects, "file"))
		})
	}
}
