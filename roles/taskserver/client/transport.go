package client

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"strconv"
	"time"

	"finest/internal/contract"
)

// maxAnswer bounds an answer: a page of proofs is the largest.
const maxAnswer = 32 << 20

// do makes one attempt. answer nil means that the content does not matter.
func (c *Client) do(ctx context.Context, method, path string, body []byte, headers map[string]string, answer any) error {
	target := c.base + path
	req, err := http.NewRequestWithContext(ctx, method, target, bytes.NewReader(body))
	if err != nil {
		return fmt.Errorf("%s %s: %w", method, target, err)
	}
	req.Header.Set("Accept", "application/json")
	if body != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	for name, value := range headers {
		req.Header.Set(name, value)
	}
	resp, err := c.http.Do(req)
	if ctx.Err() != nil {
		return fmt.Errorf("%s %s: %w", method, target, ctx.Err())
	}
	if err != nil {
		// err names method and URL already.
		return fmt.Errorf("%w: %w", ErrUnavailable, err)
	}
	defer func() { _ = resp.Body.Close() }()
	raw, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer+1))
	switch {
	case err != nil:
		return fmt.Errorf("%s %s: %w: read the answer: %w", method, target, ErrUnavailable, err)
	case len(raw) > maxAnswer:
		return fmt.Errorf("%s %s: %w: more than %d bytes", method, target, ErrAnswer, maxAnswer)
	case resp.StatusCode < 200 || resp.StatusCode > 299:
		return fmt.Errorf("%s %s: %w", method, target, refusal(resp, raw))
	case answer == nil:
		return nil
	}
	if err := json.Unmarshal(raw, answer); err != nil {
		return fmt.Errorf("%s %s: %w: %w", method, target, ErrAnswer, err)
	}
	return nil
}

// refusal turns an answer that is not a success into an error.
func refusal(resp *http.Response, raw []byte) error {
	p := new(contract.Problem)
	kind, _, _ := mime.ParseMediaType(resp.Header.Get("Content-Type"))
	if kind != contract.ProblemMediaType || json.Unmarshal(raw, p) != nil {
		// A proxy answers, or something that is no task server.
		p = &contract.Problem{Title: http.StatusText(resp.StatusCode)}
	}
	p.Status = resp.StatusCode
	if p.RetryAfterMS == 0 {
		if seconds, err := strconv.Atoi(resp.Header.Get("Retry-After")); err == nil && seconds > 0 && seconds < 1<<20 {
			p.RetryAfterMS = (time.Duration(seconds) * time.Second).Milliseconds()
		}
	}
	if p.Status == http.StatusTooManyRequests {
		return &Throttled{RetryAfter: p.RetryAfter(), Problem: p}
	}
	if kind := kindOf(p); kind != nil {
		return fmt.Errorf("%w: %w", kind, p)
	}
	return p
}

func kindOf(p *contract.Problem) error {
	switch {
	case p.Type == contract.ProblemNoTask:
		return ErrNoTask
	case p.Type == contract.ProblemFenced:
		return ErrFenced
	case p.Type == contract.ProblemBanned:
		return ErrBanned
	case p.Type == contract.ProblemOutdated:
		return ErrOutdated
	case p.Status >= 500:
		return ErrUnavailable
	case p.Type == "":
		return ErrAnswer
	}
	return nil
}

// IsProblem reports whether the server refused with a problem of this type, one
// of the contract.Problem constants.
func IsProblem(err error, kind string) bool {
	var p *contract.Problem
	return errors.As(err, &p) && p.Type == kind
}
