package dataset

import (
	"bufio"
	"errors"
	"io"
	"os"
	"strings"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

const readBuffer = 256 << 10

// maxWindow bounds what a zstd decoder keeps: that of zstd --long.
const maxWindow = 128 << 20

// stream is a file as it reads inflated.
type stream struct {
	io.Reader
	close []func() error
}

// Close closes all that the stream reads through.
func (s *stream) Close() error {
	var errs []error
	for _, c := range s.close {
		errs = append(errs, c())
	}
	return errors.Join(errs...)
}

// open opens a file and inflates it by its name.
func (f file) open() (io.ReadCloser, error) {
	in, err := os.Open(f.path)
	if err != nil {
		return nil, err
	}
	s := &stream{Reader: bufio.NewReaderSize(in, readBuffer), close: []func() error{in.Close}}
	switch name := strings.ToLower(f.path); {
	case strings.HasSuffix(name, ".gz"):
		z, err := gzip.NewReader(s.Reader)
		if err != nil {
			_ = in.Close()
			return nil, err
		}
		s.Reader = z
	case strings.HasSuffix(name, ".zst"):
		z, err := zstd.NewReader(s.Reader, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxWindow(maxWindow))
		if err != nil {
			_ = in.Close()
			return nil, err
		}
		s.Reader = z
		s.close = append(s.close, func() error { z.Close(); return nil })
	}
	return s, nil
}

// lines cuts a stream at newlines.
type lines struct {
	in     *bufio.Reader
	number int64
	buffer []byte
}

// next returns the next line without its end, which is good until the next
// call. One longer than MaxDocument is nil with long set.
func (l *lines) next() (line []byte, long bool, err error) {
	l.buffer = l.buffer[:0]
	l.number++
	for {
		part, err := l.in.ReadSlice('\n')
		if !long && len(l.buffer)+len(part) > MaxDocument+1 {
			long, l.buffer = true, l.buffer[:0]
		}
		if !long {
			l.buffer = append(l.buffer, part...)
		}
		switch {
		case err == nil, errors.Is(err, io.EOF) && (len(l.buffer) > 0 || long):
			return trimLine(l.buffer), long, nil
		case !errors.Is(err, bufio.ErrBufferFull):
			return nil, false, err
		}
	}
}

func trimLine(b []byte) []byte {
	if n := len(b); n > 0 && b[n-1] == '\n' {
		b = b[:n-1]
	}
	if n := len(b); n > 0 && b[n-1] == '\r' {
		b = b[:n-1]
	}
	return b
}
