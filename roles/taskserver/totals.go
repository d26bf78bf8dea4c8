package taskserver

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"time"

	"finest/internal/contract"
	"finest/roles/taskserver/engine"
)

// totals are sums over the whole store. However many ask, they are read at most
// once per HeadAge, and for a tenth of the time at most.
type totals struct {
	crawls    []contract.CrawlView
	counts    []engine.TaskCount
	standings []contract.Standing
	audit     contract.AuditHead
}

func (s *Server) sumUp(ctx context.Context) (t totals, err error) {
	began := time.Now()
	defer func() { s.totalsTook.Store(int64(time.Since(began))) }()
	err = s.store.View(ctx, func(v engine.View) (err error) {
		t = totals{}
		if t.counts, err = engine.Leasable(v); err != nil {
			return err
		}
		if t.crawls, err = crawlViews(v, t.counts); err != nil {
			return err
		}
		if t.standings, err = v.Standings(); err != nil {
			return err
		}
		t.audit, err = auditHead(v)
		return err
	})
	return t, err
}

func crawlViews(v engine.View, counts []engine.TaskCount) ([]contract.CrawlView, error) {
	crawls, err := v.Crawls()
	views := make([]contract.CrawlView, 0, len(crawls))
	for _, c := range crawls {
		view := contract.CrawlView{Crawl: c.Name, CatalogueSHA256: c.CatalogueSHA256, FilesPerTask: c.FilesPerTask,
			Files: c.Files, Tasks: c.Tasks, Retired: c.Retired}
		for _, n := range counts {
			if n.Crawl == c.Name {
				view.Tally.Add(n.State, n.Ready, n.Tasks)
			}
		}
		views = append(views, view)
	}
	return views, err
}

// anchorSetting is where the newest anchor is kept.
const anchorSetting = "anchor"

// auditHead is what may be known of the audit log. Its entries name the holders
// of open leases.
func auditHead(v engine.View) (contract.AuditHead, error) {
	entry, err := v.AuditHead()
	if err != nil {
		return contract.AuditHead{}, err
	}
	head := contract.AuditHead{Seq: entry.Seq, Hash: entry.Hash, Block: entry.Block}
	head.Anchor, err = lastAnchor(v)
	return head, err
}

// lastAnchor returns the newest anchor; nil without one.
func lastAnchor(v engine.View) (*contract.Anchored, error) {
	text, err := v.Setting(anchorSetting)
	if err != nil || text == "" {
		return nil, err
	}
	anchor := new(contract.Anchored)
	if err := json.Unmarshal([]byte(text), anchor); err != nil {
		return nil, fmt.Errorf("setting %s: %w", anchorSetting, err)
	}
	return anchor, nil
}

// sums returns the totals, not too old.
func (s *Server) sums(ctx context.Context) (totals, error) {
	return s.totals.get(ctx, max(s.o.HeadAge, 10*time.Duration(s.totalsTook.Load())))
}

func (s *Server) getCrawls(r *http.Request) (contract.CrawlList, error) {
	s.known(r.Context())
	t, err := s.sums(r.Context())
	return contract.CrawlList{Crawls: orEmpty(t.crawls)}, err
}

func (s *Server) getLeaderboard(r *http.Request) (contract.Leaderboard, error) {
	s.known(r.Context())
	t, err := s.sums(r.Context())
	return contract.Leaderboard{Standings: orEmpty(t.standings)}, err
}

func (s *Server) getStats(r *http.Request) (contract.Stats, error) {
	s.known(r.Context())
	t, err := s.sums(r.Context())
	return s.statsOf(t), err
}

func (s *Server) statsOf(t totals) contract.Stats {
	stats := contract.Stats{Block: s.chain.number(), Hotkeys: int64(len(t.standings)), Audit: t.audit}
	for _, n := range t.counts {
		stats.Tally.Add(n.State, n.Ready, n.Tasks)
	}
	for _, st := range t.standings {
		stats.Submissions += st.Submitted
		stats.Bytes += st.Bytes
	}
	return stats
}

func (s *Server) getAudit(r *http.Request) (contract.AuditHead, error) {
	return read(s, r, auditHead)
}

func (s *Server) getHealth(*http.Request) (contract.Health, error) {
	return contract.Health{Status: "ok"}, nil
}

// staleHead is how many block times a head may be the newest before the server
// calls itself not ready: without new blocks no receipt is worth anything.
const staleHead = 10

func (s *Server) getReady(r *http.Request) (contract.Health, error) {
	notReady := func(format string, args ...any) error {
		return retry(problem(contract.ProblemNotReady, format, args...), s.o.BlockTime)
	}
	if s.draining.Load() {
		return contract.Health{}, notReady("the server ends")
	}
	if err := s.store.Ping(r.Context()); err != nil {
		return contract.Health{}, errors.Join(notReady("the store does not answer"), err)
	}
	if _, err := s.chain.Head(r.Context()); err != nil {
		return contract.Health{}, errors.Join(notReady("the chain cannot be read"), err)
	}
	if age := s.chain.age(); age > staleHead*s.o.BlockTime {
		return contract.Health{}, notReady("the newest finalised block has been %d for %s", s.chain.number(), age.Round(time.Second))
	}
	return contract.Health{Status: "ready"}, nil
}
