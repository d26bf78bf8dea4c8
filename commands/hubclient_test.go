package commands

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/urfave/cli/v2"

	"finest/hub/huggingface"
	"finest/hub/localhub"
)

// TestWhichToken: the flag comes before the environment, that before the
// configuration, that before what the Hub's own programs have stored.
func TestWhichToken(t *testing.T) {
	dir := t.TempDir()
	stored := filepath.Join(dir, ".cache", "huggingface")
	if err := os.MkdirAll(stored, 0o700); err != nil {
		t.Fatal(err)
	}
	write := func(path, text string) string {
		if !filepath.IsAbs(path) {
			path = filepath.Join(dir, path)
		}
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	write(filepath.Join(stored, "token"), "hf_stored\n")
	flagged, named := write("flagged", " hf_flagged\n"), write("named", "hf_named")
	config := write("config.toml", `hub-token-file = "`+write("configured", "hf_configured")+`"`)
	none := write("none.toml", "")
	for _, test := range []struct {
		name string
		args []string
		env  map[string]string
		want string
	}{
		{"stored", []string{"--config=" + none}, nil, "hf_stored"},
		{"configured", []string{"--config=" + config}, nil, "hf_configured"},
		{"a file that the environment names", []string{"--config=" + config}, map[string]string{"HF_TOKEN_PATH": named}, "hf_named"},
		{"in the environment", []string{"--config=" + config}, map[string]string{"HF_TOKEN": "hf_given", "HF_TOKEN_PATH": named}, "hf_given"},
		{"our own variable", []string{"--config=" + config}, map[string]string{"HF_TOKEN": "hf_given", "FINEST_HUB_TOKEN_FILE": flagged}, "hf_flagged"},
		{"the flag", []string{"--config=" + config, "--hub-token-file=" + flagged}, map[string]string{"HF_TOKEN": "hf_given"}, "hf_flagged"},
	} {
		t.Run(test.name, func(t *testing.T) {
			for _, name := range []string{"HF_TOKEN", "HF_TOKEN_PATH", "HF_HOME", "XDG_CACHE_HOME", "FINEST_HUB_TOKEN_FILE"} {
				t.Setenv(name, test.env[name])
			}
			t.Setenv("HOME", dir)
			app := exampleApp()
			got := ""
			leaves("", app.Commands)["hub pull"].Action = func(c *cli.Context) error {
				err := applyConfig(c, app.Commands)
				if err == nil {
					got, err = hubToken(&invocation{Context: c})
				}
				return err
			}
			args, err := arrange(app, append([]string{"finest", "hub", "pull"}, test.args...))
			if err == nil {
				err = app.RunContext(context.Background(), args)
			}
			if err != nil || got != test.want {
				t.Errorf("token %q, error %v, want %q", got, err, test.want)
			}
		})
	}
}

// TestMayPublish: what the hub knows to be useless is refused, and what it does
// not say is left to find out.
func TestMayPublish(t *testing.T) {
	const reply = `{"name":"alice","auth":{"accessToken":{"role":"%s"}}}`
	for _, test := range []struct {
		name   string
		status int
		body   string
		want   string // in the error, "" for none
	}{
		{"a token for writing", http.StatusOK, fmt.Sprintf(reply, "write"), ""},
		{"a fine-grained one", http.StatusOK, fmt.Sprintf(reply, "fineGrained"), ""},
		{"one for reading", http.StatusOK, fmt.Sprintf(reply, "read"), "token of alice is for reading only"},
		{"nobody's", http.StatusUnauthorized, `{"error":"Invalid credentials in Authorization header"}`, "set HF_TOKEN"},
		{"no hub", http.StatusNotFound, "<html>", "no hub answers like this"},
		{"a hub with other worries", http.StatusNotImplemented, "", ""},
	} {
		t.Run(test.name, func(t *testing.T) {
			server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(test.status)
				_, _ = io.WriteString(w, test.body)
			}))
			defer server.Close()
			client, err := huggingface.New(huggingface.Options{Endpoint: server.URL, Token: "hf_alice"})
			if err != nil {
				t.Fatal(err)
			}
			c := &invocation{Context: &cli.Context{Context: t.Context()}}
			err = mayPublish(c, client)
			if test.want == "" && err != nil || test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
				t.Errorf("error %v, want %q", err, test.want)
			}
		})
	}
	if err := mayPublish(&invocation{}, &localhub.Hub{}); err != nil {
		t.Errorf("a folder: %v", err)
	}
}

// Uploads are told of now and then, as everything that takes time.
func TestUploadProgress(t *testing.T) {
	var errs bytes.Buffer
	out := newPrinter(Streams{Out: io.Discard, Err: &errs}, false, false)
	now := out.now()
	out.now = func() time.Time { return now }
	show := uploadProgress(out)
	for range 3 {
		show(huggingface.Progress{Repo: "alice/finest", Path: "data/x.parquet", Sent: 12_345_678, Size: 456_000_000, Done: 1, Objects: 3})
		now = now.Add(plainInterval / 2)
	}
	if want := "uploaded 12.3 MB of 456.0 MB to alice/finest, 1 of 3 files whole\n"; errs.String() != want {
		t.Errorf("progress is %q, want %q", errs.String(), want)
	}
}

func TestPublishedShard(t *testing.T) {
	const path = "data/CC-MAIN-2024-10/CC-MAIN-2024-10-000017-00000.parquet"
	for _, test := range []struct {
		target, ref string // ref "" for a file of this machine
		row         int64
	}{
		{"alice/finest:" + path, "alice/finest@main", -1},
		{"alice/finest:" + path + ":7", "alice/finest@main", 7},
		{"alice/finest@v1:" + path, "alice/finest@v1", -1},
		{"alice/finest@refs/pr/1:" + path + ":0", "alice/finest@refs/pr/1", 0},
		{path, "", -1},
		{"alice/finest/" + path + ":7", "", 7},
		{"/srv/alice/finest:" + path, "", -1},
		{"alice/finest:ledger/x.parquet", "", -1},
		{"alice:" + path, "", -1},
	} {
		shard, row := splitRow(test.target)
		got := ""
		if m := published.FindStringSubmatch(shard); m != nil {
			ref, err := splitRepo(m[1])
			if err != nil || m[2] != path {
				t.Errorf("%s: file %s, error %v", test.target, m[2], err)
			}
			got = ref.String()
		}
		if got != test.ref || row != test.row {
			t.Errorf("%s: row %d of %q, want row %d of %q", test.target, row, got, test.row, test.ref)
		}
	}
	if task := taskOfShard(path); task != "CC-MAIN-2024-10-000017" {
		t.Errorf("the task of the shard is %q", task)
	}
}
