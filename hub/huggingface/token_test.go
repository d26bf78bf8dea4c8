package huggingface_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"finest/hub/huggingface"
)

// TestFindToken looks where the official clients look, in their order.
func TestFindToken(t *testing.T) {
	dir := t.TempDir()
	for path, content := range map[string]string{
		"path": "hf_path\n", "hf/token": "\t hf_home \n", "xdg/huggingface/token": "hf_xdg", "home/.cache/huggingface/token": "hf_user",
		"home/hf/token": "hf_tilde", "empty/token": " \n", "long/token": strings.Repeat("hf_secret", 1000),
	} {
		path = filepath.Join(dir, path)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	in := func(path string) string { return filepath.Join(dir, path) }
	all := map[string]string{"HF_TOKEN": " hf_env\n", "HF_TOKEN_PATH": in("path"), "HF_HOME": in("hf"), "XDG_CACHE_HOME": in("xdg"), "HOME": in("home")}
	for _, c := range []struct {
		name   string
		change map[string]string // of all
		want   string
	}{
		{"the token itself", nil, "hf_env"},
		{"a file", map[string]string{"HF_TOKEN": ""}, "hf_path"},
		{"blanks are no token", map[string]string{"HF_TOKEN": " \n"}, "hf_path"},
		{"the Hub's folder", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": ""}, "hf_home"},
		{"the Hub's folder at home", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HOME": "~/hf"}, "hf_tilde"},
		{"the cache folder", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HOME": ""}, "hf_xdg"},
		{"the user's folder", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HOME": "", "XDG_CACHE_HOME": ""}, "hf_user"},
		{"a file that is not there", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": in("none")}, ""},
		{"a file of blanks", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HOME": in("empty")}, ""},
		{"nothing at all", map[string]string{"HF_TOKEN": "", "HF_TOKEN_PATH": "", "HF_HOME": "", "XDG_CACHE_HOME": "", "HOME": ""}, ""},
	} {
		token, err := huggingface.FindToken(func(key string) string {
			if value, ok := c.change[key]; ok {
				return value
			}
			return all[key]
		})
		if err != nil || token != c.want {
			t.Errorf("%s: %q, %v, want %q", c.name, token, err, c.want)
		}
	}
	for _, path := range []string{in("long/token"), in("hf")} {
		token, err := huggingface.FindToken(func(key string) string { return map[string]string{"HF_TOKEN_PATH": path}[key] })
		if err == nil || token != "" || strings.Contains(err.Error(), "hf_secret") || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %d bytes, error %v", path, len(token), err)
		}
	}
}
