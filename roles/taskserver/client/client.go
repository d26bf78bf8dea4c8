// Package client is the other side of a task server: what miners send, what
// validators send and read. Every method makes one attempt; whoever calls
// decides whether and when to try again. Repeating a request is safe: the task
// server answers the repetition as it answered the first.
package client

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"finest/chain"
	"finest/internal/canon"
	"finest/internal/contract"
)

// Errors that callers tell apart with errors.Is. Whatever the server refused
// also holds a *contract.Problem for errors.As.
var (
	// ErrNoTask: no task is available now; RetryAfter says when to ask again.
	ErrNoTask = errors.New("no task is available")
	// ErrFenced: the lease is over; its result counts no more.
	ErrFenced = errors.New("the lease is over")
	// ErrBanned: the operator keeps this hotkey or its coldkey from leasing.
	ErrBanned = errors.New("banned by the task server")
	// ErrOutdated: the server serves newer clients only.
	ErrOutdated = errors.New("the task server wants a newer client")
	// ErrUnavailable: the server, or the chain behind it, cannot be reached now.
	ErrUnavailable = errors.New("task server unavailable")
	// ErrAnswer: the server answered what no task server answers.
	ErrAnswer = errors.New("unexpected answer of the task server")
)

// Throttled says that this hotkey asked too often.
type Throttled struct {
	RetryAfter time.Duration
	Problem    *contract.Problem
}

func (t *Throttled) Error() string { return t.Problem.Error() }

// Unwrap returns the problem.
func (t *Throttled) Unwrap() error { return t.Problem }

// RetryAfter returns how long the server asked to wait before the request that
// failed with err is repeated; 0 if it did not say.
func RetryAfter(err error) time.Duration {
	var p *contract.Problem
	if errors.As(err, &p) {
		return p.RetryAfter()
	}
	return 0
}

// Client talks to one task server for one hotkey. It is safe for concurrent
// use.
type Client struct {
	// Server is the address requests are signed for. When empty it is asked of
	// the server before the first signed request. Set it before first use.
	Server string

	base   string
	signer chain.Signer
	http   *http.Client
	clock  func() time.Time

	mu      sync.Mutex
	learned string
}

// DefaultTimeout bounds one attempt when New is given no http.Client.
const DefaultTimeout = 30 * time.Second

// New returns a client of the task server at base, an http or https URL.
// signer may be nil if only GETs are wanted; httpClient nil means one with
// DefaultTimeout, clock nil time.Now.
func New(base string, signer chain.Signer, httpClient *http.Client, clock func() time.Time) *Client {
	if httpClient == nil {
		httpClient = &http.Client{Timeout: DefaultTimeout}
	}
	if clock == nil {
		clock = time.Now
	}
	return &Client{base: strings.TrimRight(base, "/"), signer: signer, http: httpClient, clock: clock}
}

// Lease returns the lease of a slot: the one the hotkey holds, else a new one.
// The receipt is well formed and made out to this hotkey; its signature and
// everything else is for the caller to judge.
func (c *Client) Lease(ctx context.Context, slot int, recipe string) (contract.Receipt, error) {
	var r contract.Receipt
	err := c.post(ctx, contract.OpLease, contract.LeaseRequest{Op: contract.OpLease, Slot: slot, Recipe: recipe}, &r)
	if err != nil {
		return contract.Receipt{}, err
	}
	if err := r.Validate(); err != nil {
		return contract.Receipt{}, fmt.Errorf("lease slot %d: %w: %w", slot, ErrAnswer, err)
	}
	if r.Hotkey != c.signer.Address() {
		return contract.Receipt{}, fmt.Errorf("lease slot %d: %w: receipt is for hotkey %s", slot, ErrAnswer, r.Hotkey)
	}
	return r, nil
}

// Renew is a sign of life for a lease.
func (c *Client) Renew(ctx context.Context, task string, generation int64) error {
	return c.post(ctx, contract.OpRenew,
		contract.RenewRequest{Op: contract.OpRenew, Task: task, Generation: generation}, new(contract.LeaseStatus))
}

// Release gives a lease back; Op need not be set.
func (c *Client) Release(ctx context.Context, r contract.ReleaseRequest) error {
	r.Op = contract.OpRelease
	return c.post(ctx, contract.OpRelease, r, new(contract.LeaseStatus))
}

// Submit announces the result of a lease; Op need not be set.
func (c *Client) Submit(ctx context.Context, r contract.SubmitRequest) error {
	r.Op = contract.OpSubmit
	return c.post(ctx, contract.OpSubmit, r, new(contract.LeaseStatus))
}

// Score publishes verdicts whose weights are on chain in weightsBlock.
func (c *Client) Score(ctx context.Context, verdicts []contract.Verdict, weightsBlock uint64) error {
	for len(verdicts) > 0 {
		n := min(len(verdicts), contract.MaxVerdicts)
		r := contract.ScoreRequest{Op: contract.OpScore, WeightsBlock: weightsBlock, Verdicts: verdicts[:n]}
		if err := c.post(ctx, contract.OpScore, r, nil); err != nil {
			return err
		}
		verdicts = verdicts[n:]
	}
	return nil
}

// SendProof shares a fraud proof, a JSON object.
func (c *Client) SendProof(ctx context.Context, proof json.RawMessage) error {
	return c.post(ctx, contract.OpProof, contract.ProofRequest{Op: contract.OpProof, Proof: proof}, nil)
}

func (c *Client) post(ctx context.Context, op string, body, answer any) error {
	if c.signer == nil {
		return fmt.Errorf("%s at %s: no hotkey to sign with", op, c.base)
	}
	raw, err := canon.Marshal(body)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", op, c.base, err)
	}
	server, known, err := c.server(ctx)
	if err != nil {
		return err
	}
	err = c.sign(ctx, op, raw, server, answer)
	if !known || !IsProblem(err, contract.ProblemWrongReceiver) {
		return err
	}
	c.forget(server) // its key was rotated since
	if server, _, err = c.server(ctx); err != nil {
		return err
	}
	return c.sign(ctx, op, raw, server, answer)
}

// sign sends a request that is signed for server.
func (c *Client) sign(ctx context.Context, op string, raw []byte, server string, answer any) error {
	id, err := uuid.NewRandom()
	if err != nil {
		return fmt.Errorf("%s at %s: %w", op, c.base, err)
	}
	signed, err := contract.SignRequest(raw, c.clock(), id.String(), c.signer.Address(), server, c.signer.Sign)
	if err != nil {
		return fmt.Errorf("%s at %s: sign the request: %w", op, c.base, err)
	}
	headers := signed.Values()
	headers[contract.HeaderClient] = strconv.Itoa(contract.ClientVersion)
	return c.do(ctx, http.MethodPost, "/v1/"+op, raw, headers, answer)
}

// server returns the address to sign for, and whether it may be outdated.
func (c *Client) server(ctx context.Context) (address string, known bool, err error) {
	if c.Server != "" {
		return c.Server, false, nil
	}
	c.mu.Lock()
	learned := c.learned
	c.mu.Unlock()
	if learned != "" {
		return learned, true, nil
	}
	info, err := c.Info(ctx)
	if err != nil {
		return "", false, err
	}
	if info.Server == "" {
		return "", false, fmt.Errorf("%s: %w: it does not say who it is", c.base, ErrAnswer)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.learned = info.Server
	return info.Server, false, nil
}

// forget makes the client ask again who the server is, unless it has done so.
func (c *Client) forget(server string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.learned == server {
		c.learned = ""
	}
}
