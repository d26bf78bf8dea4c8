package devhubtest_test

import (
	"errors"
	"testing"

	"finest/hub"
	"finest/hub/devhub"
	"finest/hub/devhub/devhubtest"
)

// What a client publishes is in the folder, and trouble costs no time.
func TestServe(t *testing.T) {
	w := devhubtest.Serve(t)
	c := devhubtest.Dial(t, w.Endpoint)
	const repo = "tester/corpus"
	w.Server.Faults().Reply(devhub.Match{Path: "/create$"}, 2, 503, nil, "")
	if err := c.EnsureRepo(t.Context(), repo); err != nil {
		t.Fatal(err)
	}
	main := hub.Ref{Repo: repo, Revision: hub.MainBranch}
	head, err := c.Head(t.Context(), main)
	if err != nil {
		t.Fatal(err)
	}
	sha, err := c.Publish(t.Context(), hub.Publication{Repo: repo, Message: "m", Parent: head, Add: []hub.Source{hub.Bytes("f.parquet", []byte("rows"))}})
	if err != nil {
		t.Fatal(err)
	}
	for name, h := range map[string]hub.Hub{"served": c, "in the folder": w.Store, "served again": devhubtest.Dial(t, devhubtest.ServeDir(t, w.Dir).Endpoint)} {
		if raw, err := hub.ReadFile(t.Context(), h, hub.Ref{Repo: repo, Revision: sha}, "f.parquet", 10); err != nil || string(raw) != "rows" {
			t.Errorf("%s the file is %q, %v", name, raw, err)
		}
	}
	if err := w.Server.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := c.Head(t.Context(), main); !errors.Is(err, hub.ErrUnavailable) {
		t.Errorf("once the server is closed: %v, want ErrUnavailable", err)
	}
}
