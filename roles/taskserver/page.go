package taskserver

import (
	"bytes"
	"fmt"
	"html/template"
	"net/http"

	"finest/internal/contract"
)

// page shows people what programs read at /v1/stats and /v1/leaderboard.
const page = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>finest task server</title>
<style>body{font:15px system-ui;margin:2rem auto;max-width:70rem;padding:0 1rem}table{border-collapse:collapse;margin:1rem 0}
th,td{padding:.2rem .8rem;border-bottom:1px solid #ccc;text-align:right}th:first-child,td:first-child{text-align:left;font-family:monospace}</style></head>
<body><h1>finest task server</h1>
<p>Block {{.Stats.Block}}. Facts, not weights: validators decide those.</p>
<h2>Crawls</h2>
<table><tr><th>crawl</th><th>tasks</th><th>available</th><th>leased</th><th>submitted</th><th>accepted</th><th>rejected</th><th>quarantined</th></tr>
{{range .Crawls}}<tr><td>{{.Crawl}}</td><td>{{.Tasks}}</td><td>{{.Tally.Available}}</td><td>{{.Tally.Leased}}</td><td>{{.Tally.Submitted}}</td><td>{{.Tally.Accepted}}</td><td>{{.Tally.Rejected}}</td><td>{{.Tally.Quarantined}}</td></tr>
{{end}}</table>
<h2>Miners</h2>
<table><tr><th>hotkey</th><th>submitted</th><th>bytes</th><th>accepted</th><th>rejected</th><th>undecided</th><th>last block</th></tr>
{{range .Standings}}<tr><td>{{.Hotkey}}</td><td>{{.Submitted}}</td><td>{{.Bytes}}</td><td>{{.Accepted}}</td><td>{{.Rejected}}</td><td>{{.Undecided}}</td><td>{{.LastBlock}}</td></tr>
{{end}}</table>
<p>Audit log: entry {{.Stats.Audit.Seq}}, {{.Stats.Audit.Hash}}</p>
</body></html>
`

// maxShown is how many miners the page shows.
const maxShown = 1000

// newPage returns the page as a handler.
func (s *Server) newPage() (http.Handler, error) {
	shown, err := template.New("page").Parse(page)
	if err != nil {
		return nil, fmt.Errorf("page of the leaderboard: %w", err)
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		s.known(r.Context())
		t, err := s.sums(r.Context())
		if err != nil {
			s.refuse(w, "GET /leaderboard", err)
			return
		}
		var body bytes.Buffer
		err = shown.Execute(&body, struct {
			Stats     contract.Stats
			Crawls    []contract.CrawlView
			Standings []contract.Standing
		}{s.statsOf(t), t.crawls, t.standings[:min(len(t.standings), maxShown)]})
		if err != nil {
			s.refuse(w, "GET /leaderboard", fmt.Errorf("%w: %w", errInternal, err))
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'")
		s.send(w, r, "GET /leaderboard", body.Bytes())
	}), nil
}
