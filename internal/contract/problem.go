package contract

import (
	"fmt"
	"time"
)

// Types of problems; stable.
const (
	ProblemMalformed          = "urn:finest:malformed"
	ProblemWrongOperation     = "urn:finest:wrong-operation"
	ProblemTooLarge           = "urn:finest:too-large"
	ProblemUnsigned           = "urn:finest:unsigned"
	ProblemMalformedHeader    = "urn:finest:malformed-header"
	ProblemTruncatedSignature = "urn:finest:truncated-signature"
	ProblemWrongScheme        = "urn:finest:wrong-scheme"
	ProblemBadSignature       = "urn:finest:bad-signature"
	ProblemStale              = "urn:finest:stale-timestamp"
	ProblemFuture             = "urn:finest:future-timestamp"
	ProblemWrongReceiver      = "urn:finest:wrong-receiver"
	ProblemReplayed           = "urn:finest:replayed"
	ProblemNotRegistered      = "urn:finest:not-registered"
	ProblemNoPermit           = "urn:finest:no-permit"
	ProblemBanned             = "urn:finest:banned"
	ProblemOutdated           = "urn:finest:outdated-client"
	ProblemNotHolder          = "urn:finest:not-holder"
	ProblemUnknownTask        = "urn:finest:unknown-task"
	ProblemUnknownRecipe      = "urn:finest:unknown-recipe"
	ProblemSlot               = "urn:finest:slot-beyond-quota"
	ProblemQuota              = "urn:finest:quota"
	ProblemNoTask             = "urn:finest:no-task"
	ProblemFenced             = "urn:finest:fenced"
	ProblemAlreadySubmitted   = "urn:finest:already-submitted"
	ProblemTooManyRequests    = "urn:finest:too-many-requests"
	ProblemAhead              = "urn:finest:ahead"
	ProblemChainUnavailable   = "urn:finest:chain-unavailable"
	ProblemUnavailable        = "urn:finest:unavailable"
	ProblemNotReady           = "urn:finest:not-ready"
	ProblemNotFound           = "urn:finest:not-found"
	ProblemMethod             = "urn:finest:method-not-allowed"
	ProblemInternal           = "urn:finest:internal"
)

// ProblemMediaType is the media type of a Problem (RFC 9457).
const ProblemMediaType = "application/problem+json"

// Problem is why a request was refused (RFC 9457).
type Problem struct {
	// Type is one of the Problem constants; clients decide by it.
	Type   string `json:"type"`
	Title  string `json:"title"`
	Status int    `json:"status"`
	// Detail is one sentence about this occurrence, for people.
	Detail string `json:"detail,omitempty"`
	// RetryAfterMS says when the same request may succeed, in milliseconds; 0
	// when waiting does not help. The Retry-After header holds it in seconds.
	RetryAfterMS int64 `json:"retry_after_ms,omitempty"`
}

func (p *Problem) Error() string {
	if p.Detail == "" {
		return fmt.Sprintf("%s (%d)", p.Title, p.Status)
	}
	return fmt.Sprintf("%s (%d): %s", p.Title, p.Status, p.Detail)
}

// RetryAfter returns how long to wait before the same request may succeed; 0
// when waiting does not help.
func (p *Problem) RetryAfter() time.Duration {
	return time.Duration(p.RetryAfterMS) * time.Millisecond
}
