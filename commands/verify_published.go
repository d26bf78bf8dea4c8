package commands

import (
	"context"
	"fmt"
	"io"
	"regexp"
	"strings"

	"finest/eval/audit"
	"finest/hub"
	"finest/hub/pull"
	"finest/internal/canon"
	"finest/internal/contract"
)

// source is a shard to verify.
type source struct {
	name   string
	reader io.ReaderAt
	size   int64
	close  func() error
	// recipe is that of the manifest, nil without one.
	recipe *contract.Recipe
}

// published matches a shard on the hub: OWNER/NAME[@REVISION]:data/….parquet.
var published = regexp.MustCompile(`^([^/@:]+/[^/@:]+(?:@[^:]*)?):(data/.+\.parquet)$`)

// openPublished finds a shard that a publication's manifest names, at one commit.
// Nothing but what is looked at will be read of it, checked against the
// manifest's hashes.
func openPublished(c *invocation, target, path string) (source, error) {
	ctx := c.Context.Context
	ref, err := splitRepo(target)
	if err != nil {
		return source{}, usageError("verify: %w", err)
	}
	task := taskOfShard(path)
	if task == "" {
		return source{}, usageError("verify: %q is not named as shards of publications are: data/DUMP/TASK-00000.parquet", path)
	}
	h, err := hubToRead(c)
	if err != nil {
		return source{}, err
	}
	sha, err := h.Head(ctx, ref)
	if err != nil {
		return source{}, err
	}
	if sha != ref.Revision {
		c.out.note("%s is at commit %s", ref, sha)
	}
	ref.Revision = sha
	m, err := publishedManifest(ctx, h, ref, task)
	if err != nil {
		return source{}, err
	}
	for _, f := range m.Files {
		if f.Path == path {
			return source{
				name: ref.String() + ":" + path, reader: pull.Spans(ctx, h, ref, f), size: f.Bytes,
				close: func() error { return nil }, recipe: &m.Recipe,
			}, nil
		}
	}
	return source{}, fmt.Errorf("verify: the manifest of task %s of %s names no %s", m.Task, ref, path)
}

func publishedManifest(ctx context.Context, h hub.Hub, ref hub.Ref, task string) (m contract.Manifest, err error) {
	path := contract.ManifestPath(task)
	raw, err := hub.ReadFile(ctx, h, ref, path, audit.MaxManifestBytes)
	if err != nil {
		return m, err
	}
	if err = canon.Unmarshal(raw, &m); err == nil {
		err = m.Validate()
	}
	if err == nil && m.Task != task {
		err = fmt.Errorf("it is of task %s", m.Task)
	}
	if err != nil {
		return m, fmt.Errorf("read %s of %s: %w", path, ref, err)
	}
	return m, nil
}

// taskOfShard returns the task in a shard's name, data/{dump}/{task}-00000.parquet.
func taskOfShard(path string) string {
	name := strings.TrimSuffix(path[strings.LastIndexByte(path, '/')+1:], ".parquet")
	return name[:max(0, len(name)-len("-00000"))]
}
