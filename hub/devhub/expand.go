package devhub

import (
	"context"

	"finest/hub"
)

// maxExpand is how many commits are looked through for the last that changed a
// file. What is older counts as changed by the oldest of them.
const maxExpand = 50

// addCommits adds to each node the last commit that changed it.
func (s *Server) addCommits(ctx context.Context, ref hub.Ref, nodes []nodeJSON) error {
	commits, err := s.store.Log(ctx, ref, maxExpand+1)
	if err != nil {
		return err
	}
	open := len(nodes)
	for i, c := range commits {
		last := i == len(commits)-1 || i == maxExpand-1
		var before map[string]string
		if !last {
			if before, err = s.gitIDs(ctx, hub.Ref{Repo: ref.Repo, Revision: c.Parent}); err != nil {
				return err
			}
		}
		for j := range nodes {
			if n := &nodes[j]; n.LastCommit == nil && (last || before[n.Path] != n.OID) {
				n.LastCommit = &lastCommitJSON{ID: c.SHA, Title: c.Message, Date: timestamp(c.Date)}
				open--
			}
		}
		if last || open == 0 {
			break
		}
	}
	return nil
}

// gitIDs returns the Git ids of all files and folders of a commit.
func (s *Server) gitIDs(ctx context.Context, ref hub.Ref) (map[string]string, error) {
	entries, err := s.store.Entries(ctx, ref, "", maxTree)
	if err != nil {
		return nil, err
	}
	ids := folderIDs(entries, "")
	for _, e := range entries {
		ids[e.Path] = e.GitID
	}
	return ids, nil
}
