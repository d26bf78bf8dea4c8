package compare

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"iter"
	"strconv"

	"finest/eval"
)

// Document is one text of a dataset.
type Document struct {
	// Key names the page: equal in every dataset made of the same pages, so that
	// samples of two of them hold the same pages. Without a key the position in
	// the dataset stands for it.
	Key string
	// URL is that of the page; empty if not known.
	URL  string
	Text string
}

// Documents reads a dataset from its beginning; it may be called again, and gives
// the same documents each time. The sequence ends after the first error.
type Documents func(ctx context.Context) iter.Seq2[Document, error]

// Input is a dataset with the name it has in results.
type Input struct {
	Name      string
	Documents Documents
}

// Part returns the part of a dataset of n parts that hold no page in common: the
// pages whose SHA-256(seed ‖ key), taken as a number, is part modulo n.
func Part(d Documents, seed eval.Seed, part, n int) Documents {
	return func(ctx context.Context) iter.Seq2[Document, error] {
		return func(yield func(Document, error) bool) {
			for doc, err := range keyed(ctx, d) {
				if at := rank(seed, doc.Key); err == nil && binary.BigEndian.Uint64(at[:])%uint64(n) != uint64(part) {
					continue
				}
				if !yield(doc, err) || err != nil {
					return
				}
			}
		}
	}
}

// positionKey begins the key of a document that has none of its own.
const positionKey = "\x00position/"

// keyed gives every document a key, and ends with ctx.
func keyed(ctx context.Context, d Documents) iter.Seq2[Document, error] {
	return func(yield func(Document, error) bool) {
		position := int64(0)
		for doc, err := range d(ctx) {
			if err == nil {
				err = ctx.Err()
			}
			if doc.Key == "" {
				doc.Key = positionKey + strconv.FormatInt(position, 10)
			}
			position++
			if !yield(doc, err) || err != nil {
				return
			}
		}
	}
}

// pageRank is where a seed puts a page.
type pageRank [sha256.Size]byte

// rank is SHA-256(seed ‖ key).
func rank(seed eval.Seed, key string) pageRank {
	buf := make([]byte, 0, len(seed)+len(key))
	return sha256.Sum256(append(append(buf, seed[:]...), key...))
}
