package huggingface

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strconv"

	"finest/hub"
	"finest/internal/polite"
)

// lfsJSON is the media type of the LFS API
// (github.com/git-lfs/git-lfs, docs/api/batch.md).
const lfsJSON = "application/vnd.git-lfs+json"

type batchRequest struct {
	Operation string        `json:"operation"`
	Transfers []string      `json:"transfers"`
	HashAlgo  string        `json:"hash_algo"`
	Ref       *batchRef     `json:"ref,omitempty"`
	Objects   []batchObject `json:"objects"`
}

type batchRef struct {
	Name string `json:"name"`
}

type batchObject struct {
	OID  string `json:"oid"`
	Size int64  `json:"size"`
}

type batchReply struct {
	Transfer string `json:"transfer"`
	Objects  []struct {
		batchObject
		Error *struct {
			Code    int    `json:"code"`
			Message string `json:"message"`
		} `json:"error"`
		Actions *offer `json:"actions"`
	} `json:"objects"`
}

// offer is how the hub takes an object.
type offer struct {
	Upload *action `json:"upload"`
	Verify *action `json:"verify"`

	transfer transfer
}

type action struct {
	Href   string            `json:"href"`
	Header map[string]scalar `json:"header"`
}

// scalar is a JSON string or number as text; chunk_size comes as either.
type scalar string

// UnmarshalJSON takes strings and numbers.
func (s *scalar) UnmarshalJSON(raw []byte) error {
	if len(raw) > 0 && raw[0] == '"' {
		return json.Unmarshal(raw, (*string)(s))
	}
	var n json.Number
	if err := json.Unmarshal(raw, &n); err != nil {
		return fmt.Errorf("a header is neither text nor number: %w", err)
	}
	*s = scalar(n)
	return nil
}

// batch asks how each object is to be sent; there is no offer for those that
// the hub has already. Objects are at most maxBatch, and different.
func (c *Client) batch(ctx context.Context, repo, branch string, objects []batchObject) (map[string]*offer, error) {
	var reply batchReply
	err := c.callJSON(ctx, request{
		method: http.MethodPost, path: "/datasets/" + repo + ".git/info/lfs/objects/batch",
		contentType: lfsJSON, accept: lfsJSON, repeatable: true,
		message: batchRequest{
			Operation: "upload", Transfers: transferNames, HashAlgo: "sha256",
			Ref: &batchRef{branch}, Objects: objects,
		},
	}, &reply)
	if err != nil {
		return nil, err
	}
	return reply.offers(objects)
}

// offers checks the reply against what was asked for.
func (r *batchReply) offers(asked []batchObject) (map[string]*offer, error) {
	way, known := transfers[r.Transfer]
	if !known {
		return nil, strange("LFS batch: the hub chose the transfer %.40q, which was not offered", r.Transfer)
	}
	sizes := make(map[string]int64, len(asked))
	for _, o := range asked {
		sizes[o.OID] = o.Size
	}
	offers := make(map[string]*offer)
	for _, o := range r.Objects {
		size, open := sizes[o.OID]
		switch {
		case !open:
			return nil, strange("LFS batch: the hub answers about object %.80q, which it was not asked, or twice", o.OID)
		case o.Error != nil:
			return nil, refused(o.OID, o.Error.Code, o.Error.Message)
		case o.Size != size:
			return nil, strange("LFS batch: the hub gives object %s %d bytes, not %d", o.OID, o.Size, size)
		}
		delete(sizes, o.OID)
		if o.Actions != nil && o.Actions.Upload != nil {
			o.Actions.transfer = way
			if _, inParts := o.Actions.Upload.Header[chunkSizeKey]; inParts {
				// The reply's name is of all objects; this is of one
				// (huggingface_hub, lfs.py, lfs_upload).
				o.Actions.transfer = multipart{}
			}
			offers[o.OID] = o.Actions
		}
	}
	if len(sizes) > 0 {
		return nil, strange("LFS batch: the hub does not answer about %d of %d objects", len(sizes), len(asked))
	}
	return offers, nil
}

// refused is the error of one object of a batch. Its codes are those of HTTP.
func refused(oid string, code int, message string) error {
	err := fmt.Errorf("the hub refuses object %s: %s (code %d)", oid, oneLine(message), code)
	switch {
	case code == http.StatusTooManyRequests || code >= http.StatusInternalServerError:
		return fmt.Errorf("%w: %w", err, hub.ErrUnavailable)
	case code == http.StatusUnauthorized || code == http.StatusForbidden:
		return fmt.Errorf("%w: %w", err, hub.ErrDenied)
	}
	return err
}

// verify tells the hub that an object has been sent, and fails if the hub has it
// not. The Hub's Python client calls it, its JavaScript client does not.
func (c *Client) verify(ctx context.Context, o batchObject, to *action) error {
	if to == nil {
		return nil
	}
	u, err := c.storageURL(to.Href)
	if err != nil {
		return fmt.Errorf("verify object %s: %w", o.OID, err)
	}
	header := headerOf(to.Header)
	c.authorize(header, u)
	if err := c.post(ctx, u, header, o); err != nil {
		return fmt.Errorf("verify object %s: %w", o.OID, err)
	}
	return nil
}

// post sends a JSON message of the LFS API to a URL that the hub gave out. The
// hub may get it twice.
func (c *Client) post(ctx context.Context, to *url.URL, header http.Header, message any) error {
	body, size, err := encode(message)
	if err != nil {
		return err
	}
	header.Set("Content-Type", lfsJSON)
	header.Set("Accept", lfsJSON)
	header["Idempotency-Key"] = nil                                   // the mark of net/http; it is not sent
	resp, err := c.send(ctx, http.MethodPost, to, header, body, size) //nolint:bodyclose // Discard closes it
	if err != nil {
		return err
	}
	polite.Discard(resp)
	return nil
}

// notSent are header lines that an action cannot set: they are the connection's.
var notSent = []string{"Host", "Content-Length", "Transfer-Encoding", "Connection", "Expect", "Upgrade", "Trailer", "Te"}

// headerOf returns the lines that an action wants in its request, without those
// that describe a multipart upload.
func headerOf(lines map[string]scalar) http.Header {
	h := make(http.Header)
	for name, value := range lines {
		if _, err := strconv.Atoi(name); err != nil && name != chunkSizeKey {
			h.Set(name, string(value))
		}
	}
	for _, name := range notSent {
		h.Del(name)
	}
	return h
}
