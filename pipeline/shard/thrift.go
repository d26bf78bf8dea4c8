package shard

import (
	"encoding/binary"
	"errors"
)

// Types of Thrift's compact protocol
// (https://github.com/apache/thrift/blob/master/doc/specs/thrift-compact-protocol.md).
const (
	thriftStop   = 0
	thriftTrue   = 1
	thriftFalse  = 2
	thriftByte   = 3
	thriftI16    = 4
	thriftI32    = 5
	thriftI64    = 6
	thriftDouble = 7
	thriftBinary = 8
	thriftList   = 9
	thriftSet    = 10
	thriftMap    = 11
	thriftStruct = 12
)

const (
	maxThriftDepth    = 12
	maxThriftElements = 1 << 17
)

var errThrift = errors.New("metadata is not well-formed")

// thriftLength returns the length of the struct at the beginning of b. It
// refuses what a decoder that trusts lengths would allocate too much memory
// for: lists longer than the bytes that could hold them, or too long in sum.
func thriftLength(b []byte) (int, error) {
	s := thriftScanner{b: b}
	s.structure(0)
	if s.bad {
		return 0, errThrift
	}
	return s.pos, nil
}

type thriftScanner struct {
	b        []byte
	pos      int
	elements int
	bad      bool
}

func (s *thriftScanner) structure(depth int) {
	if depth > maxThriftDepth {
		s.bad = true
	}
	for !s.bad {
		head := s.byte()
		if head == thriftStop {
			return
		}
		if head>>4 == 0 {
			s.uvarint() // field id
		}
		if t := head & 15; t != thriftTrue && t != thriftFalse { // their value is the type
			s.value(t, depth)
		}
	}
}

// value passes one value; booleans in lists take a byte.
func (s *thriftScanner) value(kind byte, depth int) {
	switch kind {
	case thriftTrue, thriftFalse, thriftByte:
		s.skip(1)
	case thriftI16, thriftI32, thriftI64:
		s.uvarint()
	case thriftDouble:
		s.skip(8)
	case thriftBinary:
		s.skip(s.uvarint())
	case thriftList, thriftSet:
		head := s.byte()
		n := uint64(head >> 4)
		if n == 15 {
			n = s.uvarint()
		}
		s.repeat(n, depth, head&15)
	case thriftMap:
		if n := s.uvarint(); n > 0 {
			head := s.byte()
			s.repeat(n, depth, head>>4, head&15)
		}
	case thriftStruct:
		s.structure(depth + 1)
	default:
		s.bad = true
	}
}

func (s *thriftScanner) repeat(n uint64, depth int, kinds ...byte) {
	if depth >= maxThriftDepth || n > uint64(len(s.b)-s.pos) || n > uint64(maxThriftElements-s.elements) {
		s.bad = true
		return
	}
	s.elements += int(n)
	for range n {
		for _, kind := range kinds {
			if s.value(kind, depth+1); s.bad {
				return
			}
		}
	}
}

func (s *thriftScanner) byte() byte {
	if s.pos >= len(s.b) {
		s.bad = true
		return thriftStop
	}
	s.pos++
	return s.b[s.pos-1]
}

func (s *thriftScanner) uvarint() uint64 {
	u, n := binary.Uvarint(s.b[s.pos:])
	if n <= 0 {
		s.bad = true
		return 0
	}
	s.pos += n
	return u
}

func (s *thriftScanner) skip(n uint64) {
	if n > uint64(len(s.b)-s.pos) {
		s.bad = true
		return
	}
	s.pos += int(n)
}
