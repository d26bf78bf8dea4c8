// Package pii replaces e-mail addresses and public IP addresses in text.
package pii

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"strings"

	"finest/pipeline"
)

// PII is the stage that replaces personal addresses. It never drops.
//
// Replacements come from a list in turn. The reference goes on with its turn
// from document to document, so its output depends on what came before. Here a
// row is a function of its record: the first replacement in a document is drawn
// by the SHA-256 of the document's id, once for e-mails and once for IPs, and
// the turn goes on from there within the document.
type PII struct {
	emails, ips   []string
	email         *emailPattern
	publicOnly    bool
	drawFirst     bool
	replaceEmails bool
	replaceIPs    bool
}

// Spec returns the stage as FineWeb used it (datatrove 0.2.0), but for its
// e-mail pattern, which knew lower-case letters only and leaked the others: this
// one is of the version fixed on 2024-05-02.
//
//	emails             replace e-mail addresses
//	email_case         any: with letters of both cases; lower: as FineWeb did,
//	                   which leaves A@b.co and cuts a@b.Com
//	ips                replace IPv4 addresses
//	public_ips_only    leave private and reserved ones
//	email_replacement  what they are replaced with, in turn
//	ip_replacement     the same for IPs: addresses that answered no ping
//	first_replacement  record: drawn by the record's id; list: the list's first
func Spec() pipeline.StageSpec {
	return pipeline.StageSpec{
		Name: "pii",
		Params: map[string]string{
			"emails":            "true",
			"email_case":        "any",
			"ips":               "true",
			"public_ips_only":   "true",
			"email_replacement": "email@example.com firstname.lastname@example.org",
			"ip_replacement": "22.214.171.124 126.96.36.199 188.8.131.52 " +
				"184.108.40.206 220.127.116.11 18.104.22.168",
			"first_replacement": "record",
		},
	}
}

// New builds the stage.
func New(spec pipeline.StageSpec) (pipeline.Stage, error) {
	p := pipeline.NewParams(spec)
	s := &PII{
		email:         newEmailPattern(p.Choice("email_case", "any", "lower") == "any"),
		replaceEmails: p.Bool("emails"),
		replaceIPs:    p.Bool("ips"),
		publicOnly:    p.Bool("public_ips_only"),
		emails:        p.List("email_replacement"),
		ips:           p.List("ip_replacement"),
		drawFirst:     p.Choice("first_replacement", "record", "list") == "record",
	}
	if err := p.Err(); err != nil {
		return nil, err
	}
	if s.replaceEmails && len(s.emails) == 0 {
		return nil, fmt.Errorf("stage %s: parameter email_replacement: is empty; emails = false leaves addresses as they are", spec.Name)
	}
	if s.replaceIPs && len(s.ips) == 0 {
		return nil, fmt.Errorf("stage %s: parameter ip_replacement: is empty; ips = false leaves addresses as they are", spec.Name)
	}
	return s, nil
}

// Name is "pii".
func (*PII) Name() string { return "pii" }

// Process edits the text: first e-mails, then IPs, which leaves an address like
// user@192.0.2.1 an e-mail.
func (s *PII) Process(d *pipeline.Document) *pipeline.Drop {
	var draw [2]uint64
	if s.drawFirst {
		sum := sha256.Sum256([]byte(d.ID))
		draw = [2]uint64{binary.BigEndian.Uint64(sum[:8]), binary.BigEndian.Uint64(sum[8:16])}
	}
	if s.replaceEmails {
		d.Text = replace(d.Text, s.emails, draw[0], s.email.next, func(string) bool { return true })
	}
	if s.replaceIPs {
		d.Text = replace(d.Text, s.ips, draw[1], nextIP, s.isWanted)
	}
	return nil
}

// isWanted reports whether an IP address is to be replaced.
func (s *PII) isWanted(ip string) bool {
	address, ok := parseIP(ip)
	return ok && (!s.publicOnly || isGlobal(address))
}

// replace puts the list's entries, from turn on, in the place of what next finds
// and wanted accepts. next returns the first match at or after an offset; matches
// do not overlap.
func replace(text string, list []string, turn uint64, next func(text string, from int) (start, end int, ok bool), wanted func(string) bool) string {
	var out strings.Builder
	done := 0
	for from := 0; ; {
		start, end, ok := next(text, from)
		if !ok {
			break
		}
		from = end
		if !wanted(text[start:end]) {
			continue
		}
		out.WriteString(text[done:start])
		out.WriteString(list[turn%uint64(len(list))])
		turn++
		done = end
	}
	if done == 0 {
		return text
	}
	out.WriteString(text[done:])
	return out.String()
}
