package commands_test

import (
	"context"
	"io/fs"
	"path/filepath"

	"github.com/rogpeppe/go-internal/testscript"

	"finest/hub"
	"finest/hub/localhub"
)

// publish is the script command
//
//	publish HUB OWNER/NAME DIR
//
// It publishes all files of a folder to the hub in another.
func publish(ts *testscript.TestScript, _ bool, args []string) {
	ctx := context.Background()
	h, err := localhub.Open(ts.MkAbs(args[0]))
	ts.Check(err)
	ts.Check(h.EnsureRepo(ctx, args[1]))
	p := hub.Publication{Repo: args[1], Message: "publish"}
	p.Parent, err = h.Head(ctx, hub.Ref{Repo: args[1], Revision: hub.MainBranch})
	ts.Check(err)
	root := ts.MkAbs(args[2])
	ts.Check(filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		name, err := filepath.Rel(root, path)
		p.Add = append(p.Add, hub.Bytes(filepath.ToSlash(name), []byte(ts.ReadFile(path))))
		return err
	}))
	_, err = h.Publish(ctx, p)
	ts.Check(err)
}
