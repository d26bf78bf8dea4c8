package warc

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strconv"

	"github.com/andybalholm/brotli"
	"github.com/klauspost/compress/flate"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zlib"
)

// maxCodings is how many encodings on top of each other are undone.
const maxCodings = 5

var (
	errTooLarge      = errors.New("too large")
	errUnknownCoding = errors.New("unknown coding")
	errBadChunk      = errors.New("chunk without size or end")
)

// decodeBody undoes the encodings that the header of msg names. problem is one
// of the Problem constants; body is then what there was up to it.
func decodeBody(msg message, limit int64) (body []byte, problem string) {
	body = msg.body
	steps := []struct{ header, problem string }{
		{"Transfer-Encoding", ProblemTransferEncoding},
		{"Content-Encoding", ProblemContentEncoding},
	}
	for _, step := range steps {
		codings := msg.codings(step.header)
		if len(codings) > maxCodings {
			return body, step.problem
		}
		for _, coding := range slices.Backward(codings) {
			var err error
			if body, err = decodeStep(coding, body, limit); errors.Is(err, errTooLarge) {
				return body, ProblemTooLarge
			} else if err != nil {
				return body, step.problem
			}
		}
	}
	if int64(len(body)) > limit {
		return body[:limit], ProblemTooLarge
	}
	return body, ""
}

// decodeStep undoes one coding, or returns body as it is where it turns out to
// be text that nobody encoded.
func decodeStep(coding string, body []byte, limit int64) ([]byte, error) {
	if len(body) == 0 {
		return body, nil
	}
	if coding == "chunked" {
		return dechunk(body)
	}
	out, err := undo(coding, body, limit)
	switch {
	case err == nil || errors.Is(err, errTooLarge):
		return out, err
	case looksLikeText(body):
		return body, nil
	case errors.Is(err, io.ErrUnexpectedEOF) && len(out) > 0:
		return out, nil // crawlers cut long bodies off
	default:
		return out, err
	}
}

// dechunk undoes the chunked transfer coding. A body whose first chunk is none
// is not chunked; one that ends in the middle was cut off.
func dechunk(body []byte) ([]byte, error) {
	out := make([]byte, 0, len(body))
	for rest := body; ; {
		line, data, complete := bytes.Cut(rest, []byte{'\n'})
		size, ok := chunkSize(line)
		first := len(rest) == len(body)
		switch {
		case first && (!complete || !ok):
			return body, nil
		case !complete, ok && size == 0:
			return out, nil
		case !ok:
			return out, errBadChunk
		case size >= uint64(len(data)):
			return append(out, data...), nil
		}
		after := data[size:]
		end := bytes.TrimPrefix(after, []byte{'\r'})
		if len(end) > 0 && end[0] != '\n' {
			if first {
				return body, nil
			}
			return out, errBadChunk
		}
		out = append(out, data[:size]...)
		rest = end[min(1, len(end)):]
	}
}

// chunkSize reads the line before a chunk: hexadecimal digits, then perhaps an
// extension.
func chunkSize(line []byte) (uint64, bool) {
	line, _, _ = bytes.Cut(line, []byte{';'})
	size, err := strconv.ParseUint(string(bytes.TrimSpace(line)), 16, 63)
	return size, err == nil
}

// undo decompresses body, up to limit bytes of it. With an error it returns
// what was decompressed before it.
func undo(coding string, body []byte, limit int64) ([]byte, error) {
	switch coding {
	case "gzip", "x-gzip":
		r, err := gzip.NewReader(bytes.NewReader(body))
		if err != nil {
			return nil, err
		}
		out, err := readUpTo(r, limit)
		if errors.Is(err, gzip.ErrHeader) {
			err = nil // something follows the last member
		}
		return out, err
	case "deflate":
		// RFC 9110 means zlib; many servers send bare deflate data instead.
		if r, err := zlib.NewReader(bytes.NewReader(body)); err == nil {
			if out, err := readUpTo(r, limit); err == nil || len(out) > 0 {
				return out, err
			}
		}
		return readUpTo(flate.NewReader(bytes.NewReader(body)), limit)
	case "br":
		return readUpTo(brotli.NewReader(bytes.NewReader(body)), limit)
	default:
		return nil, errUnknownCoding
	}
}

// readUpTo reads r to its end, or fails with errTooLarge after limit bytes.
func readUpTo(r io.Reader, limit int64) ([]byte, error) {
	out, err := io.ReadAll(io.LimitReader(r, limit+1))
	if int64(len(out)) > limit {
		return out[:limit], errTooLarge
	}
	return out, err
}
