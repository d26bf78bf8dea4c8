package huggingface

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// FindToken returns the token that the official clients would use, without the
// white space around it: HF_TOKEN, else what the file HF_TOKEN_PATH holds, which
// is $HF_HOME/token by default, HF_HOME being $XDG_CACHE_HOME/huggingface or
// ~/.cache/huggingface (https://huggingface.co/docs/huggingface_hub/package_reference/environment_variables).
// It is "" if there is none.
func FindToken(getenv func(string) string) (string, error) {
	if token := strings.TrimSpace(getenv("HF_TOKEN")); token != "" {
		return token, nil
	}
	path := tokenPath(getenv)
	if path == "" {
		return "", nil
	}
	token, err := ReadToken(path)
	if errors.Is(err, fs.ErrNotExist) {
		return "", nil
	}
	return token, err
}

// ReadToken returns the token in a file.
func ReadToken(path string) (string, error) {
	f, err := os.Open(path)
	if err != nil {
		return "", fmt.Errorf("read token: %w", err)
	}
	defer func() { _ = f.Close() }()
	raw, err := io.ReadAll(io.LimitReader(f, maxToken+1))
	switch {
	case err != nil:
		return "", fmt.Errorf("read token: %w", err)
	case len(raw) > maxToken:
		return "", fmt.Errorf("read token from %s: more than %d bytes are no token", path, maxToken)
	}
	return strings.TrimSpace(string(raw)), nil
}

// tokenPath returns the file of the token, "" if nothing says where it is.
func tokenPath(getenv func(string) string) string {
	user := getenv("HOME")
	if path := getenv("HF_TOKEN_PATH"); path != "" {
		return expandHome(path, user)
	}
	home := getenv("HF_HOME")
	if cache := getenv("XDG_CACHE_HOME"); home == "" && cache != "" {
		home = filepath.Join(cache, "huggingface")
	}
	if home == "" {
		if user == "" {
			return ""
		}
		home = filepath.Join(user, ".cache", "huggingface")
	}
	return filepath.Join(expandHome(home, user), "token")
}

// expandHome replaces a leading ~.
func expandHome(path, home string) string {
	if rest, ok := strings.CutPrefix(path, "~/"); ok && home != "" {
		return filepath.Join(home, rest)
	}
	return path
}
