package client

import (
	"context"
	"encoding/hex"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"finest/chain/wallet"
	"finest/internal/canon"
	"finest/internal/contract"
)

func (c *Client) get(ctx context.Context, path string, answer any) error {
	return c.do(ctx, http.MethodGet, path, nil, nil, answer)
}

func since(path string, seq int64) string { return path + "?since=" + strconv.FormatInt(seq, 10) }

// Info returns who the server is and what it serves.
func (c *Client) Info(ctx context.Context) (contract.ServerInfo, error) {
	var i contract.ServerInfo
	err := c.get(ctx, "/v1/server", &i)
	return i, err
}

// Crawls returns the crawls of the server and how far they are.
func (c *Client) Crawls(ctx context.Context) ([]contract.CrawlView, error) {
	var l contract.CrawlList
	err := c.get(ctx, "/v1/crawls", &l)
	return l.Crawls, err
}

// Stats sums up all crawls.
func (c *Client) Stats(ctx context.Context) (contract.Stats, error) {
	var s contract.Stats
	err := c.get(ctx, "/v1/stats", &s)
	return s, err
}

// Audit returns the head of the server's audit log.
func (c *Client) Audit(ctx context.Context) (contract.AuditHead, error) {
	var h contract.AuditHead
	err := c.get(ctx, "/v1/audit", &h)
	return h, err
}

// Proofs returns the proofs after seq, oldest first, and what to pass as seq
// the next time. A page without proofs means that there are no more now.
func (c *Client) Proofs(ctx context.Context, seq int64) ([]contract.ProofView, int64, error) {
	var page contract.ProofList
	err := c.get(ctx, since("/v1/proofs", seq), &page)
	return page.Proofs, page.Next, err
}

// Submissions returns the submissions after seq, oldest first, and what to pass
// as seq the next time.
func (c *Client) Submissions(ctx context.Context, seq int64) ([]contract.SubmissionView, int64, error) {
	var page contract.SubmissionList
	err := c.get(ctx, since("/v1/submissions", seq), &page)
	return page.Submissions, page.Next, err
}

// Verdicts returns the verdicts after seq on results of a hotkey, of all if it
// is empty, oldest first, and what to pass as seq the next time.
func (c *Client) Verdicts(ctx context.Context, hotkey string, seq int64) ([]contract.VerdictView, int64, error) {
	path := since("/v1/verdicts", seq)
	if hotkey != "" {
		path += "&hotkey=" + url.QueryEscape(hotkey)
	}
	var page contract.VerdictList
	err := c.get(ctx, path, &page)
	return page.Verdicts, page.Next, err
}

// Task returns one task with its submissions and published verdicts.
func (c *Client) Task(ctx context.Context, id string) (contract.TaskView, error) {
	var t contract.TaskView
	err := c.get(ctx, "/v1/tasks/"+url.PathEscape(id), &t)
	return t, err
}

// Leaderboard returns what is known of each hotkey, most accepted first.
func (c *Client) Leaderboard(ctx context.Context) ([]contract.Standing, error) {
	var l contract.Leaderboard
	err := c.get(ctx, "/v1/leaderboard", &l)
	return l.Standings, err
}

// Statement returns the signed request that a verdict came with, after checking
// that its validator signed it: the server relays verdicts and cannot make them
// up.
func (c *Client) Statement(ctx context.Context, sha256 string) (contract.Statement, error) {
	var s contract.Statement
	if err := c.get(ctx, "/v1/statements/"+url.PathEscape(sha256), &s); err != nil {
		return contract.Statement{}, err
	}
	if err := checkStatement(&s, sha256); err != nil {
		return contract.Statement{}, fmt.Errorf("statement %s of %s: %w: %w", sha256, c.base, ErrAnswer, err)
	}
	return s, nil
}

// checkStatement checks a statement and puts its body into the form that was
// signed.
func checkStatement(s *contract.Statement, sha256 string) error {
	body, err := canon.Canonicalize(s.Body)
	if err != nil {
		return err
	}
	s.Body = body
	if id := contract.StatementID(s.Validator, body); id != sha256 || s.SHA256 != sha256 {
		return fmt.Errorf("it is statement %s", id)
	}
	return VerifyStatement(*s)
}

// VerifyStatement checks that a statement, whose body is in the form that was
// signed, is signed by its validator.
func VerifyStatement(s contract.Statement) error {
	key, err := wallet.ParseAddress(s.Validator)
	if err != nil {
		return err
	}
	h := contract.SignedHeaders{Timestamp: s.Timestamp, UUID: s.UUID, SignedBy: s.Validator, SignedFor: s.SignedFor}
	if len(s.Signature) != hex.EncodedLen(len(h.Signature)) {
		return fmt.Errorf("signature of %d digits", len(s.Signature))
	}
	if _, err := hex.Decode(h.Signature[:], []byte(s.Signature)); err != nil {
		return fmt.Errorf("signature: %w", err)
	}
	if !wallet.Verify(key, h.Message(s.Body), h.Signature) {
		return fmt.Errorf("it is not signed by %s", s.Validator)
	}
	return nil
}
