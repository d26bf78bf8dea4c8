package miner

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"

	"finest/hub"
	"finest/internal/canon"
	"finest/internal/contract"
	"finest/internal/durable"
)

const cardPath = "README.md"

// prepare writes what the publication holds beside shards and ledgers. Its log
// is the claimed one and a line. A line that was published but never claimed does
// not stay in it: claimed too late it would only be rejected.
func (m *Miner) prepare(ctx context.Context, l *lease) error {
	if err := m.inTime(ctx, l); err != nil {
		return err
	}
	last, err := m.claimedLog(ctx)
	if err != nil {
		return err
	}
	sums, err := m.totalsOf(ctx, last)
	if err != nil {
		return err
	}
	parent, err := m.ownHead(ctx)
	if err != nil {
		return err
	}
	if err := m.writeFiles(l, last.raw, sums); err != nil {
		return fmt.Errorf("prepare the publication of task %s: %w", l.receipt.Task, err)
	}
	return l.record(entry{Step: stepPrepared, Parent: parent, Base: canon.Sum(last.raw)})
}

// writeFiles writes the small files of a publication that continues a log, which
// sums sum up.
func (m *Miner) writeFiles(l *lease, base []byte, sums totals) error {
	signed, err := l.signed()
	if err != nil {
		return err
	}
	line := contract.LogLine{Task: l.receipt.Task, Generation: l.receipt.Generation, Manifest: l.manifestSHA256}
	log := append(bytes.Clone(base), line.Encode()...)
	lines, err := contract.ParseLog(log)
	if err != nil {
		return err
	}
	// A task that is done once more has the same rows.
	if !slices.ContainsFunc(lines[:len(lines)-1], func(done contract.LogLine) bool { return done.Task == line.Task }) {
		sums = sums.with(signed, l.summary)
	}
	sums.Log = canon.Sum(log)
	rawSums, err := canon.Marshal(sums)
	if err != nil {
		return err
	}
	readme, err := card(m.Repo, lines, sums, signed)
	if err != nil {
		return err
	}
	for path, content := range map[string][]byte{
		contract.ManifestPath(l.receipt.Task): l.manifest, totalsPath: rawSums, cardPath: readme, contract.LogPath: log,
	} {
		if err := durable.WriteBytes(l.outFile(path), 0o644, content); err != nil {
			return err
		}
	}
	return nil
}

// publish makes the commit. Publishing again what the head holds makes none, so
// a lost reply is repeated.
func (m *Miner) publish(ctx context.Context, l *lease) error {
	if err := m.inTime(ctx, l); err != nil {
		return err
	}
	sources, log, err := l.sources()
	if err != nil {
		return fmt.Errorf("publish task %s: %w", l.receipt.Task, err)
	}
	var commit string
	err = m.try(ctx, fmt.Sprintf("publish task %s in %s", l.receipt.Task, m.Repo), func() (err error) {
		commit, err = m.Hub.Publish(ctx, hub.Publication{
			Repo: m.Repo, Message: "Add " + l.receipt.Task, Parent: l.parent, Add: sources,
		})
		return err
	})
	if errors.Is(err, hub.ErrConflict) {
		m.Log.Info().Err(err).Str("task", l.receipt.Task).Msg("the repository has moved; publishing on top of it")
		return errors.Join(m.sleep(ctx, firstRetry), l.record(entry{Step: stepStored}))
	}
	if err != nil {
		return err
	}
	published := contract.Claim{Repo: m.Repo, Commit: commit, LogSHA256: log}
	if _, err := contract.ParseClaim(published.Fields()); err != nil {
		return fmt.Errorf("publish task %s: the hub's answer: %w", l.receipt.Task, err)
	}
	m.Metrics.published(sources)
	m.Log.Info().Str("task", l.receipt.Task).Str("claim", published.String()).Msg("task published")
	return l.record(entry{Step: stepPublished, Claim: journalClaim(published)})
}

// sources lists the files of the publication, and the SHA-256 of the log among
// them. The log comes last: where a hub takes several commits, none has a line
// without the files behind it.
func (l *lease) sources() (sources []hub.Source, log string, err error) {
	signed, err := l.signed()
	if err != nil {
		return nil, "", err
	}
	for _, f := range signed.Files {
		sources = append(sources, l.source(hub.File{Path: f.Path, Size: f.Bytes, SHA256: f.SHA256}))
	}
	for _, path := range []string{contract.ManifestPath(l.receipt.Task), totalsPath, cardPath, contract.LogPath} {
		content, err := os.ReadFile(l.outFile(path))
		if err != nil {
			return nil, "", err
		}
		f := hub.File{Path: path, Size: int64(len(content)), SHA256: canon.Sum(content)}
		sources = append(sources, l.source(f))
		if path == contract.LogPath {
			log = f.SHA256
		}
	}
	return sources, log, nil
}

func (l *lease) source(f hub.File) hub.Source {
	path := l.outFile(f.Path)
	return hub.Source{File: f, Open: func() (hub.Content, error) { return os.Open(path) }}
}
