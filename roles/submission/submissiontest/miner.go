package submissiontest

import (
	"bytes"
	"context"
	"maps"
	"os"
	"path/filepath"

	"finest/chain/wallet"
	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
)

// Miner publishes and claims. Nothing it claims need be true.
type Miner struct {
	w    *World
	Key  *wallet.Hotkey
	Repo string
	// Log is the claim log that the next publication holds.
	Log    []byte
	commit string
	files  map[string][]byte // of all tasks
}

// Miner returns the miner with this key; it need not be registered.
func (w *World) Miner(uri string) *Miner {
	w.T.Helper()
	m := &Miner{w: w, Key: Key(w.T, uri), files: make(map[string][]byte)}
	m.Repo = "miner-" + m.Key.Address()[:8] + "/finest"
	return m
}

// Publish publishes some work with a new line in the log, and returns the
// manifest's bytes. edits change the manifest before it is signed.
func (m *Miner) Publish(work Work, edits ...func(*contract.Manifest)) []byte {
	m.w.T.Helper()
	dir := m.w.T.TempDir()
	manifest := m.w.write(dir, work)
	for _, edit := range edits {
		edit(&manifest)
	}
	manifest.Signature = m.w.signature(m.Key, manifest.Unsigned())
	raw, err := canon.Marshal(manifest)
	m.w.must(err)
	generation := int64(1)
	if manifest.Receipt != nil {
		generation = manifest.Receipt.Generation
	}
	line := contract.LogLine{Task: work.Receipt.Task, Generation: generation, Manifest: canon.Sum(raw)}
	m.Log = append(m.Log, line.Encode()...)
	files := map[string][]byte{contract.ManifestPath(work.Receipt.Task): raw}
	for _, f := range manifest.Files {
		content, err := os.ReadFile(filepath.Join(dir, filepath.FromSlash(f.Path)))
		if err == nil {
			files[f.Path] = content
		}
	}
	m.Commit(files)
	return raw
}

// Commit publishes files and the log.
func (m *Miner) Commit(files map[string][]byte) {
	m.w.T.Helper()
	ctx := context.Background()
	m.w.must(m.w.Hub.EnsureRepo(ctx, m.Repo))
	if m.commit == "" { // a new repository has a commit of its own
		var err error
		m.commit, err = m.w.Hub.Head(ctx, hub.Ref{Repo: m.Repo, Revision: hub.MainBranch})
		m.w.must(err)
	}
	p := hub.Publication{Repo: m.Repo, Message: "publish", Parent: m.commit}
	add := func(path string, content []byte) { p.Add = append(p.Add, hub.Bytes(path, bytes.Clone(content))) }
	for path, content := range files {
		add(path, content)
		m.files[path] = content
	}
	add(contract.LogPath, bytes.Clone(m.Log))
	var err error
	m.commit, err = m.w.Hub.Publish(ctx, p)
	m.w.must(err)
}

// Move publishes everything again in another repository.
func (m *Miner) Move(repo string) {
	m.w.T.Helper()
	m.Repo, m.commit = repo, ""
	m.Commit(maps.Clone(m.files))
}

// Pending returns the claim of what was published last.
func (m *Miner) Pending() contract.Claim {
	return contract.Claim{Repo: m.Repo, Commit: m.commit, LogSHA256: canon.Sum(m.Log)}
}

// Claim claims what was published last and returns the block of the claim.
func (m *Miner) Claim() uint64 {
	m.w.T.Helper()
	return m.ClaimThat(m.Pending())
}

// ClaimThat writes a claim on chain.
func (m *Miner) ClaimThat(c contract.Claim) uint64 {
	m.w.T.Helper()
	in, err := m.w.Chain.SetCommitment(context.Background(), m.Key, Netuid, c.Fields())
	m.w.must(err)
	return in.Block.Number
}

// Honest leases, refines, publishes and claims one task, and returns the block
// of the claim and the work.
func (m *Miner) Honest() (uint64, Work) {
	m.w.T.Helper()
	work := m.w.Refine(m.w.Lease(m.Key))
	m.Publish(work)
	return m.Claim(), work
}
