package main

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"finest/chain"
	"finest/internal/contract"
	"finest/roles/taskserver/client"
)

// sender sends the requests of one hotkey.
type sender struct {
	pool   *pool
	signer chain.Signer
	server string // the address to sign for
	// constant are the headers that every request has.
	constant string
}

func newSender(p *pool, signer chain.Signer, server string) *sender {
	var headers strings.Builder
	for _, h := range [][2]string{
		{"Host", p.addr}, {"Accept", "application/json"}, {"Content-Type", "application/json"},
		{contract.HeaderClient, fmt.Sprint(contract.ClientVersion)}, {contract.HeaderVersion, contract.SignatureVersion},
		{contract.HeaderSignedBy, signer.Address()}, {contract.HeaderSignedFor, server},
	} {
		fmt.Fprintf(&headers, "%s: %s\r\n", h[0], h[1])
	}
	return &sender{pool: p, signer: signer, server: server, constant: headers.String()}
}

// post makes one attempt of a request, whose answer names a lease.
func (s *sender) post(ctx context.Context, op string, body []byte) (lease, error) {
	id, err := uuid.NewRandom()
	if err != nil {
		return lease{}, fmt.Errorf("%s: %w", op, err)
	}
	begin := time.Now()
	signed, err := contract.SignRequest(body, begin, id.String(), s.signer.Address(), s.server, s.signer.Sign)
	if err != nil {
		return lease{}, fmt.Errorf("%s: sign the request: %w", op, err)
	}
	l, err := s.exchange(ctx, op, signed, body, begin.Add(client.DefaultTimeout))
	if err != nil {
		return lease{}, fmt.Errorf("%s: %w", op, err)
	}
	return l, nil
}

// exchange sends a request, once, and reads its answer.
func (s *sender) exchange(ctx context.Context, op string, signed contract.SignedHeaders, body []byte, deadline time.Time) (lease, error) {
	c, err := s.pool.take(ctx, deadline)
	if err != nil {
		return lease{}, err
	}
	again := false
	defer func() { s.pool.give(c, again) }()
	if err := c.SetDeadline(deadline); err != nil {
		return lease{}, err
	}
	c.request = s.appendRequest(c.request[:0], op, signed, body)
	if _, err := c.Write(c.request); err != nil {
		return lease{}, err
	}
	a, err := c.answers.next()
	if err != nil {
		return lease{}, err
	}
	again = !a.last
	return a.lease()
}

// appendRequest appends a request in whole, to be sent in one write.
func (s *sender) appendRequest(b []byte, op string, signed contract.SignedHeaders, body []byte) []byte {
	b = fmt.Appendf(b, "POST /v1/%s HTTP/1.1\r\n%s", op, s.constant)
	b = fmt.Appendf(b, "%s: %d\r\n", contract.HeaderTimestamp, signed.Timestamp)
	b = fmt.Appendf(b, "%s: %s\r\n", contract.HeaderUUID, signed.UUID)
	b = fmt.Appendf(b, "%s: 0x%x\r\n", contract.HeaderSignature, signed.Signature[:])
	return fmt.Appendf(b, "Content-Length: %d\r\n\r\n%s", len(body), body)
}
